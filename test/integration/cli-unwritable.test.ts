import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { makeHome } from '../support/embedded-home.ts'

const MAIN = path.join(import.meta.dirname, '../../src/cli/main.ts')
/** Files that can be opened and take nothing, with what the system says of a write. */
const UNWRITABLE = { '/dev/full': 'no space left on device', '/proc/self/mem': 'i/o error' }
const skip = Object.keys(UNWRITABLE).every((file) => existsSync(file)) ? false : 'only Linux has such files'

type Stdio = { stdout?: string; stderr?: string }

function run(words: readonly string[], { stdout, stderr }: Stdio, home = '/nonexistent') {
  const files = [stdout, stderr].map((file) => (file === undefined ? null : openSync(file, 'r+')))
  const [out, err] = files.map((file) => (file === null ? ('pipe' as const) : file))
  const env = { PATH: process.env['PATH'], HOME: '/nonexistent', MOOSE_HOME: home }
  const ended = spawnSync(process.execPath, [MAIN, ...words], { env, stdio: ['ignore', out, err], encoding: 'utf8' })
  for (const file of files) if (file !== null) closeSync(file)
  return { status: ended.status, said: ended.stderr }
}

test('life E4: what cannot be written is one line on stderr and exit code 1, whichever the command', {
  skip,
}, async () => {
  await using home = await makeHome()
  const calls = [
    '--help',
    'budget --help',
    '--version',
    'list --json',
    'status --json',
    'show 1234 --json',
    'nope --json',
  ]
  for (const words of calls) {
    const { status, said } = run(words.split(' '), { stdout: '/dev/full' }, home.path)
    assert.deepEqual(
      [status, said],
      [1, 'error: What Moose prints cannot be written: no space left on device.\n'],
      words,
    )
  }
})

test('life E4: a terminal that is gone is told as the system says it, and on stderr alone nothing can be', {
  skip,
}, () => {
  for (const [file, reason] of Object.entries(UNWRITABLE)) {
    const { status, said } = run(['--help'], { stdout: file })
    assert.deepEqual([status, said], [1, `error: What Moose prints cannot be written: ${reason}.\n`])
  }
  assert.equal(run(['nope'], { stderr: '/dev/full' }).status, 1)
})
