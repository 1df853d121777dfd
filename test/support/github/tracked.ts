import type { TestContext } from 'node:test'
import { findWorkOrder } from '../../../src/db/work-orders/work-orders.ts'
import { createTracker, type Tracker } from '../../../src/orchestrator/tracker.ts'
import type { PublishInput } from '../../../src/ports/pull-request.ts'
import { toolOrSkip } from '../tool-or-skip.ts'
import { createGitHubSetting, type GitHubSetting } from './github-setting.ts'

export type Tracked = GitHubSetting & { tracker: Tracker; errors: unknown[] }

/** A project on the stand-in with a tracker that looks when it is told to; null when a program is missing. */
export async function tracked(t: TestContext, log?: (line: string) => void): Promise<Tracked | null> {
  if (toolOrSkip(t, 'gh') === null || toolOrSkip(t, 'openssl') === null) return null
  const given = await createGitHubSetting(log === undefined ? {} : { log })
  const errors: unknown[] = []
  const { database, forge, clock } = given
  const tracker = createTracker({
    db: database.db,
    watch: forge,
    clock,
    random: () => 0,
    intervalMs: 45_000,
    onError: (error) => errors.push(error),
  })
  return { ...given, tracker, errors, [Symbol.asyncDispose]: () => given[Symbol.asyncDispose]() }
}

/** An order in review with its pull request on the stand-in. */
export async function opened(given: GitHubSetting): Promise<{ input: PublishInput; number: number }> {
  const input = await given.prepare()
  return { input, number: (await given.forge.publish(input)).number }
}

/** Where an order stands, and what `github_events` says of it, oldest first. */
export async function ended({ database, remote }: GitHubSetting, { workOrderId, branches }: PublishInput) {
  const { status, metadata } = await findWorkOrder(database.db, workOrderId)
  const events = await database.db
    .selectFrom('github_events')
    .select(['event_type', 'action', 'status'])
    .where('work_order_id', '=', workOrderId)
    .orderBy('created_at')
    .execute()
  return {
    status,
    mergeSha: metadata['merge_sha'],
    branch: (await remote.branches()).includes(String(branches[0])),
    events: events.map(({ event_type, action, status }) => `${event_type} ${action ?? status}`),
  }
}

/** Lets the tracker look again and again for an hour of its clock. @returns how many requests that cost */
export async function passHour({ github, clock, tracker }: Tracked): Promise<number> {
  const before = github.apiCalls()
  const began = clock.now().getTime()
  // Stops the loop once its clock has gone an hour ahead.
  const { promise: over, resolve } = Promise.withResolvers<void>()
  const sleep = clock.sleep
  clock.sleep = async (ms, signal) => {
    if (clock.now().getTime() - began < 3_600_000) return await sleep(ms, signal)
    resolve()
    await new Promise((stopped) => signal.addEventListener('abort', stopped, { once: true }))
  }
  tracker.start()
  await over
  await tracker[Symbol.asyncDispose]()
  return github.apiCalls() - before
}

/** The row of a pull request of an order of its own, and what the stand-in has under its number. */
export async function placePullRequest(
  { database: { db }, github, project }: GitHubSetting,
  input: PublishInput,
  { number, closedAt = null }: { number: number; closedAt?: Date | null },
): Promise<string> {
  const { id } = await db
    .insertInto('work_orders')
    .values({ title: 'Change', description: '', risk_level: 'low', project_id: project.id })
    .returning('id')
    .executeTakeFirstOrThrow()
  const where = closedAt === null ? 'open' : 'closed'
  const facts = {
    title: 'Change',
    body: '',
    base: 'main',
    diff: '',
    url: `https://github.com/acme/shop/pull/${number}`,
  }
  const shas = { base_sha: input.baseSha, head_sha: input.headSha }
  const key = { work_order_id: id, attempt: 1, project_id: project.id, number, node_id: `PR_${number}` }
  await db
    .insertInto('pull_requests')
    .values({ ...facts, ...shas, ...key, branch: `b${number}`, state: where, ended_at: closedAt })
    .execute()
  const state = { state: where, mergedAt: null, mergeSha: null, checks: null, review: null } as const
  github.state.pulls.push({
    ...state,
    number,
    title: 'Change',
    body: '',
    head: 'main',
    base: 'main',
    sha: input.baseSha,
    labels: [],
  })
  return id
}
