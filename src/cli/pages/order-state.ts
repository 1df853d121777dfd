import type { WorkOrderDetail, WorkOrderView } from '../../contract/work-orders.ts'
import type { Status } from '../../work-order/status.ts'
import { shortId } from './humanize.ts'
import type { Paint } from './output.ts'
import { oneLine } from './terminal-text.ts'

/** Of a phase that a newer version has written. */
const LONGEST_PHASE = 40
const LONGEST_DOING = 60

const COLOURS: Record<Status, (paint: Paint) => (text: string) => string> = {
  pending: (paint) => paint.yellow,
  in_progress: (paint) => paint.cyan,
  completed: (paint) => paint.green,
  failed: (paint) => paint.red,
  cancelled: (paint) => paint.dim,
  blocked: (paint) => paint.magenta,
}

/** Where an order stands: `in_progress/verifying`, `pending, not approved`, `completed`, `in review: the base is being merged in`. */
export function stateOf(
  order: Pick<WorkOrderView, 'status' | 'phase' | 'approved' | 'at_pull_request'>,
  paint: Paint,
): string {
  const { status, phase, approved, at_pull_request: at } = order
  if (at !== undefined) return paint.cyan(`in review: ${oneLine(at.doing, LONGEST_DOING)}`)
  const text = phase === null ? status : `${status}/${oneLine(phase, LONGEST_PHASE)}`
  return COLOURS[status](paint)(status === 'pending' && !approved ? `${text}, not approved` : text)
}

/** Whether something is still going to happen without a human. */
export function isUnderWay({ status, phase }: Pick<WorkOrderView, 'status' | 'phase'>): boolean {
  return status === 'pending' || (status === 'in_progress' && phase !== 'in_review')
}

/** `5e6f7a8b (cancelled)`: what it depends on, with where that stands. */
export function dependsOn({ depends_on: ids, dependencies = [] }: WorkOrderDetail): string {
  const named = ids.map((id) => {
    const found = dependencies.find((one) => one.id === id)
    if (found === undefined) return shortId(id)
    const { status } = found
    return `${shortId(id)} (${status === null ? 'gone' : oneLine(status.replaceAll('_', ' '), LONGEST_PHASE)})`
  })
  return named.join(', ')
}
