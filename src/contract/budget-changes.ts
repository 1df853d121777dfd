import { LIMITS } from '../work-order/content.ts'
import { ShownUsd, UsdAmount } from './amounts.ts'
import { BudgetView } from './budget.ts'
import { contradictionOf, type PriceContradiction } from './stated-price.ts'
import { storedText, UtcTime } from './stored-text.ts'
import { z } from './zod.ts'

/** What can be capped. `order` and `project` without an id: the usual cap, for all that have none of their own. */
export const CAP_TARGETS = ['order', 'project', 'day', 'day-soft', 'month', 'month-soft', 'kill'] as const
export type CapTarget = (typeof CAP_TARGETS)[number]

export const CapBody = z
  .strictObject({
    target: z.enum(CAP_TARGETS),
    /** An order by its id or a unique prefix, a project by its name. */
    id: storedText(LIMITS.title).min(1, 'is empty').optional(),
    /** Null: no cap; for one order or project: the usual one again. */
    usd: UsdAmount.nullable(),
  })
  .refine(({ target, id }) => id === undefined || target === 'order' || target === 'project', {
    path: ['id'],
    message: 'is only for the targets order and project',
  })
  .openapi('CapChange', {
    anyOf: [{ not: { required: ['id'] } }, { properties: { target: { enum: ['order', 'project'] } } }],
  })
export type CapBody = z.infer<typeof CapBody>

export const CapResponse = z.object({
  success: z.literal(true),
  cap: z.object({
    target: z.enum(CAP_TARGETS),
    /** The order's whole id, or the project's name; null: of all. */
    id: z.string().nullable(),
    usd: ShownUsd.nullable(),
  }),
  budget: BudgetView,
})
export type ChangedCap = z.infer<typeof CapResponse>['cap']

/** A reservation by its id, or by a unique prefix of it. */
export const ReservationParams = z.object({ reservation_id: z.string().openapi({ example: '9b1c7d40' }) })
/** 0: the call was not charged. */
export const SettleBody = z.strictObject({ cost_usd: UsdAmount })

const Settled = z.object({ id: z.guid(), cost_usd: ShownUsd })
export const SettleResponse = z.object({ success: z.literal(true), settled: Settled })
export type SettledReservation = z.infer<typeof Settled>

const MOST_ENTRIES = 10_000

/** Whose calls are all on one bill. */
export const BILLING_PROVIDERS = ['anthropic', 'openai'] as const

/** What a provider says it has charged. */
export const BillBody = z
  .strictObject({
    entries: z
      .array(
        z.strictObject({
          /** What the provider was sent as `x-client-request-id`: the id of a reservation. */
          request_id: storedText(200).min(1, 'is empty'),
          cost_usd: UsdAmount,
        }),
      )
      .max(MOST_ENTRIES, `has more than ${MOST_ENTRIES} entries`),
    /**
     * The bill names every call of this provider, or of this proposer, that was made before this time and was charged:
     * unresolved ones it does not name were not.
     */
    complete_until: UtcTime.optional(),
    /** Every other server has a bill of its own: name its proposer. */
    provider: z
      .enum(BILLING_PROVIDERS, `must be ${BILLING_PROVIDERS.join(' or ')}; of others name the proposer`)
      .optional(),
    proposer: storedText(LIMITS.title).min(1, 'is empty').optional(),
  })
  .superRefine(({ complete_until: until, provider, proposer }, context) => {
    const refuse = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
    const isLimited = provider !== undefined || proposer !== undefined
    if (provider !== undefined && proposer !== undefined) refuse('proposer', 'goes with no provider')
    if (until === undefined && isLimited) refuse('complete_until', 'is missing')
    if (until !== undefined && !isLimited) refuse('provider', 'or proposer is missing')
  })
  .openapi('Bill', {
    anyOf: [
      { not: { anyOf: ['complete_until', 'provider', 'proposer'].map((name) => ({ required: [name] })) } },
      { required: ['complete_until', 'provider'], not: { required: ['proposer'] } },
      { required: ['complete_until', 'proposer'], not: { required: ['provider'] } },
    ],
  })
