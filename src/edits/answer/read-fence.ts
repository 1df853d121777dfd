import type { ScopeNames } from '../scope-names.ts'
import { malformed, shownLine } from './answer-lines.ts'
import type { AnswerState } from './answer-state.ts'
import { type Content, fileNamedAbove, fileNamedIn } from './fence-content.ts'
import { isHeading, type Title, titleOf } from './headings.ts'
import { type FenceLine, fenceOf, markerOf } from './line-shapes.ts'
import { nameAlone, otherNamesIn } from './other-names.ts'
import { readBody } from './read-body.ts'
import { saidOf } from './said-changes.ts'
import { Commands, isShell } from './shell-commands.ts'
import { callsTool, changedByKeys, foreignForm, writtenByProgram } from './tool-calls.ts'

/** A fence that closes another, or none does, is no file's; under the name of a file it was meant to open one. */
export function refuseHalfFence(state: AnswerState, at: number, { info }: FenceLine, isEnd: boolean): void {
  if (!isEnd) refuseInDoubt(state)
  const next = state.lines.nextWord(at + 1)
  const follows = state.contents.between(next, next + 1).kind
  if (state.written.awaitsPairs || (follows !== 'text' && !state.gap.holdsCode)) return
  const owner = state.gap.owner(null)
  const isNamed =
    fileNamedIn(info, state.names) !== null || (isEnd ? owner.kind === 'title' && owner.isNear : owner.kind !== 'none')
  if (isNamed) throw state.refusal(at, 'this fence stands below the name of a file and is never closed')
}

/** @throws {Fault} where the fence before ends in the name of a file, so that it may be the end of one and open that file */
export function refuseInDoubt(state: AnswerState): void {
  if (state.gap.doubt !== null) throw state.refusal(state.gap.doubt, TWO_WAYS)
}

const TWO_WAYS = 'it is unclear whether this fence closes the one before or opens a file'

/** Takes a fence for a file's content where it is told to be a file's. */
export function takesBody(
  state: AnswerState,
  { info }: FenceLine,
  { kind, from, closing }: Content & { closing: number },
): boolean {
  if (kind === 'diff' || kind === 'patch' || state.written.awaitsPairs) return false
  const at = state.lines.at
  const ofInfo = fileNamedIn(info, state.names)
  const owner = state.gap.owner(null)
  if (owner.kind === 'unclear' && owner.isBehind && !isShell(info))
    throw state.refusal(at, `this fence stands ${owner.why}`)
  const title = owner.kind === 'title' && mayHold(owner.title) ? owner : null
  const isWhole = title !== null && title.title.verb === 'write' && title.isNear
  const inHand = state.gap.isEmpty ? state.written.currentPath : null
  const inside = kind === 'text' ? fileNamedInside(state, at, info) : null
  const words = isShell(info) ? null : owner.kind === 'words' ? owner.path : (inHand ?? replacedPath(state))
  const told = title !== null && (title.isNear || !isShell(info)) ? title.title.path : (ofInfo ?? inside ?? words)
  const other = isShell(info) || kind !== 'text' ? null : (state.gap.otherName ?? otherNameIn(info, state.names))
  if (told === null && other !== null)
    throw state.refusal(at, `this fence stands below "${shownLine(other)}", ${OTHER_PATH}`)
  if (told === null) refuseAsked(state, info)
  const path = told ?? shownBefore(state, { kind, info })
  if (path === null) return false
  if (kind === 'edits' && !isWhole) {
    if (path !== inHand || title !== null) refuseTextBefore(state, from)
    return false
  }
  if (title === null && ofInfo === null) refuseChangesIn(state, info, closing)
  const body = readBody(state.lines, { block: state.written.block + 1, path, isWhole }, state.names)
  state.passFences()
  const namedBy = title !== null || ofInfo !== null ? 'title' : 'words'
  if (namedBy === 'words' && inside !== null) body.shift()
  const traits = title === null ? {} : state.traitsOf(at, title.title)
  const isAll = state.gap.saysAll || (title !== null && title.title.verb !== null)
  const isNamed = namedBy === 'title' || inside !== null || owner.kind === 'words'
  const isGuess = told === null && !(state.gap.leadsOn && !imports(body, path))
  const named = { namedBy, isAll, isGuess, ...(isNamed ? MAY_REPLACE[state.gap.extent] : {}) } as const
  state.addTitled(at, { ...traits, kind: 'write', path, body, ...(isWhole ? {} : named) })
  state.gap.clear(namedBy === 'words' || !isWhole ? { path, doubt: null, isNamed: told !== null } : null)
  return true
}

