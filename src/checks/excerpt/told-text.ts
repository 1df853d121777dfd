import type { Block, Line, Worth } from './failure-format.ts'

/** What was found in an output, each kind in its order. */
export type Found = {
  /** Of the report that the check writes. */
  reported: readonly Block[]
  failures: readonly Block[]
  traces: readonly Block[]
  mentions: readonly Block[]
  /** What failed, without why. */
  names: readonly string[]
  /** Failures and traces that were not kept, or say the same as one that was. */
  dropped: number
  /** How many the base has as well, where they are told apart: they are in none of the above. */
  old: number
  /** Names of some of them. */
  before: readonly string[]
  /** The first lines, and the last ones. */
  head: readonly string[]
  tail: readonly string[]
  /** The last ones that belong to no failure, and to no report. */
  last: readonly string[]
  /** Lines between them. */
  between: number
}

/** Of the first of several; what causes the others is often told there. */
const SHARE_OF_FIRST = 0.4
const MOST_OF_OTHERS = 700
/** Less is no account of a failure. */
const LEAST = 120
const ROOM_FOR_NOTE = 320
const ROOM_FOR_OLD = 240
const ROOM_FOR_TAIL = 400
const MOST_OF_LAST_LINE = 160
const MOST_OF_NAME = 100
const ORDER: readonly Worth[] = ['key', 'detail', 'context']

/** The useful part of an output: first failures before later ones, and what is left out. At most `maxBytes` of UTF-8. */
export function toldText(found: Found, maxBytes: number): string {
  const own = [...found.failures, ...found.traces].filter(notIn(found.reported))
  const sure = [...found.reported, ...own]
  const isRecognised = found.reported.length + found.failures.length > 0
  const whole = [...found.head, ...found.tail].join('\n')
  const isShort = found.between === 0 && Buffer.byteLength(whole) <= Math.min(maxBytes, SHORT_OUTPUT)
  if (isShort && !isRecognised) return whole
  const blocks = sure.length > 0 ? sure : found.mentions
  if (blocks.length === 0 && found.names.length === 0 && found.old === 0) return headAndTail(found, maxBytes)
  const end = lastLines(found.last)
  const old = oldNote(found)
  const room = maxBytes - Buffer.byteLength(end) - ROOM_FOR_NOTE - (old === '' ? 0 : ROOM_FOR_OLD + 2) - 4
  const { texts, shown } = accounts(blocks, room)
  const told = joined(texts)
  const left = blocks.slice(shown).map(([first]) => (first === undefined ? '' : first.text))
  const isWhole = left.length === 0 && found.dropped === 0 && found.names.length <= blocks.length
  const names = isWhole ? [] : [...new Set([...left, ...found.names])].filter((name) => !told.includes(name))
  const note = noteOf(names, sure.length === 0 ? 0 : left.length + found.dropped)
  const isTold = end === '' || told.endsWith(end)
  return cut([told, note, old, ...(isTold ? [] : [end])].filter((text) => text !== '').join('\n\n'), maxBytes)
}

/** Whether a failure says something that no line of these does. */
function notIn(reported: readonly Block[]): (block: Block) => boolean {
  const known = new Set(reported.flatMap((block) => block.map(saidIn)))
  return ([, ...lines]) => {
    const said = lines.filter(({ worth }) => worth === 'key')
    return said.length === 0 || said.some((line) => !known.has(saidIn(line)))
  }
}

/** Without the mark that pytest puts before it. */
function saidIn({ text }: Line): string {
  return text.trim().replace(/^[E>] {2,}/, '')
}

/** An output of so many bytes in which no tool reports a failure is told as it is. */
const SHORT_OUTPUT = 1_500

/** Those of one line each below each other. */
function joined(texts: readonly string[]): string {
  let told = ''
  let isLine = false
  for (const text of texts) {
    const wasLine = isLine
    isLine = !text.includes('\n')
    if (told !== '') told += wasLine && isLine ? '\n' : '\n\n'
    told += text
  }
  return told
}

