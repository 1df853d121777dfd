import { CONFLICT, isOfPullRequest, REVIEW, type Repair } from '../../contract/evidence/repair.ts'
import type { CheckResult } from '../../ports/execution.ts'
import type { ChangedFile } from '../../ports/workspace.ts'
import { spelt } from '../../work-order/hidden-text.ts'
import { clipped, fenced, neutralised, quoted } from '../../work-order/markdown.ts'
import type { Allowance, HeldChange } from '../../work-order/protection/held-change.ts'
import { type Risk, riskReasons } from '../../work-order/risk.ts'
import { isInScope } from '../../work-order/scope.ts'
import { firstCharacters } from '../../work-order/words.ts'
import type { AttemptContext } from '../context.ts'
import type { Evidence } from '../evidence.ts'
import type { Verified } from '../steps/verify.ts'
import { proofOf, unprovedOf } from './verdict.ts'

/** Something protected that is published, because somebody allowed it. */
export type AllowedChange = { change: HeldChange; by: Allowance }

/** A name or a reason: it begins no section. */
function onOneLine(text: string): string {
  return neutralised(spelt(text.replaceAll(/\s+/g, ' ')))
}

export function allowedChanges(allowed: readonly AllowedChange[]): string {
  return allowed
    .map(({ change: { path, why, fingerprint }, by }) => {
      const where = path === null ? "the pull request's text" : fenced(null, path)
      const what = fingerprint === null ? `is ${why}` : `holds ${why} (${fingerprint})`
      return `- ${where} ${neutralised(what)}: allowed by ${fenced(null, by.by)} at ${new Date(by.at).toISOString()}`
    })
    .join('\n')
}

const MOST_OF_REASONS = 500

/** What the order was, what carried it out and what it cost. */
export function workOrder(
  context: AttemptContext,
  { routed, proposed, applied }: Evidence,
  { spentUsd, risk }: { spentUsd: number; risk: Risk },
): string {
  const { decision, order } = routed
  const { response } = proposed
  const lines = [
    `**Risk Level:** ${risk.level}`,
    `**Risk Reasons:** ${onOneLine(firstCharacters(riskReasons(risk, order.risk_level), MOST_OF_REASONS))}`,
    `**Proposer Used:** ${onOneLine(response.proposer_used)}${response.replayed === true ? ' (replay: recorded answers, no model was called)' : ''}`,
    `**Complexity Score:** ${decision.routing_metadata.complexity_score.toFixed(2)}`,
    `**Cost:** ${costTold(proposed, spentUsd)}`,
    `**Hard Stop Required:** ${decision.routing_metadata.hard_stop_required ? 'Yes' : 'No'}`,
    `**Executor:** ${applied.executor} (${applied.reason})`,
    `**Attempt:** ${context.attempt}`,
    ...(context.address === null ? [] : [`**In Mission Control:** ${context.address}`]),
  ]
  return lines.join('\n')
}

export function costTold({ response }: Evidence['proposed'], spentUsd: number): string {
  return `$${spentUsd.toFixed(4)}${response.cost_unknown === true ? ' at least; the price of a model is unknown' : ''}`
}

/** The order's own words, as a quotation: nothing in them passes for a section of this text. */
export function description(text: string, most: number): string {
  return text === '' ? '' : clipped(quoted(clipped(neutralised(text), most)), most)
}

/** Around the words of a criterion: its box, the check, the command. */
const CHARACTERS_OF_EVIDENCE = 160
const FEWEST_OF_CRITERION = 40

/** Every criterion with its evidence; where they are too long together, each is cut, so that none is left out. */
export function criteria(evidence: Evidence, most: number): string {
  const { length } = evidence.routed.order.acceptance_criteria
  const whole = criteriaOf(evidence, most)
  const share = Math.max(FEWEST_OF_CRITERION, Math.floor(most / Math.max(1, length)) - CHARACTERS_OF_EVIDENCE)
  return whole.length <= most ? whole : criteriaOf(evidence, share)
}

function criteriaOf({ routed, verified }: Evidence, most: number): string {
  return routed.order.acceptance_criteria
    .map((criterion, index) => {
      const proof = proofOf(verified, index)
      const text = neutralised(firstCharacters(criterion, most))
      if (proof === undefined) return `- [ ] ${text}`
      const by = onOneLine(` — proved by check ${proof.name} on ${verified.headSha.slice(0, 12)}`)
      return `- [x] ${text}${by}\n  - ${commandOf(proof)} in ${secondsOf(proof)}`
    })
    .join('\n')
}

