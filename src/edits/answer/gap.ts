import type { ScopeNames } from '../scope-names.ts'
import { isHeading, type Title, titleOf } from './headings.ts'
import { type Extent, extentAfter } from './left-to-people.ts'
import { hasSignsOfCode, isListItem, isOneWord, looksLikeCode } from './line-shapes.ts'
import { madeBelow, mayMean, nameAlone, otherNamesIn, withoutUser } from './other-names.ts'

/** Whose a pair or a fence is after the words before it. `unclear` says why it is nobody's. */
export type Owner =
  | { kind: 'title'; title: Title; isNear: boolean }
  | { kind: 'words'; path: string }
  | { kind: 'none' }
  | { kind: 'unclear'; why: string; isBehind?: boolean }

/** A line of words, and the files in scope that it names. */
type Words = { text: string; names: readonly string[] }

/** What is known of the words behind a title; of all, where there is none. */
type Behind = { mentioned: Set<string>; last: Words | null; heading: Words | null; loose: string | null }

const NOTHING: Omit<Behind, 'mentioned'> = { last: null, heading: null, loose: null }

/** The file that a line of code among words seems to be one of; `isSure`: it cannot be words about a block. */
type Stray = { path: string; isSure: boolean }

/**
 * A fence that was no block: whose lines it shows; `doubt`: index of its end, where that may as well open a file; `isNamed`:
 * whether words before it name the file.
 */
type FenceBefore = { path: string | null; doubt: number | null; isNamed?: boolean }

/** What leads from a text to the one in its place. */
const IN_ITS_PLACE = /^\W*(?:(?:replaced? )?(?:with|by)(?: this)?|replace|replacement)\W*$/i

const AFTERWARDS =
  /^\W{0,9}(?:after(?:wards)?|now|new|(?:it )?becomes|is now|updated?|fixed|(?:change (?:it|this) )?to|should be(?:come)?|→)(?: (?:version|code|(?:the )?change))?\W{0,9}$/i

