import type { CheckResult } from '../ports/execution.ts'
import type { ChangedFile } from '../ports/workspace.ts'
import { clipped, fenced, neutralised, quoted } from '../work-order/markdown.ts'
import type { Allowance, HeldChange } from '../work-order/protection/held-change.ts'
import type { AttemptContext } from './context.ts'
import type { Evidence } from './evidence.ts'
import type { Verified } from './steps/verify.ts'

/** Characters a section may have; GitHub refuses bodies over 65,536 altogether, and a forge may add to it. */
const MOST = {
  Description: 15_000,
  'Acceptance Criteria': 15_000,
  'Files Modified': 12_000,
  Metadata: 6_000,
  other: 4_000,
}

/**
 * The specification's sections, filled with facts: the files git says have changed, and a tick only where a check that
 * proves the criterion passed on this commit. Their texts are without the secrets that may not stand in a change; the
 * marker by which the pull request is found again is never changed.
 *
 * @param more.spentUsd on all model calls of the attempt
 * @param more.allowed what a human had to allow, and did
 */
export function pullRequestBody(
  context: AttemptContext,
  whole: Evidence,
  { spentUsd, allowed }: { spentUsd: number; allowed: readonly AllowedChange[] },
): string {
  const evidence = context.published(whole)
  const sections = [
    summary(context, evidence, spentUsd),
    section('Description', description(evidence.routed.order.description.trim())),
    section('Acceptance Criteria', clipped(criteria(evidence), MOST['Acceptance Criteria'])),
    section('Checks', clipped(checks(evidence), MOST.other)),
    section('Files Modified', clipped(files(evidence.verified.files), MOST['Files Modified'])),
    section('Allowed by a Human', clipped(allowedChanges(context.published(allowed)), MOST.other)),
    section('Routing Decision', clipped(routing(evidence), MOST.other)),
    section('Metadata', metadata(context, evidence)),
    `---\n\nMade by Moose.\n\n<!-- moose:wo=${context.workOrderId} attempt=${context.attempt} -->`,
  ]
  return sections.filter((text) => text !== '').join('\n\n')
}

/** Something protected that is published, because somebody allowed it. */
export type AllowedChange = { change: HeldChange; by: Allowance }

function allowedChanges(allowed: readonly AllowedChange[]): string {
  return allowed
    .map(({ change: { path, why, fingerprint }, by }) => {
      const where = path === null ? "the pull request's text" : fenced(null, path)
      const what = fingerprint === null ? `is ${why}` : `holds ${why} (${fingerprint})`
      return `- ${where} ${neutralised(what)}: allowed by ${fenced(null, by.by)} at ${new Date(by.at).toISOString()}`
    })
    .join('\n')
}

function section(heading: string, text: string): string {
  return text === '' ? '' : `## ${heading}\n\n${text}`
}

function summary(context: AttemptContext, { routed, proposed, applied }: Evidence, spentUsd: number): string {
  const { decision, order } = routed
  const { response } = proposed
  const lines = [
    `## Work Order: ${context.workOrderId}`,
    '',
    `**Risk Level:** ${order.risk_level}`,
    `**Proposer Used:** ${neutralised(response.proposer_used)}${response.replayed === true ? ' (replay: recorded answers, no model was called)' : ''}`,
    `**Complexity Score:** ${decision.routing_metadata.complexity_score.toFixed(2)}`,
    `**Cost:** $${spentUsd.toFixed(4)}${response.cost_unknown === true ? ' at least; the price of a model is unknown' : ''}`,
    `**Hard Stop Required:** ${decision.routing_metadata.hard_stop_required ? 'Yes' : 'No'}`,
    `**Executor:** ${applied.executor} (${applied.reason})`,
    `**Attempt:** ${context.attempt}`,
    ...(context.address === null ? [] : [`**In Mission Control:** ${context.address}`]),
  ]
  return lines.join('\n')
}

/** The order's own words, as a quotation: nothing in them passes for a section of this text. */
function description(text: string): string {
  return text === '' ? '' : quoted(clipped(neutralised(text), MOST.Description))
}

function criteria({ routed, verified }: Evidence): string {
  return routed.order.acceptance_criteria
    .map((criterion, index) => {
      const proof = proofOf(verified, index)
      const evidence = proof === undefined ? '' : ` — proved by check ${proof.name} on ${verified.headSha.slice(0, 12)}`
      return `- [${proof === undefined ? ' ' : 'x'}] ${neutralised(criterion)}${neutralised(evidence)}`
    })
    .join('\n')
}

