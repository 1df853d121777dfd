import type { ModelTry, ModelTryDetail } from '../../contract/tries.ts'
import { ago, duration, usd } from './humanize.ts'
import type { Paint } from './output.ts'
import { table } from './table.ts'
import { barred, harmless, oneLine } from './terminal-text.ts'

/** For a name or a word of a row or a provider. */
const LONGEST_NAME = 40

type PageOptions = { paint: Paint; now: Date }

/** The tries of an order as a table, oldest first. */
export function triesTable(tries: readonly ModelTry[], { paint, now }: PageOptions): string {
  const heads = ['ATTEMPT', 'TRY', 'STEP', 'PROPOSER', 'MODEL', 'TOKENS', 'COST', 'TOOK', 'ENDED', 'AGE', 'ANSWER']
  const rows = tries.map((tried) => [
    attemptOf(tried),
    paint.bold(String(tried.number)),
    named(tried.step),
    named(tried.proposer),
    named(tried.model),
    `${tried.input_tokens}+${tried.output_tokens}`,
    costOf(tried, paint),
    duration(tried.duration_ms),
    endOf(tried, paint),
    ago(new Date(tried.started_at), now),
    tried.answer_bytes === null ? 'not kept' : `${tried.answer_bytes} bytes`,
  ])
  return table([heads.map((head) => paint.dim(head)), ...rows])
}

/** One try, with the parts that were asked for. What others wrote stands behind bars. */
export function tryPage(
  tried: ModelTryDetail,
  shows: { prompt: boolean; answer: boolean },
  { paint, now }: PageOptions,
): string {
  const sections = [
    `${paint.bold(`Try ${tried.number}`)} of attempt ${attemptOf(tried)}`,
    table(facts(tried, { paint, now }).map(([name, value]) => [paint.dim(name), value])),
    ...(shows.prompt ? promptSections(tried, paint) : []),
    ...(shows.answer ? [answerSection(tried, paint)] : []),
  ]
  return sections.join('\n\n')
}

function facts(tried: ModelTryDetail, { paint, now }: PageOptions): [name: string, value: string][] {
  const { input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens } = tried
  const cached = `${cache_read_tokens} read from the cache, ${cache_write_tokens} written`
  return [
    ['step', named(tried.step)],
    ['proposer', named(tried.proposer)],
    ['model', `${named(tried.model)} of ${named(tried.provider)}`],
    ['tokens in', `${input_tokens} ${paint.dim(`(${cached})`)}`],
    ['tokens out', `${output_tokens} ${paint.dim(`(${reasoning_tokens} of reasoning)`)}`],
    ['cost', costOf(tried, paint)],
    ['took', duration(tried.duration_ms)],
    ['ended', endOf(tried, paint)],
    ['started', `${ago(new Date(tried.started_at), now)} ${paint.dim(`(${tried.started_at})`)}`],
  ]
}

function promptSections({ prompt: { messages, reason } }: ModelTryDetail, paint: Paint): string[] {
  if (messages === null) return [`${paint.dim('What it was told')}\n${harmless(String(reason))}`]
  return messages.map(({ role, text, left_out }) => {
    const head = `${paint.dim('What it was told')}  ${paint.bold(role)}`
    return `${head}\n${barred(text)}${leftOut(left_out, paint)}`
  })
}

function answerSection({ answer: { text, left_out, reason } }: ModelTryDetail, paint: Paint): string {
  const head = paint.dim('What it said')
  return text === null ? `${head}\n${harmless(String(reason))}` : `${head}\n${barred(text)}${leftOut(left_out, paint)}`
}

function leftOut(characters: number, paint: Paint): string {
  return characters === 0 ? '' : `\n${paint.yellow(`${characters} more characters are not shown.`)}`
}

function attemptOf({ attempt }: ModelTry): string {
  return attempt === null ? '–' : String(attempt)
}

function named(word: string | null): string {
  return word === null ? '–' : oneLine(word, LONGEST_NAME)
}

function costOf({ replayed, cost_usd: cost }: ModelTry, paint: Paint): string {
  if (replayed) return paint.yellow('replay')
  return cost === null ? 'not known' : usd(cost)
}

function endOf({ error_code: code, finish_reason: reason }: ModelTry, paint: Paint): string {
  return code === null ? named(reason) : paint.red(oneLine(code, LONGEST_NAME))
}
