import { ExactUsd } from './amounts.ts'
import { storedText, textOfForm } from './stored-text.ts'
import { z } from './zod.ts'

/** The longest range: a leap year. */
export const MOST_DAYS = 366
/** Below it a rate says too little to be compared. */
export const ENOUGH = 20

const Count = z.number().int().nonnegative()
const Day = z.iso.date()
const Share = z.number().min(0).max(1)

/** A part of a whole, with what chance leaves open. */
const Rate = z.object({
  count: Count,
  of: Count,
  /** `count` divided by `of`; null: there is nothing to divide by. */
  rate: Share.nullable(),
  /** The 95 % interval of Wilson around the rate. */
  low: Share.nullable(),
  high: Share.nullable(),
  /** `of` is at least 20. Below that the rate is too uncertain to be relied on. */
  enough: z.boolean(),
})
export type Rate = z.infer<typeof Rate>

/** Of entries of the ledger, as `GET /api/budget` sums them. */
const Spent = z.object({
  /** Charged. */
  spent_usd: ExactUsd,
  /** Reserved for calls under way, and for calls of which it is unknown whether they were charged. */
  reserved_usd: ExactUsd,
})

const Cap = ExactUsd.nullable()

export const SpentOnDay = z
  .object({
    day: Day,
    ...Spent.shape,
    /** Every try, also those that failed. */
    calls: Count,
  })
  .openapi('SpentOnDay')
export type SpentOnDay = z.infer<typeof SpentOnDay>

/** A whole month in UTC, as caps count it, of which the range has days. */
export const SpentInMonth = z
  .object({
    month: z.string().openapi({ example: '2026-01' }),
    ...Spent.shape,
    soft_cap_usd: Cap,
    /** Of the project, where one was asked for. As it is now. */
    hard_cap_usd: Cap,
  })
  .openapi('SpentInMonth')
export type SpentInMonth = z.infer<typeof SpentInMonth>

export const SpentOnProject = z
  .object({
    /** Null: of no project, or of one that is gone. */
    project: z.string().nullable(),
    ...Spent.shape,
    calls: Count,
    /** Spent and reserved in the running month (UTC), whatever the range: what is compared with `month_cap_usd`. */
    month_usd: ExactUsd,
    /** Its cap of a month as it is now; null: none. */
    month_cap_usd: Cap,
  })
  .openapi('SpentOnProject')
export type SpentOnProject = z.infer<typeof SpentOnProject>

/** Models have no cap of their own. */
export const SpentOnModel = z
  .object({
    proposer: z.string(),
    provider: z.string(),
    model: z.string(),
    ...Spent.shape,
    calls: Count,
    input_tokens: Count,
    output_tokens: Count,
  })
  .openapi('SpentOnModel')
export type SpentOnModel = z.infer<typeof SpentOnModel>

/** What was merged in some days, and what it cost. */
export const MergedInDays = z
  .object({
    from: Day,
    to: Day,
    merged: Count,
    /** All that the orders of these pull requests have ever cost, with attempts that failed. */
    orders_usd: ExactUsd,
    /** `orders_usd` divided by `merged`, to six decimals; null: nothing was merged. */
    cost_per_merged_usd: ExactUsd.nullable(),
    /** All that was spent in these days, on whatever. */
    spent_usd: ExactUsd,
    /** `spent_usd` divided by `merged`, so that work that was never merged counts too. */
    spent_per_merged_usd: ExactUsd.nullable(),
  })
  .openapi('MergedInDays')
export type MergedInDays = z.infer<typeof MergedInDays>

/** What is counted of the merged pull requests of one project, of one proposer, or of one kind of change. */
export const MergedCounts = z.object({
  by: z.enum(['project', 'proposer', 'kind']),
  /** Of the project or the proposer, or `code`, `tests`, `style`, `config`, `docs`; null: it is not known any more. */
  name: z.string().nullable(),
  merged: Count,
  /** Of these, those that were reverted on their base; null: that was not looked for. */
  reverted: Count.nullable(),
  /** How often Moose mended red checks of these pull requests, or brought their base in, and that passed. */
  repairs: Count,
  /** How often it did what a review of these pull requests asked for, or tried. */
  review_rounds: Count,
})

export const MergedBy = MergedCounts.extend({
  /** All that the orders of these pull requests have ever cost, with attempts that failed. */
  orders_usd: ExactUsd,
  /** `orders_usd` divided by `merged`, to six decimals. */
  cost_per_merged_usd: ExactUsd.nullable(),
}).openapi('MergedBy')
export type MergedBy = z.infer<typeof MergedBy>

export const RATES = ['success', 'first_try', 'repair', 'merge'] as const

/**
 * `success`: attempts that opened a pull request, of those that ended. `first_try`: those that did so without a failed proposal or
 * change before. `repair`: of attempts that tried again, those that opened one all the same. `merge`: merged pull requests, of those
 * that ended. Cancelled attempts, those that their project's set-up ended, those that only verified a commit, and superseded pull
 * requests are in none.
 */
export const NamedRate = z.object({ name: z.enum(RATES), ...Rate.shape }).openapi('NamedRate')
export type NamedRate = z.infer<typeof NamedRate>

export const TimeOfStep = z
  .object({
    /** A step of attempts; `review`: an open pull request, until it was merged or closed. */
    step: z.string(),
    /** How often it was made. */
    count: Count,
    total_ms: z.number().nonnegative(),
    median_ms: z.number().nonnegative(),
    /** Nine of ten took no longer. */
    p90_ms: z.number().nonnegative(),
    /** Of the time of all steps; null for `review`, in which Moose does nothing. */
    share: Share.nullable(),
  })
  .openapi('TimeOfStep')
