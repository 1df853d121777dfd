import { jsonOrNull } from '../../json-or-null.ts'
import { RISK_LEVELS } from '../../work-order/content.ts'
import { knownOrOther } from '../stored-text.ts'
import { z } from '../zod.ts'
import { Repair } from './repair.ts'

/** A file that the model was shown. */
export const ShownFile = z.object({ path: z.string(), why: z.string(), bytes: z.number() })

/**
 * What a pull request says, for programs: it stands in the body as one line, `<!-- moose:record {…} -->`. Lists and texts are
 * cut where it would be too long; numbers of criteria begin at 1.
 */
export const PullRequestRecord = z.object({
  version: z.literal(1),
  work_order_id: z.string(),
  attempt: z.number().int(),
  /** As its writer says. */
  risk_level: z.string(),
  /** By the Director's rules, when it was published; left out: an earlier Moose did not say. */
  risk: knownOrOther(RISK_LEVELS).optional(),
  /** The commit it begins from, and the one that was checked and pushed. */
  base_sha: z.string(),
  head_sha: z.string(),
  /** How many criteria the order has, and how many of them a check proves. */
  criteria_count: z.number().int(),
  proved_count: z.number().int(),
  criteria: z.array(
    z.object({
      number: z.number().int(),
      text: z.string(),
      /** The check that passed and proves it; null: none does. */
      proved_by: z.string().nullable(),
    }),
  ),
  checks: z.array(
    z.object({
      name: z.string(),
      run: z.string(),
      outcome: z.string(),
      exit_code: z.number().nullable(),
      duration_ms: z.number(),
      /** It fails only in what failed on the base commit too. */
      baseline: z.boolean(),
      failed_before: z.boolean(),
      /** Criteria it proves when it passes. */
      proves: z.array(z.number().int()),
    }),
  ),
  repairs: z.array(Repair),
  files: z.array(
    z.object({
      path: z.string(),
      change: z.string(),
      added: z.number().nullable(),
      deleted: z.number().nullable(),
    }),
  ),
  /** Empty also where it is not known. */
  shown: z.array(ShownFile),
  /** Issues that the order closes. */
  closes: z.array(z.number().int()),
  proposer: z.string(),
  executor: z.string(),
  /** USD of all model calls of the attempt. */
  cost_usd: z.number(),
  /** The price of a model is unknown: the cost is at least that. */
  cost_unknown: z.boolean(),
  /** Names of the lists above that have more entries than are here; `files` also where a path is not whole. */
  cut: z.array(z.string()),
})
export type PullRequestRecord = z.infer<typeof PullRequestRecord>

/** A line of its own: no text of an order begins one. */
const COMMENT = /^<!-- moose:record (\{.*\}) -->$/m

/** The record that a pull request's body holds; null: it holds none, or that of a newer Moose. */
export function recordIn(body: string): PullRequestRecord | null {
  const json = COMMENT.exec(body)?.[1]
  const { data } = PullRequestRecord.safeParse(json === undefined ? null : jsonOrNull(json))
  return data === undefined ? null : data
}
