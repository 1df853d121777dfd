import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DoctorEvent } from '../contract/doctor.ts'
import type { Look } from './examine.ts'
import { createExaminer } from './examiner.ts'

const NEVER = new AbortController().signal
const clock = { now: () => new Date('2026-11-29T07:00:00Z') }
const found = (name: string) => ({ name, state: 'ok', detail: '', remedy: null }) as const

async function read(events: AsyncIterable<DoctorEvent>): Promise<DoctorEvent[]> {
  const all: DoctorEvent[] = []
  for await (const event of events) all.push(event)
  return all
}

const endOf = (events: readonly DoctorEvent[]) => events.at(-1)
const COMPLETE = { type: 'result', sound: true, complete: true, began_at: '2026-11-29T07:00:00.000Z', duration_ms: 0 }

test('who asks while it looks joins in and is told all of it; who asks later has it look again', async () => {
  const gate = Promise.withResolvers<void>()
  let begun = 0
  const looks: Look[] = [
    { at: 'node', find: () => [found('node')] },
    {
      at: 'git',
      find: async () => {
        begun += 1
        await gate.promise
        return [found('git')]
      },
    },
  ]
  const examine = createExaminer(() => looks, clock)
  const first = read(examine(NEVER))
  const second = read(examine(NEVER))
  gate.resolve()
  assert.deepEqual(await first, [
    { type: 'looking', at: 'node' },
    { type: 'finding', finding: found('node') },
    { type: 'looking', at: 'git' },
    { type: 'finding', finding: found('git') },
    COMPLETE,
  ])
  assert.deepEqual(await second, await first)
  assert.equal(begun, 1)
  await read(examine(NEVER))
  assert.equal(begun, 2)
})

test('what a look throws is a finding, and the looks after it are made', async () => {
  const looks: Look[] = [
    { at: 'the projects', find: () => Promise.reject(new Error('the database went away')) },
    { at: 'node', find: () => [found('node')] },
  ]
  const events = await read(createExaminer(() => looks, clock)(NEVER))
  assert.deepEqual(events[1], {
    type: 'finding',
    finding: { name: 'the projects', state: 'broken', detail: 'the database went away', remedy: null },
  })
  assert.deepEqual(endOf(events), { ...COMPLETE, sound: false })
})

test('what takes too long is a finding; nobody waits for it, and no second look begins beside it', async () => {
  const gate = Promise.withResolvers<void>()
  let begun = 0
  const find = async () => {
    begun += 1
    await gate.promise
    return []
  }
  const looks: Look[] = [
    { at: 'the projects', find },
    { at: 'node', find: () => [found('node')] },
  ]
  const examine = createExaminer(() => looks, clock, 20)
  const events = await read(examine(NEVER))
  const said = events.find((event) => event.type === 'finding')
  assert.match(String(said?.finding.detail), /^looking at the projects takes longer than 0\.02 s/)
  assert.deepEqual(endOf(events), { ...COMPLETE, complete: false })
  assert.deepEqual(await read(examine(NEVER)), events)
  assert.equal(begun, 1)
  gate.resolve()
})

test('a reader that leaves is let go, and the look goes on', async () => {
  const gate = Promise.withResolvers<void>()
  const examine = createExaminer(() => [{ at: 'git', find: () => gate.promise.then(() => []) }], clock)
  const left = new AbortController()
  const leaving = read(examine(left.signal))
  const staying = read(examine(NEVER))
  left.abort()
  assert.deepEqual(await leaving, [{ type: 'looking', at: 'git' }])
  gate.resolve()
  assert.deepEqual(endOf(await staying), COMPLETE)
})
