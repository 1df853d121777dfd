import type { Kysely } from 'kysely'
import type { BudgetMergedBy } from '../../contract/budget.ts'
import type { MergedBy, Numbers } from '../../contract/numbers.ts'
import { readCalendar } from '../../db/budget-entries/cap-sums.ts'
import { countMergedUnverified, type MergedRow, readMerged } from '../../db/numbers/merged.ts'
import type { NumbersRange } from '../../db/numbers/range.ts'
import type { Database } from '../../db/schema.ts'
import { NO_USD } from '../../money.ts'
import { kindOfChange } from '../../work-order/kind-of-change.ts'
import { daysOf } from './days.ts'
import { exactUsd } from './money.ts'
import { perEach } from './rates.ts'

/** What a merged pull request cost, by project, by proposer and by kind of change; and how many were reverted. */
export async function mergedOf(
  db: Kysely<Database>,
  range: NumbersRange,
): Promise<Pick<Numbers, 'merged_by' | 'reverts' | 'merged_unverified'>> {
  const rows = await readMerged(db, range)
  return {
    merged_by: [
      ...groupsOf(rows, 'project', ({ project }) => project),
      ...groupsOf(rows, 'proposer', ({ proposer }) => proposer),
      ...groupsOf(rows, 'kind', ({ files }) => kindOfChange(files)),
    ],
    reverts: revertsOf(rows),
    merged_unverified: await countMergedUnverified(db, range),
  }
}

/** The same of the last 30 days in UTC, with amounts for showing. */
export async function mergedLately(db: Kysely<Database>): Promise<BudgetMergedBy[]> {
  const { at } = await readCalendar(db)
  const { days, starts } = daysOf({ tz: 'UTC', from: undefined, to: undefined }, at)
  const { merged_by: rows } = await mergedOf(db, { days, starts, isUtc: true, projectId: null })
  return rows.map(({ orders_usd: orders, cost_per_merged_usd: each, ...row }) => ({
    ...row,
    orders_usd: Number(orders),
    cost_per_merged_usd: each === null ? null : Number(each),
  }))
}

/** The dearest first. */
function groupsOf(
  rows: readonly MergedRow[],
  by: MergedBy['by'],
  nameOf: (row: MergedRow) => string | null,
): MergedBy[] {
  const groups = [...Map.groupBy(rows, nameOf)].map(([name, group]) => {
    const orders = group.reduce((sum, { spent }) => sum.plus(spent), NO_USD)
    return { name, group, orders }
  })
  return groups
    .toSorted((one, other) => other.orders.comparedTo(one.orders) || (String(one.name) < String(other.name) ? -1 : 1))
    .map(({ name, group, orders }) => ({
      by,
      name,
      merged: group.length,
      orders_usd: exactUsd(orders),
      cost_per_merged_usd: perEach(orders, group.length),
      reverted: revertsOf(group),
      repairs: group.reduce((sum, { repairs }) => sum + repairs, 0),
      review_rounds: group.reduce((sum, { review_rounds: rounds }) => sum + rounds, 0),
    }))
}

/** Null: none was looked at for it. */
function revertsOf(rows: readonly MergedRow[]): number | null {
  const looked = rows.filter((row) => row.looked)
  return looked.length === 0 ? null : looked.filter(({ reverted }) => reverted).length
}
