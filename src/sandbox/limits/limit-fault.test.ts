import assert from 'node:assert/strict'
import { test } from 'node:test'
import { faultOfEnding, faultOfUsage, RefusalListener } from './limit-fault.ts'

const MEGABYTE = 1024 * 1024
const limits = {
  memoryBytes: 64 * MEGABYTE,
  processes: 50,
  openFiles: 64,
  fileBytes: 20 * MEGABYTE,
  cpuSeconds: 2,
}
const nothing = { outOfMemory: null, refusedProcess: false, cpuSeconds: 1.9 } as const

test('a limit is told with its value, its setting and what to do', () => {
  const fault = faultOfUsage({ ...nothing, outOfMemory: 'group' }, 'check', limits)
  assert.equal(fault?.code, 'child_limit')
  assert.equal(
    fault.message,
    'The check was ended: it used more than 64 MB of memory (MOOSE_CHILD_MEMORY_MB). Where it needs more, raise MOOSE_CHILD_MEMORY_MB.',
  )
  const details = { what: 'check', limit: 'memory', value: 64, setting: 'MOOSE_CHILD_MEMORY_MB' }
  assert.deepEqual(fault.details, details)
})

test('what groups count becomes the limit it is, and want of memory around them another fault', () => {
  const of = (usage: Parameters<typeof faultOfUsage>[0]) => {
    const fault = faultOfUsage(usage, 'aider', limits)
    return fault === null ? null : [fault.code, fault.details['limit']]
  }
  assert.equal(of(nothing), null)
  assert.equal(of({ ...nothing, cpuSeconds: null }), null)
  assert.deepEqual(of({ ...nothing, cpuSeconds: 2 }), ['child_limit', 'cpu_time'])
  assert.deepEqual(of({ ...nothing, refusedProcess: true }), ['child_limit', 'processes'])
  assert.deepEqual(of({ ...nothing, outOfMemory: 'machine', refusedProcess: true }), [
    'machine_out_of_memory',
    undefined,
  ])
})

test('the signals of limits are told, sent to the child itself or to what its shell ran', () => {
  const of = (exitCode: number | null, endedBy: NodeJS.Signals | null) =>
    faultOfEnding({ exitCode, endedBy }, 'setup', limits)?.details['limit']
  assert.equal(of(null, 'SIGXFSZ'), 'file_size')
  assert.equal(of(153, null), 'file_size')
  assert.equal(of(null, 'SIGXCPU'), 'cpu_time')
  assert.equal(of(152, null), 'cpu_time')
  assert.equal(of(1, null), undefined)
  assert.equal(of(null, 'SIGKILL'), undefined)
})

test('what a program says of a refusal is heard, also in pieces, and told once', () => {
  const listener = new RefusalListener()
  for (const piece of ['Error: EMF', 'ILE: too many open ', 'files, open x', '\nEMFILE\n', '[Errno 27] File too large'])
    listener.add(piece)
  assert.deepEqual(listener.notes(limits), [
    'Note: it seems to have been refused more than 64 open files in one process (MOOSE_CHILD_OPEN_FILES).',
    'Note: it seems to have been refused a file of more than 20 MB (MOOSE_CHILD_FILE_MB).',
  ])
  assert.deepEqual(new RefusalListener().notes(limits), [])
})
