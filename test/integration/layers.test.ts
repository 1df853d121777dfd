import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'

const ROOT = path.join(import.meta.dirname, '../..')

/** What the gate says of a tree with these files. */
async function cruise(files: Readonly<Record<string, string>>): Promise<{ passed: boolean; said: string }> {
  const tree = await mkdtemp(path.join(tmpdir(), 'moose-layers-'))
  try {
    await symlink(path.join(ROOT, 'node_modules'), path.join(tree, 'node_modules'))
    for (const name of ['.dependency-cruiser.mjs', 'tsconfig.json', 'package.json'])
      await copyFile(path.join(ROOT, name), path.join(tree, name))
    for (const [name, content] of Object.entries(files)) {
      await mkdir(path.join(tree, path.dirname(name)), { recursive: true })
      await writeFile(path.join(tree, name), content)
    }
    return await new Promise((resolve) => {
      const program = path.join(ROOT, 'node_modules/.bin/depcruise')
      const options = { cwd: tree, env: { PATH: String(process.env['PATH']), NO_COLOR: '1' } }
      execFile(program, ['src', '--config', '.dependency-cruiser.mjs'], options, (error, stdout) =>
        resolve({ passed: error === null, said: stdout }),
      )
    })
  } finally {
    await rm(tree, { recursive: true })
  }
}

const leaf = 'export const leaf = 1\n'
const importing = (target: string) => `import { leaf } from '${target}'\nexport const it = leaf\n`

test('imports that run downward pass, and the modules are really seen', async () => {
  const { passed, said } = await cruise({
    'src/work-order/a.ts': leaf,
    'src/db/b.ts': importing('../work-order/a.ts'),
    'src/orchestrator/c.ts': importing('../db/b.ts').replaceAll('leaf', 'it').replace('const it', 'const that'),
  })
  assert.ok(passed, said)
  assert.match(said, /3 modules, 2 dependencies/)
})

test('a planted upward import is refused by name', async () => {
  const { passed, said } = await cruise({ 'src/db/b.ts': leaf, 'src/work-order/a.ts': importing('../db/b.ts') })
  assert.ok(!passed)
  assert.match(said, /upward-from-layer-\d+: src\/work-order\/a\.ts → src\/db\/b\.ts/)
})

test('a planted cycle is refused by name, also one of types alone', async () => {
  const { passed, said } = await cruise({
    'src/db/a.ts': "import type { B } from './b.ts'\nexport type A = B | 1\n",
    'src/db/b.ts': "import type { A } from './a.ts'\nexport type B = A | 2\n",
  })
  assert.ok(!passed)
  assert.match(said, /no-cycle: src\/db\//)
})

test('an adapter that imports another is refused by name', async () => {
  const { passed, said } = await cruise({ 'src/forge/a.ts': leaf, 'src/manager/b.ts': importing('../forge/a.ts') })
  assert.ok(!passed)
  assert.match(said, /sideways-from-manager/)
})
