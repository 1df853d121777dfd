import type { ListedProposers, ProposerTest, ProposerView } from '../../contract/proposers.ts'
import { counted, duration, usd } from './humanize.ts'
import type { Paint } from './output.ts'
import { table } from './table.ts'
import { harmless, oneLine } from './terminal-text.ts'

const WIDEST = 60

/** All proposers, a line each. */
export function proposerTable({ proposers, malformed }: ListedProposers, paint: Paint): string {
  const heads = ['NAME', 'KIND', 'MODEL', 'TRUSTED TO', 'IN / OUT', 'STATE'].map((head) => paint.dim(head))
  const rows = proposers.map((proposer) => [
    paint.bold(oneLine(proposer.name, WIDEST)),
    harmless(proposer.kind),
    oneLine(proposer.model, WIDEST),
    String(proposer.complexity_threshold),
    priceInShort(proposer),
    stateOf(proposer, paint),
  ])
  const broken = malformed.map(({ name, problem }) => [
    paint.bold(oneLine(name, WIDEST)),
    '–',
    '–',
    '–',
    '–',
    paint.red(`malformed: ${oneLine(problem, 2 * WIDEST)}`),
  ])
  return table([heads, ...rows, ...broken])
}

function priceInShort({ price }: ProposerView): string {
  if (price === null) return 'unknown'
  return price.source === 'free' ? 'free' : `${usd(price.input_per_million)} / ${usd(price.output_per_million)}`
}

function stateOf({ active, unavailable, provider_pause: pause }: ProposerView, paint: Paint): string {
  if (!active) return paint.dim('paused by you')
  if (unavailable !== null) return paint.yellow(oneLine(unavailable.reason, WIDEST))
  if (pause?.running === true) return paint.yellow(`provider paused until ${pause.until.slice(0, 19)}Z`)
  return paint.green('ready')
}

/** One proposer, a line for each thing that is known of it. */
export function proposerPage(proposer: ProposerView, paint: Paint): string {
  const { extra_headers: headers, extra_body: body, provider_pause: pause, unavailable } = proposer
  const lines: [string, string][] = [
    ['state', stateOf(proposer, paint)],
    ['kind', proposer.kind],
    ['model', proposer.model],
    ['address', proposer.base_url ?? "the provider's own"],
    ['key', keyOf(proposer)],
    ['price', priceOf(proposer)],
    ...testPrice(proposer),
    ['context', proposer.context_tokens === null ? 'not known' : counted(proposer.context_tokens, 'token')],
    ['threshold', `${proposer.complexity_threshold}: the highest complexity it is trusted with`],
  ]
  if (proposer.output_limit_parameter !== null) lines.push(['output limit', proposer.output_limit_parameter])
  lines.push(['answer form', proposer.answer_form])
  for (const [name, value] of Object.entries(headers)) lines.push(['header', `${name}: ${value}`])
  for (const [name, value] of Object.entries(body)) lines.push(['body', `${name}=${JSON.stringify(value)}`])
  if (pause !== null)
    lines.push([
      'provider',
      `${counted(pause.failures, 'outage')} in a row, paused until ${pause.until}: ${pause.reason}`,
    ])
  if (unavailable !== null) lines.push(['missing', unavailable.reason])
  const rows = lines.map(([label, value]) => [paint.dim(label), label === 'state' ? value : oneLine(value, 500)])
  return `${paint.bold(oneLine(proposer.name, 200))}\n${table(rows)}`
}

function testPrice({ test_at_most_usd: most }: ProposerView): [string, string][] {
  return most === null ? [] : [['test', most === 0 ? 'costs nothing' : `costs at most ${usd(most)}`]]
}

function keyOf({ key_variable: variable, key_set: isSet }: ProposerView): string {
  if (variable === null) return 'none is sent'
  return isSet ? `${variable}, which is set` : `${variable}, which is not set where Moose runs`
}

function priceOf({ price, price_library: library, price_since: since }: ProposerView): string {
  if (price === null) return 'unknown, so that no call is made'
  const day = since === null ? '' : ` since ${since.slice(0, 10)}`
  if (price.source === 'free') return `free${day}`
  const { input_per_million: input, output_per_million: output } = price
  const source = library === null ? 'as you say' : `by ${library}`
  return `${usd(input)} in, ${usd(output)} out per million tokens, ${source}${day}`
}

/** What a test has shown, a line for each thing that was looked at. */
export function testPage(test: ProposerTest, paint: Paint): string {
  const { usage, finish } = test
  const good = (text: string) => `${paint.green('✓')} ${text}`
  const odd = (text: string) => `${paint.yellow('!')} ${text}`
  const isCut = finish === 'length'
  const cut = 'the test allows few tokens, and this model thinks first; orders allow more'
  const rows = [
    ['answer', test.text.trim() === '' ? odd(`nothing yet: ${cut}`) : good(`"${oneLine(test.text, 200)}"`)],
    ['time', good(duration(test.duration_ms))],
    ['cost', good(`${usd(test.cost_usd)}, booked outside of any order`)],
    [
      'tokens',
      usage === null
        ? odd('not reported: every call is booked at the most it can cost')
        : good(`${usage.input_tokens} in, ${usage.output_tokens} out`),
    ],
    ['stream', test.streamed ? good('piece by piece') : odd('all at once: a long answer may be cut off on its way')],
    ['ending', ending(test, isCut ? odd : good)],
    ['limit', test.output_limit_parameter === null ? odd('no known parameter') : good(test.output_limit_parameter)],
  ]
  return table(rows.map(([label, value]) => [paint.dim(String(label)), String(value)]))
}

function ending({ stop_reason: word, finish }: ProposerTest, mark: (text: string) => string): string {
  const said = word === null ? 'none given' : `"${oneLine(word, 80)}"`
  const meaning = finish === 'length' ? 'cut off at the limit' : finish === 'stop' ? 'a whole answer' : finish
  return mark(`${said}, understood as ${oneLine(meaning, 80)}`)
}