export type BillBody = z.infer<typeof BillBody>

export const ReconcileResponse = z.object({
  success: z.literal(true),
  /** Were unresolved and cost this now. */
  settled: z.array(Settled),
  /** Were unresolved and were not charged. */
  released: z.array(z.object({ id: z.guid(), amount_usd: ShownUsd })),
  /** Had been booked with the same amount. */
  agreeing: z.number().int(),
  /** Had been booked with another amount, which stays. */
  differing: z.array(z.object({ id: z.guid(), booked_usd: ShownUsd, billed_usd: ShownUsd })),
  /** Are being made now; they are booked when they end. */
  under_way: z.array(z.guid()),
  /** The ledger has no such reservation. */
  unknown: z.array(z.string()),
})
export type Reconciliation = Omit<z.infer<typeof ReconcileResponse>, 'success'>

export const ProposerParams = z.object({
  name: storedText(LIMITS.title).openapi({ example: 'claude-sonnet-4-5' }),
})

const rate = (description: string) => UsdAmount.optional().meta({ description })

const INPUT_MISSING = { path: ['input_per_million'], message: 'is missing' }
const REFUSALS: Record<PriceContradiction, { path: string[]; message: string }> = {
  free_with_rates: { path: ['free'], message: 'goes with no rate' },
  input_missing: INPUT_MISSING,
  output_missing: { path: ['output_per_million'], message: 'is missing' },
  only_cache: INPUT_MISSING,
}

const NO_PRICE =
  'names no price: give "free": true, or "library": true, or both input_per_million and output_per_million'

/** USD per million tokens, or free, or as the price library knows it. */
export const PriceBody = z
  .strictObject({
    free: z.boolean().optional().meta({ description: 'True: its calls cost nothing, and no rate is given.' }),
    library: z
      .literal(true)
      .optional()
      .meta({ description: 'True: as the price library knows it; what was stated is forgotten.' }),
    input_per_million: rate('Input that no cache holds; needs that of the output.'),
    output_per_million: rate('Output, reasoning included; needs that of the input.'),
    cache_read_per_million: rate('Input that was read from the cache. Left out: the rate of the input.'),
    cache_write_per_million: rate('Input that was written to the cache. Left out: the rate of the input.'),
  })
  .superRefine(({ library, ...stated }, context) => {
    const refuse = (refusal: { path?: string[]; message: string }) => context.addIssue({ code: 'custom', ...refusal })
    const contradiction = contradictionOf(stated)
    const isStated = stated.free === true || stated.input_per_million !== undefined
    if (library === true) {
      const isAlone = Object.values(stated).every((value) => value === undefined)
      if (!isAlone) refuse({ path: ['library'], message: 'goes with nothing else' })
    } else if (contradiction !== null) refuse(REFUSALS[contradiction])
    else if (!isStated) refuse({ message: NO_PRICE })
  })
  .openapi('PriceChange', {
    oneOf: [
      { required: ['free'], properties: { free: { const: true } }, maxProperties: 1 },
      { required: ['library'], maxProperties: 1 },
      {
        required: ['input_per_million', 'output_per_million'],
        properties: { free: { const: false } },
        not: { required: ['library'] },
      },
    ],
  })
export type PriceBody = z.infer<typeof PriceBody>

export const PriceResponse = z.object({
  success: z.literal(true),
  proposer: z.string(),
  /** What its calls cost from now on, in USD per million tokens; null: the price is unknown, and its calls are refused. */
  price: z
    .object({
      source: z.enum(['operator', 'library', 'free']),
      input_per_million: ShownUsd,
      output_per_million: ShownUsd,
      cache_read_per_million: ShownUsd,
      cache_write_per_million: ShownUsd,
    })
    .nullable(),
})
export type ChangedPrice = Omit<z.infer<typeof PriceResponse>, 'success'>
