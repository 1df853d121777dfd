import type { Hunk, Span } from './history.ts'
import { type Change, inOrder, type Modes, type TextChange, Unsaid } from './said.ts'
import { type Group, groupsOf, signedLines, type Text, uniqueGroupsOf } from './text-change.ts'

/** The forms in which an answer may say its change. */
export const FORMS = ['edit', 'write', 'diff', 'patch'] as const
export type Form = (typeof FORMS)[number]

/** Lines around a change that are quoted, as models do. */
const CONTEXT = 3
const QUOTED = 1

/** An answer that says changes in one form. @throws {Unsaid} where that form has no words for them */
export function answerIn(form: Form, changes: readonly Change[]): string {
  const blocks = SAID[form](changes)
  return `This makes the change that was asked for.\n\n${blocks.join('\n')}`
}

const SAID: Readonly<Record<Form, (changes: readonly Change[]) => string[]>> = {
  edit: (changes) => inOrder(changes).map((change) => block(change, pairs)),
  write: (changes) => inOrder(changes).map((change) => block(change, replacedWhole)),
  diff: (changes) => fenced('diff', changes.map(fileDiff).join('')),
  patch: (changes) => ['*** Begin Patch', ...inOrder(changes).flatMap(filePatch), '*** End Patch\n'],
}

function block(change: Change, edited: (path: string, text: TextChange, traits: string) => string): string {
  switch (change.kind) {
    case 'delete':
      return `### delete ${change.path}\n`
    case 'rename': {
      const moved = `### rename ${change.path} -> ${change.to}`
      if (change.text === null) return `${moved}${traitsOf(change)}\n`
      return `${moved}\n\n${edited(change.to, change.text, traitsOf(change))}`
    }
    case 'create':
      return whole(change.path, change.text, traitsOf(change))
    case 'edit':
      if (change.text === null) return `### edit ${change.path}${traitsOf(change)}\n`
      return edited(change.path, change.text, traitsOf(change))
  }
}

/** What stands in brackets behind a path: what of the file changes beside its lines. */
function traitsOf(change: Exclude<Change, { kind: 'delete' }>): string {
  const isNew = change.kind === 'create'
  const { before, after } = isNew
    ? { before: '100644', after: change.mode }
    : (change.modes ?? { before: '', after: '' })
  const mode = before === after ? [] : [after === '100755' ? 'executable' : 'not executable']
  const all = [...mode, ...endTrait(isNew ? replaced(EMPTY, change.text) : change.text)]
  return all.length === 0 ? '' : ` (${all.join(', ')})`
}

/** A file that was empty ends in a newline like a new one. */
function endTrait(text: TextChange | null): string[] {
  if (text === null || text.after.lines.length === 0) return []
  const ended = text.before.lines.length === 0 || text.before.endsInNewline
  if (ended === text.after.endsInNewline) return []
  return [ended ? 'no final newline' : 'final newline']
}