export function checks({ routed, verified, repairs }: Evidence): string {
  if (verified.checks.length === 0) {
    const none = 'The project has no checks (`moose.yaml` on the base commit): nothing was verified.'
    return repairs.length === 0 ? none : `${none}\n\n${repairs.map(unchecked).join('\n')}`
  }
  const head = ['| check | result | time | command |', '|---|---|---|---|']
  const table = [`On commit ${verified.headSha}:`, '', ...head, ...verified.checks.map(checkRow)].join('\n')
  const notes = [
    ...verified.checks.filter(({ baseline }) => baseline).map(oldFailures),
    ...unproved({ routed, verified }),
    ...unmatched(verified),
    ...changedUnderCheck(verified),
    ...verified.checks.flatMap(refusedHosts),
    ...repairs.map(repairTold),
  ]
  return notes.length === 0 ? table : `${table}\n\n${notes.join('\n')}`
}

/** A line for each check, for a section that somebody else has headed. */
export function checksInShort({ verified }: Evidence): string {
  if (verified.checks.length === 0) return 'The project has no checks: nothing was run.'
  return verified.checks
    .map((check) => `- ${fenced(null, check.name)} ${resultOf(check)}: ${commandOf(check)} in ${secondsOf(check)}`)
    .join('\n')
}

