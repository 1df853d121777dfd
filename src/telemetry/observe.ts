import { AsyncLocalStorage } from 'node:async_hooks'
import { type Attributes, isSpanContextValid, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { type FaultCode, toFault } from '../faults/fault.ts'
import { type LogFields, withLogFields } from '../log.ts'

/** `interrupted`: its process stopped working on it, and another continues later. */
export type Outcome = 'succeeded' | 'interrupted' | FaultCode

export type Observation<Result> = {
  name: string
  /** Whether it waits for work outside of this process. */
  isCall?: boolean
  /** Never content: ids, names, counts, codes. */
  attributes: Attributes
  /** What log lines say that are written meanwhile. */
  fields: LogFields
  /** The signal of the operation; if it is aborted, its reason gives the outcome instead of the thrown error. */
  signal?: AbortSignal
  outcomeOf?: (result: Result) => Outcome
  onEnd: (outcome: Outcome, seconds: number) => void
}

type RunningObservation = {
  span: Span
  note(outcome: Outcome): void
  end(outcome: Outcome): void
  around: RunningObservation | undefined
}

const innermost = new AsyncLocalStorage<RunningObservation>()

/**
 * Runs something as a span, with its fields in every log line, and tells how it ended. The outermost begins a trace.
 * Without an exporter the span is nothing; observing never throws.
 */
export function observe<Result>(what: Observation<Result>, run: () => Promise<Result>): Promise<Result> {
  const around = innermost.getStore()
  const kind = what.isCall === true ? SpanKind.CLIENT : SpanKind.INTERNAL
  const options = { kind, attributes: what.attributes, root: around === undefined }
  return trace.getTracer('moose').startActiveSpan(what.name, options, (span) => {
    const observed = begin(what, span, around)
    return innermost.run(observed, () =>
      withLogFields({ ...what.fields, ...traceFields(span) }, async () => {
        try {
          const result = await run()
          observed.end(what.outcomeOf === undefined ? 'succeeded' : what.outcomeOf(result))
          return result
        } catch (error) {
          observed.end(outcomeOf(error, what.signal))
          throw error
        }
      }),
    )
  })
}

/** Whether the caller is part of something observed. */
export function isObserving(): boolean {
  return innermost.getStore() !== undefined
}

/** Says how the innermost observed thing around the caller ends, where what it returns does not. */
export function noteOutcome(outcome: Outcome): void {
  innermost.getStore()?.note(outcome)
}

/** Adds facts to the innermost observed thing around the caller. */
export function noteAttributes(attributes: Attributes): void {
  innermost.getStore()?.span.setAttributes(attributes)
}

/** Ends everything observed around the caller: it will never come to its own end here. */
export function interruptObserved(): void {
  for (let one = innermost.getStore(); one !== undefined; one = one.around) one.end('interrupted')
}

function begin<Result>(
  what: Observation<Result>,
  span: Span,
  around: RunningObservation | undefined,
): RunningObservation {
  const startedAt = performance.now()
  let noted: Outcome | null = null
  let isOver = false
  return {
    span,
    around,
    note(outcome) {
      noted = outcome
    },
    end(outcome) {
      if (isOver) return
      isOver = true
      const final = noted === null ? outcome : noted
      span.setAttribute('moose.outcome', final)
      if (final !== 'succeeded' && final !== 'interrupted') {
        span.setAttribute('error.type', final).setStatus({ code: SpanStatusCode.ERROR })
      }
      span.end()
      what.onEnd(final, (performance.now() - startedAt) / 1_000)
    },
  }
}

/** Only the end of the process aborts with something that is no fault. */
function outcomeOf(thrown: unknown, signal: AbortSignal | undefined): Outcome {
  if (signal?.aborted !== true) return toFault(thrown).code
  const fault = toFault(signal.reason)
  return fault === signal.reason ? fault.code : 'interrupted'
}

/** So that a line leads to its trace. */
function traceFields(span: Span): LogFields {
  const context = span.spanContext()
  return isSpanContextValid(context) ? { traceId: context.traceId } : {}
}
