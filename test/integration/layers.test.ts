import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { judgedBy } from '../support/gate.ts'

const ROOT = path.join(import.meta.dirname, '../..')
const SETTINGS = ['.dependency-cruiser.mjs', 'tsconfig.json', 'package.json']
const settings = Object.fromEntries(SETTINGS.map((name) => [name, readFileSync(path.join(ROOT, name), 'utf8')]))

type Files = Readonly<Record<string, string>>
/** Which imports are allowed. */
const cruise = (files: Files) =>
  judgedBy(['node_modules/.bin/depcruise', 'src', '--config', '.dependency-cruiser.mjs'], { ...settings, ...files })
/** Which files stand on their own. */
const layout = (files: Files) => judgedBy(['scripts/layout.ts'], files)

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
  assert.match(said, /upward-from-work-order-detect: src\/work-order\/a\.ts → src\/db\/b\.ts/)
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

test('a planted sliver is refused by name, until it has a test or a second importer', async () => {
  const two = { 'src/forge/part.ts': leaf, 'src/forge/whole.ts': importing('./part.ts') }
  const { passed, said } = await layout(two)
  assert.ok(!passed)
  assert.match(said, /src\/forge\/part\.ts: 1 lines and one importer beside it; join it with src\/forge\/whole\.ts/)
  assert.ok((await layout({ ...two, 'src/forge/part.test.ts': importing('./part.ts') })).passed)
  assert.ok((await layout({ ...two, 'src/forge/other.ts': importing('./part.ts') })).passed)
})

test('a command, and a file whose importer is long, may be short', async () => {
  const files = { 'src/cli/commands/a.ts': leaf, 'src/cli/commands/b.ts': importing('./a.ts') }
  const long = `${importing('./part.ts')}${'// More.\n'.repeat(300)}`
  const { passed, said } = await layout({ ...files, 'src/forge/part.ts': leaf, 'src/forge/whole.ts': long })
  assert.ok(passed, said)
  assert.match(said, /^4 files$/m)
})

test('a crowded folder is refused by name', async () => {
  const names = Array.from({ length: 31 }, (_, number) => `src/db/file-${number}.ts`)
  const { passed, said } = await layout(Object.fromEntries(names.map((name) => [name, leaf])))
  assert.ok(!passed)
  assert.match(said, /src\/db: 31 files; at most 30/)
})

test('a step that imports what is displayed of steps is refused by name', async () => {
  const { passed, said } = await cruise({
    'src/db/attempts/attempt-history.ts': leaf,
    'src/attempt/steps/a.ts': importing('../../db/attempts/attempt-history.ts'),
  })
  assert.ok(!passed)
  assert.match(said, /one-journal: src\/attempt\/steps\/a\.ts/)
})
