import type { ChangedFile, Hunk, Side } from './history.ts'
import { GUESSED_CHARSET, hunkBetween, type Text, textOf } from './text-change.ts'

/** What an answer has to say of a file. */
export type Change =
  /** `text`: what stood there; null: it is no text. */
  | { kind: 'delete'; path: string; text: Text | null; mode: string }
  /** `text`: what it holds; null: it only moves. */
  | { kind: 'rename'; path: string; to: string; text: TextChange | null; modes: Modes | null }
  | { kind: 'create'; path: string; text: Text; mode: string }
  /** `text`: null: its mode alone changes. */
  | { kind: 'edit'; path: string; text: TextChange | null; modes: Modes | null }

/** The mode of a file before and after, where it changes. */
export type Modes = { before: string; after: string }

export type TextChange = { before: Text; after: Text; hunks: readonly Hunk[] }

/** Why the edit format cannot say a change. */
export class Unsaid extends Error {
  override name = 'Unsaid'
}

/** @throws {Unsaid} */
export function changeOf({ before, after, hunks }: ChangedFile): Change {
  for (const side of [before, after]) refuseKind(side)
  if (before === null) {
    if (after === null) throw new Error('a file that is on neither side')
    return { kind: 'create', path: after.path, text: newText(after), mode: after.mode }
  }
  if (after === null) {
    const text = textOf(before)
    return { kind: 'delete', path: before.path, text: typeof text === 'string' ? null : text, mode: before.mode }
  }
  const modes = before.mode === after.mode ? null : { before: before.mode, after: after.mode }
  const text = before.bytes.equals(after.bytes) ? null : textChange(before, after, hunks)
  if (before.path !== after.path) return { kind: 'rename', path: before.path, to: after.path, text, modes }
  return { kind: 'edit', path: before.path, text, modes }
}

const LINK = '120000'
const SUBMODULE = '160000'

function refuseKind(side: Side | null): void {
  if (side?.mode === LINK) throw new Unsaid(`${side.path} is a link`)
  if (side?.mode === SUBMODULE) throw new Unsaid(`${side.path} is a submodule`)
}

function knownText(side: Side): Text {
  const text = textOf(side)
  if (typeof text === 'string') throw new Unsaid(`${side.path} is ${text}`)
  return text
}

function newText(side: Side): Text {
  const text = knownText(side)
  if (text.bom || text.ending !== '\n') throw new Unsaid(`${side.path} is new with CR LF or a byte order mark`)
  if (text.charset !== 'utf-8') throw new Unsaid(`${side.path} is new in ${text.charset}`)
  return text
}

function textChange(before: Side, after: Side, hunks: readonly Hunk[]): TextChange {
  const [old, fresh] = [knownText(before), knownText(after)]
  const isWide = old.charset.startsWith('utf-16')
  const text = { before: old, after: fresh, hunks: isWide ? [hunkBetween(old, fresh)] : hunks }
  if (old.lines.length > 0 && fresh.lines.length > 0) {
    if (old.bom !== fresh.bom) throw new Unsaid(`${after.path} gains or loses a byte order mark`)
    if (old.charset !== fresh.charset) throw new Unsaid(`${after.path} becomes ${fresh.charset}`)
    const strange = old.charset === GUESSED_CHARSET ? newCharacter(old, fresh) : undefined
    if (strange !== undefined) throw new Unsaid(`${after.path} names no encoding, and gets its first "${strange}"`)
    if (old.ending !== fresh.ending) throw new Unsaid(`the line endings of ${after.path} change`)
  } else if (old.lines.length === 0) newText(after)
  return text
}

/** One that is not ASCII; undefined: there is none. */
function newCharacter(before: Text, after: Text): string | undefined {
  const known = new Set(before.lines.join(''))
  return Array.from(after.lines.join('')).find((character) => character > '\x7f' && !known.has(character))
}

/** Deletions first, then renames so that no name is taken, then the rest: each stands on those before it. */
export function inOrder(changes: readonly Change[]): Change[] {
  const renames = changes.filter((change) => change.kind === 'rename')
  const sorted: typeof renames = []
  const place = (rename: (typeof renames)[number]): void => {
    if (sorted.includes(rename)) return
    const inTheWay = renames.find(({ path }) => path === rename.to)
    if (inTheWay !== undefined) place(inTheWay)
    sorted.push(rename)
  }
  for (const rename of renames) place(rename)
  const others = changes.filter(({ kind }) => kind !== 'rename')
  return [
    ...others.filter(({ kind }) => kind === 'delete'),
    ...sorted,
    ...others.filter(({ kind }) => kind !== 'delete'),
  ]
}

/** Paths that an order for these changes has to name. */
export function scopeOf(files: readonly ChangedFile[]): string[] {
  const paths = files.flatMap(({ before, after }) =>
    [before, after].flatMap((side) => (side === null ? [] : [side.path])),
  )
  return [...new Set(paths)]
}
