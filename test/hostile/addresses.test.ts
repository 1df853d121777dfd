/** Addresses that no test may contact, in a network namespace in which they are the test's own. */
import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import path from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { withoutBubblewrap } from '../support/sandbox-setting.ts'
import { lacking, notHere } from '../support/tool-or-skip.ts'

/** A metadata service, that of another cloud, a registry, and a machine of the operator's network. */
const ADDRESSES = ['169.254.169.254', '100.100.100.200', '192.0.2.80', '10.20.30.40']
const PROGRAM = path.join(import.meta.dirname, '../support/addresses-of-others.ts')
const AS_IT_IS = process.getuid?.() === 0 ? ['--net'] : ['--net', '--map-root-user']

test('a check reaches a metadata service, a registry and the inner network without a sandbox, and not in one', {
  timeout: 120_000,
  skip: withoutBubblewrap || lacking('unshare', 'ip') || whyNoNamespace(),
}, async () => {
  const add = ADDRESSES.map((address) => `ip addr add ${address}/32 dev lo`).join(' && ')
  const script = `ip link set lo up && ${add} && exec "$@"`
  const args = [...AS_IT_IS, 'sh', '-c', script, 'sh', process.execPath, PROGRAM, ...ADDRESSES]
  const { stdout } = await promisify(execFile)('unshare', args)
  assert.deepEqual(JSON.parse(stdout), {
    bare: { reached: ADDRESSES, connections: ADDRESSES.length },
    bubblewrap: { reached: [], connections: 0 },
  })
})

/** Where bubblewrap can be had, so can these. */
function whyNoNamespace(): string | false {
  const made = spawnSync('unshare', [...AS_IT_IS, 'ip', 'link', 'set', 'lo', 'up'])
  return made.status === 0 ? false : notHere('no network namespace can be made here with unshare and ip')
}
