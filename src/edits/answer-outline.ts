import { rangesOf } from './answer/hunks.ts'

/** A mark around what a model thinks before it answers. */
export type Tag = {
  /** In lower case and without a name space: an end closes a begin of its own name. */
  name: string
  ends: boolean
  /** Its first column in its stretch, which ends with it. */
  from: number
}

/** A line, or a part of one: a tag is the last thing in its stretch. */
export type Stretch = {
  /** Without the line ending. */
  text: string
  /** Of the answer, from 1. */
  line: number
  /** Whether it goes on in the line of the stretch before it. */
  joined: boolean
  tag: Tag | null
  /** What it looks like; `header` and `search`, which a patch begins with too, begin an edit. */
  look: 'header' | 'search' | 'replace' | 'hunk' | 'fence' | 'blank' | 'words'
  /** Of a marker its `<` or `>`, of a fence its backticks or tildes, of a patch or a hunk the whole of it; else nothing. */
  mark: string
}

/** A place that holds text of files: it starts at one stretch, and `last` is the stretch that closes it. */
export type HeldPlace = { kind: 'pair' | 'file' | 'fence'; last: number }

const NAMES: ReadonlySet<string> = new Set(
  (
    'think thinking thought thoughts reason reasoning reflection scratchpad analysis antthinking monologue cot ' +
    'thought_process thinking_process inner_thoughts internal_monologue chain_of_thought reasoning_content'
  ).split(' '),
)
/** A code span, which is passed over; a tag of any name; the marks of models whose reasoning is no element. */
const TOKEN =
  /`[^`]*`|<\/?[a-z][\w:-]*(?:\s[^<>]*)?>|\[\/?think\]|◁\/?think▷|<\|(?:begin|end)_of_thought\|>|<\|(?:start|end)_thinking\|>|(?:<\|end\|>)?(?:<\|start\|>assistant)?<\|channel\|>\w+<\|message\|>|<\|channel>thought|<channel\|>/giu
const ELEMENT = /^<(\/?)(?:[\w-]+:)*(\w+)[\s>]/u
/** Other marks, by how they start in lower case; the first that fits. */
const MARKS: readonly (readonly [start: string, name: string, ends: boolean])[] = [
  ['[/', 'brackets', true],
  ['[', 'brackets', false],
  ['◁/', 'triangles', true],
  ['◁', 'triangles', false],
  ['<|begin_of_thought', 'thought token', false],
  ['<|end_of_thought', 'thought token', true],
  ['<|start_thinking', 'thinking token', false],
  ['<|end_thinking', 'thinking token', true],
  ['<|channel>', 'channel', false],
  ['<channel|', 'channel', true],
]
const QUOTES = ['""', "''", '“”', '‘’', '„“', '«»']

/** What begins like the header of a block. */
export const HEADER =
  /^\s*(?:#{1,6}|\*\*)\s*(?:\d+[.)]\s*)?(?:edit|write|delete|rename|create|update|replace|overwrite|move|remove|add|modify)\b/i
/** Headers after which a fence holds a whole file. */
const FILE_HEADER = /^\W*(?:\d+\W+)?(?:write|create|update|replace|overwrite|add)\b/i
/** The verb of a header that is an edit without a pair or a file. */
export const REMOVES = /^\W*(?:delete|remove|rename|move)\b/i
const FENCE = /^(`{3,}|~{3,})[^`]*$/
/** By the first character. */
const PATTERNS: Readonly<Record<string, readonly [RegExp, Stretch['look']]>> = {
  '`': [FENCE, 'fence'],
  '~': [FENCE, 'fence'],
  '<': [/^\s*(<{5,})\s*SEARCH\b/i, 'search'],
  '>': [/^\s*(>{5,})\s*REPLACE\b/i, 'replace'],
  '@': [/^(@@ -\d{1,9}(?:,\d{1,9})? \+\d{1,9}(?:,\d{1,9})? @@)/, 'hunk'],
}
const BEGIN_PATCH = '*** Begin Patch'
const END_PATCH = '*** End Patch'

const NONE = Number.POSITIVE_INFINITY

/**
 * Where edits, text of files and tags of reasoning are in an answer, found without interpreting them. It takes time linear
 * in the answer.
 */
