import { type Kysely, sql } from 'kysely'
import type { Database } from '../db/schema.ts'
import { Fault } from '../faults/fault.ts'

/** For a query: reservations with an amount that no sum can hold. Nearly always none: an index says so at once. */
const WITHOUT_NUMBER = sql`
  select reservation_id from budget_entries
  where amount_usd in ('NaN', 'Infinity', '-Infinity') or cost_usd in ('NaN', 'Infinity', '-Infinity')
`

/**
 * For a query on `budget_entries as entry`: the entry counts. Those of a reservation whose entries break the rules of the
 * ledger do not, whether it has been put right (`void`) or not yet.
 */
export const COUNTS = sql<boolean>`entry.reservation_id <> all (array(
  select reservation_id from budget_entries where kind in ('disputed', 'void') union all ${WITHOUT_NUMBER}
))`

/** For a query: reservations whose entries break the rules and that nobody has put right. */
const DISPUTED = sql`
  select reservation_id from (
    select reservation_id from budget_entries where kind = 'disputed' union ${WITHOUT_NUMBER}
  ) as broken
  where not exists (
    select from budget_entries as answer where answer.reservation_id = broken.reservation_id and answer.kind = 'void'
  )
`

/** For a query: the first of them; null where there is none. */
export const FIRST_DISPUTED = sql<string | null>`(select min(reservation_id::text) from (${DISPUTED}) as disputed)`

/** How many reservations there are whose entries break the rules and that nobody has put right. */
export async function countDisputed(db: Kysely<Database>): Promise<number> {
  const { rows } = await sql<{ count: string }>`select count(*) as count from (${DISPUTED}) as disputed`.execute(db)
  return Number(rows[0]?.count)
}

/** @throws {Fault} `ledger_unsound`: what is spent cannot be known, so nothing more is */
export function assertSound(firstDisputed: string | null): void {
  if (firstDisputed === null) return
  const id = firstDisputed.slice(0, 8)
  const message =
    `The entries of the reservation ${id} in budget_entries break the rules of the ledger, so nothing is spent until it is ` +
    `put right: moose doctor says what is wrong. Say what its call has cost (0: nothing) with: moose budget settle ${id} USD`
  throw new Fault('ledger_unsound', message, { reservation_id: firstDisputed })
}
