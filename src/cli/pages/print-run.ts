import type { EventView } from '../../contract/events.ts'
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

/** Whether an event follows a failure that ends the run: the attempt is recorded, and has ended. */
const isEnding = ({ type, step }: EventView) => step === 'record' || type === 'status' || type === 'attempt_ended'

/** Steps in which set-ups and checks print, and nothing else does: propose checks a base that has moved. */
const CHECKING: ReadonlySet<string> = new Set(['prepare', 'propose', 'verify'])

type RunPages = {
  /** Events of these attempts are history. */
  attemptsBefore: number
  /** With everything that set-ups and checks print; otherwise the end of what a failed one printed, as its failure has it. */
  verbose: boolean
}

/** Prints the steps of a run as they happen. */
export function printRun(
  output: Output,
  spinner: Spinner,
  events: AsyncIterable<EventView>,
  { attemptsBefore, verbose }: RunPages,
): RunPrinting {
  let begun = false
  let failed: EventView | null = null
  /** The failure that ends the run is said in full by the error that ends the command; one before it, here. */
  const printFailed = (isLast: boolean) => {
    if (failed !== null) printEvent(output, isLast || verbose ? inShort(failed) : failed, { time: false })
    failed = null
  }
  const print = async () => {
    for await (const event of events) {
      if (event.attempt === null || event.attempt <= attemptsBefore) continue
      begun = true
      printFailed(isEnding(event))
      if (event.type === 'step_started') spinner.say(harmless(event.message))
      if (event.type === 'step_failed') failed = event
      else if (isPrinted(event, verbose)) printEvent(output, event, { time: false })
    }
  }
  const ended = print()
    .catch((error: unknown) => output.note(harmless(toFault(error).message)))
    .finally(() => printFailed(true))
  return { begun: () => begun, ended }
}

function isPrinted({ type, step }: EventView, verbose: boolean): boolean {
  if (SAID_ELSEWHERE.has(type)) return false
  return verbose || type !== 'output' || step === null || !CHECKING.has(step)
}

/** Of a failed step the code. */
function inShort(event: EventView): EventView {
  const { code } = event.data
  return typeof code === 'string' ? { ...event, message: code } : event
}