export class AnswerOutline {
  readonly stretches: readonly Stretch[]
  /** Index of the last stretch that is not blank. */
  readonly lastWord: number
  /** By stretch, the next one after it of a kind; NONE where there is none. */
  readonly #nextWord: number[] = []
  readonly #nextHeader: number[] = []
  readonly #nextEdit: number[] = []
  readonly #nextEnd: number[] = []
  /** For a fence the next one that is the same and bare; for a SEARCH marker its REPLACE, if no SEARCH stands between. */
  readonly #closing: number[] = []
  /** For an end of reasoning where its begin is; -1: it has none. */
  readonly #begin = new Map<number, number>()

  constructor(text: string) {
    this.stretches = stretchesOf(text)
    this.#findBegins()
    this.#lookAhead()
    this.lastWord = this.stretches.findLastIndex((stretch) => stretch.text.trim() !== '')
  }

  /** What a stretch opens that holds text of files and is closed; null: nothing. A fence around edits holds none. */
  held(at: number): HeldPlace | null {
    const look = this.#look(at)
    if (look === 'search' || look === 'hunk') return heldUntil('pair', this.#closing[at])
    if (look === 'fence') {
      const fence = heldUntil('fence', this.#closing[at])
      return fence === null || after(this.#nextEdit, at) < fence.last ? null : fence
    }
    const next = after(this.#nextWord, at)
    if (look !== 'header' || this.#look(next) !== 'fence' || !FILE_HEADER.test(String(this.stretches[at]?.text)))
      return null
    return this.#look(after(this.#nextWord, next)) === 'search' ? null : heldUntil('file', this.#closing[next])
  }

  /** The first end of reasoning in a place that was begun before it; null: there is none. */
  strayEnd(at: number, { last }: HeldPlace): number | null {
    for (let end = after(this.#nextEnd, at); end < last; end = after(this.#nextEnd, end)) {
      if (this.#beginOf(end) < at) return end
    }
    return null
  }

  /** The first end of reasoning in a place; null: there is none. */
  endIn(at: number, { last }: HeldPlace): number | null {
    const end = after(this.#nextEnd, at)
    return end < last ? end : null
  }

  /** Whether a place holds what looks like the header of an edit. */
  hasHeader(at: number, { last }: HeldPlace): boolean {
    return after(this.#nextHeader, at) < last
  }

  hasTags(at: number, { last }: HeldPlace): boolean {
    for (let index = at; index <= last; index += 1) if (this.stretches[index]?.tag !== null) return true
    return false
  }

  #beginOf(end: number): number {
    const begin = this.#begin.get(end)
    return begin === undefined ? -1 : begin
  }

  #look(at: number): Stretch['look'] | null {
    const stretch = this.stretches[at]
    return stretch === undefined ? null : stretch.look
  }

  #findBegins(): void {
    const open = new Map<string, number[]>()
    for (const [index, { tag }] of this.stretches.entries()) {
      if (tag === null) continue
      const begun = open.get(tag.name)
      if (tag.ends) this.#begin.set(index, begun?.pop() ?? -1)
      else if (begun === undefined) open.set(tag.name, [index])
      else begun.push(index)
    }
  }

  #lookAhead(): void {
    const next = { word: NONE, header: NONE, edit: NONE, end: NONE }
    const closing = new Map<string, number>()
    for (let at = this.stretches.length - 1; at >= 0; at -= 1) {
      this.#nextWord[at] = next.word
      this.#nextHeader[at] = next.header
      this.#nextEdit[at] = next.edit
      this.#nextEnd[at] = next.end
      this.#closing[at] = this.#closingOf(at, closing)
      const look = this.#look(at)
      if (look !== 'blank') next.word = at
      if (look === 'header') next.header = at
      if (look === 'header' || look === 'search') next.edit = at
      if (this.stretches[at]?.tag?.ends === true) next.end = at
    }
  }

  /**
   * What closes a place is a line of its own.
   *
   * @param closing what closes a place, by the mark that opens it, as far as the answer was seen from its end
   */
  #closingOf(at: number, closing: Map<string, number>): number {
    const { look, mark, text, tag, joined } = this.stretches[at] ?? NO_STRETCH
    const found = mark === '' ? undefined : closing.get(mark)
    if (look === 'hunk') return joined ? NONE : this.#endOfHunk(at, mark)
    if (look === 'search') closing.delete(mark)
    if (joined || tag !== null) return found === undefined ? NONE : found
    if (look === 'replace') closing.set(mark === END_PATCH ? BEGIN_PATCH : '<'.repeat(mark.length), at)
    else if (look === 'fence' && text.trimEnd() === mark) closing.set(mark, at)
    return found === undefined ? NONE : found
  }

  /** The last stretch of a hunk that has the lines its header announces. */
  #endOfHunk(at: number, header: string): number {
    const ranges = rangesOf(header)
    if (ranges === null) return NONE
    let { before, after: fresh } = ranges
    let last = at
    for (let index = at + 1; before > 0 || fresh > 0 || this.stretches[index]?.joined === true; index += 1) {
      const stretch = this.stretches[index]
      if (stretch === undefined) return NONE
      last = index
      if (stretch.joined) continue
      const [sign = ' '] = stretch.text
      if (!' +-\\'.includes(sign)) return NONE
      if (sign === ' ' || sign === '-') before -= 1
      if (sign === ' ' || sign === '+') fresh -= 1
    }
    return before === 0 && fresh === 0 ? last : NONE
  }
}

const NO_STRETCH: Stretch = { text: '', line: 0, joined: false, tag: null, look: 'blank', mark: '' }

function heldUntil(kind: HeldPlace['kind'], last: number | undefined): HeldPlace | null {
  return last === undefined || last === NONE ? null : { kind, last }
}

function after(next: readonly number[], at: number): number {
  const found = next[at]
  return found === undefined ? NONE : found
}

/** Whether a tag of reasoning stands anywhere in a text. */
export function hasTags(text: string): boolean {
  for (let from = 0; from < text.length; ) {
    const newline = text.indexOf('\n', from)
    const to = newline === -1 ? text.length : newline
    if (tagsOf(text.slice(from, to)).length > 0) return true
    from = to + 1
  }
  return false
}

function stretchesOf(text: string): Stretch[] {
  const stretches: Stretch[] = []
  for (const [index, line] of text.split('\n').entries()) {
    const push = (from: number, to: number, tag: Tag | null): void => {
      const part = line.slice(from, to)
      stretches.push({ text: part, line: index + 1, joined: from > 0, tag, ...lookOf(part, tag) })
    }
    let begun = 0
    for (const { token, from, ...tag } of tagsOf(line)) {
      push(begun, from + token.length, { ...tag, from: from - begun })
      begun = from + token.length
    }
    if (begun === 0 || begun < line.trimEnd().length) push(begun, line.length, null)
  }
  return stretches
}

function lookOf(text: string, tag: Tag | null): Pick<Stretch, 'look' | 'mark'> {
  const [first] = text.trimStart()
  if (first === undefined) return { look: 'blank', mark: '' }
  if ((first === '#' || first === '*') && HEADER.test(text)) return { look: 'header', mark: '' }
  const line = first === '*' ? text.trimEnd() : ''
  if (line === BEGIN_PATCH) return { look: 'search', mark: line }
  if (line === END_PATCH) return { look: 'replace', mark: line }
  const [pattern, look] = PATTERNS[first] ?? []
  if (look === 'fence' && tag !== null) return { look: 'words', mark: '' }
  const mark = pattern?.exec(text.trimEnd())?.[1]
  return look === undefined || mark === undefined ? { look: 'words', mark: '' } : { look, mark }
}

function tagsOf(line: string): (Tag & { token: string })[] {
  if (!/[<[◁]/u.test(line)) return []
  const tags: (Tag & { token: string })[] = []
  for (const { 0: token, index } of line.matchAll(TOKEN)) {
    const mark = markOf(token)
    const around = line.charAt(index - 1) + line.charAt(index + token.length)
    if (mark !== null && !QUOTES.includes(around)) tags.push({ ...mark, from: index, token })
  }
  return tags
}

/** What a token says of reasoning; null: nothing. */
function markOf(token: string): Pick<Tag, 'name' | 'ends'> | null {
  const lower = token.toLowerCase()
  const [, slash, name] = ELEMENT.exec(lower) ?? []
  if (name !== undefined) return NAMES.has(name) && !lower.endsWith('/>') ? { name, ends: slash === '/' } : null
  // Of the channels of an answer only the one named `final` is the answer.
  if (lower.includes('<|channel|>')) return { name: 'channels', ends: lower.includes('<|channel|>final<') }
  const [, kind, ends] = MARKS.find(([start]) => lower.startsWith(start)) ?? []
  return kind === undefined || ends === undefined ? null : { name: kind, ends }
}
