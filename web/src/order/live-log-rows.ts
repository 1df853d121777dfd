import { createAnsiSequenceParser, namedColors, type ParseToken } from 'ansi-sequence-parser'
import type { MooseEvent } from '../api/client.ts'
import { duration } from '../ui/words.tsx'

/** Part of a line of one colour; `className` is empty where it has none. */
export type Piece = { text: string; className: string }
/** What an event says, one line after the other; a line that is too long to be laid out goes on in the next. */
export type Row = readonly Piece[]

/** Characters of one line that are laid out at once. */
const LONGEST_ROW = 2_000

/** What a log says of an event, and how many lines that takes: counted at once, made when they are shown. */
export type Chunk = Pick<MooseEvent, 'id' | 'at' | 'step' | 'type'> & {
  /** As a terminal would have it, but for codes of colours, which it still has. */
  text: string
  /** Lines that are shown. */
  count: number
  /** Indexes of lines that are shown; null: all. */
  fitting: readonly number[] | null
  rows: readonly Row[] | null
}

/** @param find in lower case; what has it not is left out. @returns null: nothing of it is shown */
export function chunkOf(event: MooseEvent, find: string): Chunk | null {
  const { id, at, step, type } = event
  if (isRepetition(event)) return null
  const text = readable(textOf(event))
  const chunk: Chunk = { id, at, step, type, text, count: 0, fitting: null, rows: null }
  if (find === '') return { ...chunk, count: countOf(text) }
  const fitting = rowsOf(chunk).flatMap((row, index) => {
    const plain = row.map((piece) => piece.text).join('')
    return `${step} ${plain}`.toLowerCase().includes(find) ? [index] : []
  })
  return fitting.length === 0 ? null : { ...chunk, rows: chunk.rows, count: fitting.length, fitting }
}

/** @param line counted among those that are shown */
export function rowAt(chunk: Chunk, line: number): Row {
  const row = rowsOf(chunk)[indexAt(chunk, line)]
  return row === undefined ? [] : row
}

/** Where a shown line stands among all of its event. */
export function indexAt({ fitting }: Chunk, line: number): number {
  const index = fitting === null ? line : fitting[line]
  return index === undefined ? 0 : index
}

/** The text without colours, as it is downloaded. */
export function plainLines(event: MooseEvent): string[] {
  return withoutColours(readable(textOf(event))).split('\n')
}

/** A change of phase says again that a step has begun; `moose logs` leaves it out too. */
function isRepetition({ type, data }: MooseEvent): boolean {
  return type === 'status' && typeof data['phase'] === 'string' && data['phase'] !== 'in_review'
}

/** What the message of such an event, which is the name of the step, leaves unsaid. */
const STEP_WORDS: Readonly<Record<string, string>> = {
  step_started: 'begins',
  step_succeeded: 'succeeded',
  step_failed: 'failed',
  step_repeated: 'begins again',
}

function textOf({ type, step, message, data }: MooseEvent): string {
  const words = STEP_WORDS[type]
  if (words === undefined) return message
  const { duration_ms: ms } = data
  const took = typeof ms === 'number' ? ` after ${duration(ms)}` : ''
  return `${words}${took}${message === step ? '' : `: ${message}`}`
}

