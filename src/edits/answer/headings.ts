import { splitTraits, type Traits } from '../file-traits.ts'
import type { ScopeNames } from '../scope-names.ts'
import { remarkBehind, withoutDecoration } from '../written-path.ts'
import { isForLater, namesPart } from './left-to-people.ts'
import { looksLikeFile } from './words-of-line.ts'

export const VERBS = ['edit', 'write', 'delete', 'rename'] as const
export type Verb = (typeof VERBS)[number]

/** A line `### verb rest`, exactly as the format has it. */
export type Header = {
  verb: Verb
  /** What stands after the verb, without spaces around it; may be empty. */
  rest: string
}

/** A line that names a file as the subject of what follows, and maybe what is to become of it. */
export type Title = {
  path: string
  /** Of a rename. */
  to: string | null
  verb: Verb | null
  /** Whether it stands behind `#` and asks for something: `Deleted a.ts` tells it. */
  isHeading: boolean
  /** Whether the scope has the path; else it only looks like one. */
  inScope: boolean
  /** What stands in brackets behind the path. */
  traits: Traits
  /** Words there that look like traits and are none; null: there are none. */
  unclear: string | null
}

/** Words that stand for a verb of the format. */
const SYNONYMS: Readonly<Record<string, Verb>> = {
  edit: 'edit',
  update: 'edit',
  modify: 'edit',
  change: 'edit',
  patch: 'edit',
  write: 'write',
  create: 'write',
  add: 'write',
  overwrite: 'write',
  new: 'write',
  delete: 'delete',
  deleted: 'delete',
  remove: 'delete',
  removed: 'delete',
  rename: 'rename',
  renamed: 'rename',
  move: 'rename',
  moved: 'rename',
}
/** Verbs after which a name is a file's, however it looks. */
const MAKES_A_FILE = /^(?:create|write|overwrite)$/
const EXTENSION = /\.[A-Za-z]\w{0,11}$/
/** Names of programs that look like those of files. */
const PROGRAM = /^[A-Z]\w*\.(?:js|io|net)$/i
const TELLS = /^(?:deleted|removed|renamed|moved)$/
/** Signs of comments and of rules around a name. */
const COMMENT = /^(?:\/\/+|\/\*+|<!--|-{2,}|={2,}>?|;+|%+)\s+/
const COMMENT_END = /\s(?:\*+\/|-->|-{2,}|<?={2,})$/
const BULLETS = /^(?:(?:[-*+>]|\d{1,3}[.)])\s+){1,4}/
const HASHES = /^#{1,6}\s*/
const STEP = /^(?:(?:step|change|file|part|edit)\s+)?\d{1,3}\s*(?:[.):]|[-–—]\s)\s*/i
const LABEL =
  /^(?:(?:updated?|modified|changed|existing|full|complete|the|now|then|and|in|for|edited|created|added)\s+){0,3}/i
const ARROW = / (?:->|→|=>) /

/** A line as a header in the exact form; null for any other line. */
export function exactHeader(line: string): Header | null {
  if (!line.startsWith('### ')) return null
  const word = /^### +([a-z]+)(?:\s|$)/.exec(line)?.[1]
  const verb = VERBS.find((known) => known === word)
  if (verb === undefined) return null
  return { verb, rest: line.slice(line.indexOf(verb) + verb.length).trim() }
}

/** The header that stands in an answer for a call of a tool that is no edit, so that the whole answer is refused. */
export function unreadableHeader(call: string, why: string): string {
  return `### edit [tool call ${call} cannot be read: ${why}]`
}

/** What is wrong with the call of a tool that a header stands for; null: it stands for none. */
export function whyUnreadable({ rest }: Header): string | null {
  const isOne = rest.startsWith('[tool call ') && rest.includes(' cannot be read: ') && rest.endsWith(']')
  return isOne ? rest.slice(1, -1) : null
}

/** Whether a line is a heading of Markdown, also one that is quoted or an item of a list. */
export function isHeading(line: string): boolean {
  return /^\s{0,3}(?:(?:[-*+>]|\d{1,3}[.)])\s+){0,4}#{1,6}(?:\s|$)/.test(line)
}

/** A verb behind hashes that do not stand first, or are none of ASCII. */
const HIDDEN_HEADER = /^[^A-Za-z]{0,24}(?:#{2}|\uff03{2})[^\S\n]*(edit|write|delete|rename)\b[^\S\n]*[^\s`]/i
const QUOTED_HEADER = /^\s*`[^`]*`[^\S\n]*[^\s`]/

/** Whether a line has the words of a header, and signs before them with which it is neither one nor a title. */
export function isHiddenHeader(line: string, names: ScopeNames): boolean {
  const [, verb] = HIDDEN_HEADER.exec(line) ?? []
  if (verb === undefined || isHeading(line) || QUOTED_HEADER.test(line) || titleOf(line, names) !== null) return false
  return verb !== 'edit' || names.mentionedIn(line).length !== 1
}

