import { processId } from '../../src/process/process-id.ts'
import type { TestDatabase } from './database.ts'

/** Who a call is made by. */
export const CALL = { proposer: 'small', provider: 'openai', model: 'gpt-small' }
/** A payer without an order. */
export const NOBODY = { workOrderId: null, attempt: null }

export async function project({ db }: TestDatabase, name: string, budget: string | null = null): Promise<string> {
  const row = { name, repository: `/srv/${name}.git`, default_branch: 'main', forge: 'local', budget_usd: budget }
  return (await db.insertInto('projects').values(row).returning('id').executeTakeFirstOrThrow()).id
}

/** An order with an attempt that this process carries out. */
export async function order({ db }: TestDatabase, title: string, options: { project: string; executor?: string }) {
  const { id } = await db
    .insertInto('work_orders')
    .values({ title, risk_level: 'low', project_id: options.project, acceptance_criteria: '[]', files_in_scope: '[]' })
    .returning('id')
    .executeTakeFirstOrThrow()
  const executor = options.executor === undefined ? 'here' : options.executor
  await db
    .insertInto('attempts')
    .values({
      work_order_id: id,
      number: 1,
      project_id: options.project,
      content: '{}',
      executor_id: executor,
      holder: processId,
      cost_usd: 0,
    })
    .execute()
  return { workOrderId: id, attempt: 1 }
}

/** Stops the time of the ledger. */
export async function setNow({ pool }: TestDatabase, at: string): Promise<void> {
  await pool.query(
    `create or replace function moose_now() returns timestamptz language sql volatile as $$ select '${at}'::timestamptz $$`,
  )
}

/** As a process that is gone left it. */
export async function by(database: TestDatabase, holder: string, reservation: string): Promise<string> {
  await database.pool.query('alter table budget_entries disable trigger budget_entries_append_only')
  await database.pool.query('update budget_entries set holder = $2 where reservation_id = $1', [reservation, holder])
  return reservation
}
