import { z } from 'zod'
import type { CheckEvidence, CriterionEvidence, OrderEvidence } from '../../contract/evidence/evidence.ts'
import { isOfPullRequest, type Repair } from '../../contract/evidence/repair.ts'
import type { UnverifiedMerge } from '../../contract/evidence/revert.ts'
import type { AttemptView, StepView, WorkOrderDetail } from '../../contract/work-orders.ts'
import { duration, usd } from './humanize.ts'
import type { Paint } from './output.ts'
import { table } from './table.ts'
import { barred, harmless, LONGEST_TITLE, oneLine } from './terminal-text.ts'

/**
 * What the attempt whose pull request is in review or was merged has to show, else the last one; null when it did not come
 * so far.
 */
export function evidenceNow({
  evidence,
  attempt_history: attempts,
  pull_request: pull,
}: WorkOrderDetail): OrderEvidence | null {
  if (evidence === undefined || evidence === null) return null
  const stands = pull !== null && pull.state !== 'closed'
  return stands || evidence.attempt === attempts.at(-1)?.number ? evidence : null
}

/**
 * A criterion as the pull request ticks it, with what proves it or why nothing does.
 *
 * @param other where another commit was merged than the verified one, of which nothing is proved; null: it was not
 */
export function criterionLine({ text, result, checks }: CriterionEvidence, other: UnverifiedMerge | null): string {
  const named = checks.map(({ name }) => name).join(', ')
  switch (result) {
    case 'proved': {
      const proof = checks.find(({ outcome }) => outcome === 'passed')
      const by = `${text} — proved by check ${proof === undefined ? named : proof.name}`
      if (other === null) return `[x] ${by}`
      return `[ ] ${by} at ${other.verified_sha.slice(0, 12)}; what was merged is ${other.merged_sha.slice(0, 12)}`
    }
    case 'failed':
      return `[ ] ${text} — not proved: ${named} did not pass`
    case 'unproved':
      return `[ ] ${text} — no check proves it`
    case 'not_run':
      return `[ ] ${text} — no check was run`
    case 'edited':
      return `[ ] ${text} — edited since`
  }
}

const ProposeOutput = z.object({ response: z.object({ replayed: z.literal(true) }) })

/** Said wherever a change is shown that no model made. */
export const REPLAY = 'replay: no model was called'

/** Whether the change of an attempt came from a recording. */
export function isReplay(attempt: AttemptView | undefined): boolean {
  return ProposeOutput.safeParse(stepOf(attempt, 'propose')?.output).success
}

/** The last try of a step. */
function stepOf(attempt: AttemptView | undefined, name: string): StepView | undefined {
  return attempt?.steps.findLast((step) => step.name === name)
}

/** Files of a change shown on a page; all of them are in the diff. */
const MOST_FILES = 50

/** What the last attempt has changed and what the project's checks said about it, each as a small table. */
export function evidenceSections({ files, checks, failure, repairs }: OrderEvidence, paint: Paint): string[] {
  const unchecked = failure === null ? '  none (no moose.yaml)' : `  not run: ${harmless(failure)}`
  return [
    ...(files.length === 0 ? [] : [`${paint.dim('Files')}\n${table(fileRows(files, paint))}`]),
    `${paint.dim('Checks')}\n${checks.length === 0 ? unchecked : table(checkRows(checks, paint))}`,
    ...(repairs.length === 0 ? [] : [`${paint.dim('Repairs')}\n${table(repairRows(repairs, paint))}`]),
    ...checks.flatMap((check) => failingSection(check, paint)),
  ]
}

/** What each attempt showed a model, however it ended; attempts that showed the same are one table. */
export function shownSections({ attempt_history: attempts }: WorkOrderDetail, paint: Paint): string[] {
  const told = attempts.flatMap(({ number, shown = [] }) => (shown.length === 0 ? [] : [{ number, shown }]))
  const alike = Map.groupBy(told, ({ shown }) => JSON.stringify(shown))
  return [...alike.values()].map((same) => {
    const numbers = same.map(({ number }) => number)
    const of = told.length === 1 ? '' : ` in attempt${numbers.length === 1 ? '' : 's'} ${numbers.join(', ')}`
    return `${paint.dim(`Shown to the model${of}`)}\n${table(same.slice(0, 1).flatMap(({ shown }) => shownRows(shown, paint)))}`
  })
}

const WHY_SHOWN: Readonly<Record<string, string>> = {
  scope: 'in scope',
  guidance: 'guidance',
  context: 'to be read',
  import: 'imported',
}
/** The scope is listed above, as it was asked for. */
const MOST_SHOWN = 15

