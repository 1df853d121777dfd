import { type ModelTry, type ModelTryDetail, TriesResponse, TryResponse } from '../../contract/tries.ts'
import { Fault } from '../../faults/fault.ts'
import type { Cli } from '../cli.ts'
import { type ApiClient, workOrderPath } from '../client/api-client.ts'
import { shortId } from '../pages/humanize.ts'
import { triesTable, tryPage } from '../pages/try-page.ts'

/** What of the calls to models is asked for. */
export type TriesOptions = { tries?: true; prompt?: true; answer?: true; try?: number; attempt?: number }

export function asksForTries({ tries, prompt, answer, try: number, attempt }: TriesOptions): boolean {
  return tries === true || prompt === true || answer === true || number !== undefined || attempt !== undefined
}

/**
 * Shows the tries of an order, or one of them: that which is named, else the last one of the attempt, else of the order. Of an
 * answer alone nothing but its text is printed.
 *
 * @throws {Fault} `not_found` when there is none, or not what was asked for
 */
export async function showTries(
  { output }: Cli,
  api: ApiClient,
  { id, options }: { id: string; options: TriesOptions },
): Promise<void> {
  const { attempt, prompt, answer } = options
  const query = attempt === undefined ? '' : `?attempt=${attempt}`
  const path = `${workOrderPath(id)}/tries${query}`
  const listed = await api.call({ method: 'GET', path, answer: TriesResponse })
  const page = { paint: output.paint, now: new Date() }
  const isOne = prompt === true || answer === true || options.try !== undefined
  if (!isOne) {
    if (listed.tries.length === 0) output.note(noTries(listed.work_order_id, attempt))
    else output.line(triesTable(listed.tries, page))
    if (listed.left_out > 0)
      output.note(`${listed.left_out} older ones are not shown; see an attempt with: --attempt N`)
    return output.document(listed)
  }
  const shown = await oneOf(api, listed, options)
  const both = prompt === answer
  if (!both) refuseMissing(shown.try, prompt === true ? 'prompt' : 'answer')
  output.document(shown)
  if (answer === true && !both) return output.json ? undefined : printAnswer(output, shown.try)
  output.line(tryPage(shown.try, { prompt: both || prompt === true, answer: both }, page))
}

async function oneOf(
  api: ApiClient,
  { work_order_id: id, tries }: { work_order_id: string; tries: readonly ModelTry[] },
  { attempt, try: number }: TriesOptions,
) {
  const last = tries.at(-1)
  if (last === undefined) throw new Fault('not_found', noTries(id, attempt), { id })
  const which = attempt === undefined ? last.attempt : attempt
  const path = `${workOrderPath(id)}/attempts/${which === null ? 0 : which}/tries/${number === undefined ? last.number : number}`
  return await api.call({ method: 'GET', path, answer: TryResponse })
}

function noTries(id: string, attempt: number | undefined): string {
  const where = attempt === undefined ? `work order ${shortId(id)}` : `attempt ${attempt} of work order ${shortId(id)}`
  return `No call to a model has ended for ${where}.`
}

function refuseMissing({ prompt, answer }: ModelTryDetail, part: 'prompt' | 'answer'): void {
  const missing = part === 'prompt' ? prompt.messages === null : answer.text === null
  if (missing) throw new Fault('not_found', String(part === 'prompt' ? prompt.reason : answer.reason))
}

function printAnswer(output: Cli['output'], { answer: { text, left_out } }: ModelTryDetail): void {
  output.verbatim(String(text).replace(/\n?$/, '\n'))
  if (left_out > 0) output.note(`${left_out} more characters are not shown.`)
}
