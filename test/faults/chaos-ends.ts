import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { sql } from 'kysely'
import { orphanedRuns } from '../../src/db/engine-workflows.ts'
import { moveWorkOrder } from '../../src/db/work-orders/work-orders.ts'
import { shiftTime } from '../support/shifted-time.ts'
import { type ChaosOrder, type ChaosSetting, writtenBy } from './chaos-setting.ts'
import { costOf } from './chaos-watch.ts'

/** How many orders stand where. */
export async function standings({ home }: ChaosSetting): Promise<Record<string, number>> {
  const { rows } = await sql<{ state: string; count: number }>`
    select case status when 'in_progress' then phase when 'blocked' then 'blocked: ' || (status_reason ->> 'code')
      else status end as state, count(*)::integer as count
    from work_orders group by 1`.execute(home.database.db)
  return Object.fromEntries(rows.map(({ state, count }) => [state, count]))
}

/**
 * Retries the orders that are held because their workers were killed or paused too often, as a person would.
 *
 * @returns which were
 */
export async function retryUnstable({ home }: Pick<ChaosSetting, 'home'>): Promise<string[]> {
  const { db } = home.database
  const { rows } = await sql<{ id: string }>`
    select id from work_orders where status = 'blocked' and status_reason ->> 'code' = 'attempt_unstable'`.execute(db)
  for (const { id } of rows) await moveWorkOrder(db, id, { from: ['blocked'], to: 'pending', reason: null })
  return rows.map(({ id }) => id)
}

/**
 * Each order has ended once, as it had to: one attempt, one end, one outcome, and one branch and pull request or none;
 * before it, an attempt for each time it was retried. An attempt that was held after it had opened its pull request leaves
 * its order in review too.
 *
 * @param retried the orders that were, once for each time
 */
export async function assertEndedOnce(setting: ChaosSetting, retried: readonly string[]): Promise<void> {
  const { rows } = await sql<{ id: string; branch: string | null; ended_as: string; facts: object }>`
    select id, github_branch as branch,
      (select string_agg(status, ' ' order by number) from attempts where work_order_id = work_orders.id) as ended_as,
      jsonb_build_object(
      'state', case when status = 'in_progress' then phase else status end,
      'reason', status_reason ->> 'code',
      'attempts', (select count(*) from attempts where work_order_id = work_orders.id),
      'ended_as', (select string_agg(status, ' ' order by number) from attempts where work_order_id = work_orders.id),
      'claims', (select count(*) from work_order_events where work_order_id = work_orders.id and type = 'claimed'),
      'ends', (select count(*) from work_order_events where work_order_id = work_orders.id and type = 'attempt_ended'),
      'outcomes', (select count(*) from outcome_vectors where work_order_id = work_orders.id),
      'pull_requests', (select count(*) from pull_requests where work_order_id = work_orders.id),
      'opened', (select count(*) from github_events where work_order_id = work_orders.id)
    ) as facts
    from work_orders`.execute(setting.home.database.db)
  const found = new Map(rows.map((row) => [row.id, row]))
  for (const order of setting.orders) {
    const opened = order.passes ? 1 : 0
    const before = retried.filter((id) => id === order.id).map(() => 'blocked')
    const isHeldInReview = order.passes && found.get(order.id)?.ended_as.endsWith('blocked') === true
    const endedAs = (last: string) => [...before, last].join(' ')
    const times = before.length + 1
    assert.deepEqual(
      found.get(order.id)?.facts,
      {
        ...(order.passes
          ? { state: 'in_review', reason: null, ended_as: endedAs(isHeldInReview ? 'blocked' : 'succeeded') }
          : { state: 'failed', reason: 'check_failed', ended_as: endedAs('failed') }),
        attempts: times,
        claims: times,
        ends: times,
        outcomes: times,
        pull_requests: opened,
        opened,
      },
      `order ${order.number} ${order.id}`,
    )
  }
  const branches = (of: ChaosOrder) => (of.passes ? [String(found.get(of.id)?.branch)] : [])
  await assertBranches(setting.orders, branches, new Set(retried))
}

/**
 * One branch per pull request, with one commit that holds what its order asked for; no other branch, but one that an attempt
 * had pushed before it was held.
 */
