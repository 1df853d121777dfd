import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bubblewrapArguments } from './arguments.ts'

const CONFINEMENT = {
  user: { uid: 1000, gid: 1000 },
  system: ['--ro-bind', '/usr', '/usr'],
  writable: ['/w/1'],
  readable: ['/mirror/objects', '/w/1/index'],
  placed: {},
  cwd: '/w/1/tree',
  home: '/w/1/home',
  status: 3,
  filter: 4,
}
const lineOf = (changes = {}) => bubblewrapArguments({ ...CONFINEMENT, ...changes }).join(' ')

test('every namespace is its own, no capability is kept, and it ends with Moose', () => {
  const line = lineOf()
  for (const space of ['user', 'pid', 'ipc', 'uts', 'net']) assert.match(line, new RegExp(`--unshare-${space} `))
  assert.match(line, /--cap-drop ALL --die-with-parent --new-session/)
  assert.match(line, /--remount-ro \/ --chdir \/w\/1\/tree --$/)
})

test('what lies deeper is mounted later, whether it may be written or only read', () => {
  assert.match(lineOf(), /--bind \/w\/1 \/w\/1 --ro-bind-try \/w\/1\/index/)
  const aider = { writable: ['/w/1/tree', '/w/1/aider/home'], readable: ['/w/1/aider'] }
  assert.match(lineOf(aider), /--ro-bind-try \/w\/1\/aider \/w\/1\/aider .*--bind \/w\/1\/aider\/home/)
})

test('what is there already is not mounted again', () => {
  const line = lineOf({ readable: ['/usr/local/go', '/lib/jvm', '/opt2/tool', '/opt2/tool/bin'] })
  assert.doesNotMatch(line, /\/usr\/local\/go|\/lib\/jvm|\/opt2\/tool\/bin/)
})

test('a machine for which there is no filter of system calls has none', () => {
  assert.doesNotMatch(lineOf({ filter: null }), /seccomp/)
  assert.match(lineOf(), /--json-status-fd 3 --seccomp 4/)
})
