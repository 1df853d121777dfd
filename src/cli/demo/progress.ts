import type { EventView, WorkOrderView } from '../../contract/work-orders.ts'
import { eventLine } from '../pages/event-line.ts'
import type { Output } from '../pages/output.ts'
import { oneLine } from '../pages/terminal-text.ts'

const TITLE_WIDTH = 30
const LEAD_WIDTH = TITLE_WIDTH + 20
const NO_TERMINAL_WIDTH = 160

/** Prints what happens as it happens, each line with the title of its order in front. */
export function demoProgress(output: Output) {
  const titles = new Map<string, string>()
  const room = (output.columns === null ? NO_TERMINAL_WIDTH : output.columns) - LEAD_WIDTH
  return {
    filed(orders: readonly WorkOrderView[]): void {
      for (const { id, title } of orders) titles.set(id, oneLine(title, TITLE_WIDTH).padEnd(TITLE_WIDTH))
    },
    event(event: EventView): void {
      const title = titles.get(event.work_order_id)
      if (title === undefined || !isShown(event)) return
      const brief = { ...event, message: oneLine(event.message, Math.max(room, TITLE_WIDTH)) }
      output.note(`${output.paint.dim(title)}  ${eventLine(brief, output.paint, { time: false })}`)
    },
  }
}

/**
 * Whether an event is worth a line while several orders run at once: `moose logs` has the rest. Why a step failed is
 * said by the end of the attempt, and that the end was recorded goes without saying.
 */
function isShown({ type, step }: EventView): boolean {
  if (type === 'step_succeeded') return step !== 'record'
  return type === 'claimed' || type === 'step_repeated' || type === 'attempt_ended'
}
