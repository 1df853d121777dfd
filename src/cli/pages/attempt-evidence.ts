import { z } from 'zod'
import type { AttemptView, StepView, WorkOrderDetail } from '../../contract/work-orders.ts'
import { duration } from './humanize.ts'
import type { Paint } from './output.ts'
import { table } from './table.ts'
import { harmless, LONGEST_TITLE, oneLine } from './terminal-text.ts'

/** The parts of the step `verify` that are shown; kept also where it speaks against the change. */
const VerifyOutput = z.object({
  /** Null: everything passed. */
  failure: z.object({ code: z.string() }).nullable(),
  files: z.array(z.object({ path: z.string(), added: z.number().nullable(), deleted: z.number().nullable() })),
  checks: z.array(
    z.object({
      name: z.string(),
      outcome: z.string(),
      durationMs: z.number(),
      proves: z.array(z.number()),
      // An earlier Moose compared nothing with the base commit.
      failures: z.array(z.string()).nullish(),
      failedBefore: z.boolean().nullish(),
      baseline: z.boolean().nullish(),
      newFailures: z.array(z.string()).nullish(),
    }),
  ),
})

/** The order as the attempt found it; it may have been edited since. */
const RouteInput = z.object({ acceptance_criteria: z.array(z.string()) })

export type AttemptEvidence = z.infer<typeof VerifyOutput> & { criteria: string[] }

/**
 * What the attempt whose pull request is in review or was merged has to show, else the last one; null when it did not come
 * so far, or another Moose wrote it.
 */
export function evidenceOf(order: Pick<WorkOrderDetail, 'attempt_history' | 'pull_request'>): AttemptEvidence | null {
  const { attempt_history: attempts, pull_request: pull } = order
  const counts = pull === null || pull.state === 'closed' ? undefined : pull.attempt
  const attempt = counts === undefined ? attempts.at(-1) : attempts.find(({ number }) => number === counts)
  const verified = VerifyOutput.safeParse(stepOf(attempt, 'verify')?.output)
  const routed = RouteInput.safeParse(stepOf(attempt, 'route')?.input)
  if (!verified.success) return null
  return { ...verified.data, criteria: routed.success ? routed.data.acceptance_criteria : [] }
}

/**
 * Which check proved a criterion, as the pull request ticks it; null for none, and for one that was edited since.
 *
 * @param index of the criterion in its order
 */
export function proofOf(evidence: AttemptEvidence | null, criterion: string, index: number): string | null {
  if (evidence === null || evidence.criteria[index] !== criterion) return null
  const proof = evidence.checks.find(({ outcome, proves }) => outcome === 'passed' && proves.includes(index))
  return proof === undefined ? null : proof.name
}

const ProposeOutput = z.object({ response: z.object({ replayed: z.literal(true) }) })

/** Said wherever a change is shown that no model made. */
export const REPLAY = 'replay: no model was called'

/** Whether the change of an attempt came from a recording. */
export function isReplay(attempt: AttemptView | undefined): boolean {
  return ProposeOutput.safeParse(stepOf(attempt, 'propose')?.output).success
}

const ApplyOutput = z.object({ executor: z.string(), reason: z.string() })

/** Which executor a step used and why; empty for one that used none. */
export function executorOf({ output }: Pick<StepView, 'output'>): string {
  const { data } = ApplyOutput.safeParse(output)
  return data === undefined ? '' : `${data.executor}: ${data.reason}`
}

const VerifiedWithoutRepair = z.object({ repair: z.literal(false) })

/** Whether edits of the last attempt failed their checks in `auto` where there was no Aider to repair them. */
export function lackedAider({ attempt_history }: Pick<WorkOrderDetail, 'attempt_history'>): boolean {
  const last = attempt_history.at(-1)
  const { data: applied } = ApplyOutput.safeParse(stepOf(last, 'apply')?.output)
  if (applied?.executor !== 'patch' || applied.reason.startsWith('ORCHESTRATOR_EXECUTOR=')) return false
  return VerifiedWithoutRepair.safeParse(stepOf(last, 'verify')?.output).success
}

/** The last try of a step. */
function stepOf(attempt: AttemptView | undefined, name: string): StepView | undefined {
  return attempt?.steps.findLast((step) => step.name === name)
}

/** Files of a change shown on a page; all of them are in the diff. */
const MOST_FILES = 50

/** What the last attempt has changed and what the project's checks said about it, each as a small table. */
export function evidenceSections({ files, checks, failure }: AttemptEvidence, paint: Paint): string[] {
  const unchecked = failure === null ? '  none (no moose.yaml)' : `  not run: ${harmless(failure.code)}`
  return [
    ...(files.length === 0 ? [] : [`${paint.dim('Files')}\n${table(fileRows(files, paint))}`]),
    `${paint.dim('Checks')}\n${checks.length === 0 ? unchecked : table(checkRows(checks, paint))}`,
  ]
}

function fileRows(files: AttemptEvidence['files'], paint: Paint): string[][] {
  const rows = files
    .slice(0, MOST_FILES)
    .map(({ path, added, deleted }) => [
      `  ${harmless(path)}`,
      added === null || deleted === null ? 'binary' : `${paint.green(`+${added}`)} ${paint.red(`−${deleted}`)}`,
    ])
  const rest = files.length - rows.length
  return rest === 0 ? rows : [...rows, [`  … and ${rest} more`, '']]
}

function checkRows(checks: AttemptEvidence['checks'], paint: Paint): string[][] {
  return checks.map((check) => {
    const { name, outcome, durationMs } = check
    const mark = check.baseline === true ? paint.yellow('=') : outcome === 'passed' ? paint.green('✓') : paint.red('✗')
    return [`  ${mark} ${harmless(name)}`, harmless(outcome).replace('_', ' '), duration(durationMs), noteOf(check)]
  })
}

/** Failures of a check named in its row. */
const MOST_FAILURES = 5

function noteOf(check: AttemptEvidence['checks'][number]): string {
  const criteria = check.proves.map((index) => index + 1).join(', ')
  if (check.outcome === 'passed') {
    const mended = check.failedBefore === true ? ['failed before this change'] : []
    return [...(criteria === '' ? [] : [`proves criterion ${criteria}`]), ...mended].join(', ')
  }
  if (check.failedBefore !== true) return ''
  if (check.baseline === true) return `failed before this change as well: ${named(check.failures)}`
  if (!check.newFailures) return 'failed before this change as well; what fails cannot be told apart'
  return `new with this change: ${named(check.newFailures)}`
}

function named(failures: readonly string[] | null | undefined): string {
  const all = failures === null || failures === undefined ? [] : failures
  const shown = all.slice(0, MOST_FAILURES).map((name) => oneLine(name, LONGEST_TITLE))
  return all.length > shown.length ? `${shown.join(', ')}, and ${all.length - shown.length} more` : shown.join(', ')
}