const ESCAPE = '\u001b'
// What moves a cursor or names a window means nothing here; what colours stays.
// oxlint-disable-next-line no-control-regex
const MOVES =
  /\u001b(?:\[[\d;?]{0,40}[A-Za-ln-z@]|\][^\u0007\u001b\n]{0,500}(?:\u0007|\u001b\\)|(?!\[[\d;]{0,40}m)[^[\]]?)/g
// oxlint-disable-next-line no-control-regex
const COLOURS = /\u001b\[[\d;]{0,40}m/g
// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u0008\u000b-\u001a\u001c-\u001f\u007f]/g
/** What a program wrote over afterwards, as one that shows progress does. With the flag `m` each U+2028 would begin a line, and take time. */
const WRITTEN_OVER = /(?<![^\n])[^\n]*\r(?=[^\n])/g

function readable(text: string): string {
  let read = text.endsWith('\n') ? text.slice(0, -1) : text
  if (read.includes('\r')) read = read.replaceAll('\r\n', '\n').replaceAll(WRITTEN_OVER, '')
  if (read.includes(ESCAPE)) read = read.replaceAll(MOVES, '')
  return read.replaceAll(CONTROLS, '')
}

function withoutColours(text: string): string {
  return text.includes(ESCAPE) ? text.replaceAll(COLOURS, '').replaceAll(ESCAPE, '') : text
}

function countOf(text: string): number {
  const plain = withoutColours(text)
  let count = 0
  for (let at = 0; at <= plain.length; ) {
    const end = plain.indexOf('\n', at)
    const length = (end === -1 ? plain.length : end) - at
    count += Math.max(1, Math.ceil(length / LONGEST_ROW))
    if (end === -1) break
    at = end + 1
  }
  return count
}

function rowsOf(chunk: Chunk): readonly Row[] {
  if (chunk.rows !== null) return chunk.rows
  const parser = createAnsiSequenceParser()
  const isColoured = chunk.text.includes(ESCAPE)
  // A colour holds until another one is told, over the end of a line too.
  const lines = chunk.text.split('\n').map((line) => {
    if (!isColoured) return [{ text: line, className: '' }]
    return parser.parse(line).map((token) => ({ text: token.value.replaceAll(ESCAPE, ''), className: classOf(token) }))
  })
  chunk.rows = lines.flatMap(broken)
  return chunk.rows
}

/** A line as rows of at most `LONGEST_ROW` characters. */
function broken(line: Row): Row[] {
  const rows: Piece[][] = [[]]
  let left = LONGEST_ROW
  for (const { text, className } of line) {
    for (let at = 0; at < text.length; ) {
      if (left === 0) {
        rows.push([])
        left = LONGEST_ROW
      }
      const part = text.slice(at, at + left)
      rows.at(-1)?.push({ text: part, className })
      at += part.length
      left -= part.length
    }
  }
  return rows
}

function classOf({ foreground, background, decorations }: ParseToken): string {
  const ground = background === null ? [] : [`on-${nameOf(background)}`]
  const text = foreground === null ? [] : [`ansi-${nameOf(foreground)}`]
  return [...text, ...ground, ...[...decorations].map((name) => `ansi-${name}`)].join(' ')
}

type Colour = NonNullable<ParseToken['foreground']>

/** The nearest of the sixteen colours, each of which has a class that fits light and dark. */
function nameOf(colour: Colour): string {
  if (colour.type === 'named') return colour.name
  const [red, green, blue] = colour.type === 'rgb' ? colour.rgb : ofTable(colour.index)
  const [least, most] = [Math.min(red, green, blue), Math.max(red, green, blue)]
  if (most - least < 40) return namedColors[most < 60 ? 0 : most < 150 ? 8 : most < 230 ? 7 : 15]
  const middle = (most + least) / 2
  const index = (red > middle ? 1 : 0) + (green > middle ? 2 : 0) + (blue > middle ? 4 : 0)
  return String(namedColors[most > 220 ? index + 8 : index])
}

const LEVELS = [0, 95, 135, 175, 215, 255]

/** Of 256 colours: sixteen with names, a cube, and greys. */
function ofTable(index: number): readonly [number, number, number] {
  const level = (step: number) => Number(LEVELS[Math.floor((index - 16) / step) % 6])
  if (index >= 232) return [8 + (index - 232) * 10, 8 + (index - 232) * 10, 8 + (index - 232) * 10]
  if (index >= 16) return [level(36), level(6), level(1)]
  const most = index > 8 ? 255 : 187
  return [index & 1 ? most : 0, index & 2 ? most : 0, index & 4 ? most : 0]
}
