import type { ScopeNames } from '../scope-names.ts'
import { isHeading, type Title, titleOf } from './headings.ts'
import { isOneWord, looksLikeCode } from './line-shapes.ts'

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

/** The words since the last block, pair or fence. */
export class Gap {
  readonly #names: ScopeNames
  #isEmpty = true
  #title: Title | null = null
  #titleInScope: Title | null = null
  #behind: Behind = { ...NOTHING, mentioned: new Set() }
  #holdsCode = false
  #dividers = 0

  constructor(names: ScopeNames) {
    this.#names = names
  }

  /** @returns the title that has named a file, where the line looks like one of its lines; null: it is words */
  add(line: string): Title | null {
    if (line.trim() === '') return null
    const title = titleOf(line, this.#names)
    const isCode = looksLikeCode(line)
    this.#isEmpty = false
    this.#holdsCode ||= isCode && (this.#title !== null || this.#behind.mentioned.size > 0)
    if (title !== null) {
      this.#title = title
      if (title.inScope) this.#titleInScope = title
      this.#behind = { ...NOTHING, mentioned: new Set() }
      return null
    }
    const words = { text: line, names: this.#names.mentionedIn(line) }
    for (const name of words.names) this.#behind.mentioned.add(name)
    this.#behind.last = words
    if (isHeading(line)) this.#behind.heading = words
    if (isOneWord(line)) this.#behind.loose ??= line
    return isCode ? this.#titleInScope : null
  }

  /** Whether lines that look like code stand below the name of a file. */
  get holdsCode(): boolean {
    return this.#holdsCode
  }

  get isEmpty(): boolean {
    return this.#isEmpty
  }

  clear(): void {
    this.#isEmpty = true
    this.#title = this.#titleInScope = null
    this.#behind = { ...NOTHING, mentioned: new Set() }
    this.#holdsCode = false
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
    const { mentioned, last, heading } = this.#behind
    const [only] = mentioned
    if (only === undefined) return heading === null ? { kind: 'none' } : under(heading)
    if (mentioned.size === 1 && only === current) return { kind: 'none' }
    const isSaid = [last, heading].some((words) => words?.names.length === 1)
    if (mentioned.size === 1 && isSaid) return { kind: 'words', path: only }
    return { kind: 'unclear', why: `after words that name ${[...mentioned].slice(0, 3).map(quoted).join(' and ')}` }
  }

  #ofTitle(title: Title): Owner {
    const { mentioned, last, heading, loose } = this.#behind
    const other = [...mentioned].find((path) => path !== title.path)
    if (other !== undefined) return { kind: 'unclear', why: `after words that name "${title.path}" and "${other}"` }
    if (heading !== null) return under(heading)
    if (loose !== null)
      return { kind: 'unclear', why: `behind ${quoted(loose)}, which may belong to "${title.path}"`, isBehind: true }
    return { kind: 'title', title, isNear: last === null }
  }
}

function under({ text }: Words): Owner {
  return { kind: 'unclear', why: `under the heading ${quoted(text)}, which names no file` }
}

function quoted(text: string): string {
  return `"${text.trim().slice(0, 80)}"`
}
