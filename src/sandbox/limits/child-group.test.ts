import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { ChildGroup } from './child-group.ts'
import { handOn } from './left-groups.ts'

const MEGABYTE = 1024 * 1024
const limits = { memoryBytes: 64 * MEGABYTE, processes: 50, openFiles: 64, fileBytes: MEGABYTE, cpuSeconds: 2 }
const controllers = ['memory', 'pids', 'cpu'] as const

/** What a kernel would do to these files is not shown here, only what is written to and read from them. */
describe('a group of version 2, in a folder that stands for one', () => {
  let folder = ''
  let group = new ChildGroup([])
  const inGroup = (name: string) => path.join(folder, 'child', name)
  const say = (name: string, text: string) => writeFileSync(inGroup(name), text)

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'moose-group-'))
  })
  beforeEach(() => {
    rmSync(path.join(folder, 'child'), { recursive: true, force: true })
    group = ChildGroup.make([{ version: 2, folder, controllers }], 'child', limits)
    say('memory.events', 'low 0\nhigh 0\nmax 12\noom 0\noom_kill 0\noom_group_kill 0\n')
    say('pids.events', 'max 0\n')
    say('cpu.stat', 'usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\n')
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  test('is given its limits', () => {
    assert.deepEqual(readdirSync(path.join(folder, 'child')).sort(), [
      'cpu.stat',
      'memory.events',
      'memory.max',
      'pids.events',
      'pids.max',
    ])
    assert.equal(readFileSync(inGroup('memory.max'), 'utf8'), String(64 * MEGABYTE))
    assert.equal(readFileSync(inGroup('pids.max'), 'utf8'), '50')
    assert.deepEqual(group.entrances, [inGroup('cgroup.procs')])
  })

  test('says what its processes have used, and that nothing was refused', () => {
    assert.deepEqual(group.usage(), { outOfMemory: null, refusedProcess: false, cpuSeconds: 1.5 })
  })

  test('tells its own want of memory from that of what is around it', () => {
    say('memory.events', 'max 12\noom 1\noom_kill 1\n')
    assert.equal(group.usage().outOfMemory, 'group')
    say('memory.events', 'max 0\noom 0\noom_kill 1\n')
    assert.equal(group.usage().outOfMemory, 'machine')
  })

  test('says that a process was refused, and nothing once it is gone', () => {
    say('pids.events', 'max 3\n')
    assert.equal(group.usage().refusedProcess, true)
    rmSync(path.join(folder, 'child'), { recursive: true })
    assert.deepEqual(group.usage(), { outOfMemory: null, refusedProcess: false, cpuSeconds: 0 })
  })

  test('hands on what it has of memory and pids, and is none that can where it has neither', () => {
    const parent = { version: 2, folder, controllers } as const
    writeFileSync(path.join(folder, 'cgroup.controllers'), 'cpu io memory pids\n')
    writeFileSync(path.join(folder, 'cgroup.subtree_control'), 'memory\n')
    assert.deepEqual(handOn(parent).controllers, ['memory', 'pids', 'cpu'])
    assert.equal(readFileSync(path.join(folder, 'cgroup.subtree_control'), 'utf8'), '+pids')
    writeFileSync(path.join(folder, 'cgroup.controllers'), 'pids\n')
    assert.deepEqual(handOn(parent).controllers, ['pids', 'cpu'])
    writeFileSync(path.join(folder, 'cgroup.controllers'), '\n')
    assert.throws(() => handOn(parent), /neither memory nor pids/)
  })
})