export type TimeOfStep = z.infer<typeof TimeOfStep>

/** Attempts that ended without a pull request, for one reason. What is suspended has not ended, and a verification is none. */
export const FailuresOfKind = z
  .object({
    /** A code of a fault; `unknown` where the attempt has none. */
    code: z.string(),
    attempts: Count,
    /** Of these attempts, those that count in the rate `success`. */
    counted: Count,
    orders: Count,
    /** What these attempts have cost, by the ledger. */
    spent_usd: ExactUsd,
    /** The order that failed so last. */
    latest_work_order_id: z.guid(),
  })
  .openapi('FailuresOfKind')
export type FailuresOfKind = z.infer<typeof FailuresOfKind>

export const VERDICTS = ['too_few', 'alone', 'leads', 'not_apart', 'behind'] as const

/**
 * A proposer by what came of the attempts that were given to it: `count` were merged and not reverted since, of those that say something about its
 * model: merged, closed, or failed by the work of the model. An open pull request and a recording that was replayed do not.
 */
export const ProposerCompared = z
  .object({
    proposer: z.string(),
    ...Rate.shape,
    /** Attempts that replayed a recording; they are in no other number. */
    replayed: Count,
    /** What the attempts of `of` have cost, by the ledger. */
    spent_usd: ExactUsd,
    /** `spent_usd` divided by `count`, to six decimals; null: nothing was merged. */
    cost_per_merged_usd: ExactUsd.nullable(),
    /** From claim to the end of the attempt; null: it is not known of any. */
    median_ms: z.number().nonnegative().nullable(),
    /**
     * `too_few`: `of` is below 20. `alone`: no other has enough. `leads`: its interval lies above that of every other with enough.
     * `behind`: below that of the best. `not_apart`: chance may be the whole difference. Orders are not given out by lot: an able
     * proposer gets the harder ones.
     */
    verdict: z.enum(VERDICTS),
  })
  .openapi('ProposerCompared')
export type ProposerCompared = z.infer<typeof ProposerCompared>

/** The tables of the numbers. */
export const TABLE_NAMES = [
  'days',
  'months',
  'projects',
  'models',
  'merges',
  'merged_by',
  'rates',
  'steps',
  'failures',
  'proposers',
] as const
export type NumbersTable = (typeof TABLE_NAMES)[number]

/** With what a row of each is. */
export const NUMBERS_TABLES = {
  days: SpentOnDay,
  months: SpentInMonth,
  projects: SpentOnProject,
  models: SpentOnModel,
  merges: MergedInDays,
  merged_by: MergedBy,
  rates: NamedRate,
  steps: TimeOfStep,
  failures: FailuresOfKind,
  proposers: ProposerCompared,
} as const satisfies Record<NumbersTable, z.ZodObject>

const Totals = Spent.extend({
  calls: Count,
  /** Attempts that ended, as the rate `success` counts them. */
  attempts: Count,
  merged: Count,
  orders_usd: ExactUsd,
  cost_per_merged_usd: ExactUsd.nullable(),
  spent_per_merged_usd: ExactUsd.nullable(),
})

export const Numbers = z
  .object({
    at: z.iso.datetime(),
    from: Day,
    /** The last day, which is in the range. */
    to: Day,
    /** Whose days they are. */
    tz: z.string(),
    /** Null: all. */
    project: z.string().nullable(),
    totals: Totals,
    /** As they are now, of days in UTC; null: the row `budget_limits` cannot be read. */
    day_caps: z.object({ soft_cap_usd: Cap, hard_cap_usd: Cap }).nullable(),
    /** Every day of the range. */
    days: z.array(SpentOnDay),
    months: z.array(SpentInMonth),
    /** The dearest first. */
    projects: z.array(SpentOnProject),
    /** The dearest first. */
    models: z.array(SpentOnModel),
    /** By days in a range of up to 31, by weeks from Monday in a longer one. */
    merges: z.array(MergedInDays),
    /** By project, by proposer, by kind of change; of each the dearest first. */
    merged_by: z.array(MergedBy),
    rates: z.array(NamedRate),
    /** In the order of an attempt. */
    steps: z.array(TimeOfStep),
    /** The most frequent first. */
    failures: z.array(FailuresOfKind),
    /** The highest rate first, those with too few at the end. */
    proposers: z.array(ProposerCompared),
    /** How many of the merged changes were reverted on their base since. Null: it is not known, as none was looked at for that. */
    reverts: Count.nullable(),
    /** Pull requests that their forge was to merge by itself, merged at a commit that was not verified; none of the others counts them. */
    merged_unverified: Count,
  })
  .openapi('Numbers')
export type Numbers = z.infer<typeof Numbers>

export const NumbersQuery = z.strictObject({
  /** The first day; left out: 30 days in all. */
  from: Day.optional(),
  /** The last day, which is in the range; left out: today. A range has at most 366 days. */
  to: Day.optional(),
  /** The name of one. */
  project: storedText(200).min(1).optional(),
  /** A time zone of the IANA database, whose days are meant. */
  tz: textOfForm(64, /^[A-Za-z][A-Za-z0-9_+/-]*$/, 'is not the name of a time zone')
    .default('UTC')
    .openapi({ example: 'Europe/Berlin' }),
})
export type NumbersQuery = z.infer<typeof NumbersQuery>

export const NumbersParams = z.object({ table: z.enum(TABLE_NAMES) })
export const NumbersCsvQuery = NumbersQuery.extend({ format: z.literal('csv').default('csv') })

export const NumbersResponse = z.object({ success: z.literal(true), numbers: Numbers }).openapi('NumbersResponse')
