import type { ScopeNames } from '../scope-names.ts'
import { isHeading, type Title, titleOf } from './headings.ts'
import { isOneWord, looksLikeCode } from './line-shapes.ts'

/** Whose a pair or a fence is after the words before it. `unclear` says why it is nobody's. */
export type Owner =
  | { kind: 'title'; title: Title; isNear: boolean }
  | { kind: 'words'; path: string }
  | { kind: 'none' }
  | { kind: 'unclear'; why: string; isBehind?: boolean }

/** The lines of prose since the last block, pair or fence. */
export class Gap {
  readonly #names: ScopeNames
  #lines: string[] = []
  #titles: (Title | null)[] = []
  #lastInScope: Title | null = null
  #hasTitle = false
  #holdsCode = false
  #dividers = 0

  constructor(names: ScopeNames) {
    this.#names = names
  }

  /** @returns the title that has named a file, where the line looks like one of its lines; null: it is words */
  add(line: string): Title | null {
    if (line.trim() === '') return null
    const title = titleOf(line, this.#names)
    const last = looksLikeCode(line) && title === null ? this.#lastInScope : null
    this.#lines.push(line)
    this.#titles.push(title)
    if (title?.inScope === true) this.#lastInScope = title
    this.#holdsCode ||= this.#hasTitle && looksLikeCode(line)
    this.#hasTitle ||= title !== null
    return last
  }

  /** Whether lines that look like code stand below the name of a file. */
  get holdsCode(): boolean {
    return this.#holdsCode
  }

  get isEmpty(): boolean {
    return this.#lines.length === 0
  }

  clear(): void {
    this.#lines = []
    this.#titles = []
    this.#lastInScope = null
    this.#hasTitle = this.#holdsCode = false
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
    const titles = this.#titles
    const last = titles.findLastIndex((title) => title !== null)
    const after = last === -1 ? this.#lines : this.#lines.slice(last + 1)
    const mentioned = new Set(after.flatMap((line) => this.#names.mentionedIn(line)))
    const title = titles[last]
    if (title) return this.#ofTitle(title, mentioned, after)
    const heading = after.findLast(isHeading)
    if (mentioned.size === 0)
      return heading === undefined
        ? { kind: 'none' }
        : { kind: 'unclear', why: `under the heading ${quoted(heading)}, which names no file` }
    const [only] = mentioned
    if (mentioned.size === 1 && only === current) return { kind: 'none' }
    const isSaid = [after.at(-1), heading].some((line) => this.#names.mentionedIn(line ?? '').length === 1)
    if (mentioned.size === 1 && only !== undefined && isSaid) return { kind: 'words', path: only }
    return { kind: 'unclear', why: `after words that name ${[...mentioned].slice(0, 3).map(quoted).join(' and ')}` }
  }

  #ofTitle(title: Title, mentioned: ReadonlySet<string>, after: readonly string[]): Owner {
    const other = [...mentioned].find((path) => path !== title.path)
    if (other !== undefined) return { kind: 'unclear', why: `after words that name "${title.path}" and "${other}"` }
    const heading = after.findLast(isHeading)
    if (heading !== undefined)
      return { kind: 'unclear', why: `under the heading ${quoted(heading)}, which names no file` }
    const loose = after.find((line) => isOneWord(line.trim()))
    if (loose !== undefined)
      return { kind: 'unclear', why: `behind ${quoted(loose)}, which may belong to "${title.path}"`, isBehind: true }
    return { kind: 'title', title, isNear: after.length === 0 }
  }
}

function quoted(text: string): string {
  return `"${text.trim().slice(0, 80)}"`
}
