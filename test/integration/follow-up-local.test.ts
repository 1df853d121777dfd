import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { systemClock } from '../../src/clock.ts'
import { noteFound, noteLost } from '../../src/db/pull-requests/lost-pull-requests.ts'
import { findPullRequestOfAttempt, keepVerified } from '../../src/db/pull-requests/pull-requests.ts'
import { beginLook } from '../../src/db/pull-requests/seen-pull-requests.ts'
import { createLocalFollowUp } from '../../src/forge/local/follow-up.ts'
import { createLocalForge } from '../../src/forge/local/local-forge.ts'
import { Mirrors } from '../../src/git/mirrors.ts'
import { createLog } from '../../src/log.ts'
import { createTracker } from '../../src/orchestrator/tracker.ts'
import type { PublishInput, PullRequestWatch } from '../../src/ports/pull-request.ts'
import {
  type FollowUpForge,
  type MergedChange,
  type OfPullRequest,
  PullRequestFacts,
} from '../../src/ports/pull-request-facts.ts'
import type { Project } from '../../src/work-order/project.ts'
import { createWorkspaces } from '../../src/workspace/workspaces.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { createGitRemote, type GitRemote } from '../support/git-remote.ts'
import { until } from '../support/until.ts'

const { signal } = new AbortController()
const when = new Date('2026-01-02T03:04:05Z')

let database: TestDatabase
before(async () => {
  database = await createTestDatabase()
})
after(() => database[Symbol.asyncDispose]())

type Followed = AsyncDisposable & {
  remote: GitRemote
  project: Project
  mirrors: Mirrors
  forge: ReturnType<typeof createLocalForge>
  followUp: FollowUpForge
  of: OfPullRequest
  input: PublishInput
  /** Merges it through Moose. */
  merged: () => Promise<MergedChange>
}