function proofOf({ checks: results }: Verified, index: number): CheckResult | undefined {
  return results.find((check) => check.outcome === 'passed' && check.proves.includes(index))
}

function checks({ routed, verified }: Evidence): string {
  if (verified.checks.length === 0)
    return 'The project has no checks (`moose.yaml` on the base commit): nothing was verified.'
  const rows = verified.checks.map(checkRow)
  const table = [`On commit ${verified.headSha}:`, '', '| check | result | time |', '|---|---|---|', ...rows].join('\n')
  const notes = [
    ...verified.checks.filter(({ baseline }) => baseline).map(oldFailures),
    ...unproved(routed.order.acceptance_criteria, verified),
    ...unmatched(verified),
    ...verified.checks.flatMap(refusedHosts),
  ]
  return notes.length === 0 ? table : `${table}\n\n${notes.join('\n')}`
}

function checkRow({ name, outcome, durationMs, baseline, failedBefore }: CheckResult): string {
  const mended = failedBefore && outcome === 'passed' ? ' (failed before this change)' : ''
  const result = baseline ? 'failed before this change as well' : `${outcome.replace('_', ' ')}${mended}`
  return `| ${neutralised(name).replaceAll('|', '\\|')} | ${result} | ${(durationMs / 1000).toFixed(1)}s |`
}

/** Failures of a check that are named. */
const MOST_FAILURES = 20
const MOST_OF_NAME = 200

function oldFailures({ name, failures }: CheckResult): string {
  const all = failures === null ? [] : failures
  const named = all.slice(0, MOST_FAILURES).map((failure) => fenced(null, failure.slice(0, MOST_OF_NAME)))
  const more = all.length > MOST_FAILURES ? `, and ${all.length - MOST_FAILURES} more` : ''
  return `- Check ${neutralised(name)} failed before this change as well: ${all.length} failures, none of them new: ${named.join(', ')}${more}. It proves nothing.`
}

/** What it was refused of the net: why a reviewer may trust it less, or grant a host. */
function refusedHosts({ name, network }: CheckResult): string[] {
  const refused = network === undefined ? [] : network.refused
  if (refused.length === 0) return []
  const places = refused
    .slice(0, MOST_FAILURES)
    .map(({ host, port }) => fenced(null, port === null ? host : `${host}:${port}`))
  const more = refused.length > MOST_FAILURES ? `, and ${refused.length - MOST_FAILURES} more` : ''
  return [`- Check ${neutralised(name)} was refused on the network: ${places.join(', ')}${more}.`]
}

function unproved(criteria: readonly string[], verified: Verified): string[] {
  const numbers = [...criteria.keys()]
    .filter((index) => proofOf(verified, index) === undefined)
    .map((index) => index + 1)
  return numbers.length === 0
    ? []
    : [`- No check proves ${numbers.length === 1 ? 'criterion' : 'criteria'} ${numbers.join(', ')}.`]
}

function unmatched({ unmatched: entries }: Verified): string[] {
  return entries
    .slice(0, MOST_FAILURES)
    .map(
      ({ check, proves }) =>
        `- Check ${neutralised(check)} says it proves ${fenced(null, String(proves).replaceAll(/\s+/g, ' '))}, which is no criterion of this order.`,
    )
}

function files(changed: readonly ChangedFile[]): string {
  return changed
    .map(({ path, change, added, deleted }) => {
      const size = added === null || deleted === null ? 'binary' : `+${added} −${deleted}`
      return `- ${fenced(null, path)} (${change}, ${size})`
    })
    .join('\n')
}

function routing({ routed: { decision } }: Evidence): string {
  return `**Reason:** ${neutralised(decision.reason).replaceAll(/\s+/g, ' ')}\n**Confidence:** ${decision.confidence}`
}

/** As JSON; left out where it would be too long to read. */
function metadata(context: AttemptContext, { routed, proposed }: Evidence): string {
  const { cost, token_usage, execution_time_ms, refinement_metadata } = proposed.response
  const json = {
    work_order_id: context.workOrderId,
    routing_metadata: routed.decision.routing_metadata,
    proposer_metadata: { cost, token_usage, execution_time_ms, refinement_metadata },
  }
  const text = fenced('json', JSON.stringify(json, null, 2))
  return text.length > MOST.Metadata ? '' : text
}
