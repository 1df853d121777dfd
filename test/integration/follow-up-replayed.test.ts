import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER_ABORTED } from '../../src/clock.ts'
import { projectOf } from '../../src/db/projects.ts'
import { createFollowUps } from '../../src/follow-up/follow-up.ts'
import type { Sighting, WatchedPullRequest } from '../../src/ports/pull-request.ts'
import type { FollowUpForge, PullRequestFacts } from '../../src/ports/pull-request-facts.ts'
import { createMooseHome, fileOrder, settled } from '../support/moose-home.ts'
import { checkWith, commentWith, factsWith, reviewWith, threadWith } from '../support/pull-request-facts.ts'
import { greet, NEVER_POLLS } from '../support/suspended-bench.ts'

const SETTINGS = { ...NEVER_POLLS, MOOSE_FOLLOW_UP: 'false', MOOSE_TRACK_INTERVAL_MS: '3600000' }
const ROUNDS = 100

/** Equal for equal seeds; from 0 up to 1. */
function chance(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

test(`the same events, ${ROUNDS} times in any order: each is reacted to once, and the bounds hold`, async (t) => {
  const seed = Number(process.env['SEED'] ?? 18)
  t.diagnostic(`SEED=${seed}`)
  await using home = await createMooseHome({ 'greeting.txt': 'hello\n' }, [greet], SETTINGS)
  await using moose = await home.open()
  const { db, pool } = home.database
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
  assert.equal((await settled(moose, id)).phase, 'in_review')
  const row = await db.selectFrom('pull_requests').selectAll().executeTakeFirstOrThrow()
  const acts = { reruns: 0, replies: new Set<string>() }
  let told: PullRequestFacts = factsWith()
  const refused = () => assert.fail('it is not asked for')
  const forge: FollowUpForge = {
    factsOf: async () => [told],
    failureOf: async () => ({ from: 'log', text: 'it failed', why: null, identity: null }),
    rerunFailed: async () => {
      acts.reruns += 1
      return { outcome: 'already', is_running: false }
    },
    async replyTo(_, { thread, key }) {
      acts.replies.add(`${thread.id} ${key}`)
      return { id: key, url: null, is_new: true }
    },
    keepComment: refused,
    mergeWhenReady: refused,
    withdrawMerge: refused,
    revertsOf: refused,
  }
  const followUps = () =>
    createFollowUps({
      db,
      pool,
      forges: { local: forge, github: forge },
      workspaces: { keptCommit: async () => null },
      clock: { now: () => new Date(), sleep: async () => undefined },
      isTakenOn: async () => true,
      onError: (error) => assert.fail(String(error)),
    })
  const of: WatchedPullRequest = {
    project: await projectOf(db, row.project_id),
    workOrderId: id,
    attempt: row.attempt,
    number: row.number,
    nodeId: null,
    known: { state: 'open', endedAt: null },
    isAwaited: true,
    isSpare: false,
  }
  const { head_sha: head, base_sha: base } = row
  const stands = { number: row.number, head_sha: head, known_head_sha: head, base_sha: base }
  const job = { run_id: '5', job_id: '6' }
  const events: Partial<PullRequestFacts>[] = [
    { checks: [checkWith({ actions: job })] },
    { checks: [checkWith({ actions: job }), checkWith({ name: 'lint' })] },
    { checks: [checkWith({ on_base: 'red' })] },
    { threads: [threadWith()] },
    { threads: [threadWith(), threadWith({ id: 't2', comments: [commentWith({ id: 'c2', body: 'And this.' })] })] },
    { reviews: [reviewWith()] },
    { threads: [threadWith({ comments: [commentWith({ login: 'eve', may_write: false })] })] },
    {},
  ]
  let current = followUps()
  const happens = async (event: Partial<PullRequestFacts>, mark: number) => {
    told = factsWith({ ...stands, ...event })
    const pullRequest = { ...row, url: 'x', headSha: head, mergeSha: null, state: 'open' as const }
    const seen = { checks: null, review: null, parts: null, endedBy: null, baseSha: base }
    const sighting: Sighting = { of, pullRequest, ...seen, mark: String(mark) }
    await current.saw([sighting], NEVER_ABORTED)
    // What it began, if anything: with the patch of a recording, which is no answer to it, it fails.
    await settled(moose, id)
  }
  const begun = () => db.selectFrom('follow_ups').select(['kind', 'fingerprint']).orderBy('id').execute()
  const next = chance(seed)
  let mark = 0
  for (const event of events) await happens(event, (mark += 1))
  for (const event of events) await happens(event, (mark += 1))
  const first = await begun()
  const counts = Map.groupBy(first, ({ kind }) => kind)
  assert.equal(counts.get('rerun')?.length, 1)
  assert.equal(counts.get('checks')?.length, 1)
  assert.equal(counts.get('review')?.length, 1)
  const { attempts } = await settled(moose, id)
  const replies = acts.replies.size
  for (let round = 0; round < ROUNDS; round += 1) {
    // Every now and then the process is another one.
    if (next() < 0.1) current = followUps()
    await happens(events[Math.floor(next() * events.length)] ?? {}, (mark += 1))
  }
  assert.deepEqual(await begun(), first)
  assert.equal((await settled(moose, id)).attempts, attempts)
  assert.deepEqual([acts.reruns, acts.replies.size], [1, replies])
})
