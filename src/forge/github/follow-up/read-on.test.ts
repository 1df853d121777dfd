import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAllowance, type List, listOf, type Reader, readOn } from './read-on.ts'

/** A list of numbers in pages of a hundred. */
function numbers(total: number): { list: List; kept: number[] } {
  const kept: number[] = []
  const pageIn = (told: unknown) => {
    const from = Number(told)
    const nodes = Array.from({ length: Math.min(100, total - from) }, (_, at) => from + at)
    return { total, rest: from + nodes.length < total ? String(from + nodes.length) : null, nodes }
  }
  const keep = (nodes: number[]) => {
    kept.push(...nodes)
    return []
  }
  return { list: listOf({ kind: 'comments', id: 'PR_1', pageIn, keep }, pageIn(0)), kept }
}

function reader(id = 'PR_1', now = { at: 0 }): Reader & { now: { at: number }; asked: () => number } {
  let asked = 0
  const clock = { now: () => new Date(now.at), sleep: async () => undefined }
  const ask: Reader['ask'] = async ({ variables }) => {
    asked += 1
    return { data: { p0: variables['at0'] } }
  }
  return { ask, allowance: createAllowance(clock), id, now, asked: () => asked }
}

test('a list is read to its end, and one of more than a thousand is not begun', async () => {
  const whole = numbers(1_000)
  const by = reader()
  assert.equal(await readOn(by, [whole.list]), null)
  assert.deepEqual([whole.kept.length, by.asked()], [1_000, 9])
  const long = numbers(1_001)
  assert.equal(await readOn(by, [long.list]), 'it has more than 1000 comments')
  assert.equal(by.asked(), 9)
})

test('what takes more requests than are left of the hour is not begun, and is read once it is over', async () => {
  const by = reader()
  for (let read = 0; read < 22; read += 1) assert.equal(await readOn(by, [numbers(1_000).list]), null)
  const refused = 'reading it takes more requests than Moose makes for it in an hour'
  assert.equal(await readOn(by, [numbers(1_000).list]), refused)
  assert.equal(by.asked(), 198)
  assert.equal(await readOn(by, [numbers(200).list]), null)
  assert.equal(await readOn({ ...by, id: 'PR_2' }, [numbers(1_000).list]), null)
  by.now.at += 3_600_001
  assert.equal(await readOn(by, [numbers(1_000).list]), null)
})
