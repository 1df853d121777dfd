import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Database } from '../schema.ts'

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

/** What entries add up to, in USD as decimals. */
export type Sums = {
  /** Charged. */
  spent: string
  /** Set aside: for calls under way, and for calls of which it is unknown whether they were charged. */
  reserved: string
}

/**
 * The one definition of spent and reserved, for the `select` of a query on entries that count (`COUNTS`): the columns
 * `{prefix}spent`, `{prefix}reserved` and `{prefix}total`, which is both of them and what a cap is compared with. Sums are
 * made in the database, where they are exact.
 *
 * @param which entries are summed; left out: all of the group
 */
export function sumsOf(prefix = '', which?: RawBuilder<unknown>) {
  const filter = which === undefined ? sql`` : sql`filter (where ${which})`
  const total = sql`coalesce(sum(amount_usd) ${filter}, 0)`
  const spent = sql`coalesce(sum(cost_usd) ${filter}, 0)`
  const named = (name: string) => sql.ref(`${prefix}${name}`)
  return sql`${total} as ${named('total')}, ${spent} as ${named('spent')}, ${total} - ${spent} as ${named('reserved')}`
}

/** For a query: reservations whose entries break the rules and that have not been put right. */
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

/** How many reservations there are whose entries break the rules and that have not been put right. */
export async function countDisputed(db: Kysely<Database>): Promise<number> {
  const { rows } = await sql<{ count: string }>`select count(*) as count from (${DISPUTED}) as disputed`.execute(db)
  return Number(rows[0]?.count)
}

/** So many are named at once; the others when these have been put right. */
const MOST_BROKEN = 20

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

/** Entries that break the rules of the ledger and have not been put right; reads all of it. Oldest first. */
export async function brokenEntries(db: Kysely<Database>): Promise<BrokenEntry[]> {
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
