import type { CheckResult } from '../ports/execution.ts'
import type { ChangedFile } from '../ports/workspace.ts'
import { clipped, fenced, neutralised } from '../work-order/markdown.ts'
import type { AttemptContext } from './context.ts'
import type { Evidence } from './evidence.ts'

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
 * @param spentUsd on all model calls of the attempt
 */
export function pullRequestBody(context: AttemptContext, whole: Evidence, spentUsd: number): string {
  const evidence = context.published(whole)
  const sections = [
    summary(context, evidence, spentUsd),
    section('Description', clipped(neutralised(evidence.routed.order.description.trim()), MOST.Description)),
    section('Acceptance Criteria', clipped(criteria(evidence), MOST['Acceptance Criteria'])),
    section('Checks', clipped(checks(evidence), MOST.other)),
    section('Files Modified', clipped(files(evidence.verified.files), MOST['Files Modified'])),
    section('Routing Decision', clipped(routing(evidence), MOST.other)),
    section('Metadata', metadata(context, evidence)),
    `---\n\nMade by Moose.\n\n<!-- moose:wo=${context.workOrderId} attempt=${context.attempt} -->`,
  ]
  return sections.filter((text) => text !== '').join('\n\n')
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
  return changed
    .map(({ path, change, added, deleted }) => {
      const size = added === null || deleted === null ? 'binary' : `+${added} −${deleted}`
      return `- ${fenced(null, path)} (${change}, ${size})`
    })
    .join('\n')
}

function routing({ routed: { decision } }: Evidence): string {
  return `**Reason:** ${neutralised(decision.reason)}\n**Confidence:** ${decision.confidence}`
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
