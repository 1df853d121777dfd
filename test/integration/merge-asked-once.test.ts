import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mergeAskedIn } from '../../src/db/pull-requests/merge-asked.ts'
import { mergeCandidates } from '../../src/db/work-orders/merge-candidates.ts'
import type { MergeRefusal } from '../../src/director/may-merge.ts'
import { Fault } from '../../src/faults/fault.ts'
import { actByRule } from '../../src/orchestrator/act-by-rule.ts'
import type { MergeWhenReadyAnswer } from '../../src/ports/pull-request-facts.ts'
import { forgeThat, greetingInReview, refused } from '../support/asked-forge.ts'
import { until } from '../support/until.ts'

const REFUSAL: MergeRefusal = { rule: 'review', reason: 'a review asks for changes' }

/** An order in review, and a forge that answers only when it is told to. */
async function asked() {
  await using stack = new AsyncDisposableStack()
  const { db, id } = stack.use(await greetingInReview())
  await db.updateTable('projects').set({ merge_policy: 'auto' }).execute()
  const answers: ((answer: MergeWhenReadyAnswer) => void)[] = []
  const did: string[] = []
  let [isMerged, isTakenOn] = [false, true]
  const forge = forgeThat({
    async mergeWhenReady() {
      did.push('asked')
      const { promise, resolve } = Promise.withResolvers<MergeWhenReadyAnswer>()
      answers.push(resolve)
      return await promise
    },
    async withdrawMerge() {
      if (isMerged) throw new Fault('work_order_conflict', 'It is merged already.', {})
      did.push('withdrawn')
      return null
    },
  })
  let now = new Date('2026-11-01T12:00:00Z')
  const acts = {
    db,
    clock: { now: () => now, sleep: async () => undefined },
    forges: { local: forge, github: forge },
    merge: async () => refused(),
    isTakenOn: async () => isTakenOn,
    onError: (error: unknown) => assert.fail(String(error)),
    signal: new AbortController().signal,
  }
  const owned = stack.move()
  return {
    did,
    /** A look of some process. */
    async look(...refusals: MergeRefusal[]) {
      const [order] = await mergeCandidates(db, [id])
      await actByRule(acts, order ?? assert.fail(), refusals)
    },
    answersWith(answer: MergeWhenReadyAnswer) {
      const tell = answers.shift() ?? assert.fail('none is asked')
      tell(answer)
    },
    isAsked: (times: number) =>
      until(`it is asked ${times} times`, async () => did.filter((one) => one === 'asked').length === times),
    kept: async () => {
      const row = await db.selectFrom('pull_requests').select('merge_asked').executeTakeFirstOrThrow()
      return mergeAskedIn(row.merge_asked)?.is ?? null
    },
    hasMerged() {
      isMerged = true
    },
    stops() {
      isTakenOn = false
    },
    turns: (checks: string) => db.updateTable('pull_requests').set({ checks }).execute(),
    passes(minutes: number) {
      now = new Date(now.getTime() + minutes * 60_000)
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

test('while one process asks a forge, no other one asks it or takes it back', async () => {
  await using given = await asked()
  const first = given.look()
  await given.isAsked(1)
  await given.look()
  await given.look(REFUSAL)
  assert.deepEqual([given.did, await given.kept()], [['asked'], 'asking'])
  given.answersWith({ outcome: 'waiting' })
  await first
  assert.equal(await given.kept(), 'waiting')
  await given.look(REFUSAL)
  assert.deepEqual([given.did, await given.kept()], [['asked', 'withdrawn'], null])
})

test('where no orders are taken on nothing is asked for, and what was asked for is taken back when a rule refuses', async () => {
  await using given = await asked()
  const first = given.look()
  await given.isAsked(1)
  given.answersWith({ outcome: 'waiting' })
  await first
  given.stops()
  await given.look()
  await given.look({ ...REFUSAL, isPassing: true })
  assert.deepEqual([given.did, await given.kept()], [['asked'], 'waiting'], 'what ends with the next look')
  await given.look(REFUSAL)
  await given.look()
  assert.deepEqual([given.did, await given.kept()], [['asked', 'withdrawn'], null])
})

test('what a process asked for that was taken for gone is taken back, unless another one has asked for it too', async () => {
  await using given = await asked()
  const slow = given.look()
  await given.isAsked(1)
  given.passes(6)
  await given.look(REFUSAL)
  assert.deepEqual([given.did, await given.kept()], [['asked', 'withdrawn'], null])
  given.answersWith({ outcome: 'waiting' })
  await slow
  assert.deepEqual([given.did, await given.kept()], [['asked', 'withdrawn', 'withdrawn'], null])

  const slower = given.look()
  await given.isAsked(2)
  given.passes(6)
  const next = given.look()
  await given.isAsked(3)
  const [ofSlower, ofNext] = [{ outcome: 'waiting' }, { outcome: 'waiting' }] as const
  given.answersWith(ofSlower)
  await slower
  given.answersWith(ofNext)
  await next
  assert.equal(given.did.filter((one) => one === 'withdrawn').length, 2, 'it is asked for all the same')
  assert.equal(await given.kept(), 'waiting')
})

test('what is merged by nothing while its checks run is asked for again once they have ended, and not each five minutes', async () => {
  await using given = await asked()
  await given.turns('PENDING')
  const unsettled = { outcome: 'unsettled', why: 'a check has not ended' } as const
  const first = given.look()
  await given.isAsked(1)
  given.answersWith(unsettled)
  await first
  given.passes(6)
  await Promise.race([given.look(), given.isAsked(2)])
  assert.deepEqual(given.did, ['asked'])
  await given.turns('FAILURE')
  const ended = given.look()
  await given.isAsked(2)
  given.answersWith(unsettled)
  await ended
  given.passes(6)
  const after = given.look()
  await given.isAsked(3)
  given.answersWith(unsettled)
  await after
})

test('where a forge has merged what is taken back, it is kept that it was asked to', async () => {
  await using given = await asked()
  const first = given.look()
  await given.isAsked(1)
  given.answersWith({ outcome: 'waiting' })
  await first
  given.hasMerged()
  await assert.rejects(given.look(REFUSAL), { code: 'work_order_conflict' })
  assert.equal(await given.kept(), 'asking')
})
