import type { EventView } from '../../contract/events.ts'
import type { WorkOrderView } from '../../contract/work-orders.ts'
import { eventLine } from '../pages/event-line.ts'
import { duration, shortId, usd } from '../pages/humanize.ts'
import type { Output, Paint } from '../pages/output.ts'
import { table } from '../pages/table.ts'
import { oneLine } from '../pages/terminal-text.ts'
import type { DemoReport, DemoResult } from './report.ts'

const TITLE_WIDTH = 44

/** The table of the demo and what one can look at next. */
export function printDemo(output: Output, report: DemoReport): void {
  const { paint } = output
  const heads = ['ORDER', 'TITLE', 'STATUS', 'PR', 'FILES', 'COST', 'TIME'].map((head) => paint.dim(head))
  output.line('')
  output.line(table([heads, ...report.orders.map((order) => row(order, paint))]))
  output.line('')
  for (const line of explanations(report)) output.line(line)
  output.line('\nLook further:')
  for (const look of report.look_further) output.line(`  ${look}`)
  output.line(`The last one serves the API and its documentation at ${report.url}`)
}

function row(order: DemoResult, paint: Paint): string[] {
  const { id, title, pull_request, files, cost_usd, duration_ms } = order
  return [
    paint.bold(shortId(id)),
    oneLine(title, TITLE_WIDTH),
    statusOf(order, paint),
    pull_request === null ? '–' : `#${pull_request.number}`,
    files.length === 0 ? '–' : String(files.length),
    usd(cost_usd),
    duration(duration_ms),
  ]
}

function statusOf({ outcome, code, refinements }: DemoResult, paint: Paint): string {
  if (outcome !== 'in_review') return paint.red(code === null ? outcome : `${outcome}: ${code}`)
  return paint.green(refinements === 0 ? 'in review' : `in review, refined ${refinements}×`)
}

function explanations({ orders, totals, note, success }: DemoReport): string[] {
  const shown = success
    ? `All ${totals.orders} ended as they should: ${totals.in_review} in review, ${totals.failed} stopped, each for its own reason.`
    : 'Not everything ended as it should:'
  const broken = orders.filter(({ broken_promise }) => broken_promise !== null)
  return [
    `${shown} (${note})`,
    ...broken.map(({ id, title, broken_promise }) => `  ${shortId(id)}  "${title}" ${broken_promise}`),
  ]
}

const LEAD_TITLE_WIDTH = 30
const LEAD_WIDTH = LEAD_TITLE_WIDTH + 20
const NO_TERMINAL_WIDTH = 160

/** Prints what happens as it happens, each line with the title of its order in front. */
export function demoProgress(output: Output) {
  const titles = new Map<string, string>()
  const room = (output.columns === null ? NO_TERMINAL_WIDTH : output.columns) - LEAD_WIDTH
  return {
    filed(orders: readonly WorkOrderView[]): void {
      for (const { id, title } of orders) titles.set(id, oneLine(title, LEAD_TITLE_WIDTH).padEnd(LEAD_TITLE_WIDTH))
    },
    event(event: EventView): void {
      const title = titles.get(event.work_order_id)
      if (title === undefined || !isShown(event)) return
      const brief = { ...event, message: oneLine(event.message, Math.max(room, LEAD_TITLE_WIDTH)) }
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
