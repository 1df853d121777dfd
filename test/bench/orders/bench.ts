import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createMooseHome, type MooseHome } from '../../support/moose-home.ts'
import { asLaunched } from '../as-launched.ts'
import { startChild } from '../child.ts'
import { median, numbersFrom } from '../numbers.ts'
import { usageOf } from '../process-usage.ts'
import { report } from '../report.ts'
import { countOrders } from '../sample-orders.ts'

const TARGET_PER_SECOND = 50
const FLEET = 4
/** Orders one after the other, of which the queries are counted. */
const ALONE = 50
const MOST_QUERIES = 118
const WORKER = path.join(import.meta.dirname, 'no-op-worker.ts')
const SETTINGS = {
  ORCHESTRATOR_MAX_CONCURRENT_EXECUTIONS: '40',
  ORCHESTRATOR_PAUSE_AFTER_FAILURES: '0',
  ORCHESTRATOR_POLLING_INTERVAL_MS: '3600000',
}

/** How many orders a second go through the whole workflow when every adapter does nothing. */
export async function benchOrders(args: readonly string[]): Promise<void> {
  const { orders, rounds } = numbersFrom(args, { orders: 400, rounds: 3 })
  const samples: { one: Speed[]; fleet: Speed[] } = { one: [], fleet: [] }
  for (let round = 0; round < rounds; round += 1) {
    samples.one.push(await speedOf(1, orders))
    samples.fleet.push(await speedOf(FLEET, orders))
  }
  const queries = await queriesPerOrder(ALONE)
  const of = (speeds: readonly Speed[], figure: keyof Speed) => median(speeds.map((speed) => speed[figure]))
  const [one, fleet] = [of(samples.one, 'perSecond'), of(samples.fleet, 'perSecond')]
  report({
    bench: 'orders',
    settings: { orders, rounds },
    figures: [
      { what: '1 worker', value: one, unit: '/s' },
      { what: `${FLEET} workers`, value: fleet, unit: '/s', target: { atLeast: TARGET_PER_SECOND } },
      { what: `${FLEET} workers / 1 worker`, value: fleet / one, unit: '×' },
      { what: 'processor per order, 1 worker', value: of(samples.one, 'workerMs'), unit: 'ms' },
      { what: 'the same, its Postgres', value: of(samples.one, 'postgresMs'), unit: 'ms' },
      { what: `processor per order, ${FLEET} workers`, value: of(samples.fleet, 'workerMs'), unit: 'ms' },
      { what: 'the same, their Postgres', value: of(samples.fleet, 'postgresMs'), unit: 'ms' },
      {
        what: 'queries per order, one after the other',
        value: sum(queries),
        unit: '',
        target: { atMost: MOST_QUERIES },
      },
      ...Object.entries(queries).map(([cause, value]) => ({ what: `of these, ${cause}`, value, unit: '' })),
      { what: 'transactions per order, 1 worker', value: of(samples.one, 'transactions'), unit: '' },
      { what: `transactions per order, ${FLEET} workers`, value: of(samples.fleet, 'transactions'), unit: '' },
    ],
    notes: [
      'From the commit that approves all orders to the end of the last; all workers and Postgres on this machine.',
    ],
    samples,
  })
}

/** Times are of the processor, in ms per order. */
type Speed = { perSecond: number; workerMs: number; postgresMs: number; transactions: number }

async function speedOf(workers: number, orders: number): Promise<Speed> {
  await using home = await createMooseHome({ 'README.md': '# Sample\n' }, [], SETTINGS)
  await using fleet = new AsyncDisposableStack()
  const pids: number[] = []
  for (let number = 1; number <= workers; number += 1) {
    const env = { ...home.environment, ...asLaunched(), MOOSE_HOME: path.join(home.remote.folder, `worker-${number}`) }
    pids.push(fleet.use(await startChild(WORKER, { env })).pid)
  }
  // Functions are compiled, connections opened.
  await carryOut(home, 10 * workers)
  const before = await usedBy(home, pids)
  await carryOut(home, orders)
  const after = await usedBy(home, pids)
  const perOrder = (figure: keyof typeof before) => (after[figure] - before[figure]) / orders
  return {
    perSecond: 1_000 / perOrder('at'),
    workerMs: perOrder('workerMs'),
    postgresMs: perOrder('postgresMs'),
    transactions: perOrder('transactions'),
  }
}

/** By cause, of one worker whose orders come one after the other: the looks around each are all its own. */
async function queriesPerOrder(orders: number): Promise<Record<string, number>> {
  await using home = await createMooseHome({ 'README.md': '# Sample\n' }, [], SETTINGS)
  const env = { ...home.environment, ...asLaunched(), MOOSE_HOME: path.join(home.remote.folder, 'worker') }
  await using worker = await startChild(WORKER, { env })
  const counted = async (): Promise<Record<string, number>> => JSON.parse(await worker.ask('count'))
  await carryOut(home, 5)
  const before = await counted()
  for (let number = 0; number < orders; number += 1) await carryOut(home, 1)
  const after = await counted()
  return Object.fromEntries(
    Object.entries(after).map(([cause, count]) => [cause, (count - Number(before[cause])) / orders]),
  )
}

const sum = (counts: Record<string, number>) => Object.values(counts).reduce((total, count) => total + count, 0)

async function usedBy({ database: { pool } }: MooseHome, pids: readonly number[]) {
  const { rows } = await pool.query<{ pids: number[]; transactions: number }>(
    `select array_agg(pid) as pids,
            (select (xact_commit + xact_rollback)::float8 from pg_stat_database where datname = current_database())
              as transactions
     from pg_stat_activity where datname = current_database()`,
  )
  const [row] = rows
  if (row === undefined) throw new Error('the database counted nothing')
  const processorMs = (of: readonly number[]) => of.reduce((sum, pid) => sum + usageOf(pid).cpuS * 1_000, 0)
  const { transactions } = row
  return { at: performance.now(), workerMs: processorMs(pids), postgresMs: processorMs(row.pids), transactions }
}

/** Files so many orders and approves them in one statement; resolves when the last has ended. */
async function carryOut({ database: { db, pool } }: MooseHome, orders: number): Promise<void> {
  await pool.query(
    `insert into work_orders (title, description, risk_level, files_in_scope, acceptance_criteria)
     select 'Do nothing', 'Nothing.', 'low', jsonb_build_array('file-' || n), '[]' from generate_series(1, $1::int) as n`,
    [orders],
  )
  const done = (await countOrders(db)).inReview + orders
  await pool.query(
    `update work_orders set metadata = metadata || '{"approved_by_director": true}' where status = 'pending'`,
  )
  for (;;) {
    const { inReview, ended } = await countOrders(db)
    if (ended > 0) {
      const { rows } = await pool.query(
        `select distinct status, status_reason from work_orders where status_reason is not null`,
      )
      throw new Error(`${ended} orders did not succeed: ${JSON.stringify(rows)}`)
    }
    if (inReview === done) return
    await sleep(25)
  }
}