async function assertBranches(
  orders: readonly ChaosOrder[],
  branchOf: (order: ChaosOrder) => string[],
  retried: ReadonlySet<string>,
): Promise<void> {
  for (const repository of new Set(orders.map((order) => order.repository))) {
    const here = orders.filter((order) => order.repository === repository)
    const wanted = here.flatMap(branchOf)
    const ofHeld = here
      .filter(({ id, passes }) => passes && retried.has(id))
      .map(({ id }) => `feature/wo-${id.slice(0, 8)}-`)
    const isOfHeld = (name: string) => !wanted.includes(name) && ofHeld.some((start) => name.startsWith(start))
    const branches = (await repository.branches()).filter((name) => name !== 'main' && !isOfHeld(name))
    assert.deepEqual(branches, wanted.toSorted())
    for (const order of here.filter(({ passes }) => passes)) {
      const [branch = ''] = branchOf(order)
      assert.equal(await repository.git('rev-list', '--count', `main..${branch}`), '1', branch)
      const changed = await repository.git('diff', '--name-only', 'main', branch)
      assert.deepEqual(changed.split('\n').toSorted(), order.files.toSorted(), branch)
      for (const file of order.files) assert.equal(await repository.git('show', `${branch}:${file}`), writtenBy(order))
    }
  }
}

type Reservation = { id: string; order: string; kinds: string; time: string; cost: string | null }

/**
 * Every charge is in the ledger: settled with what it cost, or known as one of which nobody knew. No call of an order was made
 * again but where the order was taken over, or where it is not known whether the one before was charged.
 *
 * @returns calls, and how many of them nobody knew the end of
 */
export async function assertPaidOnce({ home, provider, orders }: ChaosSetting) {
  const { rows } = await sql<Reservation>`
    select reservation_id as id, min(work_order_id::text) as order, string_agg(kind, ' ' order by id) as kinds,
      min(at)::text || ' to ' || max(at)::text as time, sum(cost_usd)::text as cost
    from budget_entries group by reservation_id order by min(id)`.execute(home.database.db)
  const entries = new Map(rows.map((row) => [row.id, row]))
  const open = rows.filter(({ kinds }) => !/unresolved|settled|released/.test(kinds))
  assert.deepEqual(open, [], 'nothing is under way')
  for (const charge of provider.bill) {
    const entry = entries.get(String(charge.requestId))
    assert.ok(entry !== undefined, 'a charge the ledger does not know')
    assert.ok(!entry.kinds.includes('released'), 'a charge the ledger says was none')
    if (entry.cost !== null) assert.equal(Number(entry.cost), costOf(charge).toNumber())
  }
  const calls = provider.calls.map(({ headers }) => entries.get(String(headers['x-client-request-id']))?.order)
  const takeovers = await takeoversOf(home)
  for (const { id, number } of orders) {
    const made = calls.filter((order) => order === id).length
    assert.ok(made > 0, `order ${number} was never asked for`)
    const own = rows.filter(({ order }) => order === id)
    const unknown = own.filter(({ kinds }) => kinds.includes('unresolved')).length
    const told = own.map(({ kinds, time }) => `${kinds}, ${time}`).join('; ')
    const taken = takeovers.get(id)?.map((at) => at.toISOString()) ?? []
    assert.ok(
      made <= 1 + unknown + taken.length,
      `order ${number}: ${made} calls (${told}), taken over at ${taken.join(', ')}`,
    )
  }
  const unresolved = rows.filter(({ kinds }) => kinds === 'reserved unresolved').length
  const booked = rows.filter(({ kinds }) => kinds.includes('settled')).length
  return { calls: calls.length, unresolved, booked }
}

/** When orders were taken over, by their ids. */
async function takeoversOf({ database }: ChaosSetting['home']): Promise<ReadonlyMap<string, readonly Date[]>> {
  const events = await database.db
    .selectFrom('work_order_events')
    .select(['work_order_id as id', 'at'])
    .where('type', '=', 'taken_over')
    .execute()
  const taken = new Map<string, Date[]>()
  for (const { id, at } of events) taken.set(id, [...(taken.get(id) ?? []), at])
  return taken
}

/** Nothing runs, nothing lies about, and the engine will take nothing up again. */
export async function assertNothingLeft({ home, homeOf }: ChaosSetting, workers: readonly string[]): Promise<void> {
  for (const folder of ['workspaces', 'children']) {
    for (const worker of workers) {
      const left = await readdir(path.join(homeOf(worker), folder)).catch(() => [])
      assert.deepEqual(left, [], `${folder} of ${worker}`)
    }
  }
  const { db } = home.database
  const running = await db.selectFrom('attempts').selectAll().where('status', '=', 'running').execute()
  assert.deepEqual(running, [])
  const steps = await db.selectFrom('attempt_steps').selectAll().where('status', '=', 'running').execute()
  assert.deepEqual(steps, [])
  // Killed between the end of its attempt and its own, a workflow stays unfinished until retention removes it.
  const { rows } = await sql<{ id: string }>`
    select workflow_uuid as id from dbos.workflow_status where status in ('PENDING', 'ENQUEUED') order by created_at
  `.execute(db)
  await shiftTime(db, 11 * 60_000)
  assert.deepEqual(new Set(rows.map(({ id }) => id)), new Set(await orphanedRuns(db)), 'workflows of no use')
  await shiftTime(db, 0)
}
