import { type Kysely, sql } from 'kysely'
import { Usd } from '../../money.ts'
import type { Database } from '../schema.ts'

type Db = Kysely<Database>

/** So many are named at once; the others when these have been put right. */
const MOST_BROKEN = 20

/** Calls of which nobody knows whether they were charged, and the USD held for them. */
export async function heldReservations(db: Db): Promise<{ calls: number; held: Usd }> {
  const row = await db
    .selectFrom('budget_open_reservations')
    .select(({ fn, lit }) => [
      fn.countAll<string>().as('calls'),
      fn.coalesce(fn.sum<string>('amount_usd'), lit(0)).as('usd'),
    ])
    .where('unresolved', '=', true)
    .executeTakeFirstOrThrow()
  return { calls: Number(row.calls), held: new Usd(row.usd) }
}

/** An entry of the ledger that breaks its rules, from before they held or past them. */
export type BrokenEntry = {
  id: string
  reservationId: string
  kind: string
  /** As Postgres writes it: `NaN` and `Infinity` are no numbers of ours. */
  amount: string
  /** Null for what is no settlement. */
  cost: string | null
  /** What is wrong with it, as the end of a sentence. */
  problem: string
}

/** Entries that break the rules of the ledger and that nobody has put right; reads all of it. Oldest first. */
export async function brokenEntries(db: Db): Promise<BrokenEntry[]> {
  const { rows } = await sql<BrokenEntry>`
    select entry.id, entry.reservation_id as "reservationId", entry.kind, entry.amount_usd as amount,
      entry.cost_usd as cost, moose_entry_problem(entry, reserved) as problem
    from budget_entries as entry
    left join budget_entries as reserved on reserved.reservation_id = entry.reservation_id and reserved.kind = 'reserved'
    where moose_entry_problem(entry, reserved) is not null and not exists (
      select from budget_entries as answer where answer.reservation_id = entry.reservation_id and answer.kind = 'void'
    )
    order by entry.id limit ${MOST_BROKEN}
  `.execute(db)
  return rows
}
