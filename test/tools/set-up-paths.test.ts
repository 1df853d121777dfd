import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findToolchains } from '../../src/sandbox/toolchains.ts'
import type { FileChange } from '../support/git-remote.ts'
import { setUpSetting } from '../support/set-up-setting.ts'
import { lacking } from '../support/tool-or-skip.ts'

type Project = {
  name: string
  programs: readonly string[]
  files: Readonly<Record<string, FileChange>>
  setup: string
  cache: readonly string[]
  /** Fails where what was installed names another folder than its own. */
  check: string
}

const PROJECTS: readonly Project[] = [
  {
    name: 'a venv of Python with pip',
    programs: ['python3'],
    files: { 'requirements.txt': '' },
    setup: 'python3 -m venv .venv',
    cache: ['.venv'],
    check: `. .venv/bin/activate
test "$VIRTUAL_ENV" = "$PWD/.venv"
test "$(python -c 'import sys; print(sys.prefix)')" = "$PWD/.venv"
pip --version | grep -F "$PWD/.venv"
head -n 2 .venv/bin/pip | grep -F "$PWD/.venv/"`,
  },
  {
    name: 'a package of npm with a program',
    programs: ['npm'],
    files: {
      'package.json': '{"name":"app","version":"1.0.0","dependencies":{"tool":"file:tool"}}',
      'tool/package.json': '{"name":"tool","version":"1.0.0","bin":{"tool":"tool.js"}}',
      'tool/tool.js': { content: '#!/usr/bin/env node\nconsole.log("tool of", __dirname)\n', mode: 0o755 },
    },
    setup: 'npm install --offline --no-audit --no-fund --install-links',
    cache: ['node_modules'],
    check: 'node_modules/.bin/tool | grep -Fx "tool of $PWD/node_modules/tool"',
  },
  {
    name: 'a target folder of Cargo',
    programs: ['cargo'],
    files: {
      'Cargo.toml':
        '[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\n\n[dependencies]\ndep = { path = "dep" }\n',
      'src/lib.rs': 'pub fn two() -> u8 { dep::two() }\n#[test]\nfn is_two() { assert_eq!(two(), 2) }\n',
      'dep/Cargo.toml': '[package]\nname = "dep"\nversion = "0.1.0"\nedition = "2021"\n',
      'dep/src/lib.rs': 'pub fn two() -> u8 { 2 }\n',
    },
    setup: 'cargo test --offline --no-run',
    cache: ['target', '~/.cargo/registry'],
    check: 'cargo test --offline 2>&1 | grep -F "1 passed"',
  },
]

for (const { name, programs, files, check, ...wanted } of PROJECTS) {
  test(`works in two attempts at once, each in a folder of its own: ${name}`, {
    skip: lacking(...programs),
    timeout: 600_000,
  }, async () => {
    const environment = Object.fromEntries(
      ['HOME', 'PYENV_ROOT', 'RUSTUP_HOME', 'CARGO_HOME'].flatMap((variable) => {
        const value = process.env[variable]
        return value === undefined ? [] : [[variable, value]]
      }),
    )
    const toolchains = await findToolchains({ environment, executablePath: String(process.env['PATH']) })
    await using given = await setUpSetting(files, wanted, toolchains)
    const base = await given.fetch()
    const prepared = await given.prepare(base)
    await using one = await given.open(base, prepared, 1)
    await using other = await given.open(base, prepared, 2)
    assert.notEqual(one.path, other.path)
    for (const workspace of [one, other]) {
      const { outcome, outputTail } = await given.check(workspace, check)
      assert.equal(outcome, 'passed', outputTail)
    }
  })
}
