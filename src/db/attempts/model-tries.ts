import { type Kysely, type Selectable, sql } from 'kysely'
import { isoTime } from '../../clock.ts'
import type { ModelTry } from '../../contract/tries.ts'
import type { Database } from '../schema.ts'
import { decimal } from '../work-orders/work-order-view.ts'

type Db = Kysely<Database>

/** A list carries no more. */
const MOST_LISTED = 500
/** An attempt makes a few dozen; what came before does not matter then. */
const MOST_BEFORE = 100

type CallRow = Omit<Selectable<Database['model_calls']>, 'answer'> & {
  number: string
  step: string | null
  repairs: boolean
  answer_bytes: number | null
}

/** Whose, and which of them; `attempt` null: those outside of an attempt. */
export type TryKey = { workOrderId: string; attempt: number | null; number: number }

/** A try with what its row keeps to find the rest by. */
export type FoundTry = ModelTry & {
  id: string
  workOrderId: string
  requestKey: string | null
  /** Whether it was asked to repair a change. */
  repairs: boolean
}

/**
 * The calls to models of an order that have ended, oldest first; of more than 500, the newest.
 *
 * @param attempt null: of all attempts
 */
export async function listTries(
  db: Db,
  workOrderId: string,
  attempt: number | null,
): Promise<{ tries: ModelTry[]; leftOut: number }> {
  const only = attempt === null ? sql`true` : sql`attempt = ${attempt}`
  const { rows } = await sql<CallRow & { all_of_them: string }>`
    select *, count(*) over () as all_of_them from (${callsOf(workOrderId)}) as calls where ${only}
    order by id desc limit ${MOST_LISTED}
  `.execute(db)
  const [row] = rows
  const all = row === undefined ? 0 : Number(row.all_of_them)
  return { tries: rows.toReversed().map(toTry), leftOut: all - rows.length }
}

/** @returns null: there is none */
export async function findTry(db: Db, { workOrderId, attempt, number }: TryKey): Promise<FoundTry | null> {
  const { rows } = await sql<CallRow>`
    select * from (${callsOf(workOrderId)}) as calls
    where attempt is not distinct from ${attempt}::integer and number = ${number}
  `.execute(db)
  const [row] = rows
  if (row === undefined) return null
  return { ...toTry(row), id: row.id, workOrderId, requestKey: row.request_key, repairs: row.repairs }
}

/** What was asked in an attempt up to a call, that one included, oldest first. */
export async function askedUpTo(
  db: Db,
  { workOrderId, attempt, id }: Pick<FoundTry, 'workOrderId' | 'attempt' | 'id'>,
): Promise<{ id: string; proposer: string; provider: string; model: string; request_key: string | null }[]> {
  const rows = await db
    .selectFrom('model_calls')
    .select(['id', 'proposer', 'provider', 'model', 'request_key'])
    .where('work_order_id', '=', workOrderId)
    .where('attempt', 'is not distinct from', attempt)
    .where('id', '<=', id)
    .orderBy('id', 'desc')
    .limit(MOST_BEFORE)
    .execute()
  return rows.toReversed()
}

/** What the tries of `propose` of an attempt began with and ended in, as it is shown. */
export async function proposalsOf(
  db: Db,
  { workOrderId, attempt }: { workOrderId: string; attempt: number },
): Promise<{ base: string | null; error: unknown }[]> {
  return db
    .selectFrom('attempt_steps')
    .select([sql<string | null>`output ->> 'baseSha'`.as('base'), 'error'])
    .where('work_order_id', '=', workOrderId)
    .where('attempt', '=', attempt)
    .where('name', '=', 'propose')
    .orderBy('try')
    .execute()
}

/** The step a call was made in is the last of the two that call models which had begun by then. */
function callsOf(workOrderId: string) {
  return sql`
    select call.id, call.attempt, proposer, provider, model, input_tokens, output_tokens, cache_read_tokens,
      cache_write_tokens, reasoning_tokens, call.cost_usd, finish_reason, error_code, replayed, duration_ms, call.started_at,
      request_key, octet_length(answer) as answer_bytes,
      row_number() over (partition by call.attempt order by call.id) as number,
      step.name as step, coalesce(step.input ? 'repair', false) as repairs
    from model_calls as call
    left join lateral (
      select name, input from attempt_steps
      where work_order_id = call.work_order_id and attempt = call.attempt and name in ('propose', 'apply')
        and started_at <= call.started_at + interval '1 millisecond'
      order by started_at desc limit 1
    ) as step on true
    where call.work_order_id = ${workOrderId}
  `
}

function toTry(row: CallRow): ModelTry {
  const { attempt, step, proposer, provider, model, finish_reason, error_code, replayed, answer_bytes } = row
  const { input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, duration_ms } = row
  return {
    attempt,
    number: Number(row.number),
    step,
    proposer,
    provider,
    model,
    input_tokens,
    output_tokens,
    cache_read_tokens,
    cache_write_tokens,
    reasoning_tokens,
    cost_usd: row.cost_usd === null ? null : decimal(row.cost_usd),
    finish_reason,
    error_code,
    replayed,
    duration_ms,
    started_at: isoTime(row.started_at),
    answer_bytes,
  }
}
