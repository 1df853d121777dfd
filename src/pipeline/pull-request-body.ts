import { fenced, neutralised } from '../work-order/markdown.ts'
import type { AttemptContext } from './attempt-context.ts'
import type { Evidence } from './evidence.ts'
import type { CheckResult } from './ports/execution.ts'
import type { ChangedFile } from './ports/workspace.ts'

/** GitHub refuses bodies over 65,536 characters; the rest is room for what a forge adds. */
const MAX_BODY = 60_000
const MAX_DESCRIPTION = 20_000
const MAX_FILES = 200

/**
 * The seed's sections, with the truth in them: the files git says have changed, and a tick only where a check that
 * proves the criterion passed on this commit.
 *
 * @param spentUsd on all model calls of the attempt
 */
export function pullRequestBody(context: AttemptContext, evidence: Evidence, spentUsd: number): string {
  const sections = [
    summary(context, evidence, spentUsd),
    section('Description', neutralised(evidence.routed.order.description.trim().slice(0, MAX_DESCRIPTION))),
    section('Acceptance Criteria', criteria(evidence)),
    section('Checks', checks(evidence)),
    section('Files Modified', files(evidence.verified.files)),
    section('Routing Decision', routing(evidence)),
    section('Metadata', fenced('json', JSON.stringify(metadata(context, evidence), null, 2))),
  ]
  const footer = `---\n\nMade by Moose.\n\n<!-- moose:wo=${context.workOrderId} attempt=${context.attempt} -->`
  const body = sections.filter((text) => text !== '').join('\n\n')
  return `${body.length > MAX_BODY ? `${body.slice(0, MAX_BODY)}\n\n(shortened)` : body}\n\n${footer}`
}

function section(heading: string, text: string): string {
  return text === '' ? '' : `## ${heading}\n\n${text}`
}

function summary(context: AttemptContext, { routed, proposed, applied }: Evidence, spentUsd: number): string {
  const { decision, order } = routed
  const { response } = proposed
  // A foreign Proposer's cost is not among our calls.
  const cost = Math.max(spentUsd, response.cost + applied.costUsd)
  const lines = [
    `## Work Order: ${context.workOrderId}`,
    '',
    `**Risk Level:** ${order.risk_level}`,
    `**Proposer Used:** ${response.proposer_used}${response.replayed === true ? ' (replay: recorded answers, no model was called)' : ''}`,
    `**Complexity Score:** ${decision.routing_metadata.complexity_score.toFixed(2)}`,
    `**Cost:** $${cost.toFixed(4)}${response.cost_unknown === true ? ' at least; the price of a model is unknown' : ''}`,
    `**Hard Stop Required:** ${decision.routing_metadata.hard_stop_required ? 'Yes' : 'No'}`,
    `**Executor:** ${applied.executor} (${applied.reason})`,
    `**Attempt:** ${context.attempt}`,
  ]
  return lines.join('\n')
}

function criteria({ routed, verified }: Evidence): string {
  return routed.order.acceptance_criteria
    .map((criterion, index) => {
      const proof = verified.checks.find((check) => check.outcome === 'passed' && check.proves.includes(index))
      const evidence = proof === undefined ? '' : ` — proved by check ${proof.name} on ${verified.headSha.slice(0, 12)}`
      return `- [${proof === undefined ? ' ' : 'x'}] ${neutralised(criterion)}${neutralised(evidence)}`
    })
    .join('\n')
}

function checks({ verified }: Evidence): string {
  if (verified.checks.length === 0) return 'The project has no checks (`moose.yaml` on the base commit).'
  const rows = verified.checks.map(checkRow)
  return [`On commit ${verified.headSha}:`, '', '| check | result | time |', '|---|---|---|', ...rows].join('\n')
}

function checkRow({ name, outcome, durationMs }: CheckResult): string {
  return `| ${neutralised(name).replaceAll('|', '\\|')} | ${outcome.replace('_', ' ')} | ${(durationMs / 1000).toFixed(1)}s |`
}

function files(changed: readonly ChangedFile[]): string {
  const rows = changed.slice(0, MAX_FILES).map(({ path, change, added, deleted }) => {
    const size = added === null || deleted === null ? 'binary' : `+${added} −${deleted}`
    return `- ${fenced(null, path)} (${change}, ${size})`
  })
  return changed.length > MAX_FILES
    ? [...rows, `- … and ${changed.length - MAX_FILES} more`].join('\n')
    : rows.join('\n')
}

function routing({ routed: { decision } }: Evidence): string {
  return `**Reason:** ${neutralised(decision.reason)}\n**Confidence:** ${decision.confidence}`
}

function metadata(context: AttemptContext, { routed, proposed }: Evidence) {
  const { cost, token_usage, execution_time_ms, refinement_metadata } = proposed.response
  return {
    work_order_id: context.workOrderId,
    routing_metadata: routed.decision.routing_metadata,
    proposer_metadata: { cost, token_usage, execution_time_ms, refinement_metadata },
  }
}
