import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { beginFollowUp, followUpsOf } from '../../src/db/follow-ups.ts'
import { projectOf } from '../../src/db/projects.ts'
import { answerReviews } from '../../src/follow-up/task.ts'
import { forgeThat, greetingInReview, refused } from '../support/asked-forge.ts'
import { factsWith, threadWith } from '../support/pull-request-facts.ts'

/** A review of two threads that was done, and a forge that does not answer before it is told to. */
async function reviewed() {
  await using stack = new AsyncDisposableStack()
  const { db, id: workOrderId } = stack.use(await greetingInReview())
  const pull = await db.selectFrom('pull_requests').selectAll().executeTakeFirstOrThrow()
  const { attempt, number, node_id: nodeId, head_sha: headSha } = pull
  const key = { project: await projectOf(db, pull.project_id), workOrderId, attempt, number, nodeId, seenAt: headSha }
  const of = { ...key, known: { state: 'open', endedAt: null } as const, isAwaited: true, isSpare: false }
  const threads = ['T1', 'T2'].map((id) => threadWith({ id }))
  const task = {
    check: 'review',
    reason: '',
    told: '',
    surface: null,
    threads: threads.map(({ id }) => ({ id, key: id })),
    keys: [],
  }
  const inputs = { headSha, baseSha: null, fingerprint: 'f', because: 'a review', allowedBy: null, task, attempt: null }
  await beginFollowUp(db, { ...inputs, workOrderId, kind: 'review' })
  await db.updateTable('follow_ups').set({ outcome: 'succeeded' }).execute()
  const written = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  const answers: string[] = []
  const slow = forgeThat({
    async replyTo(_, { thread }) {
      answers.push(thread.id)
      begun.resolve()
      await written.promise
      return { id: 'R1', url: 'https://github.com/acme/shop/pull/1#r1', is_new: true }
    },
  })
  const answer = async (forge: typeof slow) => {
    const seen = { of, facts: factsWith({ threads }), past: await followUpsOf(db, workOrderId) }
    await answerReviews(db, forge, seen, new AbortController().signal)
  }
  const owned = stack.move()
  return { db, answer, slow, answers, begun, written, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

test('while one process answers a review, no other one does', async () => {
  await using given = await reviewed()
  const { answer, slow, answers, begun, written } = given
  const first = answer(slow)
  await begun.promise
  await answer(forgeThat({ replyTo: refused }))
  written.resolve()
  await first
  await answer(forgeThat({ replyTo: refused }))
  assert.deepEqual(answers, ['T1', 'T2'])
})

test('a process that stands still for a minute while it answers loses the rest to another one', async () => {
  await using given = await reviewed()
  const { db, answer, slow, answers, begun, written } = given
  const first = answer(slow)
  await begun.promise
  await db.updateTable('follow_ups').set({ answering_until: sql<Date>`moose_now() - interval '1 second'` }).execute()
  const others: string[] = []
  const other = forgeThat({
    async replyTo(_, { thread }) {
      others.push(thread.id)
      if (others.length === 2) {
        written.resolve()
        await first
      }
      return { id: 'R2', url: 'https://github.com/acme/shop/pull/1#r2', is_new: false }
    },
  })
  await answer(other)
  assert.deepEqual([answers, others], [['T1'], ['T1', 'T2']])
})
