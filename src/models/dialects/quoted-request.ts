import { z } from 'zod'

/** Of a message, and of what was asked; what stands behind is not looked at: of a message it counts as quoted. */
const MOST_OF_MESSAGE = 8_000
const MOST_OF_REQUEST = 16_000_000
/** So many words in a row that a request has too are a quotation of it. */
const RUN = 5
const MOST_DEPTH = 12

/**
 * A provider's message without what it repeats of the request: runs of five words, and what stands between quotes, where
 * the request says the same. A text of an order, such as one about balances and billing, must not pass for the words of the
 * provider.
 *
 * @param request the body that was sent, as JSON; empty: it is not known, and nothing counts as quoted
 * @returns the beginning of the message with `…` for each quotation, and whether there was one
 */
export function withoutQuotations(message: string, request: string): { own: string; quotes: boolean } {
  if (request === '') return { own: message, quotes: false }
  const head = message.slice(0, MOST_OF_MESSAGE)
  const words = wordsOf(head)
  const candidates = [...runsOf(words), ...betweenQuotes(head, words)]
  const said = saidIn(textsOf(request), candidates)
  const quoted = candidates.filter(({ text }) => said.has(text))
  return { own: cutOut(head, quoted, words), quotes: quoted.length > 0 }
}

type Word = { text: string; start: number; end: number }
/** Words of the message in a row, by their numbers. */
type Run = { from: number; to: number; text: string }

function wordsOf(text: string): Word[] {
  return [...text.matchAll(/[\p{L}\p{N}]+/gu)].map((match) => ({
    text: match[0].toLowerCase(),
    start: match.index,
    end: match.index + match[0].length,
  }))
}

function runOf(words: readonly Word[], from: number, to: number): Run {
  const text = words
    .slice(from, to)
    .map((word) => word.text)
    .join(' ')
  return { from, to, text }
}

function runsOf(words: readonly Word[]): Run[] {
  return Array.from({ length: Math.max(0, words.length - RUN + 1) }, (_, at) => runOf(words, at, at + RUN))
}

/** Fewer words than a run, where the message itself says that it quotes them. */
function betweenQuotes(text: string, words: readonly Word[]): Run[] {
  const pairs = text.matchAll(/"([^"]{1,200})"|'([^']{1,200})'|`([^`]{1,200})`|“([^“”]{1,200})”|«([^«»]{1,200})»/g)
  return [...pairs].flatMap((pair) => {
    const end = pair.index + pair[0].length
    const from = words.findIndex((word) => word.start >= pair.index)
    const beyond = words.findIndex((word) => word.start >= end)
    const to = beyond === -1 ? words.length : beyond
    return from === -1 || from >= to || to - from >= RUN ? [] : [runOf(words, from, to)]
  })
}

/** Every text in what was sent. */
function textsOf(request: string): string[] {
  try {
    return textsIn(JSON.parse(request.slice(0, MOST_OF_REQUEST)), 0)
  } catch {
    // Longer than is looked at: the text as it was sent still holds the words.
    return [request.slice(0, MOST_OF_REQUEST)]
  }
}

const Entries = z.union([
  z.array(z.unknown()),
  z.record(z.string(), z.unknown()).transform((entry) => Object.values(entry)),
])

function textsIn(value: unknown, depth: number): string[] {
  if (typeof value === 'string') return [value]
  const entries = depth === MOST_DEPTH ? undefined : Entries.safeParse(value).data
  return entries === undefined ? [] : entries.flatMap((entry) => textsIn(entry, depth + 1))
}

/** Which of the runs stand in the texts; one pass over them for each length of a run. */
function saidIn(texts: readonly string[], runs: readonly Run[]): Set<string> {
  const wanted = Map.groupBy(runs, ({ from, to }) => to - from)
  const found = new Set<string>()
  for (const text of texts) {
    const words = wordsOf(text)
    for (const [length, some] of wanted) {
      const sought = new Set(some.map((run) => run.text))
      for (let at = 0; at + length <= words.length; at += 1) {
        const said = runOf(words, at, at + length).text
        if (sought.has(said)) found.add(said)
      }
    }
  }
  return found
}

function cutOut(message: string, quoted: readonly Run[], words: readonly Word[]): string {
  const isQuoted = new Set(quoted.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, at) => from + at)))
  let own = ''
  let done = 0
  for (const number of [...isQuoted].sort((one, other) => one - other)) {
    const word = words[number]
    if (word === undefined) continue
    own += `${message.slice(done, word.start)}…`
    done = word.end
  }
  return own + message.slice(done)
}
