import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

function tally(...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['bin/tally.js', ...args], {
    cwd: root,
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

test('the example of the README is what the command prints', () => {
  const [, shown] = /^\$ node bin\/tally\.js examples\/march\.json\n([^`]*)```/m.exec(
    readFileSync(`${root}/README.md`, 'utf8'),
  )
  assert.deepEqual(tally('examples/march.json'), { status: 0, stdout: shown, stderr: '' })
})

test('lines can come from a CSV file', () => {
  const { status, stdout } = tally('examples/march.json', '--lines', 'examples/april.csv')
  assert.equal(status, 0)
  assert.match(stdout, /Flour sieve +74\.70\n/)
  assert.match(stdout, /Total +92\.27\n/)
})

test('a wrong invoice exits with 1, a wrong command line with 2', () => {
  const missing = tally('examples/may.json')
  assert.equal(missing.status, 1)
  assert.match(missing.stderr, /^tally: ENOENT/)
  assert.equal(tally().status, 2)
  assert.equal(tally('examples/march.json', '--colour').status, 2)
})
