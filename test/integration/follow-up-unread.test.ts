import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER_ABORTED } from '../../src/clock.ts'
import { FollowUpView } from '../../src/contract/evidence/follow-up.ts'
import { projectOf } from '../../src/db/projects.ts'
import { beginLook } from '../../src/db/pull-requests/seen-pull-requests.ts'
import { Fault, type FaultCode } from '../../src/faults/fault.ts'
import { written } from '../../src/follow-up/asked.ts'
import { createFollowUps } from '../../src/follow-up/follow-up.ts'
import { recordSighting } from '../../src/orchestrator/tracker.ts'
import type { Sighting } from '../../src/ports/pull-request.ts'
import type { PullRequestFacts } from '../../src/ports/pull-request-facts.ts'
import { forgeThat, greetingInReview } from '../support/asked-forge.ts'
import { commentWith, factsWith } from '../support/pull-request-facts.ts'

/** An order in review on GitHub, which tells facts of it, or a fault, at each look. */
async function followed() {
  await using stack = new AsyncDisposableStack()
  const { home, db, id } = stack.use(await greetingInReview())
  await db.updateTable('projects').set({ forge: 'github' }).execute()
  const row = await db.selectFrom('pull_requests').selectAll().executeTakeFirstOrThrow()
  const { head_sha: head, base_sha: base, attempt, number, node_id: nodeId } = row
  const project = await projectOf(db, row.project_id)
  const known = { state: 'open', endedAt: null } as const
  const of = { project, workOrderId: id, attempt, number, nodeId, seenAt: head, known, isAwaited: true, isSpare: false }
  let told: Partial<PullRequestFacts> | FaultCode = {}
  let whileReading = async () => {}
  let asked = 0
  const forge = forgeThat({
    async factsOf(_, __, unread) {
      asked += 1
      await whileReading()
      const same = {
        number,
        head_sha: head,
        known_head_sha: head,
        base_sha: base,
        knows: { checks: true, reviews: true },
      }
      if (typeof told !== 'string') return [factsWith({ ...same, ...told })]
      unread?.(of, new Fault(told, 'it cannot be read'))
      return []
    },
  })
  let now = Date.now()
  const followUps = createFollowUps({
    db,
    pool: home.database.pool,
    forges: { local: forge, github: forge },
    workspaces: { keptCommit: async () => null },
    clock: { now: () => new Date(now), sleep: async () => undefined },
    isTakenOn: async () => true,
    pauseAfter: async () => 0,
    onError: (error) => assert.fail(String(error)),
  })
  const owned = stack.move()
  return {
    db,
    id,
    row: () => db.selectFrom('pull_requests').selectAll().executeTakeFirstOrThrow(),
    asked: () => asked,
    events: async () => (await db.selectFrom('work_order_events').select('id').execute()).length,
    meanwhile(act: () => Promise<void>) {
      whileReading = act
    },
    async looks(mark: string, says: Partial<PullRequestFacts> | FaultCode, later = 0) {
      now += later
      told = says
      const pullRequest = { ...row, url: 'x', headSha: head, mergeSha: null, state: 'open' as const }
      const seen = { checks: null, review: null, parts: null, isDraft: false, endedBy: null, baseSha: base }
      const sighting: Sighting = { of, pullRequest, ...seen, mark }
      const look = await beginLook(db, new Date(now))
      await recordSighting(db, sighting, look, new Date(now))
      await followUps.saw([sighting], NEVER_ABORTED, look)
      const { follow_up: view } = await db.selectFrom('pull_requests').select('follow_up').executeTakeFirstOrThrow()
      return typeof view === 'object' && view !== null && 'conversation_hidden' in view
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

const MINUTE = 60_000

test('one that cannot be read is told of after five minutes, once, and read again', async () => {
  await using given = await followed()
  assert.equal(await given.looks('1', {}), false)
  const before = await given.events()
  for (const later of [0, MINUTE, MINUTE, 2 * MINUTE])
    assert.equal(await given.looks('2', 'github_failed', later), false)
  assert.equal(await given.events(), before)
  assert.equal(await given.looks('2', 'github_failed', 4 * MINUTE), true)
  assert.equal(await given.looks('2', 'github_failed', 10 * MINUTE), true)
  assert.equal(await given.events(), before + 1)
  assert.equal(await given.looks('2', {}, 10 * MINUTE), false)
})

for (const code of ['github_rate_limited', 'github_unreachable', 'repository_unreachable'] as const)
  test(`${code} is not told as something about one pull request, however long it lasts`, async () => {
    await using given = await followed()
    await given.looks('1', {})
    const before = await given.events()
    for (let at = 0; at < 8; at += 1) assert.equal(await given.looks('2', code, 10 * MINUTE), false)
    assert.equal(await given.events(), before)
  })

test('what was told in part does not stand for what cannot be read any more', async () => {
  await using given = await followed()
  await given.looks('1', { unread: 'its checks were not told', knows: { checks: false, reviews: true } })
  const before = await given.events()
  for (let at = 0; at < 5; at += 1) await given.looks('1', 'github_failed', 10 * MINUTE)
  assert.equal(await given.looks('1', 'github_failed', MINUTE), true, 'it was not due, and stands as it was')
  assert.equal(await given.events(), before + 1)
})

test('nothing is kept as answered where its order has left review while it was read', async () => {
  await using given = await followed()
  await given.looks('1', {})
  assert.equal((await given.row()).followed_mark, '1')
  given.meanwhile(async () => {
    await given.db
      .updateTable('work_orders')
      .set({ status: 'cancelled', phase: null })
      .where('id', '=', given.id)
      .execute()
  })
  await given.looks('2', {})
  assert.equal((await given.row()).followed_mark, '1')
})

test('what is settled where it is hidden on the forge is asked for again, once in ten minutes', async () => {
  await using given = await followed()
  const { db, id } = given
  const asked = commentWith({ body: '/moose say it louder' })
  const facts = { comments: [asked], knows: { checks: true, reviews: true } }
  await db
    .insertInto('follow_ups')
    .values({
      work_order_id: id,
      kind: 'review',
      head_sha: (await given.row()).head_sha,
      base_sha: null,
      fingerprint: 'one',
      because: 'a comment of a review by ada',
      task: JSON.stringify({
        check: 'x',
        reason: 'x',
        told: 'x',
        surface: null,
        threads: [],
        keys: [written(asked.id, 'ada', asked.body).key],
      }),
      outcome: 'succeeded',
      answered: true,
    })
    .execute()
  await given.looks('1', facts)
  const unapproved = async () => FollowUpView.parse((await given.row()).follow_up).unapproved
  assert.deepEqual([await unapproved(), given.asked()], [['ada'], 1])
  for (let at = 0; at < 9; at += 1) await given.looks('1', facts, MINUTE)
  assert.equal(given.asked(), 1)
  await given.looks('1', facts, MINUTE)
  await given.looks('1', facts, MINUTE)
  assert.equal(given.asked(), 2)
  await given.looks('1', { ...facts, comments: [] }, 10 * MINUTE)
  assert.deepEqual([await unapproved(), given.asked()], [undefined, 3])
  await given.looks('1', { ...facts, comments: [] }, 20 * MINUTE)
  assert.equal(given.asked(), 3)
})
