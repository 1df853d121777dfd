import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { test } from 'node:test'
import { eventsAfter } from '../../src/db/work-order-events.ts'
import { createMooseHome, fileOrder, type MooseHome, rested } from '../support/moose-home.ts'
import { mooseWorker } from '../support/service-process.ts'
import { until } from '../support/until.ts'

const HOUR_MS = 3_600_000
/** Of a worker; shorter than the answer takes, so that it is renewed meanwhile. */
const LEASE_MS = 3_000
const ANSWER = { task: 'Greet', turn: 1, text: '### write a.txt\n```\nhello\n```\n', delay_ms: 15_000 }

/** For the environment of a process whose `Date`, in every thread, is off by so many ms. */
function withClock(byMs: number): { NODE_OPTIONS: string } {
  const script = `const Real = Date
globalThis.Date = class extends Real {
  constructor(...args) { if (args.length > 0) super(...args); else super(Real.now() + (${byMs})) }
  static now() { return Real.now() + (${byMs}) }
}`
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(script)}` }
}

test('49: by a clock that is an hour off a living lease is over, and goes by the time of the database here', {
  timeout: 120_000,
}, async () => {
  await using home = await createMooseHome({ 'a.txt': 'a\n' }, [ANSWER], { MOOSE_LEASE_MS: String(LEASE_MS) })
  const { db } = home.database
  await using _right = await workerOf(home, 'right', {})
  const id = await fileOrder(home.database, { title: 'Greet', files: ['a.txt'] })
  await until('it runs', async () => (await db.selectFrom('attempts').select('number').execute()).length === 1)
  const [early, late] = [withClock(HOUR_MS), withClock(-HOUR_MS)]
  assert.ok((await overBy(home, clockOf(early))) > 0, 'a worker that goes by its clock would take the attempt over')
  await using stack = new AsyncDisposableStack()
  const shifted = await Promise.all([workerOf(home, 'early', early), workerOf(home, 'late', late)])
  for (const worker of shifted) stack.use(worker)
  const [under] = await db.selectFrom('attempts').select('status').execute()
  assert.equal(under?.status, 'running')
  await rested(db, id)
  const attempts = await db.selectFrom('attempts').select(['number', 'resumed', 'status']).execute()
  assert.deepEqual(attempts, [{ number: 1, resumed: 0, status: 'succeeded' }])
  assert.ok((await eventsAfter(db, id, '0')).every(({ type }) => type !== 'taken_over'))
  // Whatever their clocks say, their leases begin now and are as long as any.
  const { rows } = await home.database.pool.query<{ left: number }>(
    'select extract(epoch from lease_until - moose_now())::float8 * 1000 as left from workers',
  )
  assert.equal(rows.length, 3)
  for (const { left } of rows) assert.ok(left > 0 && left <= LEASE_MS, String(left))
})

function workerOf(home: MooseHome, name: string, settings: Record<string, string>) {
  const folder = path.join(home.config.home, '..', name)
  return mooseWorker({ ...home.environment, ...settings, MOOSE_HOME: folder, ORCHESTRATOR_POLLING_INTERVAL_MS: '500' })
}

/** What such a process takes for now. */
function clockOf(environment: { NODE_OPTIONS: string }): Date {
  const said = execFileSync(process.execPath, ['-p', 'Date.now()'], { env: environment, encoding: 'utf8' })
  return new Date(Number(said))
}

/** How many leases are over by this clock. */
async function overBy({ database }: MooseHome, now: Date): Promise<number> {
  const { rows } = await database.pool.query('select from workers where lease_until < $1', [now])
  return rows.length
}
