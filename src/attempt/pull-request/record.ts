import { z } from 'zod'
import { type PullRequestRecord, ShownFile } from '../../contract/evidence/pull-request-record.ts'
import type { Risk } from '../../work-order/risk.ts'
import { firstCharacters } from '../../work-order/words.ts'
import type { AttemptContext } from '../context.ts'
import type { Evidence } from '../evidence.ts'
import { proofOf } from './verdict.ts'

/** Characters of the comment; GitHub counts them with the rest of the body. */
const MOST_CHARACTERS = 8_000

type Cut = { criteria: number; checks: number; files: number; characters: number }

/** Tried in this order until it is short enough, which the last one always is: what was proved is kept longest. */
const CUTS: readonly Cut[] = [
  { criteria: 50, checks: 50, files: 100, characters: 200 },
  { criteria: 50, checks: 50, files: 30, characters: 60 },
  { criteria: 50, checks: 20, files: 10, characters: 40 },
  { criteria: 30, checks: 10, files: 5, characters: 30 },
  { criteria: 10, checks: 5, files: 0, characters: 30 },
  { criteria: 0, checks: 0, files: 0, characters: 20 },
]

export type Recorded = {
  context: Pick<AttemptContext, 'workOrderId' | 'attempt'>
  evidence: Evidence
  spentUsd: number
  closes: readonly number[]
  risk: Risk
}

/** The record as a comment on one line, which nothing in it can end. */
export function recordComment(recorded: Recorded): string {
  const comments = CUTS.map((cut) => `<!-- moose:record ${escaped(JSON.stringify(recordOf(recorded, cut)))} -->`)
  const shortest = String(comments.at(-1))
  const fitting = comments.find((comment) => comment.length <= MOST_CHARACTERS)
  return fitting === undefined ? shortest : fitting
}

/**
 * JSON of the same value in which no text ends a comment or a line, or acts where the body becomes the message of a commit:
 * what means something there is written as `\u0040`.
 */
function escaped(json: string): string {
  return json.replaceAll(/"(?:[^"\\]|\\.)*"/g, (text) =>
    text.replaceAll(/[@#<>[\]*:!&\u2028\u2029]|-(?=-)|(?<=gh)-(?=\d)/gi, spelt),
  )
}

function spelt(mark: string): string {
  return `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function recordOf({ context, evidence, spentUsd, closes, risk }: Recorded, cut: Cut): PullRequestRecord {
  const { routed, proposed, applied, verified } = evidence
  const { order } = routed
  const short = (text: string) => firstCharacters(text, cut.characters)
  const lists = listsOf(evidence)
  const criteria = order.acceptance_criteria.map((text, index) => ({ text, index, proof: proofOf(verified, index) }))
  return {
    version: 1,
    work_order_id: context.workOrderId,
    attempt: context.attempt,
    risk_level: order.risk_level,
    risk: risk.level,
    base_sha: proposed.baseSha,
    head_sha: verified.headSha,
    criteria_count: criteria.length,
    proved_count: criteria.filter(({ proof }) => proof !== undefined).length,
    criteria: criteria.slice(0, cut.criteria).map(({ text, index, proof }) => ({
      number: index + 1,
      text: short(text),
      proved_by: proof === undefined ? null : short(proof.name),
    })),
    checks: verified.checks.slice(0, cut.checks).map((check) => ({
      name: short(check.name),
      run: short(check.run),
      outcome: check.outcome,
      exit_code: check.exitCode,
      duration_ms: Math.round(check.durationMs),
      baseline: check.baseline,
      failed_before: check.failedBefore,
      proves: check.proves.map((index) => index + 1),
    })),
    repairs: lists.repairs.slice(0, cut.checks).map((repair) => ({ ...repair, check: short(repair.check) })),
    // Paths are whole: one that is shortened is another file, which no scope names.
    files: verified.files.slice(0, cut.files),
    shown: lists.shown.slice(0, cut.files).map((file) => ({ ...file, path: short(file.path), why: short(file.why) })),
    closes: [...closes],
    proposer: firstCharacters(proposed.response.proposer_used, 200),
    executor: applied.executor,
    cost_usd: spentUsd,
    cost_unknown: proposed.response.cost_unknown === true,
    cut: cutLists(lists, { ...cut, repairs: cut.checks, shown: cut.files }),
  }
}

type Lists = ReturnType<typeof listsOf>

function cutLists(lists: Lists, most: Readonly<Record<keyof Lists, number>>): string[] {
  const names = ['criteria', 'checks', 'repairs', 'files', 'shown'] as const
  return names.filter((name) => lists[name].length > most[name])
}

function listsOf({ routed, proposed, verified, repairs }: Evidence) {
  const shown = z.array(ShownFile).safeParse(proposed.response['shown'])
  return {
    criteria: routed.order.acceptance_criteria,
    checks: verified.checks,
    repairs,
    files: verified.files,
    shown: shown.success ? shown.data : [],
  }
}
