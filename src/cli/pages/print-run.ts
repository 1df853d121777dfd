import type { EventView } from '../../contract/work-orders.ts'
import { toFault } from '../../faults/fault.ts'
import { printEvent } from './event-line.ts'
import type { Output } from './output.ts'
import type { Spinner } from './spinner.ts'
import { harmless } from './terminal-text.ts'

/** What the spinner says, and what the end of the command says, is not said twice. */
const SAID_ELSEWHERE: ReadonlySet<string> = new Set(['step_started', 'status', 'claimed', 'attempt_ended'])

export type RunPrinting = {
  /** Whether anything of the run has happened yet. */
  begun(): boolean
  /** Resolves when the events end; a stream that breaks off is a note, for the answer of the run tells how it ended. */
  ended: Promise<void>
}

/**
 * Prints the steps of a run as they happen.
 *
 * @param attemptsBefore events of these attempts are history
 */
export function printRun(
  output: Output,
  spinner: Spinner,
  events: AsyncIterable<EventView>,
  attemptsBefore: number,
): RunPrinting {
  let begun = false
  const print = async () => {
    for await (const event of events) {
      if (event.attempt === null || event.attempt <= attemptsBefore) continue
      begun = true
      if (event.type === 'step_started') spinner.say(harmless(event.message))
      if (!SAID_ELSEWHERE.has(event.type)) printEvent(output, inShort(event), { time: false })
    }
  }
  const ended = print().catch((error: unknown) => output.note(harmless(toFault(error).message)))
  return { begun: () => begun, ended }
}

/** Of a failed step the code: what went wrong is said in full by the error that ends the command. */
function inShort(event: EventView): EventView {
  const { code } = event.data
  return event.type === 'step_failed' && typeof code === 'string' ? { ...event, message: code } : event
}