/** Whether lines import a file by its name, as an example of its use does, and not the file itself. */
function imports(lines: readonly string[], path: string): boolean {
  const last = path.slice(path.lastIndexOf('/') + 1)
  return lines.some((line) => {
    const text = line.trim()
    const [, quoted, module] = (MAY_IMPORT.test(text) ? MODULE.exec(text) : null) ?? []
    const name = quoted?.slice(quoted.lastIndexOf('/') + 1) ?? module?.slice(module.lastIndexOf('.') + 1)
    return name !== undefined && (name === last || name === last.replace(/\.\w+$/, ''))
  })
}

const MAY_IMPORT = /^(?:import|export|from)\b|\brequire\(/
const MODULE = /["']([^"']{1,300})["']|^from (\S{1,300}) import\b/
const MAY_REPLACE = { all: { mayReplace: 'said' }, open: { mayReplace: 'likely' }, part: {}, other: {} } as const
const LANGUAGES: Readonly<Record<string, string>> = {
  typescript: 'ts',
  tsx: 'ts',
  javascript: 'js',
  jsx: 'js',
  python: 'py',
  ruby: 'rb',
  rust: 'rs',
  golang: 'go',
  kotlin: 'kt',
  csharp: 'cs',
  yaml: 'yml',
  markdown: 'md',
}

function languageOf(name: string): string {
  const known = name.slice(name.lastIndexOf('.') + 1).toLowerCase()
  return LANGUAGES[known] ?? known
}

/** The file of a fence of text that stands behind another, in the language of the file whose lines that one shows. */
function shownBefore({ gap }: AnswerState, { kind, info }: { kind: Content['kind']; info: string }): string | null {
  const path = gap.shownBefore
  const [language = ''] = info.split(/\s/, 1)
  return path !== null && kind === 'text' && languageOf(language) === languageOf(path) ? path : null
}

/** A fence in the language of the file in hand, below words that ask for it, is a change of that file. */
function refuseAsked({ gap, written, lines }: AnswerState, info: string): void {
  const inHand = written.currentPath
  const [language = ''] = info.split(/\s/, 1)
  if (gap.asks && inHand !== null && language !== '' && languageOf(language) === languageOf(inHand))
    throw malformed(
      written.block,
      lines.at + 1,
      `this fence is a change of "${shownLine(inHand)}" as the line above it says, and no block. Write it as a pair`,
    )
}

const OTHER_PATH =
  'which is no path in files_in_scope. Write a new file as "### write path" with its whole path, and leave out what is not in scope'

function otherNameIn(info: string, names: ScopeNames): string | null {
  const text = info.replaceAll(':', ' ')
  const line = { text: text.slice(text.indexOf(' ') + 1), names: [] }
  return nameAlone(line, otherNamesIn(line, names))
}

function fileNamedInside({ lines, names }: AnswerState, opened: number, info: string): string | null {
  const first = lines.nextWord(opened + 1)
  const next = lines.nextWord(first + 1)
  return fileNamedAbove(lines.line(first) ?? '', { info, next: lines.line(next) ?? '' }, names)
}

/** The file of which a fence replaces what the one before shows; null: it replaces nothing. */
function replacedPath({ gap, lines, written }: AnswerState): string | null {
  if (gap.replaced === null || gap.replaced.path !== null) return gap.replaced === null ? null : gap.replaced.path
  throw malformed(
    written.block,
    lines.at + 1,
    'this fence replaces the lines of another, and no block says in which file',
  )
}

/** A fence for a file with lines of it before the first edit holds both, because the end of the one for the file is missing. */
function refuseTextBefore(state: AnswerState, edits: number): void {
  for (let at = state.lines.at + 1; at < edits; at += 1) {
    const line = String(state.lines.line(at))
    if (line.trim() === '' || fenceOf(line) !== null || state.names.mentionedIn(line).length > 0) continue
    throw state.refusal(
      at,
      'this line stands in a fence for a file, with edits behind it, so that the fence is never closed',
    )
  }
}

/** Whether a fence under a title may be the file. A path out of scope is words, unless it stands in a heading. */
function mayHold({ inScope, isHeading }: Title): boolean {
  return inScope || isHeading
}

/**
 * Looks for changes in the fence that is open at `state.lines.at`, which seems to be an example.
 *
 * @returns whether it may be none: it stands around the name of a file
 * @throws {Fault} `edits_malformed` for what is no example
 */
export function refuseChangesIn(state: AnswerState, info: string, closing: number): boolean {
  state.written.refuseOtherThanPairs()
  refuseBareDiff(state, info, closing)
  let dividers = 0
  const commands = commandsOf(state, info, closing)
  for (let at = state.lines.at + 1; at < closing; at += 1) {
    look(state, at, info, commands)
    if (markerOf(String(state.lines.line(at)))?.role === 'divider') dividers += 1
  }
  if (dividers > 1) throw state.refusal(state.lines.at, 'this fence holds dividers of pairs and no SEARCH marker')
  return refuseFileIn(state, closing) && info === ''
}

/**
 * A fence below the name of a file opens what the name stands for, and the one around it was left open.
 *
 * @returns whether any line names a file
 */
function refuseFileIn(state: AnswerState, closing: number): boolean {
  const { lines } = state
  const mark = fenceOf(String(lines.line(lines.at)))?.mark
  let above = NAMES_NONE
  let namesFile = false
  for (let at = lines.at + 1; at <= closing; at += 1) {
    const line = String(lines.line(at))
    const fence = fenceOf(line)
    if (fence?.mark === mark && (fence?.info === '' ? above.asHeading : above.atAll)) throw state.refusal(at, TWO_WAYS)
    if (fence !== null) above = NAMES_NONE
    else if (line.trim() !== '') above = namesOf(line, state.names)
    namesFile ||= above.atAll
  }
  return namesFile
}

/** Whether a line names a file at all, and as one that it stands above: in a heading, or with a verb. */
type NamesFile = { atAll: boolean; asHeading: boolean }

const NAMES_NONE: NamesFile = { atAll: false, asHeading: false }

function namesOf(line: string, names: ScopeNames): NamesFile {
  const title = titleOf(line, names)
  const isTitle = title !== null && mayHold(title)
  const isMentioned = names.mentionedIn(line).length > 0
  return {
    atAll: isTitle || isMentioned,
    asHeading: (isTitle && (title.isHeading || title.verb !== null)) || (isMentioned && isHeading(line)),
  }
}

function refuseBareDiff(state: AnswerState, info: string, closing: number): void {
  if (!/^(?:diff|patch|udiff)\b/i.test(info)) return
  for (let at = state.lines.at; at < closing; at += 1) {
    if (/^[+-]/.test(String(state.lines.line(at))))
      throw state.refusal(at, 'this diff has no line "@@", or names no file above it')
  }
}

/** Reads the lines of a fence as commands; null: it holds none. */
function commandsOf({ lines, names }: AnswerState, info: string, closing: number): Commands | null {
  if (info !== '' && !isShell(info)) return null
  let hasPrompts = false
  for (let at = lines.at + 1; at < closing && !hasPrompts; at += 1)
    hasPrompts = Commands.hasPrompt(String(lines.line(at)))
  return new Commands(names, info, hasPrompts)
}

/** Looks at a line of an example for a change of a file. */
function look(state: AnswerState, at: number, info: string, commands: Commands | null): void {
  const { lines, names, claims } = state
  const line = String(lines.line(at))
  if (callsTool(lines, at, names)) throw state.refusal(at, foreignForm(line))
  const keyed = changedByKeys(lines, at, names)
  if (keyed !== null) claims.add(at, line, keyed)
  const written = keyed === null ? writtenByProgram(lines, at, names) : null
  if (written !== null) claims.addWritten(at, line, written)
  if (commands === null) return
  const { changed, rewritten, removed, modes, oddModes } = commands.read(line)
  for (const mode of modes) claims.addModes(at, mode)
  claims.addMode(at, line, ...oddModes)
  claims.add(at, line, ...changed)
  claims.addSure(at, { text: line, rewritten, removed })
  if (info === '')
    for (const { what, paths } of saidOf(line, names)) if (what === 'change') claims.add(at, line, ...paths)
}
