import assert from 'node:assert/strict'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Moose } from '../../src/app.ts'
import { NEVER_ABORTED, systemClock } from '../../src/clock.ts'
import { projectOf } from '../../src/db/projects.ts'
import { createFollowUps } from '../../src/follow-up/follow-up.ts'
import { createLocalFollowUp } from '../../src/forge/local/follow-up.ts'
import { Mirrors } from '../../src/git/mirrors.ts'
import { createLog } from '../../src/log.ts'
import type { Sighting, WatchedPullRequest } from '../../src/ports/pull-request.ts'
import type { FollowUpForge, PullRequestFacts } from '../../src/ports/pull-request-facts.ts'
import { type ModelServer, type Scripted, startModelServer } from '../support/model-server.ts'
import { createMooseHome, fileOrder, type MooseHome, settled } from '../support/moose-home.ts'
import { checkWith, commentWith, threadWith } from '../support/pull-request-facts.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'
import { NEVER_POLLS, write } from '../support/suspended-bench.ts'

const SETTINGS = {
  ...NEVER_POLLS,
  MOOSE_FOLLOW_UP: 'false',
  MOOSE_TRACK_INTERVAL_MS: '3600000',
  ORCHESTRATOR_EXECUTOR: 'patch',
}
const FILES = {
  'greeting.txt': 'top\nhello\nbottom\n',
  'other.txt': 'other\n',
  'moose.yaml': 'checks:\n  - { name: right, run: "cat greeting.txt; ! grep -q wrong greeting.txt" }\n',
}
const DAY_MS = 86_400_000
const LOOK_MS = 1_800_000
/** Of one call; with the price of the stand-in's model ($3 and $15 per million) 9 cents. */
const TOKENS = { input: 20_000, output: 2_000 }
/** What others report of one red pull request on one day. @see https://github.com/digitaldrywood/detent/issues/1046 */
const UNBOUNDED = [60, 71] as const

type Day = AsyncDisposable & { home: MooseHome; moose: Moose; server: ModelServer; id: string; looks: () => void }

