import { claimOrders } from '../../../src/db/work-orders/claim.ts'
import type { TestDatabase } from '../../support/database.ts'

const PROJECTS = 20
const RUNNER = { homeId: 'bench', revision: 'bench' }

/** Approved orders over some projects, each with a file of its own, as autovacuum would find them a while later. */
export async function fill({ pool }: TestDatabase, pending: number): Promise<void> {
  await pool.query(
    `insert into projects (name, repository, default_branch, forge)
     select 'project ' || n, '/nowhere/' || n, 'main', 'local' from generate_series(1, ${PROJECTS}) as n`,
  )
  await pool.query(`create sequence bench_orders`)
  await pool.query(
    `create function bench_add() returns void language sql as $$
       insert into work_orders (title, description, risk_level, project_id, files_in_scope, acceptance_criteria, metadata)
       select 'Order ' || n, 'An order like any other.', 'low',
              (select id from projects where name = 'project ' || (1 + n % ${PROJECTS})),
              jsonb_build_array('src/file-' || n || '.ts'), '["it is there"]', '{"approved_by_director": true}'
       from nextval('bench_orders') as n
     $$`,
  )
  await pool.query('select bench_add() from generate_series(1, $1::int)', [pending])
  await pool.query('vacuum (analyze) work_orders, projects, attempts')
}

/** Claims the oldest; then it ends, and another is filed. @returns ms the claim took */
export async function claimOne(database: TestDatabase): Promise<number> {
  const { pool } = database
  const { took, claimed } = await timedClaim(database)
  const [run] = claimed
  if (run === undefined || claimed.length > 1) throw new Error(`${claimed.length} orders were claimed, not one`)
  await pool.query(`update attempts set status = 'failed', ended_at = clock_timestamp() where status = 'running'`)
  await pool.query(`update work_orders set status = 'failed' where id = $1`, [run.workOrderId])
  await pool.query('select bench_add()')
  return took
}

/** From now on a running attempt in each project holds everything: no order may start. */
export async function holdEverything({ pool }: TestDatabase): Promise<void> {
  await pool.query(
    `with held as (
       insert into work_orders (title, description, risk_level, project_id, files_in_scope, status, phase)
       select 'Change all of it', 'Everything.', 'low', id, '["src/"]', 'in_progress', 'applying' from projects
       returning id, project_id, files_in_scope)
     insert into attempts (work_order_id, number, project_id, content, executor_id)
     select id, 1, project_id, jsonb_build_object('files_in_scope', files_in_scope), 'bench' from held`,
  )
}

/** Looks for an order that may start, and finds none. @returns ms the claim took */
export async function claimNothing(database: TestDatabase): Promise<number> {
  const { took, claimed } = await timedClaim(database)
  if (claimed.length > 0) throw new Error('an order was claimed whose scope is held')
  return took
}

async function timedClaim({ db, pool }: TestDatabase) {
  const { rows } = await pool.query<{ running: number }>(
    `select count(*)::int as running from attempts where status = 'running'`,
  )
  const maxConcurrent = 1 + Number(rows[0]?.running)
  const before = performance.now()
  const { claimed } = await claimOrders(db, { maxConcurrent, maxPerRepository: null, runner: RUNNER, only: null })
  return { took: performance.now() - before, claimed }
}
