import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { readConfig } from '../../src/config.ts'
import { findToolchains } from '../../src/sandbox/toolchains.ts'

/** Folders below a HOME that has nothing else. */
async function operatorHome(folders: readonly string[], files: Readonly<Record<string, string>> = {}) {
  const home = await mkdtemp(path.join(tmpdir(), 'moose-operator-'))
  for (const folder of folders) await mkdir(path.join(home, folder), { recursive: true })
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(home, name)), { recursive: true })
    await writeFile(path.join(home, name), content)
  }
  const find = (more: Record<string, string> = {}) =>
    findToolchains({
      environment: { HOME: home, JAVA_HOME: path.join(home, 'no-jdk'), ...more },
      executablePath: '/usr/bin',
    })
  return { home, find, [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }) }
}

const FOUND: readonly [
  name: string,
  folders: string[],
  files: Record<string, string>,
  bin: string[],
  variables: Record<string, string>,
][] = [
  [
    'rustup and cargo',
    ['.cargo/bin', '.rustup'],
    {},
    ['.cargo/bin'],
    { RUSTUP_HOME: '.rustup', RUSTUP_AUTO_INSTALL: '0' },
  ],
  [
    'pyenv',
    ['.pyenv/shims', '.pyenv/bin'],
    { '.pyenv/version': '3.12.1\n' },
    ['.pyenv/shims', '.pyenv/bin'],
    { PYENV_ROOT: '.pyenv' },
  ],
  [
    'nvm, by the newest',
    ['.nvm/versions/node/v9.1.0/bin', '.nvm/versions/node/v22.1.0/bin'],
    {},
    ['.nvm/versions/node/v22.1.0/bin'],
    {},
  ],
  [
    'nvm, by its default',
    ['.nvm/versions/node/v20.9.0/bin', '.nvm/versions/node/v22.1.0/bin'],
    { '.nvm/alias/default': '20\n' },
    ['.nvm/versions/node/v20.9.0/bin'],
    {},
  ],
  ['fnm', ['.local/share/fnm/aliases/default/bin'], {}, ['.local/share/fnm/aliases/default/bin'], {}],
  ['volta', ['.volta/bin'], {}, ['.volta/bin'], { VOLTA_HOME: '.volta' }],
  ['go', ['sdk/go1.9/bin', 'sdk/go1.26.1/bin', 'go/bin'], {}, ['sdk/go1.26.1/bin', 'go/bin'], {}],
  [
    'the Pythons of uv',
    ['.local/share/uv/python/cpython-3.12.4/bin'],
    {},
    ['.local/share/uv/python/cpython-3.12.4/bin'],
    {},
  ],
  ['SDKMAN', ['.sdkman/candidates/maven/current/bin'], {}, ['.sdkman/candidates/maven/current/bin'], {}],
  [
    'asdf, by the versions of the operator',
    ['.asdf/installs/ruby/3.3.0/bin', '.asdf/installs/ruby/3.2.0/bin'],
    { '.tool-versions': 'ruby 3.2.0\n../x 1\n' },
    ['.asdf/installs/ruby/3.2.0/bin'],
    {},
  ],
  ['mise', ['.local/share/mise/installs/node/latest/bin'], {}, ['.local/share/mise/installs/node/latest/bin'], {}],
  [
    'programs of uv, pipx and poetry, pnpm, bun, deno',
    ['.local/bin', '.local/share/pnpm', '.bun/bin', '.deno/bin'],
    {},
    ['.local/bin', '.local/share/pnpm', '.bun/bin', '.deno/bin'],
    {},
  ],
]

for (const [name, folders, files, bin, variables] of FOUND) {
  test(`what the operator has is handed: ${name}`, async () => {
    await using operator = await operatorHome(folders, files)
    const { executablePath, variables: given, found } = await operator.find()
    const jdks = found.filter(({ where }) => where.startsWith('/usr/lib/jvm')).map(({ where }) => `${where}/bin`)
    const entries = executablePath.split(':').filter((entry) => !jdks.includes(entry))
    assert.deepEqual(entries, ['/usr/bin', ...bin.map((entry) => path.join(operator.home, entry))])
    const expected = Object.entries(variables).map(([key, value]) => [
      key,
      value === '0' ? value : path.join(operator.home, value),
    ])
    assert.deepEqual(given, Object.fromEntries(expected))
    assert.ok(found.length > 0)
  })
}

test('variables win over usual places, and links to one toolchain count once', async () => {
  await using operator = await operatorHome([
    '.cargo/bin',
    'rust/cargo/bin',
    'rust/rustup',
    'jdk/bin',
    '.local/share/uv/python/3.12.4/bin',
  ])
  const at = (name: string) => path.join(operator.home, name)
  await symlink(at('.local/share/uv/python/3.12.4'), at('.local/share/uv/python/3.12'))
  const set = {
    CARGO_HOME: at('rust/cargo'),
    RUSTUP_HOME: at('rust/rustup'),
    JAVA_HOME: at('jdk'),
    PYENV_ROOT: 'relative',
  }
  const { executablePath, variables } = await operator.find(set)
  const entries = executablePath.split(':').slice(1)
  assert.equal(entries.filter((entry) => entry.includes('/uv/')).length, 1)
  assert.ok(entries.includes(at('rust/cargo/bin')) && entries.includes(at('jdk/bin')))
  assert.deepEqual(variables, { RUSTUP_HOME: at('rust/rustup'), RUSTUP_AUTO_INSTALL: '0', JAVA_HOME: at('jdk') })
})

test('no variable of a place that tools write to is handed: caches go to the HOME of the child', async () => {
  await using operator = await operatorHome(['.cargo/bin', '.rustup', 'go/bin', 'gomod'])
  const { variables } = await operator.find({
    CARGO_HOME: path.join(operator.home, '.cargo'),
    GOPATH: path.join(operator.home, 'go'),
  })
  for (const name of ['HOME', 'CARGO_HOME', 'GOPATH', 'GOMODCACHE', 'GOCACHE', 'NVM_DIR'])
    assert.ok(!(name in variables), name)
})

test('a home without any toolchain hands nothing', async () => {
  await using operator = await operatorHome([])
  const { found, variables } = await operator.find()
  assert.deepEqual([found.filter(({ name }) => name !== 'java'), variables], [[], {}])
})

test('only variables of toolchains are read of the environment', () => {
  const { toolchainEnvironment } = readConfig({
    MOOSE_HOME: '/m',
    HOME: '/h',
    RUSTUP_HOME: '/r',
    SECRET: 'x',
    A_API_KEY: 'y',
  })
  assert.deepEqual(toolchainEnvironment, { HOME: '/h', RUSTUP_HOME: '/r' })
})