function whole(path: string, { lines }: Text, traits: string): string {
  const fence = '`'.repeat(longestRun(lines, /^\s*(`+)/, 3) + 1)
  return [`### write ${path}${traits}`, fence, ...lines, fence, ''].join('\n')
}

/** Markers of pairs that a file did not hold are taken for an edit in the wrong block; they are put in by a pair. */
const MARKER = /^(?:<{7} |>{7} )/

function replacedWhole(path: string, { before, after }: TextChange, traits: string): string {
  const holdsMarker = ({ lines }: Text) => lines.some((line) => MARKER.test(line))
  if (before.lines.length > 0 && holdsMarker(after) && !holdsMarker(before))
    throw new Unsaid(`${path} comes to hold markers of pairs, which the block of a whole file may not bring`)
  return whole(path, after, traits)
}

function pairs(path: string, text: TextChange, traits: string): string {
  const { before, after } = text
  if (before.lines.length === 0 || after.lines.length === 0) return whole(path, after, traits)
  const said = changedGroups(text, QUOTED).flatMap((group) => {
    const search = linesOf(before, group.before)
    const replace = linesOf(after, group.after)
    const run = longestRun([...search, ...replace], /^(<{7,}|={7,}|>{7,})/, 6) + 1
    return [`${'<'.repeat(run)} SEARCH`, ...search, '='.repeat(run), ...replace, `${'>'.repeat(run)} REPLACE`]
  })
  return [`### edit ${path}${traits}`, ...said, ''].join('\n')
}

const linesOf = ({ lines }: Text, { at, length }: Span) => lines.slice(at, at + length)

/** Groups to be found by their lines, without those in which only the end of the file differs. */
function changedGroups(text: TextChange, context: number): Group[] {
  const { before, after } = text
  const isSame = (hunk: Hunk) =>
    JSON.stringify(linesOf(before, hunk.before)) === JSON.stringify(linesOf(after, hunk.after))
  const hunks = text.hunks.filter((hunk) => !isSame(hunk))
  return uniqueGroupsOf({ hunks }, before, after, context)
}

/** The longest run at the start of a line; at least `least`. */
function longestRun(lines: readonly string[], run: RegExp, least: number): number {
  return lines.reduce((most, line) => Math.max(most, run.exec(line)?.[1]?.length ?? 0), least)
}

function fenced(language: string, text: string): string[] {
  const fence = '`'.repeat(longestRun(text.split('\n'), /^\s*(`+)/, 2) + 1)
  return [`${fence}${language}\n${text}${fence}\n`]
}

const NO_FILE = '/dev/null'
const EMPTY: Text = { lines: [], endsInNewline: false, ending: '\n', bom: false, charset: 'utf-8' }

/** As `git diff` prints it, without the line that names blobs. */
function fileDiff(change: Change): string {
  const { path } = change
  const header = `diff --git a/${path} b/${change.kind === 'rename' ? change.to : path}`
  switch (change.kind) {
    case 'delete': {
      if (change.text === null) throw new Unsaid(`${path} is no text, and a diff shows what goes`)
      const names = [`a/${path}`, NO_FILE] as const
      return diffOf([header, `deleted file mode ${change.mode}`], names, replaced(change.text, EMPTY))
    }
    case 'create': {
      const names = [NO_FILE, `b/${path}`] as const
      return diffOf([header, `new file mode ${change.mode}`], names, replaced(EMPTY, change.text))
    }
    case 'edit':
      return diffOf([header, ...modeLines(change.modes)], [`a/${path}`, `b/${path}`], change.text)
    case 'rename': {
      const { to, modes } = change
      const lines = [header, ...modeLines(modes), `rename from ${path}`, `rename to ${to}`]
      return diffOf(lines, [`a/${path}`, `b/${to}`], change.text)
    }
  }
}

function modeLines(modes: Modes | null): string[] {
  return modes === null ? [] : [`old mode ${modes.before}`, `new mode ${modes.after}`]
}

/** All of a text in place of another. */
function replaced(before: Text, after: Text): TextChange {
  const span = ({ lines }: Text) => ({ at: 0, length: lines.length })
  return { before, after, hunks: [{ before: span(before), after: span(after) }] }
}

function diffOf(header: readonly string[], [from, to]: readonly [string, string], text: TextChange | null): string {
  const groups = text === null ? [] : groupsOf(text, text.before, CONTEXT)
  const shown = groups.filter(({ before, after }) => before.length > 0 || after.length > 0)
  if (text === null || shown.length === 0) return `${header.join('\n')}\n`
  const { before, after } = text
  const hunks = shown.flatMap((group) => {
    const lines = signedLines(group, before, after).map(({ sign, line }) => `${sign}${line}`)
    return [`@@ -${range(group.before)} +${range(group.after)} @@`, ...markedEnd(group, text, lines)]
  })
  return [...header, `--- ${spaced(from)}`, `+++ ${spaced(to)}`, ...hunks, ''].join('\n')
}

/** A name with a space ends in a tab, as git has it. */
const spaced = (name: string) => (name.includes(' ') ? `${name}\t` : name)

const range = ({ at, length }: Span) => `${length === 0 ? at : at + 1},${length}`

const NO_NEWLINE = '\\ No newline at end of file'

/** Behind the last line of a side that does not end in a newline stands that it does not. */
function markedEnd(
  { before: old, after: fresh }: Group,
  { before, after }: TextChange,
  lines: readonly string[],
): string[] {
  const isLast = ({ at, length }: Span, text: Text) =>
    !text.endsInNewline && length > 0 && at + length === text.lines.length
  const [oldEnds, newEnds] = [isLast(old, before), isLast(fresh, after)]
  return lines.flatMap((line, index) => {
    const rest = lines.slice(index + 1)
    const isOldEnd = oldEnds && !line.startsWith('+') && rest.every((next) => next.startsWith('+'))
    const isNewEnd = newEnds && !line.startsWith('-') && rest.every((next) => next.startsWith('-'))
    return isOldEnd || isNewEnd ? [line, NO_NEWLINE] : [line]
  })
}

function filePatch(change: Change): string[] {
  switch (change.kind) {
    case 'delete':
      return [`*** Delete File: ${change.path}`]
    case 'create':
      return [`*** Add File: ${change.path}${traitsOf(change)}`, ...change.text.lines.map((line) => `+${line}`)]
    case 'edit':
      return [`*** Update File: ${change.path}${traitsOf(change)}`, ...patchLines(change.path, change.text)]
    case 'rename': {
      const lines = change.text === null ? [] : patchLines(change.to, change.text)
      return [`*** Update File: ${change.path}${traitsOf(change)}`, `*** Move to: ${change.to}`, ...lines]
    }
  }
}

function patchLines(path: string, text: TextChange | null): string[] {
  const groups = text === null ? [] : changedGroups(text, CONTEXT)
  if (text === null || groups.length === 0)
    throw new Unsaid(`no line of ${path} changes, which a patch has no words for`)
  const { before, after } = text
  if (before.lines.length === 0) throw new Unsaid(`${path} is empty, so that a patch shows no line of it`)
  return groups.flatMap((group) => [
    '@@',
    ...signedLines(group, before, after).map(({ sign, line }) => `${sign}${line}`),
  ])
}