/** A pull request on the local forge that changes the file `a`. */
async function followed(): Promise<Followed> {
  const remote = await createGitRemote({ a: '1\n', b: '1\n' })
  const { id } = await database.db
    .insertInto('projects')
    .values({
      name: path.basename(path.dirname(remote.path)),
      repository: remote.path,
      forge: 'local',
      default_branch: 'main',
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  const project = remote.project({ id, name: 'demo' })
  const mirrors = new Mirrors(remote.folder)
  const parts = { db: database.db, mirrors, log: createLog('silent'), clock: systemClock }
  const forge = createLocalForge(parts)
  const input = await prepare({ remote, project, mirrors })
  const { number } = await forge.publish(input)
  const { workOrderId, attempt, headSha, title } = input
  return {
    remote,
    project,
    mirrors,
    input,
    forge,
    followUp: createLocalFollowUp(parts),
    of: { project, workOrderId, attempt, number, nodeId: null },
    merged: async () => {
      const { mergeSha } = await forge.merge(project, number)
      assert.ok(mergeSha !== null)
      return { workOrderId, number, title, mergeSha, headSha }
    },
    [Symbol.asyncDispose]: () => remote[Symbol.asyncDispose](),
  }
}

async function prepare(given: Pick<Followed, 'remote' | 'project' | 'mirrors'>): Promise<PublishInput> {
  const { remote, project, mirrors } = given
  const { id: workOrderId } = await database.db
    .insertInto('work_orders')
    .values({ title: 'Change', description: '', risk_level: 'low', project_id: project.id })
    .returning('id')
    .executeTakeFirstOrThrow()
  const workspaces = createWorkspaces({ root: remote.folder, mirrors })
  const baseSha = await workspaces.fetchBase(project, signal)
  await using workspace = await workspaces.open({ project, workOrderId, attempt: 1, sha: baseSha, signal })
  await writeFile(path.join(workspace.path, 'a'), '2\n')
  const headSha = await workspace.commit(`WO: ${workOrderId}`, when)
  assert.ok(headSha !== null)
  const texts = { title: 'WO-1: Change', body: 'body', labels: [] }
  const branches = [`feature/${workOrderId.slice(0, 8)}`]
  return { project, workOrderId, attempt: 1, branches, baseSha, headSha, ...texts, signal, hold: async () => undefined }
}

async function factsOf({ followUp, of }: Followed): Promise<PullRequestFacts> {
  const [facts] = await followUp.factsOf([of], signal)
  assert.ok(facts !== undefined)
  assert.deepEqual(PullRequestFacts.parse(JSON.parse(JSON.stringify(facts))), facts)
  return facts
}

test('on the local forge the facts are those of git, and there are neither checks nor reviews', async () => {
  await using given = await followed()
  const { input } = given
  const quiet = await factsOf(given)
  assert.deepEqual(
    [quiet.state, quiet.head_sha, quiet.base_sha, quiet.has_base_moved, quiet.mergeability],
    ['open', input.headSha, input.baseSha, false, 'clean'],
  )
  assert.deepEqual(quiet.knows, { checks: false, reviews: false })

  const baseSha = await given.remote.commit('main', { b: '2\n' })
  const moved = await factsOf(given)
  assert.deepEqual([moved.base_sha, moved.has_base_moved, moved.mergeability], [baseSha, true, 'clean'])

  await given.remote.commit('main', { a: '3\n' })
  const torn = await factsOf(given)
  assert.deepEqual([torn.mergeability, torn.conflict_files], ['conflict', ['a']])

  const branch = String(input.branches[0])
  const pushed = await given.remote.commit(branch, { c: '1\n' })
  const { head_sha, known_head_sha } = await factsOf(given)
  assert.deepEqual([head_sha, known_head_sha], [pushed, input.headSha])

  await given.remote.git('branch', '-D', branch)
  assert.equal((await factsOf(given)).head_sha, input.headSha)
})

/** Looks once; what happens between the question to the forge and what is kept of its answer is given. */
async function look({ forge }: Followed, meanwhile: () => Promise<unknown> = async () => undefined): Promise<void> {
  const watch: PullRequestWatch = {
    ...forge,
    async look(...asked) {
      const seen = await forge.look(...asked)
      await meanwhile()
      return seen
    },
  }
  const onError = (error: unknown) => assert.fail(String(error))
  const settings = { clock: systemClock, random: () => 0, intervalMs: 45_000, onError }
  await using tracker = createTracker({ db: database.db, watch, ...settings })
  await tracker.look(null)
}

test('what Moose pushes is no push of others: neither while it publishes, nor for a look that began before', async () => {
  await using given = await followed()
  const { db } = database
  const { of, input, remote } = given
  const branch = String(input.branches[0])
  const seen = async () => {
    const row = (await findPullRequestOfAttempt(db, of)) ?? assert.fail()
    const events = await db
      .selectFrom('github_events')
      .select('status')
      .where('work_order_id', '=', of.workOrderId)
      .where('event_type', '=', 'push')
      .execute()
    return [row.seen_head_sha, ...events.map(({ status }) => status)]
  }
  await look(given)
  const content = { work_order_id: of.workOrderId, project_id: of.project.id, content: '{}', executor_id: 'test' }
  await db
    .insertInto('attempts')
    .values({ ...content, number: 2, status: 'running' })
    .execute()
  const pushed = await remote.commit(branch, { c: '1\n' })
  await db.updateTable('attempts').set({ head_sha: pushed }).where('work_order_id', '=', of.workOrderId).execute()
  await look(given)
  assert.deepEqual(await seen(), [input.headSha])

  const again = await remote.commit(branch, { c: '2\n' })
  await look(given, async () => {
    const row = (await findPullRequestOfAttempt(db, of)) ?? assert.fail()
    const further = await remote.commit(branch, { c: '3\n' })
    await keepVerified(db, row, {
      attempt: 2,
      base: 'main',
      baseSha: row.base_sha,
      headSha: further,
      diff: '',
      body: '',
    })
  })
  const [kept, ...events] = await seen()
  assert.deepEqual([kept, events], [await remote.git('rev-parse', branch), []], again)

  const byHand = await remote.commit(branch, { d: '1\n' })
  await look(given)
  assert.deepEqual(await seen(), [byHand, byHand])
})

test('a base that is gone leaves open whether it can be merged, and other history conflicts', async () => {
  await using given = await followed()
  await given.remote.git('branch', 'kept', 'main')
  await given.remote.git('symbolic-ref', 'HEAD', 'refs/heads/kept')
  await given.remote.git('branch', '-D', 'main')
  const { base_sha, mergeability } = await factsOf(given)
  assert.deepEqual([base_sha, mergeability], [null, 'unknown'])
  const tree = await given.remote.git('rev-parse', 'kept^{tree}')
  const other = await given.remote.git('commit-tree', tree, '-m', 'begun anew')
  await given.remote.git('branch', 'main', other)
  const anew = await factsOf(given)
  assert.deepEqual([anew.mergeability, anew.conflict_files], ['conflict', []])
})

test('the acts of a forge that has no such thing say so, and a merge need not wait', async () => {
  await using given = await followed()
  const { followUp, of, input } = given
  assert.deepEqual(await followUp.mergeWhenReady(of, { headSha: input.headSha, mark: null }, signal), {
    outcome: 'ready',
  })
  assert.equal(await followUp.keepComment(of, 'x', signal), null)
  await followUp.withdrawMerge(of, signal)
})

/** A commit of that message on the base. */
async function committed({ remote }: Followed, message: string): Promise<string> {
  const sha = await remote.git('commit-tree', 'main^{tree}', '-p', 'main', '-m', message)
  await remote.git('update-ref', 'refs/heads/main', sha)
  return sha
}

test('a revert on the base is seen by the commit it names, once, and the revert of a revert is none', async () => {
  await using given = await followed()
  const change = await given.merged()
  const look = (since: string | null) => given.followUp.revertsOf(given.project, [change], since, signal)
  const before = await look(null)
  assert.deepEqual(before.reverts, [])
  await committed(given, 'Revert nothing\n\nThis reverts commit 0123456789012345678901234567890123456789.')
  const sha = await committed(
    given,
    `Revert "WO-1: Change"\n\nThis reverts commit ${change.mergeSha}, reversing\nchanges.`,
  )
  const anew = await committed(given, `Revert "Revert "WO-1: Change""\n\nThis reverts commit ${sha}.`)
  const seen = await look(before.baseSha)
  assert.deepEqual(
    seen.reverts.map(({ work_order_id, number, sha: by, by: how }) => [work_order_id, number, by, how]),
    [[change.workOrderId, change.number, sha, 'sha']],
  )
  assert.equal(seen.baseSha, anew)
  assert.deepEqual((await look(seen.baseSha)).reverts, [])
  assert.equal((await look(null)).reverts.length, 1)
  assert.equal((await look('0123456789012345678901234567890123456789')).reverts.length, 1, 'a base that was rewritten')
})

for (const [what, message, expected] of [
  ['the commit of the branch', (change: MergedChange) => `Undo\n\nThis reverts commit ${change.headSha}.`, ['sha']],
  ['a shortened id', (change: MergedChange) => `Undo\n\nThis reverts commit ${change.mergeSha.slice(0, 9)}.`, ['sha']],
  ['title and number in the title', () => 'Revert "WO-1: Change (#1)" (#9)', ['title']],
  ['title and number as of the button', () => 'Revert "WO-1: Change" (#9)\n\nReverts acme/shop#1', ['title']],
  [
    'the merge of such a pull request',
    () => 'Merge pull request #9 from acme/revert-1\n\nRevert "WO-1: Change"\n\nReverts acme/shop#1',
    ['title'],
  ],
  ['the title alone', () => 'Revert "WO-1: Change"', []],
  ['another number', () => 'Revert "WO-1: Change" (#9)\n\nReverts acme/shop#12', []],
  ['a title that goes on', () => 'Revert "WO-1: Changes" (#9)\n\nReverts acme/shop#1', []],
  ['words', () => 'We should revert #1 one day', []],
] as const) {
  test(`a revert by ${what} is told by ${expected.length === 0 ? 'nothing' : expected[0]}`, async () => {
    await using given = await followed()
    const change = await given.merged()
    await committed(given, message(change))
    const { reverts } = await given.followUp.revertsOf(given.project, [change], change.mergeSha, signal)
    assert.deepEqual(
      reverts.map(({ by }) => by),
      expected,
    )
  })
}

test('a clock that is set back stops no looks', async () => {
  let [offset, looks] = [0, 0]
  const clock = { ...systemClock, now: () => new Date(Date.now() + offset) }
  const watch: Pick<PullRequestWatch, 'look'> = {
    async look() {
      looks += 1
      return { sightings: [], lost: [], faults: [] }
    },
  }
  const settings = { clock, random: () => 0, intervalMs: 50, onError: (error: unknown) => assert.fail(String(error)) }
  await using tracker = createTracker({ db: database.db, watch: { ...watch, apiCallsLastHour: () => 0 }, ...settings })
  tracker.start()
  await until('it looks', () => looks > 2)
  offset = -3_600_000
  const before = looks
  await until('it goes on', () => looks > before + 2)
})

test('what a look has found, or has not, counts no more once one that began later was kept', async () => {
  await using given = await followed()
  const { db } = database
  const { workOrderId, attempt, number } = given.of
  const key = { workOrderId, attempt }
  const late = await beginLook(db, when)
  const newer = await beginLook(db, when)
  const gone = { of: { ...key, number }, is: 'gone', why: 'it is gone' } as const
  const stands = async () => {
    const { lost_looks: looks, follow_up } = await db
      .selectFrom('pull_requests')
      .select(['lost_looks', 'follow_up'])
      .where('work_order_id', '=', workOrderId)
      .executeTakeFirstOrThrow()
    return [looks, follow_up !== null]
  }
  await noteLost(db, gone, newer)
  await noteFound(db, [key], late)
  await noteLost(db, gone, late)
  assert.deepEqual(await stands(), [1, true])
  await noteFound(db, [key], newer)
  assert.deepEqual(await stands(), [0, false])
})