/** The two names of a rename; null where there are not two. */
export function renamed(text: string): [from: string, to: string] | null {
  const [from, to, ...more] = ` ${text} `.split(ARROW).map((name) => name.trim())
  return from && to && more.length === 0 ? [from, to] : null
}

const LONGEST_TITLE = 700

/**
 * A line as a title; null for prose. A title is a path and nothing else, but for what marks a line as one (`#`, bullets,
 * numbers, emphasis, a comment), a verb, and a label such as `File:`.
 */
export function titleOf(line: string, names: ScopeNames): Title | null {
  if (line.length > LONGEST_TITLE) return null
  const unlisted = withoutComment(line.trim()).replace(BULLETS, '')
  const text = unlisted.replace(HASHES, '')
  const { word, rest } = verbOf(text.replace(/^\*\*(?=\S)/, '').replace(STEP, ''))
  if (rest === '') return null
  const verb = word === null ? null : (SYNONYMS[word] ?? null)
  const isHash = text !== unlisted && !TELLS.test(String(word))
  if (verb === 'rename') return renameTitle(rest, isHash, names)
  const { path: bare, ...said } = splitTraits(rest, names)
  const path = meant(bare, names, isHash || verb !== null) ?? (isHash ? boldlyNamed(bare, word) : null)
  if (path !== null && !path.inScope && !isHash && tells(remarkBehind(rest, path.path))) return null
  if (path === null || (verb === 'delete' && !isHash && isOther(remarkBehind(rest, path.path)))) return null
  return { ...path, ...said, to: null, verb, isHeading: isHash }
}

/** Whether words behind the name of a file make it something else than the file that is to go. */
function isOther(remark: string): boolean {
  return namesPart(remark) || (isForLater(remark) && !remark.includes('('))
}

/** Whether words behind the name of a file make a sentence of what the file does. */
function tells(remark: string): boolean {
  return /^[`*"']{1,3}\s+(?!gets\b|needs\b|has to\b|is\b)[a-z]{2,20}s\s[^:]*[.!]$/.test(remark.trimEnd())
}

/** A line without the signs of a comment, or of a rule, around it. */
export function withoutComment(text: string): string {
  return COMMENT.test(text) ? text.replace(COMMENT, '').replace(COMMENT_END, '').trim() : text
}

/** A name behind a verb that asks for a file, which need not look like a path. */
function boldlyNamed(rest: string, word: string | null): { path: string; inScope: boolean } | null {
  const plain = withoutDecoration(rest)
  const isName = word !== null && /^[\w.@/-]+$/.test(plain) && (MAKES_A_FILE.test(word) || /^`.*`$/.test(rest))
  return isName ? { path: plain, inScope: false } : null
}

/** The verb at the start of a text, in lower case; without one the text without its label. */
function verbOf(text: string): { word: string | null; rest: string } {
  const [start, written] = /^[*_`]{0,3}([A-Za-z]+)[*_`]{0,3}(?::|\s)[*_]{0,2}\s*/.exec(text) ?? []
  const word = String(written).toLowerCase()
  if (start === undefined || !Object.hasOwn(SYNONYMS, word)) return { word: null, rest: text.replace(LABEL, '') }
  return { word, rest: text.slice(start.length) }
}

function renameTitle(rest: string, isHash: boolean, names: ScopeNames): Title | null {
  const { path: bare, ...said } = splitTraits(rest, names)
  const pair = renamed(bare) ?? renamed(bare.replace(/(?<=\S) to (?=\S)/i, ' -> '))
  const [path, to] = pair?.map((name) => meant(name, names)) ?? []
  if (path === undefined || to === undefined || path === null || to === null) return null
  const inScope = path.inScope && to.inScope
  return { path: path.path, to: to.path, verb: 'rename', isHeading: isHash, inScope, ...said }
}

/**
 * What a text that is nothing but a path means; null where it is not.
 *
 * @param isNamed whether it stands where names of files stand, so that a bare file name is one
 */
function meant(text: string, names: ScopeNames, isNamed = false): { path: string; inScope: boolean } | null {
  const plain = withoutDecoration(text)
  const known = names.meantBy(text, plain)
  const isQuoted = /^[`"*[]/.test(text.trim())
  if (known !== null && (names.namesFile(known) || isQuoted || !/\s/.test(plain))) return { path: known, inScope: true }
  if (/[\s:]/.test(plain) || !EXTENSION.test(plain)) return null
  const looksSo = isQuoted && looksLikeFile({ word: plain, isCalled: false })
  const isFile = looksSo || /[^/]\/[^/]/.test(plain) || (isNamed && !PROGRAM.test(plain))
  return isFile ? { path: plain, inScope: false } : null
}