/** An order in review, and a model that answers from then on, by how many calls there were and how many since the last look. */
async function begun(answer: (call: number, ofLook: number) => string): Promise<Day> {
  await using stack = new AsyncDisposableStack()
  const home = stack.use(await createMooseHome(FILES, [], SETTINGS))
  let calls = 0
  let before = 0
  const says = (): Scripted => {
    calls += 1
    const line = calls === 1 ? 'hello, world' : answer(calls - 1, calls - before)
    return { kind: 'text', text: write('greeting.txt', `top\n${line}\nbottom`), ...TOKENS }
  }
  const server = stack.use(await startModelServer(says))
  await useStandIn(home, 'stand-in', { url: server.url, threshold: 1 })
  const moose = stack.use(await home.open())
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: 'Greet the world', files: ['greeting.txt'] })
  const order = await settled(moose, id)
  assert.equal(order.phase, 'in_review', JSON.stringify(order.status_reason))
  const looks = () => {
    before = calls
  }
  const owned = stack.move()
  return { home, moose, server, id, looks, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** What happens at a look: beside it, and to what is told of the pull request. */
type Happens = (look: number, stands: { head: string; branch: string }) => Promise<Partial<PullRequestFacts>>

type Passed = { attempts: number; calls: number; most: number; usd: number; kinds: Record<string, number> }

/** A day of looks, half an hour apart on an injected clock; base, branch and conflicts are those of git. */
async function pass({ home, moose, server, id, looks }: Day, happens: Happens): Promise<Passed> {
  const { db, pool } = home.database
  const began = Date.parse('2026-11-30T00:00:00Z')
  let now = began
  const clock = { now: () => new Date(now), sleep: async () => undefined }
  const mirrors = new Mirrors(path.join(home.config.home, '..', 'seen'))
  const local = createLocalFollowUp({ db, mirrors, log: createLog('silent'), clock: systemClock })
  let told: Partial<PullRequestFacts> = {}
  let most = 0
  const forge: FollowUpForge = {
    ...local,
    factsOf: async (pulls, signal) => (await local.factsOf(pulls, signal)).map((facts) => ({ ...facts, ...told })),
    failureOf: async (_, { name }) => ({ from: 'log', text: `${name} failed`, why: null, identity: null }),
    rerunFailed: async () => ({ outcome: 'rerun' }),
    replyTo: async (_, { key }) => ({ id: key, url: null, is_new: true }),
  }
  const followUps = createFollowUps({
    db,
    pool,
    forges: { local: forge, github: forge },
    workspaces: { keptCommit: async () => null },
    clock,
    isTakenOn: async () => true,
    pauseAfter: async () => 0,
    onError: (error) => assert.fail(String(error)),
  })
  for (let look = 0; now < began + DAY_MS; look += 1, now += LOOK_MS) {
    const row = await db.selectFrom('pull_requests').selectAll().executeTakeFirstOrThrow()
    looks()
    told = await happens(look, { head: row.head_sha, branch: row.branch })
    const { number, attempt, node_id: nodeId } = row
    const known = { state: 'open', endedAt: null } as const
    const project = await projectOf(db, row.project_id)
    const at = { project, workOrderId: id, attempt, number, nodeId, seenAt: row.head_sha }
    const of: WatchedPullRequest = { ...at, known, isAwaited: true, isSpare: false }
    const seen = {
      checks: null,
      review: null,
      parts: null,
      isDraft: false,
      endedBy: null,
      baseSha: null,
      mark: String(look),
    }
    const pullRequest = { ...row, url: 'x', headSha: row.head_sha, mergeSha: null, state: 'open' as const }
    const sighting: Sighting = { of, pullRequest, ...seen }
    const calls = server.bill.length
    await followUps.saw([sighting], NEVER_ABORTED)
    await settled(moose, id)
    most = Math.max(most, server.bill.length - calls)
  }
  const rows = await db.selectFrom('follow_ups').select('kind').execute()
  const kinds = Object.fromEntries([...Map.groupBy(rows, ({ kind }) => kind)].map(([kind, all]) => [kind, all.length]))
  const { attempts } = await settled(moose, id)
  const after = server.bill.slice(1)
  const usd = after.reduce((sum, { input, output }) => sum + (input * 3 + output * 15) / 1_000_000, 0)
  return { attempts: attempts - 1, calls: after.length, most, usd, kinds }
}

function say(t: TestContext, what: string, { attempts, calls, most, usd, kinds }: Passed): void {
  const of = Object.entries(kinds).map(([kind, count]) => `${kind} ${count}`)
  t.diagnostic(`${what}: ${attempts} attempts, ${calls} calls, $${usd.toFixed(2)} (${of.join(', ')})`)
  if (calls === 0) return
  const unbounded = UNBOUNDED.map((count) => `$${((count * most * usd) / calls).toFixed(2)}`)
  t.diagnostic(`without bounds, ${UNBOUNDED.join(' to ')} attempts of ${most} calls: ${unbounded.join(' to ')}`)
}

/** Failures that differ only in numbers are the same. */
const worded = (call: number) => String(call).replaceAll(/\d/g, (digit) => 'abcdefghij'.charAt(Number(digit)))

const job = { run_id: '5', job_id: '6' }

/** Every look has another comment and every second one another failure; the base moves every two hours, at last twice with a conflict. */
function adversary({ home }: Day): Happens {
  return async (look) => {
    if (look % 4 === 3) await home.remote.commit('main', { 'other.txt': `other ${look}\n` })
    if (look === 40 || look === 44) await home.remote.commit('main', { 'greeting.txt': `top\nhello ${look}\nbottom\n` })
    const at = '2026-11-29T00:00:00Z'
    const comment = commentWith({ id: `c${look}`, body: `And ${look}.`, at })
    return {
      checks: look % 2 === 0 ? [checkWith({ name: `test ${look}`, actions: job })] : [],
      threads: [threadWith({ id: `t${look}`, path: 'greeting.txt', comments: [comment] })],
    }
  }
}

test('a day with a model that never passes the checks: each commit has its bound', { timeout: 600_000 }, async (t) => {
  await using day = await begun((call) => `wrong ${worded(call)}`)
  const passed = await pass(day, adversary(day))
  say(t, 'never passes', passed)
  assert.ok(passed.attempts <= 15 && passed.calls <= 16, JSON.stringify(passed))
})

test('a day with a model whose second answer passes, and is red on the forge: each order has its bound', {
  timeout: 600_000,
}, async (t) => {
  await using day = await begun((call, ofLook) => (ofLook > 1 ? `hello ${call}` : `wrong ${worded(call)}`))
  const passed = await pass(day, adversary(day))
  say(t, 'passes, and is red on the forge', passed)
  assert.ok(passed.attempts <= 15 && passed.calls <= 16, JSON.stringify(passed))
})

test('a day with a person who edits a comment at each look: three attempts', { timeout: 600_000 }, async (t) => {
  await using day = await begun((call) => `hello ${call}`)
  const passed = await pass(day, async (look) => {
    const edited_at = '2026-11-29T00:00:00Z'
    const comment = commentWith({ id: 'c1', body: `Rather ${look}.`, edited_at })
    return { threads: [threadWith({ id: 't1', path: 'greeting.txt', comments: [comment] })] }
  })
  say(t, 'a comment is edited all day', passed)
  assert.deepEqual([passed.attempts, passed.calls], [3, 3])
})

test('a day with a person who pushes every three hours: nothing', { timeout: 600_000 }, async (t) => {
  await using day = await begun((call) => `hello ${call}`)
  const passed = await pass(day, async (look, { branch }) => {
    if (look % 6 === 0) await day.home.remote.commit(branch, { 'greeting.txt': `top\nby hand ${look}\nbottom\n` })
    return { checks: [checkWith({ name: `test ${look}`, actions: job })] }
  })
  say(t, 'a person pushes all day', passed)
  assert.deepEqual([passed.attempts, passed.calls, passed.usd], [0, 0, 0])
})