const ASKS_BELOW =
  /^\W*(?:\d+[.)]\s*)?(?:(?:then|now|next|also|finally|and|please)[, ]+){0,2}(?:add|insert|replace|change|append|put|update|wrap|prepend)\s[^/".]*:[*_]{0,3}\s*$/i

const SAYS_ALL = /\b(?:complete|entire|full|whole)\b/i

/** The words since the last block, pair or fence. */
export class Gap {
  readonly #names: ScopeNames
  #isEmpty = true
  #title: Title | null = null
  #titleOfFile: Title | null = null
  #behind: Behind = { ...NOTHING, mentioned: new Set() }
  #holdsCode = false
  #isInList = false
  #dividers = 0
  #words = 0
  #fence: FenceBefore | null = null
  /** Names of files as it seems that are none of the scope. */
  readonly #others = new Set<string>()
  #alone: string | null = null
  #saysAll = false
  #extent: Extent = 'open'
  #asks = false

  constructor(names: ScopeNames) {
    this.#names = names
  }

  /** @returns the file that has been named above, where the line looks like one of its lines; null: it is words */
  add(line: string): Stray | null {
    if (line.trim() === '') return null
    this.#words += 1
    const title = titleOf(line, this.#names)
    const isCode = looksLikeCode(line)
    this.#isEmpty = false
    this.#holdsCode ||= isCode && (this.#title !== null || this.#behind.mentioned.size > 0)
    this.#isInList = isListItem(line) || (this.#isInList && /^\s/.test(line))
    const words = { text: line, names: title?.inScope === true ? [title.path] : this.#names.mentionedIn(line) }
    this.#saysAll = SAYS_ALL.test(line)
    const others = title?.isHeading === true ? [] : otherNamesIn(words, this.#names)
    this.#extent = extentAfter(this.#extent, line, { isName: title !== null, names: words.names })
    this.#asks = words.names.length === 0 && ASKS_BELOW.test(line)
    this.#alone = nameAlone(words, others) ?? madeBelow(words, others, this.#names)
    if (title !== null) {
      this.#title = title
      if (title.inScope || title.isHeading) this.#titleOfFile = title
      this.#behind = { ...NOTHING, mentioned: new Set() }
      return null
    }
    const stray = isCode ? this.#stray(line) : null
    this.#addWords({ text: line, names: withoutUser(words, this.#names) }, others)
    return stray
  }

  #stray(line: string): Stray | null {
    const isSure = hasSignsOfCode(line) && !isListItem(line)
    const title = this.#titleOfFile
    if (title !== null && !title.isHeading && !isSure && this.#isInList) return null
    if (title !== null)
      return { path: title.path, isSure: isSure || (title.isHeading && (title.verb !== null || !this.#isInList)) }
    const { last, heading } = this.#behind
    const above = heading ?? (last?.text.trimEnd().endsWith(':') ? last : null)
    const [path, ...more] = above?.names ?? []
    if (path === undefined || more.length > 0 || this.#isInList) return null
    return { path, isSure: isSure && above === heading }
  }

  #addWords(words: Words, others: readonly string[]): void {
    for (const name of words.names) this.#behind.mentioned.add(name)
    for (const name of others) this.#others.add(name)
    this.#behind.last = words
    if (isHeading(words.text)) this.#behind.heading = words
    if (words.names.length > 0) this.#behind.loose = null
    else if (isOneWord(words.text)) this.#behind.loose ??= words.text
  }

  /** Notes the file that the fence around what follows names. */
  addFence(path: string): void {
    if (this.#title !== null && this.#title.path !== path) this.#behind.mentioned.add(path)
    else this.#title = { path, to: null, verb: null, isHeading: false, inScope: true, traits: {}, unclear: null }
  }

  /** Whether lines that look like code stand below the name of a file. */
  get holdsCode(): boolean {
    return this.#holdsCode
  }

  /** Index of the end of the fence before, where that may as well open a file. */
  get doubt(): number | null {
    return this.#fence === null ? null : this.#fence.doubt
  }

  /** The fence before, where the words say that the next one replaces what it shows. */
  get replaced(): FenceBefore | null {
    const isLed = this.#words === 1 && this.#behind.last !== null && IN_ITS_PLACE.test(this.#behind.last.text)
    return isLed ? this.#fence : null
  }

  /** The file whose lines the fence before shows, where at most a line of words stands between; null: there is none. */
  get shownBefore(): string | null {
    return this.#words > 1 || this.#fence === null ? null : this.#fence.path
  }

  /** Whether the fence before shows lines of a file by its name, and the words lead to what becomes of them. */
  get leadsOn(): boolean {
    const text = this.#words === 1 ? this.#behind.last?.text : undefined
    return text !== undefined && this.#fence?.isNamed === true && AFTERWARDS.test(text)
  }

  /** The file out of scope that the line before names as the one of what follows; null: it names none. */
  get otherName(): string | null {
    return this.#alone
  }

  /** Whether the line before tells of all of a file. */
  get saysAll(): boolean {
    return this.#saysAll
  }

  /** Whether the line before asks for a change with what stands below it, and names no file. */
  get asks(): boolean {
    return this.#asks
  }

  /** What the words tell of how much of a file stands below them. */
  get extent(): Extent {
    return this.#extent
  }

  get isEmpty(): boolean {
    return this.#isEmpty
  }

  /** @param fence what ends here, where that is a fence */
  clear(fence: FenceBefore | null = null): void {
    this.#fence = fence
    this.#words = 0
    this.#isEmpty = true
    this.#title = this.#titleOfFile = null
    this.#behind = { ...NOTHING, mentioned: new Set() }
    this.#others.clear()
    this.#alone = null
    this.#saysAll = false
    this.#extent = 'open'
    this.#asks = false
    this.#holdsCode = this.#isInList = false
    this.#dividers = 0
  }

  /** Notes a divider of a pair that stands among words. @returns whether it is another one */
  addDivider(): boolean {
    this.#dividers += 1
    return this.#dividers > 1
  }

  /**
   * The file that the words name as the subject of what follows: by a title, or in the line right before it. Words that
   * name the file in hand, or none, leave it at that.
   *
   * @param current the path of the block in hand; null: there is none
   */
  owner(current: string | null): Owner {
    if (this.#title !== null) return this.#ofTitle(this.#title)
    const { mentioned, last, heading, loose } = this.#behind
    const [only] = mentioned
    if (only === undefined) return heading === null ? { kind: 'none' } : under(heading)
    if (mentioned.size === 1 && only === current) return { kind: 'none' }
    const isSaid = [last, heading].some((words) => words?.names.length === 1)
    if (mentioned.size === 1 && isSaid) return loose === null ? { kind: 'words', path: only } : behind(loose, only)
    return { kind: 'unclear', why: `after words that name ${[...mentioned].slice(0, 3).map(quoted).join(' and ')}` }
  }

  /**
   * The same of what goes on with a block that has a pair, or begins none: a name that may be that of another file makes it
   * unclear.
   */
  ownerOfNext(current: string | null): Owner {
    const owner = this.owner(current)
    const path = owner.kind === 'words' ? owner.path : current
    if (owner.kind === 'title' || owner.kind === 'unclear') return owner
    const other = [...this.#others].find((name) => path === null || !mayMean(name, path))
    if (other === undefined) return owner
    return { kind: 'unclear', why: `after words that name ${quoted(other)}, which is no path in files_in_scope` }
  }

  #ofTitle(title: Title): Owner {
    const { mentioned, last, heading, loose } = this.#behind
    const other = [...mentioned].find((path) => path !== title.path)
    if (other !== undefined) return { kind: 'unclear', why: `after words that name "${title.path}" and "${other}"` }
    if (heading !== null) return under(heading)
    if (loose !== null) return behind(loose, title.path)
    return { kind: 'title', title, isNear: last === null }
  }
}

function behind(line: string, path: string): Owner {
  return { kind: 'unclear', why: `behind ${quoted(line)}, which may belong to "${path}"`, isBehind: true }
}

function under({ text }: Words): Owner {
  return { kind: 'unclear', why: `under the heading ${quoted(text)}, which names no file` }
}

function quoted(text: string): string {
  return `"${text.trim().slice(0, 80)}"`
}
