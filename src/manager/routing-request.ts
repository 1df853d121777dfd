import type { RoutingRequest } from '../ports/routing.ts'
import type { WorkOrderContent } from '../work-order/content.ts'
import { estimateComplexity } from './complexity.ts'

/**
 * An approved work order as the Manager is asked about it (specification 2.2, 4.3). The title stands before the description,
 * because a risky word is as risky there.
 */
export function buildRoutingRequest(workOrderId: string, order: WorkOrderContent): RoutingRequest {
  const { title, description, acceptance_criteria: criteria, files_in_scope: files } = order
  return {
    work_order_id: workOrderId,
    task_description: description.trim() === '' ? title : `${title}\n\n${description}`,
    complexity_score: estimateComplexity({ criteria: criteria.length, files: files.length }),
    context_requirements: files,
    approved_by_director: true,
  }
}
