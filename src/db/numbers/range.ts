import { type RawBuilder, sql } from 'kysely'
import { COUNTS } from '../budget-entries/counted-entries.ts'

/** Days one after the other, and whose numbers are wanted. */
export type NumbersRange = {
  /** `YYYY-MM-DD`; those of UTC are those of the ledger. */
  days: readonly string[]
  isUtc: boolean
  /** When each day begins, and after them when the last one ends. */
  starts: readonly Date[]
  /** Null: of all. */
  projectId: string | null
}

/** For a `where`: the time lies in the range. */
export function isWithin(time: RawBuilder<unknown>, { starts }: NumbersRange): RawBuilder<boolean> {
  return sql`${time} >= ${starts.at(0)} and ${time} < ${starts.at(-1)}`
}

/** For a query: which day of the range a time lies in; the first is 0. */
export function dayIndex(time: RawBuilder<unknown>, { starts }: NumbersRange): RawBuilder<number> {
  return sql`width_bucket(${time}, ${starts.map((start) => start.toISOString())}::timestamptz[]) - 1`
}

/** For a `where`: the row is of the project that is asked for. */
export function isOfProject(column: RawBuilder<unknown>, { projectId }: NumbersRange): RawBuilder<boolean> {
  return projectId === null ? sql`true` : sql`${column} = ${projectId}`
}

/**
 * For a query: the entries of the ledger that count and are booked within the range, as `entry`, each with the `day_index` of the
 * day it is booked on. In UTC that is the ledger's own day. In another zone it is that of the reservation, to which the ends of
 * the call belong too; one that was made for an earlier day, in place of one that broke the rules, is taken for noon of that day.
 */
export function entriesWithin(range: NumbersRange): RawBuilder<unknown> {
  const { days, isUtc } = range
  const [from, to] = [days.at(0), days.at(-1)]
  const ofProject = isOfProject(sql`entry.project_id`, range)
  if (isUtc) {
    return sql`(
      select entry.*, entry.day - ${from}::date as day_index from budget_entries as entry
      where ${isOfDays(sql`${from}::date`, sql`${to}::date`)} and ${COUNTS} and ${ofProject}
    ) as entry`
  }
  return sql`(
    select entry.*, ${dayIndex(sql`booked_at`, range)} as day_index from (
      select entry.*, case when (first.at at time zone 'utc')::date = first.day then first.at
        else (first.day + time '12:00') at time zone 'utc' end as booked_at
      from budget_entries as entry
      join budget_entries as first on first.reservation_id = entry.reservation_id and first.kind = 'reserved'
      where ${isOfDays(sql`${from}::date - 1`, sql`${to}::date + 1`)} and ${COUNTS} and ${ofProject}
    ) as entry where ${isWithin(sql`booked_at`, range)}
  ) as entry`
}

/** As the index on month and day has them. */
function isOfDays(from: RawBuilder<unknown>, to: RawBuilder<unknown>): RawBuilder<boolean> {
  return sql`entry.month between date_trunc('month', ${from})::date and ${to} and entry.day between ${from} and ${to}`
}
