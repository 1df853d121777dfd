import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seatbeltProfile } from './profile.ts'

const rights = { writable: ['/w/1'], readable: ['/mirror/objects', '/w/1/index'], ports: [] }
const linesOf = (changes = {}) => seatbeltProfile({ ...rights, ...changes }).split('\n')

test('everything is denied first, and no rule allows all files, all of the network or all services', () => {
  const lines = linesOf({ ports: [4000] })
  assert.deepEqual(lines.slice(0, 2), ['(version 1)', '(deny default)'])
  for (const line of lines)
    assert.doesNotMatch(line, /^\(allow (?:default|file-(?:read|write)\*|network\S*|mach-lookup)\)$/)
})

test('what may be written is allowed, and a part of it that may only be read is denied after it', () => {
  const lines = linesOf()
  const allowed = lines.indexOf('(allow file-write* (subpath "/w/1"))')
  const denied = lines.indexOf('(deny file-write* (subpath "/w/1/index"))')
  assert.ok(allowed > 0 && denied > allowed)
})

test('a folder below one that may only be read is allowed after it', () => {
  const lines = linesOf({ writable: ['/w/1/aider/home'], readable: ['/w/1/aider'] })
  const allowed = lines.indexOf('(allow file-write* (subpath "/w/1/aider/home"))')
  assert.ok(allowed > lines.indexOf('(deny file-write* (subpath "/w/1/aider"))'))
})

test('without a port there is no rule of the network; with one there is that port of loopback alone', () => {
  assert.deepEqual(
    linesOf().filter((line) => line.includes('network')),
    [],
  )
  const lines = linesOf({ ports: [4000] }).filter((line) => line.includes('network'))
  assert.deepEqual(lines, ['(allow network-outbound (remote ip "localhost:4000"))'])
})

test('a path cannot end its string', () => {
  const [line] = linesOf({ writable: ['/w/") (allow default) ("'] }).filter((text) =>
    text.startsWith('(allow file-write* (subpath'),
  )
  assert.equal(line, '(allow file-write* (subpath "/w/\\") (allow default) (\\""))')
})
