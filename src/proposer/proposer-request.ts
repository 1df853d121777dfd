import type { ProposerRequest } from '../ports/proposal.ts'
import type { WorkOrderContent } from '../work-order/content.ts'
import { withoutHidden } from '../work-order/hidden-text.ts'

/**
 * A work order as a Proposer is asked for it (specification 2.2, 4.4). It holds nothing that differs between two orders of the
 * same content, so that an answer can be recorded, and nothing that a person who
 * approves it does not see.
 */
export function buildProposerRequest(order: WorkOrderContent): ProposerRequest {
  return {
    task_description: withoutHidden(buildEnhancedTaskDescription(order)),
    context: order.files_in_scope,
    security_context: mapRiskToSecurityContext(order.risk_level),
    expected_output_type: 'code',
    priority: 'medium',
    metadata: {},
  }
}

/** The task in words, as the specification has it; a part without entries is left out. */
export function buildEnhancedTaskDescription(order: WorkOrderContent): string {
  const criteria = order.acceptance_criteria.map((criterion, index) => `${index + 1}. ${criterion}`)
  const files = order.files_in_scope.map((file) => `- ${file}`)
  return [
    `Work Order: ${order.title}`,
    section('Description:', order.description.trim()),
    section('Acceptance Criteria:', criteria.join('\n')),
    section('Files to modify:', files.join('\n')),
    'Please generate complete, deployable code that satisfies all acceptance criteria.',
  ]
    .filter((part) => part !== '')
    .join('\n\n')
}

function section(heading: string, text: string): string {
  return text === '' ? '' : `${heading}\n${text}`
}

/** An unrated risk is treated as high, never as low. */
export function mapRiskToSecurityContext(riskLevel: string): ProposerRequest['security_context'] {
  if (riskLevel === 'low' || riskLevel === 'medium') return riskLevel
  return 'high'
}
