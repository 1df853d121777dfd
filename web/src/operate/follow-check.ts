import { EventSourceParserStream } from 'eventsource-parser/stream'
import { ApiFault, type CheckEvent, isFaultBody, type Schemas } from '../api/client.ts'

/** Characters of what is printed that are kept, the last ones. */
const MOST_OUTPUT = 100_000

/** How a run of set-up and checks stands. */
export type CheckRun = {
  state: 'running' | 'done' | 'failed' | 'stopped'
  notes: readonly string[]
  output: string
  checks: readonly Schemas['BaseCheck'][]
  result: Schemas['CheckedProject'] | null
  /** Why there is no result. */
  problem: string | null
}

export const BEGUN: CheckRun = { state: 'running', notes: [], output: '', checks: [], result: null, problem: null }

/** Runs set-up and checks of a project, and tells how they stand, until they end or the signal aborts: then they are ended. */
export async function followCheck(
  name: string,
  body: Schemas['CheckProject'],
  { signal, onRun }: { signal: AbortSignal; onRun: (run: CheckRun) => void },
): Promise<void> {
  let run = BEGUN
  const put = (next: Partial<CheckRun>) => {
    run = { ...run, ...next }
    onRun(run)
  }
  try {
    for await (const event of eventsOf(name, body, signal)) {
      if (event.type === 'note') put({ notes: [...run.notes, event.message] })
      if (event.type === 'output') put({ output: (run.output + event.text).slice(-MOST_OUTPUT) })
      if (event.type === 'checked') put({ checks: [...run.checks, event.check] })
      if (event.type === 'result') put({ state: 'done', result: event.result, checks: event.result.checks })
      if (event.type === 'failed') put({ state: 'failed', problem: event.error.message })
    }
    if (run.state === 'running') put({ state: 'failed', problem: 'The connection broke, which has ended the checks.' })
  } catch (error) {
    if (signal.aborted) return put({ state: 'stopped' })
    put({ state: 'failed', problem: error instanceof Error ? error.message : String(error) })
  }
}

async function* eventsOf(name: string, body: Schemas['CheckProject'], signal: AbortSignal): AsyncGenerator<CheckEvent> {
  const response = await fetch(`/api/projects/${encodeURIComponent(name)}/check`, {
    method: 'POST',
    headers: { Accept: 'text/event-stream', 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
    signal,
  })
  if (!response.ok || response.body === null) throw await faultOf(response)
  const messages = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream())
  const reader = messages.getReader()
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    const { event, data } = next.value
    if (event !== 'end' && event !== 'service_stopping') yield JSON.parse(data)
  }
}

async function faultOf(response: Response): Promise<Error> {
  const said: unknown = await response.json().catch(() => null)
  if (isFaultBody(said)) return new ApiFault(said.error.code, said.error.message)
  return new Error(`Moose answered ${response.status}`)
}