function accounts(blocks: readonly Block[], room: number): { texts: string[]; shown: number } {
  const texts: string[] = []
  let left = room
  for (const [index, block] of blocks.entries()) {
    const most = blocks.length === 1 ? left : index === 0 ? room * SHARE_OF_FIRST : Math.min(left, MOST_OF_OTHERS)
    if (left < LEAST) break
    const text = fitted(block, Math.floor(most))
    texts.push(text)
    left -= Buffer.byteLength(text) + 2
  }
  return { texts, shown: texts.length }
}

/** The lines that are worth most, in their order. */
function fitted(block: Block, maxBytes: number): string {
  const whole = block.map(({ text }) => text).join('\n')
  if (Buffer.byteLength(whole) <= maxBytes) return whole
  let left = maxBytes - Buffer.byteLength('\n[…]')
  const taken = new Set<number>()
  for (const worth of ORDER) {
    for (const [index, line] of block.entries()) {
      const size = Buffer.byteLength(line.text) + 1
      if (line.worth !== worth || size > left) continue
      taken.add(index)
      left -= size
    }
  }
  const lines = block.flatMap(({ text }, index) => (taken.has(index) ? [text] : []))
  const [first] = block
  return lines.length === 0 && first !== undefined ? cut(first.text, maxBytes) : [...lines, '[…]'].join('\n')
}

function noteOf(names: readonly string[], count: number): string {
  if (names.length === 0 && count === 0) return ''
  const what = count === 0 ? 'also reported' : `${count} more ${count === 1 ? 'failure' : 'failures'} left out`
  return named(what, names, ROOM_FOR_NOTE)
}

function oldNote({ old, before }: Pick<Found, 'old' | 'before'>): string {
  return old === 0 ? '' : named(`${old} that failed before this change as well left out`, before, ROOM_FOR_OLD)
}

function named(what: string, names: readonly string[], maxBytes: number): string {
  const opening = `[… ${what}`
  let told = ''
  for (const name of names) {
    const next = `${told === '' ? ': ' : '; '}${shortened(name.trim(), MOST_OF_NAME)}`
    if (Buffer.byteLength(opening + told + next) > maxBytes - 8) break
    told += next
  }
  return `${opening}${told} …]`
}

function lastLines(last: readonly string[]): string {
  const lines = last.map((line) => shortened(line, MOST_OF_LAST_LINE))
  while (lines.length > 0 && Buffer.byteLength(lines.join('\n')) > ROOM_FOR_TAIL) lines.shift()
  return lines.join('\n')
}

/** The beginning says what was run, and the end how it went. */
function headAndTail({ head, tail, between }: Found, maxBytes: number): string {
  const noteFor = (count: number) => `[… ${count} ${count === 1 ? 'line' : 'lines'} left out …]`
  const room = maxBytes - Buffer.byteLength(noteFor(Number.MAX_SAFE_INTEGER)) - 2
  const first = within(head, room / 3)
  const last = within(tail.toReversed(), room - Buffer.byteLength(first.join('\n'))).toReversed()
  const left = between + head.length + tail.length - first.length - last.length
  return cut([...first, ...(left > 0 ? [noteFor(left)] : []), ...last].join('\n'), maxBytes)
}

/** The first lines that fit; of a longer one its beginning. */
function within(lines: readonly string[], maxBytes: number): string[] {
  const fitting: string[] = []
  let left = maxBytes
  for (const line of lines) {
    const size = Buffer.byteLength(line) + 1
    if (size > left) {
      if (fitting.length === 0) fitting.push(cut(line, Math.floor(left)))
      break
    }
    fitting.push(line)
    left -= size
  }
  return fitting
}

/** The beginning of a text, with a sign where it goes on. */
export function shortened(text: string, maxCharacters: number): string {
  return text.length <= maxCharacters ? text : `${text.slice(0, maxCharacters - 1).toWellFormed()}…`
}

/** The beginning of a text, valid UTF-8 of at most so many bytes. */
function cut(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= maxBytes) return text
  let end = maxBytes
  while (end > 0 && (bytes.readUInt8(end) & 0xc0) === 0x80) end -= 1
  return bytes.subarray(0, end).toString('utf8')
}
