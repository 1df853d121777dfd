import assert from 'node:assert/strict'
import { test } from 'node:test'
import { usageOf } from './inside.ts'

const MB = 1024 * 1024
const QUIET = { outOfMemory: null, refusedProcess: false, cpuSeconds: null }

test('the counters of version 2 say what a container ran into', () => {
  const counted = (events: string) =>
    `${events}\npids.events max 0\ncpu.stat usage_usec 2500000\ncpu.stat user_usec 1\n`
  const usage = (events: string) => usageOf(counted(events), 64 * MB)
  assert.deepEqual(usage('memory.events oom 0\nmemory.events oom_kill 0'), { ...QUIET, cpuSeconds: 2.5 })
  assert.equal(usage('memory.events oom 1\nmemory.events oom_kill 1').outOfMemory, 'group')
  assert.equal(usage('memory.events oom 0\nmemory.events oom_kill 1').outOfMemory, 'machine')
  assert.equal(usageOf('pids.events max 3\nmemory.events max 9\n', MB).refusedProcess, true)
  assert.equal(usageOf('pids.events max 0\nmemory.events max 9\n', MB).refusedProcess, false)
})

test('the counters of version 1 do so too', () => {
  const usage = (highest: number) =>
    usageOf(
      `memory/memory.oom_control oom_kill 2\nmemory/memory.max_usage_in_bytes ${highest} \npids/pids.events max 1\ncpuacct/cpuacct.usage 1500000000 \n`,
      64 * MB,
    )
  assert.deepEqual(usage(64 * MB), { outOfMemory: 'group', refusedProcess: true, cpuSeconds: 1.5 })
  assert.equal(usage(10 * MB).outOfMemory, 'machine')
})

test('what a child wrote in their place says nothing or something wrong of itself alone', () => {
  for (const text of ['', '\0', 'memory.events oom_kill x', 'a b c d', 'cpu.stat usage_usec Infinity'])
    assert.deepEqual(usageOf(text, MB), QUIET)
})
