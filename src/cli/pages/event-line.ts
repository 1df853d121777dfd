import { z } from 'zod'
import { type EventType, type EventView, isEventType } from '../../contract/events.ts'
import { duration, shortId, timeOfDay, usd } from './humanize.ts'
import type { Output, Paint } from './output.ts'
import { BAR, harmless, harmlessLines, oneLine } from './terminal-text.ts'

/** What the lines of a log have in common: `step_*` and `attempt_ended` carry how long they took and what they cost. */
const Measured = z.object({ duration_ms: z.number().optional(), cost_usd: z.number().optional() })

const STEP_WIDTH = 8
/** For the type of an event that a newer version or a foreign program has written. */
const LONGEST_TYPE = 40

type Style = (paint: Paint) => string

const SYMBOL: Record<EventType, Style> = {
  added: (paint) => paint.blue('•'),
  approved: (paint) => paint.green('•'),
  rejected: (paint) => paint.red('•'),
  edited: (paint) => paint.yellow('•'),
  claimed: (paint) => paint.blue('•'),
  taken_over: (paint) => paint.yellow('↻'),
  step_started: (paint) => paint.dim('→'),
  step_succeeded: (paint) => paint.green('✓'),
  step_failed: (paint) => paint.red('✗'),
  step_repeated: (paint) => paint.yellow('↻'),
  progress: (paint) => paint.dim('·'),
  output: (paint) => paint.dim(BAR),
  attempt_ended: (paint) => paint.bold('■'),
  status: (paint) => paint.blue('•'),
  pull_request: (paint) => paint.blue('•'),
}

/** What stands in front of a line. */
export type LineLead = { time: boolean; order?: boolean }

/**
 * One event as one line: `✓ propose  2.3s $0.0120  message`. Of a message of several lines each further one stands behind
 * a bar, so that none can be taken for another event.
 */
export function eventLine(event: EventView, paint: Paint, lead: LineLead): string {
  const time = lead.time ? `${paint.dim(timeOfDay(new Date(event.at)))} ` : ''
  const order = lead.order === true ? `${paint.bold(shortId(event.work_order_id))} ` : ''
  const symbol = isEventType(event.type) ? SYMBOL[event.type](paint) : `? ${oneLine(event.type, LONGEST_TYPE)}`
  const step = event.step === null ? '' : `${harmless(event.step).padEnd(STEP_WIDTH)} `
  const measured = measures(event)
  const message = harmlessLines(withoutName(event)).trimEnd()
  return message
    .split('\n')
    .map((line, index) => {
      const measure = index === 0 && measured !== '' ? `${measured}  ` : ''
      const text = event.type === 'output' ? paint.dim(line) : line
      return `${time}${order}${index === 0 ? symbol : paint.dim(BAR)} ${step}${measure}${text}`.trimEnd()
    })
    .join('\n')
}

/** A step is called by its name, and from its second try on `apply, try 2`: the name stands there already. */
function withoutName({ message, step }: EventView): string {
  if (message === step) return ''
  return step !== null && message.startsWith(`${step}, try `) ? message.slice(step.length + 2) : message
}

/** Events whose message is ours and may say what to type; the others quote models and checks. */
const SAYS_WHAT_TO_DO: ReadonlySet<string> = new Set(['step_failed', 'step_repeated', 'attempt_ended'])

export function printEvent(output: Output, event: EventView, lead: LineLead): void {
  const line = eventLine(event, output.paint, lead)
  output.line(SAYS_WHAT_TO_DO.has(event.type) ? output.hint(line) : line)
}

/** A change of phase says again that a step has begun. */
export function isRepetition({ type, data }: EventView): boolean {
  return type === 'status' && typeof data['phase'] === 'string' && data['phase'] !== 'in_review'
}

function measures(event: EventView): string {
  const { data } = Measured.safeParse(event.data)
  if (data === undefined) return ''
  const took = data.duration_ms === undefined ? [] : [duration(data.duration_ms)]
  const cost = data.cost_usd === undefined || data.cost_usd === 0 ? [] : [usd(data.cost_usd)]
  return [...took, ...cost].join(' ')
}
