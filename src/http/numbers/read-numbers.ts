import type { Kysely } from 'kysely'
import { isoTime } from '../../clock.ts'
import type { MergedInDays, Numbers, NumbersQuery } from '../../contract/numbers.ts'
import { readCalendar } from '../../db/budget-entries/cap-sums.ts'
import type { EndsOfDay } from '../../db/numbers/outcomes.ts'
import { showProject } from '../../db/projects.ts'
import type { Database } from '../../db/schema.ts'
import { NO_USD } from '../../money.ts'
import { daysOf, plusDays } from './days.ts'
import { mergedOf } from './merged.ts'
import { exactUsd, moneyOf } from './money.ts'
import { perEach } from './rates.ts'
import { workOf } from './work.ts'

/**
 * What was spent and what came of it in a range of days, as of one moment.
 *
 * @throws {Fault} `not_found` for an unknown project; `request_invalid` as `daysOf`
 */
export async function readNumbers(db: Kysely<Database>, query: NumbersQuery): Promise<Numbers> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (snapshot) => {
      const { at } = await readCalendar(snapshot)
      const { tz, days, starts } = daysOf(query, at)
      const project = query.project === undefined ? null : await showProject(snapshot, query.project)
      const range = { days, starts, isUtc: tz === 'UTC', projectId: project === null ? null : project.id }
      const { spending, ...money } = await moneyOf(snapshot, range)
      const { ended, ends, ...work } = await workOf(snapshot, range)
      const all = mergedIn(money.days, ends, { from: 0, to: days.length - 1 })
      return {
        at: isoTime(at),
        from: all.from,
        to: all.to,
        tz,
        project: project === null ? null : project.name,
        totals: {
          ...spending,
          attempts: ended,
          merged: all.merged,
          orders_usd: all.orders_usd,
          cost_per_merged_usd: all.cost_per_merged_usd,
          spent_per_merged_usd: all.spent_per_merged_usd,
        },
        ...money,
        merges: spansOf(days).map((span) => mergedIn(money.days, ends, span)),
        ...work,
        ...(await mergedOf(snapshot, range)),
      }
    })
}

/** A range of up to so many days is shown day by day. */
const MOST_SHOWN_DAYS = 31
const MONDAY = 1

/** Places of days, the last one too. */
type Span = { from: number; to: number }

/** Each day, or in a longer range each week, which begins on a Monday. */
function spansOf(days: readonly string[]): Span[] {
  const isFirst = (day: string) => days.length <= MOST_SHOWN_DAYS || new Date(day).getUTCDay() === MONDAY
  const firsts = days.flatMap((day, index) => (index === 0 || isFirst(day) ? [index] : []))
  return firsts.map((from, index) => {
    const next = firsts[index + 1]
    return { from, to: (next === undefined ? days.length : next) - 1 }
  })
}

function mergedIn(days: Numbers['days'], ends: readonly EndsOfDay[], { from, to }: Span): MergedInDays {
  const within = ends.filter(({ day_index: index }) => index >= from && index <= to)
  const merged = within.reduce((sum, day) => sum + day.merged, 0)
  const orders = within.reduce((sum, day) => sum.plus(day.orders), NO_USD)
  const spent = days.slice(from, to + 1).reduce((sum, day) => sum.plus(day.spent_usd), NO_USD)
  const [first] = days
  if (first === undefined) throw new Error('a range has a day')
  return {
    from: plusDays(first.day, from),
    to: plusDays(first.day, to),
    merged,
    orders_usd: exactUsd(orders),
    cost_per_merged_usd: perEach(orders, merged),
    spent_usd: exactUsd(spent),
    spent_per_merged_usd: perEach(spent, merged),
  }
}
