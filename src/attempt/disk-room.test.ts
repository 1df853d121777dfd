import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { Fault } from '../faults/fault.ts'
import { hasRoom, namedByDisk } from './disk-room.ts'

const NOW = new Date('2026-01-01T00:00:00Z')
const home = tmpdir()

test('a home that is not there yet has the room of the folder it will be in', async () => {
  assert.equal(await hasRoom(path.join(home, crypto.randomUUID(), 'home')), true)
})

test('whatever failed for want of room is named so, and rests for a minute', async () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
  const failures = [
    new Fault('internal', 'write failed', {}, full),
    new Fault('internal', 'write failed', {}, new Error('outer', { cause: full })),
    new Fault('command_failed', 'git commit failed (exit 128): fatal: write error: No space left on device'),
  ]
  for (const failure of failures) {
    const fault = await namedByDisk(home, failure, NOW)
    assert.deepEqual([fault.code, fault.details['code']], ['disk_full', failure.code])
    assert.equal(fault.details['not_before'], '2026-01-01T00:01:00.000Z')
  }
})

test('with room on the disk a failure stays what it is, and what waits or was stopped does so anyway', async () => {
  const said = 'No space left on device'
  const others = [
    new Fault('check_failed', `The check failed: ${said}`),
    new Fault('attempt_cancelled', said),
    new Fault('provider_paused', said),
    new Fault('attempt_taken_over', said),
  ]
  for (const fault of others) assert.equal(await namedByDisk(home, fault, NOW), fault)
})
