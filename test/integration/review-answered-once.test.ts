import assert from 'node:assert/strict'
import { test } from 'node:test'
import { projectOf } from '../../src/db/projects.ts'
import { answerReviews } from '../../src/follow-up/task.ts'
import { forgeThat, greetingInReview, refused } from '../support/asked-forge.ts'
import { factsWith, threadWith } from '../support/pull-request-facts.ts'

test('while one process answers a review, no other one does', async () => {
  await using given = await greetingInReview()
  const { db, id: workOrderId } = given
  const {
    project_id,
    attempt,
    number,
    node_id: nodeId,
    head_sha: seenAt,
  } = await db.selectFrom('pull_requests').selectAll().executeTakeFirstOrThrow()
  const known = { state: 'open', endedAt: null } as const
  const key = { project: await projectOf(db, project_id), workOrderId, attempt, number, nodeId, seenAt }
  const of = { ...key, known, isAwaited: true, isSpare: false }
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
  const ended = {
    headSha: '',
    fingerprint: '',
    keys: [],
    notDone: [],
    isResolving: false,
    isAnswered: false,
    isAllowed: false,
    at,
  }
  const past = [{ id: '1', kind: 'review', task, outcome: 'succeeded', madeSha: 'c'.repeat(40), ...ended }] as const
  const seen = { of, facts: factsWith({ threads: [thread] }), past }
  const signal = new AbortController().signal
  const first = answerReviews(given.home.database, slow, seen, signal)
  await begun.promise
  await answerReviews(given.home.database, forgeThat({ replyTo: refused }), seen, signal)
  written.resolve()
  await first
  await answerReviews(given.home.database, slow, seen, signal)
  assert.equal(answers, 2, 'once the first has ended, another one may look whether it is answered')
})
