import { type Kysely, sql } from 'kysely'
import { COUNTS, type Sums, sumsOf } from '../budget-entries/counted-entries.ts'
import type { Database } from '../schema.ts'
import { entriesWithin, isOfProject, type NumbersRange } from './range.ts'

type Db = Kysely<Database>
type Spent = Sums & { calls: number }

/** What was spent in a range; sums are decimals. */
export type Spending = {
  all: Spent
  /** By their place in the range; those without an entry are left out. */
  days: ReadonlyMap<number, Spent>
  /** The dearest first. `name` null: of no project, or of one that is gone; `cap` its own, of a month. */
  projects: (Spent & { project_id: string | null; name: string | null; cap: string | null })[]
  /** The dearest first. */
  models: (Spent & { proposer: string; provider: string; model: string })[]
}

type Row = Spent & {
  part: number
  day_index: number
  project_id: string | null
  name: string | null
  cap: string | null
  proposer: string
  provider: string
  model: string
}

/** Which grouping a row is of, as `grouping(day_index, project_id, proposer)` says it. */
const PARTS = { all: 0b111, day: 0b011, project: 0b101, model: 0b110 } as const

/** All of it in one look at the ledger. */
export async function readSpending(db: Db, range: NumbersRange): Promise<Spending> {
  const { rows } = await sql<Row>`
    with parts as (
      select day_index, project_id, proposer, provider, model, count(*) filter (where kind = 'reserved') as calls,
        sum(amount_usd) as amount_usd, sum(cost_usd) as cost_usd
      from ${entriesWithin(range)} group by day_index, project_id, proposer, provider, model
    ),
    sums as (
      select grouping(day_index, project_id, proposer) as part, day_index, project_id, proposer, provider, model,
        coalesce(sum(calls), 0)::integer as calls, ${sumsOf()}
      from parts
      group by grouping sets ((), (day_index), (project_id), (proposer, provider, model))
    )
    select sums.*, projects.name, projects.budget_usd as cap
    from sums left join projects on sums.part = ${PARTS.project} and projects.id = sums.project_id
    order by sums.total desc, projects.name, proposer, model, provider
  `.execute(db)
  const of = (part: number) => rows.filter((row) => row.part === part)
  const [all] = of(PARTS.all)
  if (all === undefined) throw new Error('the sum of a range is one row')
  return {
    all,
    days: new Map(of(PARTS.day).map((row) => [row.day_index, row])),
    projects: of(PARTS.project),
    models: of(PARTS.model),
  }
}

/** By proposer, provider and model, as `moose budget` counts them. */
export type Tokens = Record<'proposer' | 'provider' | 'model', string> & { input: number; output: number }

export async function readTokens(db: Db, range: NumbersRange): Promise<Tokens[]> {
  const { rows } = await sql<Tokens>`
    select entry.proposer, entry.provider, entry.model,
      sum(call.input_tokens)::float8 as input, sum(call.output_tokens)::float8 as output
    from ${entriesWithin(range)} join model_calls as call on call.reservation_id = entry.reservation_id
    where entry.kind = 'reserved' group by entry.proposer, entry.provider, entry.model
  `.execute(db)
  return rows
}

/** A whole month in UTC, `YYYY-MM`. `project_cap`: the own one of the project that is asked for. */
export type MonthRow = Sums & { month: string; project_cap: string | null }

/** Those of which the range has days, the earliest first. */
export async function readMonths(db: Db, range: NumbersRange): Promise<MonthRow[]> {
  const [from, to] = [range.days.at(0), range.days.at(-1)]
  const { rows } = await sql<MonthRow>`
    with months as (
      select generate_series(date_trunc('month', ${from}::date), ${to}::date, '1 month')::date as month
    ),
    sums as (
      select entry.month, ${sumsOf()} from budget_entries as entry
      where entry.month between date_trunc('month', ${from}::date)::date and ${to}::date
        and ${COUNTS} and ${isOfProject(sql`entry.project_id`, range)}
      group by entry.month
    )
    select to_char(months.month, 'YYYY-MM') as month, coalesce(spent, 0) as spent, coalesce(reserved, 0) as reserved,
      (select budget_usd from projects where id = ${range.projectId}) as project_cap
    from months left join sums using (month) order by 1
  `.execute(db)
  return rows
}