function shownRows(shown: OrderEvidence['shown'], paint: Paint): string[][] {
  const rows = shown.slice(0, MOST_SHOWN).map(({ path, why, bytes, part }) => {
    const reason = WHY_SHOWN[why]
    const size = part === null ? `${bytes} bytes` : `the first ${bytes} bytes`
    return [`  ${harmless(path)}`, harmless(reason === undefined ? why : reason), paint.dim(size)]
  })
  const rest = shown.length - rows.length
  return rest === 0 ? rows : [...rows, [`  … and ${rest} more`, '', '']]
}

function fileRows(files: OrderEvidence['files'], paint: Paint): string[][] {
  const rows = files
    .slice(0, MOST_FILES)
    .map(({ path, added, deleted }) => [
      `  ${harmless(path)}`,
      added === null || deleted === null ? 'binary' : `${paint.green(`+${added}`)} ${paint.red(`−${deleted}`)}`,
    ])
  const rest = files.length - rows.length
  return rest === 0 ? rows : [...rows, [`  … and ${rest} more`, '']]
}

function checkRows(checks: readonly CheckEvidence[], paint: Paint): string[][] {
  return checks.map((check) => {
    const { name, outcome, duration_ms: took } = check
    const mark = check.baseline ? paint.yellow('=') : outcome === 'passed' ? paint.green('✓') : paint.red('✗')
    return [`  ${mark} ${harmless(name)}`, harmless(outcome).replace('_', ' '), duration(took), noteOf(check)]
  })
}

const REPAIRED_BY: Readonly<Record<Repair['by'], string>> = {
  fix: 'its fix command',
  proposer: 'the model was told',
  aider: 'Aider was told',
}

function repairRows(repairs: readonly Repair[], paint: Paint): string[][] {
  // Only its forge tells what became of what was said on the pull request.
  const sign = (repair: Repair) =>
    !repair.mended ? paint.red('✗') : isOfPullRequest(repair) ? paint.dim('·') : paint.green('✓')
  return repairs.map((repair) => [
    `  ${sign(repair)} ${harmless(repair.check)}`,
    REPAIRED_BY[repair.by],
    repair.head_sha === null ? 'no commit' : harmless(repair.head_sha.slice(0, 12)),
    repair.cost_usd === 0 ? '' : usd(repair.cost_usd),
  ])
}

/** Lines of what a check printed that are shown; all that is kept of it is in `--steps`. */
const MOST_LINES = 20

function failingLines({ outcome, baseline, output }: CheckEvidence): string[] {
  if (outcome === 'passed' || baseline) return []
  return output.flatMap(({ text, failing }) => (failing ? text.split('\n') : []))
}

/** Whether `evidenceSections` tells what a check of this name newly fails. */
export function tellsFailing(evidence: OrderEvidence | null, name: unknown): boolean {
  return evidence?.checks.some((check) => check.name === name && failingLines(check).length > 0) === true
}

/** The lines of a check that say what failed; nothing of one that fails as it did on the base. */
function failingSection(check: CheckEvidence, paint: Paint): string[] {
  const { name } = check
  const lines = failingLines(check)
  if (lines.length === 0) return []
  const left = lines.length - MOST_LINES
  const more = left > 0 ? [`… and ${left} more ${left === 1 ? 'line' : 'lines'}`] : []
  return [
    `${paint.dim(`What ${oneLine(name, LONGEST_TITLE)} said`)}\n${barred([...lines.slice(0, MOST_LINES), ...more].join('\n'))}`,
  ]
}

/** Failures of a check named in its row. */
const MOST_FAILURES = 5

function noteOf(check: CheckEvidence): string {
  const criteria = check.proves.join(', ')
  if (check.outcome === 'passed') {
    const mended = check.failed_before ? ['failed before this change'] : []
    return [...(criteria === '' ? [] : [`proves criterion ${criteria}`]), ...mended].join(', ')
  }
  if (!check.failed_before) return ''
  if (check.baseline) return `failed before this change as well: ${named(check.failures)}`
  if (check.new_failures === null) return 'failed before this change as well; what fails cannot be told apart'
  return `new with this change: ${named(check.new_failures)}`
}

function named(failures: readonly string[] | null): string {
  const all = failures === null ? [] : failures
  const shown = all.slice(0, MOST_FAILURES).map((name) => oneLine(name, LONGEST_TITLE))
  return all.length > shown.length ? `${shown.join(', ')}, and ${all.length - shown.length} more` : shown.join(', ')
}
