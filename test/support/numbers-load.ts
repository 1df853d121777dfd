import { type Kysely, sql } from 'kysely'
import type { Database } from '../../src/db/schema.ts'

/**
 * So many orders of a year that ends with `end`, each with an attempt of seven steps and ten calls, written at once and past the
 * triggers: every fifth fails, of the others nine of ten are merged.
 *
 * @param end `YYYY-MM-DD`
 */
export async function loadNumbers(
  db: Kysely<Database>,
  { orders, end }: { orders: number; end: string },
): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    await sql`set local session_replication_role = replica`.execute(transaction)
    await sql`
      create temporary table load on commit drop as
      select n, gen_random_uuid() as id, projects.id as project_id, 'proposer-' || n % 4 as proposer, n % 5 = 0 as failed,
        ${end}::timestamptz - n * interval '365 days' / ${orders}::integer as at
      from generate_series(0, ${orders - 1}::integer) as n
      join (select id, row_number() over (order by name) - 1 as place, count(*) over () as of from projects) as projects
        on projects.place = n % projects.of`.execute(transaction)
    for (const rows of ROWS) await rows.execute(transaction)
  })
  await sql`analyze`.execute(db)
}

const ROWS = [
  sql`insert into work_orders (id, title, risk_level, project_id, status, attempts, created_at)
    select id, 'Order ' || n, 'low', project_id, case when failed then 'failed' else 'completed' end, 1, at from load`,
  sql`insert into attempts (work_order_id, number, project_id, status, content, executor_id, error, claimed_at, ended_at)
    select id, 1, project_id, case when failed then 'failed' else 'succeeded' end, '{}', 'load',
      case when failed then jsonb_build_object('code', (array['check_failed', 'edits_rejected'])[1 + n % 2], 'message', 'no') end,
      at, at + interval '10 minutes' from load`,
  sql`insert into attempt_steps (work_order_id, attempt, name, try, status, started_at, ended_at)
    select id, 1, step, 1, 'succeeded', at + place * interval '1 minute', at + place * interval '1 minute' + n % 60 * interval '1 second'
    from load cross join unnest(array['route','prepare','propose','apply','verify','publish','record'])
      with ordinality as steps (step, place)`,
  sql`insert into outcome_vectors (work_order_id, attempt, operation_type, success, outcome, cost, execution_time_ms, model_used,
      failure_class, error_context, metadata, created_at)
    select id, 1, 'work_order_execution', not failed, case when failed then 'failed' else 'pull_request_opened' end, 0.1, 60000 + n,
      proposer, case when failed then 'test_fail' end, case when failed then '{"code": "check_failed"}'::jsonb end,
      '{"complexity_score": 0.2}', at + interval '10 minutes' from load`,
  sql`insert into outcome_vectors (work_order_id, attempt, operation_type, success, outcome, cost, model_used, metadata, created_at)
    select id, 1, 'pull_request_end', n % 10 <> 1, case when n % 10 <> 1 then 'merged' else 'closed' end, 0.1, 'none', '{}',
      at + interval '1 hour' from load where not failed`,
  sql`insert into pull_requests (project_id, number, work_order_id, attempt, title, body, base, branch, base_sha, head_sha, diff,
      state, created_at, ended_at)
    select project_id, n + 1, id, 1, 'Order', '', 'main', 'b' || n, 'a', 'b', '', case when n % 10 <> 1 then 'merged' else 'closed' end,
      at + interval '10 minutes', at + interval '1 hour' from load where not failed`,
  sql`create temporary table calls on commit drop as
    select load.*, call, gen_random_uuid() as reservation_id, at + call * interval '20 seconds' as called,
      0.01 + call * 0.001 + n * 0.00000001 as cost from load cross join generate_series(1, 10) as call`,
  sql`insert into budget_entries (reservation_id, kind, amount_usd, cost_usd, work_order_id, attempt, project_id, proposer, provider,
      model, holder, day, month, at)
    select reservation_id, kind, case when kind = 'reserved' then 0.5 else cost - 0.5 end, case when kind = 'settled' then cost end, id, 1,
      project_id, proposer, 'openai', proposer, '00000000-0000-4000-8000-000000000000', (called at time zone 'utc')::date,
      date_trunc('month', called at time zone 'utc')::date, called + case when kind = 'reserved' then '0' else interval '5 seconds' end
    from calls cross join unnest(array['reserved', 'settled']) as kind`,
  sql`insert into model_calls (work_order_id, attempt, proposer, provider, model, input_tokens, output_tokens, cost_usd, replayed,
      duration_ms, started_at, reservation_id)
    select id, 1, proposer, 'openai', proposer, 1000, 100, cost, false, 5000, called, reservation_id from calls`,
]
