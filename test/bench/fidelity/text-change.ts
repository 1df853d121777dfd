import { isUtf8 } from 'node:buffer'
import type { ChangedFile, Hunk, Side, Span } from './history.ts'

/** A text file as an answer shows it: lines without their endings. */
export type Text = {
  lines: readonly string[]
  endsInNewline: boolean
  ending: '\n' | '\r\n'
  bom: boolean
  charset: string
}

/** Lines before and what stands there after, with lines around that stay. */
export type Group = { before: Span; after: Span; hunks: readonly Hunk[] }

/** The text of a file; a text: what keeps it from being one, completing "FILE is …". */
export function textOf({ bytes }: Side): Text | string {
  const charset = charsetOf(bytes)
  const content = new TextDecoder(charset, { ignoreBOM: true }).decode(bytes)
  if (content.includes('\0')) return 'binary'
  const bom = content.startsWith('\ufeff')
  const plain = bom ? content.slice(1) : content
  const pieces = plain.split('\n')
  const endsInNewline = pieces.at(-1) === ''
  const lines = endsInNewline ? pieces.slice(0, -1) : pieces
  const ended = endsInNewline ? lines : lines.slice(0, -1)
  const crlf = ended.filter((line) => line.endsWith('\r')).length
  if (crlf !== 0 && crlf !== ended.length) return 'of mixed line endings'
  const isCrlf = crlf > 0
  return {
    lines: isCrlf ? lines.map((line, index) => (index < ended.length ? line.slice(0, -1) : line)) : lines,
    endsInNewline: endsInNewline && lines.length > 0,
    ending: isCrlf ? '\r\n' : '\n',
    bom,
    charset,
  }
}

/** Of a text that does not say its own: no character is written in it that it does not have. */
export const GUESSED_CHARSET = 'windows-1252'

/** How the bytes of a text are read: by its byte order mark, as UTF-8, by what it says of itself, else as Windows-1252. */
function charsetOf(bytes: Buffer): string {
  const mark = bytes.toString('latin1', 0, 2)
  if (mark === '\xff\xfe') return 'utf-16le'
  if (mark === '\xfe\xff') return 'utf-16be'
  if (isUtf8(bytes)) return 'utf-8'
  const [, named] = /(?:coding|charset)[:=] *["']?([\w-]+)/.exec(bytes.toString('latin1', 0, 1_000)) ?? []
  return named === undefined ? GUESSED_CHARSET : named.toLowerCase().replace('latin-', 'latin')
}

/** One hunk from the first line that differs to the last. */
export function hunkBetween(before: Text, after: Text): Hunk {
  const [old, fresh] = [before.lines, after.lines]
  const most = Math.min(old.length, fresh.length)
  let head = 0
  while (head < most && old[head] === fresh[head]) head += 1
  let tail = 0
  while (tail < most - head && old.at(-1 - tail) === fresh.at(-1 - tail)) tail += 1
  const middle = ({ length }: readonly string[]) => ({ at: head, length: length - head - tail })
  return { before: middle(old), after: middle(fresh) }
}

/** The hunks of a change, each with so many lines around it; those that meet are one group. */
export function groupsOf({ hunks }: Pick<ChangedFile, 'hunks'>, before: Text, context: number): Group[] {
  return joined(hunks.map((hunk) => wider({ ...hunk, hunks: [hunk] }, before.lines.length, context)))
}

/**
 * The same, each so wide that its lines before stand once in the file as the groups before it leave it: what an answer in
 * pairs has to quote.
 */
export function uniqueGroupsOf(
  change: Pick<ChangedFile, 'hunks'>,
  before: Text,
  after: Text,
  context: number,
): Group[] {
  let groups = groupsOf(change, before, context)
  for (;;) {
    const unclear = groups.findIndex((group) => !isUnique(group, before.lines, after.lines))
    if (unclear === -1) return groups
    const widened = groups.map((group, index) => (index === unclear ? wider(group, before.lines.length, 2) : group))
    groups = joined(widened)
  }
}

function isUnique({ before, after }: Group, old: readonly string[], fresh: readonly string[]): boolean {
  const search = old.slice(before.at, before.at + before.length)
  const isWhole = before.length === old.length
  if (search.length === 0) return isWhole
  const current = [...fresh.slice(0, after.at), ...old.slice(before.at)]
  let count = 0
  for (let at = 0; at + search.length <= current.length && count < 2; at += 1)
    if (search.every((line, offset) => line === current[at + offset])) count += 1
  return count === 1 || isWhole
}

function wider(group: Group, most: number, by: number): Group {
  const above = Math.min(by, group.before.at)
  const below = Math.min(by, most - group.before.at - group.before.length)
  const widened = ({ at, length }: Span) => ({ at: at - above, length: above + length + below })
  return { ...group, before: widened(group.before), after: widened(group.after) }
}

function joined(groups: readonly Group[]): Group[] {
  const all: Group[] = []
  for (const group of groups) {
    const last = all.at(-1)
    if (last === undefined || last.before.at + last.before.length < group.before.at) all.push(group)
    else
      all.splice(-1, 1, {
        before: over(last.before, group.before),
        after: over(last.after, group.after),
        hunks: [...last.hunks, ...group.hunks],
      })
  }
  return all
}

const over = (first: Span, second: Span): Span => ({ at: first.at, length: second.at + second.length - first.at })

/** Lines of a group with the sign they have in a diff. */
export function signedLines(group: Group, before: Text, after: Text): { sign: ' ' | '-' | '+'; line: string }[] {
  const signed: { sign: ' ' | '-' | '+'; line: string }[] = []
  let at = group.before.at
  const take = (sign: ' ' | '-' | '+', lines: readonly string[]) =>
    signed.push(...lines.map((line) => ({ sign, line })))
  for (const hunk of group.hunks) {
    take(' ', before.lines.slice(at, hunk.before.at))
    take('-', before.lines.slice(hunk.before.at, hunk.before.at + hunk.before.length))
    take('+', after.lines.slice(hunk.after.at, hunk.after.at + hunk.after.length))
    at = hunk.before.at + hunk.before.length
  }
  take(' ', before.lines.slice(at, group.before.at + group.before.length))
  return signed
}