function checkRow(check: CheckResult): string {
  const cells = [onOneLine(check.name), resultOf(check), secondsOf(check), commandOf(check)]
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

function resultOf({ outcome, baseline, failedBefore }: CheckResult): string {
  const mended = failedBefore && outcome === 'passed' ? ' (failed before this change)' : ''
  return baseline ? 'failed before this change as well' : `${outcome.replace('_', ' ')}${mended}`
}

function secondsOf({ durationMs }: CheckResult): string {
  return `${(durationMs / 1000).toFixed(1)}s`
}

const MOST_OF_COMMAND = 100

/** The first line of the script. */
function commandOf({ run }: CheckResult): string {
  const [first, ...more] = run.trim().split('\n')
  const line = more.length === 0 ? String(first) : `${String(first).trimEnd()} …`
  return fenced(null, firstCharacters(line, MOST_OF_COMMAND))
}

/** Failures of a check that are named. */
const MOST_FAILURES = 20
const MOST_OF_NAME = 200

function oldFailures({ name, failures }: CheckResult): string {
  const all = failures === null ? [] : failures
  const named = all.slice(0, MOST_FAILURES).map((failure) => fenced(null, failure.slice(0, MOST_OF_NAME)))
  const more = all.length > MOST_FAILURES ? `, and ${all.length - MOST_FAILURES} more` : ''
  return `- Check ${onOneLine(name)} failed before this change as well: ${all.length} ${all.length === 1 ? 'failure, which is not new' : 'failures, none of them new'}: ${named.join(', ')}${more}. It proves nothing.`
}

/** What it was refused of the net: why a reviewer may trust it less, or grant a host. */
function refusedHosts({ name, network }: CheckResult): string[] {
  const refused = network === undefined ? [] : network.refused
  if (refused.length === 0) return []
  const places = refused
    .slice(0, MOST_FAILURES)
    .map(({ host, port }) => fenced(null, port === null ? host : `${host}:${port}`))
  const more = refused.length > MOST_FAILURES ? `, and ${refused.length - MOST_FAILURES} more` : ''
  return [`- Check ${onOneLine(name)} was refused on the network: ${places.join(', ')}${more}.`]
}

function unproved(evidence: Pick<Evidence, 'routed' | 'verified'>): string[] {
  const numbers = unprovedOf(evidence).map((index) => index + 1)
  return numbers.length === 0
    ? []
    : [`- No check proves ${numbers.length === 1 ? 'criterion' : 'criteria'} ${numbers.join(', ')}.`]
}

function unmatched({ unmatched: entries }: Verified): string[] {
  return entries
    .slice(0, MOST_FAILURES)
    .map(
      ({ check, proves }) =>
        `- Check ${onOneLine(check)} says it proves ${fenced(null, String(proves).replaceAll(/\s+/g, ' '))}, which is no criterion of this order.`,
    )
}

const CHANGED = { added: 'new here', modified: 'changed here', deleted: 'deleted here' }

/** Files of the change that the command of a check names: what it proves is as good as they are. */
function changedUnderCheck({ checks, files }: Verified): string[] {
  const changes = new Map(files.map(({ path, change }) => [path, change]))
  return checks.flatMap(({ name, run, outcome, proves }) => {
    if (outcome !== 'passed' || proves.length === 0) return []
    const words = new Set(run.split(/[\s'"`;|&()<>=:,]+/).map((word) => word.replace(/^\.\//, '')))
    const named = [...words].flatMap((word) => {
      const change = changes.get(word)
      return change === undefined ? [] : [`${fenced(null, firstCharacters(word, MOST_OF_NAME))}, ${CHANGED[change]}`]
    })
    if (named.length === 0) return []
    const numbers = proves.map((index) => index + 1).join(', ')
    return [
      `- Check ${onOneLine(name)}, which proves ${numbers}, names ${named.slice(0, MOST_FAILURES).join(', and ')}.`,
    ]
  })
}

const REPAIRED_BY: Readonly<Record<Repair['by'], string>> = {
  fix: 'its `fix:` command',
  proposer: 'the model was told and',
  aider: 'Aider was told and',
}

function repairTold(repair: Repair, index: number): string {
  const { check, mended } = repair
  if (check === CONFLICT)
    return `${unchecked(repair, index)} ${mended ? 'The checks passed then' : 'A check failed then'}.`
  if (isOfPullRequest(repair))
    return `${unchecked(repair, index)} ${mended ? 'The checks here passed then; those of the pull request ran anew' : 'A check here failed then'}.`
  return `${unchecked(repair, index)} ${mended ? 'It passed then' : 'It still failed'}.`
}

/** What was repaired and by whom, without what the checks did then. */
function unchecked({ check, by, head_sha: sha, cost_usd: cost }: Repair, index: number): string {
  const made = sha === null ? 'made no commit' : `made ${sha.slice(0, 12)}`
  const paid = cost === 0 ? '' : ` for $${cost.toFixed(4)}`
  const found = check === REVIEW ? 'a review asked for changes' : `check ${onOneLine(check)} failed`
  const what = check === CONFLICT ? 'git could not merge the base' : found
  return `- Repair ${index + 1}: ${what}; ${REPAIRED_BY[by]} ${made}${paid}.`
}

/**
 * The files that fit, and how many are left out. Those outside of the scope come first; both kinds are in the order people
 * count where names hold numbers.
 *
 * @param scope of the order; what is outside of it was changed by hand
 */
export function files(changed: readonly ChangedFile[], scope: readonly string[], maxLength: number): string {
  const sorted = changed.toSorted((one, other) => AS_COUNTED.compare(one.path, other.path))
  const inside = sorted.filter(({ path }) => isInScope(path, scope))
  const outside = sorted.filter(({ path }) => !isInScope(path, scope))
  const lines = [...outside, ...inside].map((file) => fileLine(file, scope))
  let length = lines.length === 0 ? 0 : ROOM_FOR_REST
  const end = lines.findIndex((line) => (length += line.length + 1) > maxLength)
  return end === -1 ? lines.join('\n') : [...lines.slice(0, end), `- … and ${lines.length - end} more`].join('\n')
}

const AS_COUNTED = new Intl.Collator('en', { numeric: true })
const ROOM_FOR_REST = 40

function fileLine({ path, change, added, deleted }: ChangedFile, scope: readonly string[]): string {
  const size = added === null || deleted === null ? 'binary' : `+${added} −${deleted}`
  const outside = isInScope(path, scope) ? '' : ', **outside of the scope of the order: changed by hand**'
  return `- ${fenced(null, path)} (${change}, ${size})${outside}`
}

export function filesTold(changed: readonly ChangedFile[]): string {
  const sum = (of: 'added' | 'deleted') => changed.reduce((all, file) => all + (file[of] === null ? 0 : file[of]), 0)
  return `${changed.length} (+${sum('added')} −${sum('deleted')})`
}

export function routing({ routed: { decision } }: Evidence): string {
  return `**Reason:** ${onOneLine(decision.reason)}\n**Confidence:** ${decision.confidence}`
}
