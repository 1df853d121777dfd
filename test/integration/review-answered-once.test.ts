import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerReviews } from '../../src/follow-up/task.ts'
import { forgeThat, refused } from '../support/asked-forge.ts'
import { createTestDatabase } from '../support/database.ts'
import { factsWith, threadWith } from '../support/pull-request-facts.ts'

test('while one process answers a review, no other one does', async () => {
  await using database = await createTestDatabase()
  const written = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  let answers = 0
  const slow = forgeThat({
    async replyTo() {
      answers += 1
      begun.resolve()
      await written.promise
      return { id: 'R1', url: 'https://github.com/acme/shop/pull/1#r1', is_new: true }
    },
  })
  const thread = threadWith()
  const task = {
    check: 'review',
    reason: '',
    told: '',
    surface: null,
    threads: [{ id: thread.id, key: 'k' }],
    keys: [],
  }
  const at = new Date()
  const ended = { headSha: '', fingerprint: '', keys: [], isResolving: false, isAnswered: false, isAllowed: false, at }
  const past = [{ id: '1', kind: 'review', task, outcome: 'succeeded', madeSha: 'c'.repeat(40), ...ended }] as const
  const seen = { of: {} as never, facts: factsWith({ threads: [thread] }), past }
  const signal = new AbortController().signal
  const first = answerReviews(database, slow, seen, signal)
  await begun.promise
  await answerReviews(database, forgeThat({ replyTo: refused }), seen, signal)
  written.resolve()
  await first
  await answerReviews(database, slow, seen, signal)
  assert.equal(answers, 2, 'once the first has ended, another one may look whether it is answered')
})
