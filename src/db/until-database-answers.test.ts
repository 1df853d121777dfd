import assert from 'node:assert/strict'
import { test } from 'node:test'
import { untilDatabaseAnswers } from './until-database-answers.ts'

function stepping() {
  const pauses: number[] = []
  return { pauses, clock: { sleep: async (ms: number) => void pauses.push(ms) } }
}

test('a database that is away is asked again, ever more seldom, until it answers', async () => {
  const { pauses, clock } = stepping()
  const reasons: string[] = []
  const answer = await untilDatabaseAnswers({ clock, onPause: (reason) => reasons.push(reason) }, async () => {
    if (pauses.length < 7) throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
    return 'answer'
  })
  assert.equal(answer, 'answer')
  assert.deepEqual(pauses, [200, 600, 1_800, 5_400, 15_000, 15_000, 15_000])
  assert.deepEqual(new Set(reasons), new Set(['read ECONNRESET']))
})

test('what fails for another reason fails at once', async () => {
  const { pauses, clock } = stepping()
  await assert.rejects(
    untilDatabaseAnswers({ clock }, () => Promise.reject(new Error('no such table'))),
    /no such table/,
  )
  assert.deepEqual(pauses, [])
})
