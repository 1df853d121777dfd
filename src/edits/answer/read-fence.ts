import type { ScopeNames } from '../scope-names.ts'
import type { AnswerState } from './answer-state.ts'
import {
  type Content,
  callsTool,
  changedByCommand,
  fileNamedIn,
  foreignForm,
  isShell,
  modeByCommand,
} from './fence-content.ts'
import { isHeading, type Title, titleOf } from './headings.ts'
import { type FenceLine, fenceOf, markerOf } from './line-shapes.ts'
import { readBody } from './read-body.ts'

/** A fence that closes another, or none does, is no file's; under the name of a file it was meant to open one. */
export function refuseHalfFence(state: AnswerState, at: number, { info }: FenceLine, isEnd: boolean): void {
  const next = state.lines.nextWord(at + 1)
  const follows = state.contents.between(next, next + 1).kind
  if (state.written.awaitsPairs || (follows !== 'text' && !state.gap.holdsCode)) return
  const owner = state.gap.owner(null)
  const isNamed =
    fileNamedIn(info, state.names) !== null || (isEnd ? owner.kind === 'title' && owner.isNear : owner.kind !== 'none')
  if (isNamed) throw state.refusal(at, 'this fence stands below the name of a file and is never closed')
}

/** Takes a fence for a file's content where it is told to be a file's. */
export function takesBody(
  state: AnswerState,
  { info }: FenceLine,
  { kind, from, closing }: Content & { closing: number },
): boolean {
  if (kind === 'diff' || kind === 'patch' || state.written.awaitsPairs) return false
  const at = state.lines.at
  const named = fileNamedIn(info, state.names)
  const owner = state.gap.owner(null)
  if (owner.kind === 'unclear' && owner.isBehind && !isShell(info))
    throw state.refusal(at, `this fence stands ${owner.why}`)
  const title = owner.kind === 'title' && mayHold(owner.title) ? owner : null
  const isWhole = title?.title.verb === 'write' && title.isNear
  const inHand = state.gap.isEmpty ? state.written.currentPath : null
  const words = isShell(info) ? null : owner.kind === 'words' ? owner.path : inHand
  const path = title !== null && (title.isNear || !isShell(info)) ? title.title.path : (named ?? words)
  if (path === null) return false
  if (kind === 'edits' && !isWhole) {
    if (path !== inHand || title !== null) refuseTextBefore(state, from)
    return false
  }
  if (path === inHand && title === null) refuseChangesIn(state, info, closing)
  const body = readBody(state.lines, state.written.block + 1, path)
  state.passFences()
  const namedBy = title !== null || named !== null ? 'title' : 'words'
  const traits = title === null ? {} : state.traitsOf(at, title.title)
  state.addTitled(at, { ...traits, kind: 'write', path, body, ...(isWhole ? {} : { namedBy }) })
  state.gap.clear()
  return true
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
 * @throws {Fault} `edits_malformed` for what is no example
 */
export function refuseChangesIn(state: AnswerState, info: string, closing: number): void {
  state.written.refuseOtherThanPairs()
  refuseBareDiff(state, info, closing)
  let dividers = 0
  for (let at = state.lines.at + 1; at < closing; at += 1) {
    look(state, at, info)
    if (markerOf(String(state.lines.line(at)))?.role === 'divider') dividers += 1
  }
  if (dividers > 1) throw state.refusal(state.lines.at, 'this fence holds dividers of pairs and no SEARCH marker')
  refuseFileIn(state, closing)
}

/** A fence below the name of a file opens what the name stands for, and the one around it was left open. */
function refuseFileIn(state: AnswerState, closing: number): void {
  const { lines, names } = state
  const mark = fenceOf(String(lines.line(lines.at)))?.mark
  let above = ''
  for (let at = lines.at + 1; at <= closing; at += 1) {
    const line = String(lines.line(at))
    const fence = fenceOf(line)
    if (fence?.mark === mark && leadsToFile(above, names, fence?.info !== ''))
      throw state.refusal(at, 'it is unclear whether this fence closes the one before or opens a file')
    if (fence !== null) above = ''
    else if (line.trim() !== '') above = line
  }
}

/** @param opens whether the fence behind the line can only be one that opens */
function leadsToFile(line: string, names: ScopeNames, opens: boolean): boolean {
  const title = titleOf(line, names)
  if (title?.inScope === true && (opens || title.isHeading || title.verb !== null)) return true
  return (opens || isHeading(line)) && names.mentionedIn(line).length > 0
}

function refuseBareDiff(state: AnswerState, info: string, closing: number): void {
  if (!/^(?:diff|patch|udiff)\b/i.test(info)) return
  for (let at = state.lines.at; at < closing; at += 1) {
    if (/^[+-]/.test(String(state.lines.line(at))))
      throw state.refusal(at, 'this diff has no line "@@", or names no file above it')
  }
}

/** Looks at a line of an example for a change of a file. */
function look(state: AnswerState, at: number, info: string): void {
  const line = String(state.lines.line(at))
  if (callsTool(line, state.names)) throw state.refusal(at, foreignForm(line))
  const mode = info === '' || isShell(info) ? modeByCommand(line, state.names) : null
  if (mode !== null) state.claims.addMode(at, mode)
  const changed = info === '' || isShell(info) ? changedByCommand(line, state.names) : null
  if (changed !== null) state.claims.add(at, line, changed)
}
