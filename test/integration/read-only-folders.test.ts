import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import path from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { lacking } from '../support/tool-or-skip.ts'

const SCRIPT = path.join(import.meta.dirname, '../support/restore-read-only.ts')
const isRoot = process.getuid?.() === 0
/** `nobody` on every Linux: permissions do not stop root. */
const OTHER_USER = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']

test('life E2: folders a check left without write permission are cleaned, and later checks find the tree as it was', {
  skip: isRoot && lacking('setpriv'),
}, async () => {
  const [command, ...args] = [...(isRoot ? OTHER_USER : []), process.execPath, SCRIPT]
  const { stdout } = await promisify(execFile)(command, args, { env: { PATH: process.env['PATH'], HOME: '/' } })
  const asItWas = ['src', 'src/a.txt', 'one\n']
  assert.deepEqual(JSON.parse(stdout), {
    'an untracked folder': asItWas,
    'a tracked folder': asItWas,
    'the tree itself': asItWas,
  })
})
