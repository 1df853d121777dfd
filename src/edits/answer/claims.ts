import type { Edit } from '../edit.ts'
import type { ScopeNames } from '../scope-names.ts'
import { type AnswerLines, malformed, shownLine } from './answer-lines.ts'
import { exactHeader } from './headings.ts'
import { leadsToLater } from './left-to-people.ts'
import { fenceOf, isListItem, markerOf } from './line-shapes.ts'
import { askedIn, isLabel, isTakenBack, leadsToChanges, listedIn, listsFiles, toldIn } from './told-changes.ts'

/** How far above a line of a list or of a fence its lead is looked for. */
const LEAD_WITHIN = 15
/** A heading, or a line that ends in a colon. */
const LEAD = /^\s{0,3}(?:#{1,6}\s|\*\*[^*]{1,200}\*\*\s{0,3}$)|:[*_]{0,3}\s{0,3}$/
/** What leads from one file to another, and is no renaming. */
const LEADS_ALONG =
  /\b(?:imports?|depend\w*|calls?|chain|cycle|direction|edges?|flows?|graph|order|path|reads?|sequence|uses?)\b/i
/** What leads to a program that shows how something works, and what asks for what the program does. */
const OF_EXAMPLE = /\b(?:like (?:this|so)|examples?|e\.g\.|usage|the tests?)(?![\w-])/i
const ASKS_TO_RUN =
  /\b(?:I|we|run|ran|runs|running|appl(?:y|ied)|execut\w+|scripts?|chang\w+|edit\w*|updat\w+|fix\w*|replac\w+|adds?|added|patch\w*|migrat\w+|codemod\w*|generate|create|write)\b/i
/** A line of words that is no item and ends as a sentence does. */
const SENTENCE = /^(?!\s*(?:[-*+]|\d{1,3}[.)])\s)[^\n]*[.!?][*_)]{0,3}\s{0,3}$/

/** What says below a label that there is nothing. */
const SAYS_NONE = /^\W{0,9}(?:none|nothing|no changes?)\b[^,;:]{0,40}$/i

/** A line that reads like a change of files and is no block, and what of them it changes. Folders end in a slash. */
type Claim = { at: number; text: string; paths: readonly string[]; what: 'change' | 'mode' | 'rewrite' | 'removal' }

/** What reads like a change outside of blocks. It is mere words where a block changes the same files. */
export class Claims {
  readonly #lines: AnswerLines
  readonly #names: ScopeNames
  readonly #claims: Claim[] = []
  readonly #modes: { at: number; path: string; executable: boolean }[] = []

  constructor(lines: AnswerLines, names: ScopeNames) {
    this.#lines = lines
    this.#names = names
  }

  add(at: number, text: string, ...paths: readonly string[]): void {
    if (paths.length > 0 && !this.#isForLater(at)) this.#claims.push({ at, text, paths, what: 'change' })
  }

  /** An arrow between two files. Below a line that tells of what leads from one to the other it is no renaming. */
  addArrow(at: number, text: string, ...paths: readonly string[]): void {
    if (!LEADS_ALONG.test(this.#lead(at))) this.add(at, text, ...paths)
  }

  /** What a program in a fence writes. Where its lead has it for an example it is no change. */
  addWritten(at: number, text: string, path: string): void {
    const lead = this.#lead(at)
    if (!OF_EXAMPLE.test(lead) || ASKS_TO_RUN.test(lead)) this.add(at, text, path)
  }

  /** What words tell of changed files, in sentences and in lists. What an item asks for counts only below a lead that says so. */
  addTold(at: number, text: string): void {
    const [told, asked] = [toldIn(text, this.#names), askedIn(text, this.#names)]
    const listed = listedIn(text, this.#names)
    if (told.length + asked.length === 0 && listed === null) return
    const [lead, isItem] = [this.#lead(at), isListItem(text)]
    if (isLabel(text) && SAYS_NONE.test(String(this.#lines.line(this.#lines.nextWord(at + 1))))) return
    if (!isItem || !isTakenBack(lead)) this.add(at, text, ...told)
    const ofList = isItem && this.#isCutOff(at) ? '' : lead
    if (ofList === '' ? !isItem : leadsToChanges(ofList)) this.add(at, text, ...asked)
    if (listed !== null && listsFiles(ofList)) this.add(at, text, listed)
  }

  /** What reads as if files had another mode. */
  addMode(at: number, text: string, ...paths: readonly string[]): void {
    if (paths.length > 0 && !this.#isForLater(at)) this.#claims.push({ at, text, paths, what: 'mode' })
  }

  /** What commands do to files beside what blocks do: new text, which no block takes the place of, and removals. */
  addSure(
    at: number,
    { text, rewritten, removed }: { text: string; rewritten: readonly string[]; removed: readonly string[] },
  ): void {
    if (rewritten.length + removed.length === 0 || this.#isForLater(at)) return
    this.#claims.push({ at, text, paths: rewritten, what: 'rewrite' }, { at, text, paths: removed, what: 'removal' })
  }

  #isForLater(at: number): boolean {
    return leadsToLater(this.#lead(at))
  }

  /** The heading, or the line that ends in a colon, that leads to a line; empty: none does. */
  #lead(at: number): string {
    let fences = 0
    for (let above = at - 1; above >= Math.max(0, at - LEAD_WITHIN); above -= 1) {
      const line = String(this.#lines.line(above))
      if (fenceOf(line) !== null) fences += 1
      if (fences > 1 || markerOf(line) !== null || exactHeader(line) !== null) return ''
      if (LEAD.test(line)) return line
      if (SENTENCE.test(line)) return ''
    }
    return ''
  }

  /** Whether a line that is no item stands between one and the lead of a list above it. */
  #isCutOff(at: number): boolean {
    for (let above = at - 1; above >= Math.max(0, at - LEAD_WITHIN); above -= 1) {
      const line = String(this.#lines.line(above))
      if (fenceOf(line) !== null || LEAD.test(line)) return false
      if (/^[^\s|]/.test(line) && !isListItem(line)) return true
    }
    return false
  }

  /** A command that sets the mode of files, which it says as plainly as a block. */
  addModes(at: number, { paths, executable }: { paths: readonly string[]; executable: boolean }): void {
    for (const path of paths) this.#modes.push({ at, path, executable })
  }

  /** The modes that commands set and no block does. @param edits the blocks of the answer */
  modes(edits: readonly Edit[]): Edit[] {
    const known = this.#saidModes(edits)
    for (const { at, path, executable } of this.#modes) {
      if (known.has(path) && known.get(path) !== executable)
        throw malformed(0, at + 1, `a command and another or a block say opposite modes of "${path}"`)
    }
    const done = new Set(known.keys())
    return this.#modes
      .filter(({ path }) => !done.has(path))
      .map(({ at, path, executable }, index) => {
        if (!known.has(path)) known.set(path, executable)
        return { kind: 'edit', block: edits.length + index + 1, line: at + 1, path, executable, replacements: [] }
      })
  }

  /** @throws {Fault} `edits_malformed` naming the first line that no block carries out */
  settle(edits: readonly Edit[], modes: readonly Edit[]): void {
    const touched = this.#withFolders(
      edits.flatMap((edit) => (edit.kind === 'rename' ? [edit.path, edit.to] : [edit.path])),
    )
    const done = {
      change: touched,
      mode: this.#withFolders([...this.#saidModes([...edits, ...modes]).keys()]),
      removal: this.#withFolders(
        edits.flatMap((edit) => (edit.kind === 'delete' || edit.kind === 'rename' ? [edit.path] : [])),
      ),
      rewrite: new Set<string>(),
    }
    const left = this.#claims.find(({ paths, what }) => !paths.every((path) => done[what].has(path)))
    if (left === undefined) return
    const path = left.paths.find((name) => !done[left.what].has(name))
    const [change, how] =
      left.what === 'mode'
        ? ['change of the mode', 'Say it in brackets behind the path of a block, as "### edit path (executable)"']
        : ['change', 'Write every change as a block that starts with a line like "### edit path"']
    const what = `"${shownLine(left.text)}" reads like a ${change} of "${path}", which no block makes`
    throw malformed(0, left.at + 1, what, how)
  }

  /** The modes that blocks say, by path. @throws {Fault} `edits_malformed` for two that are opposite */
  #saidModes(edits: readonly Edit[]): Map<string, boolean> {
    const said = new Map<string, boolean>()
    for (const edit of edits) {
      if (edit.kind === 'delete' || edit.executable === undefined) continue
      const written = edit.kind === 'rename' ? edit.to : edit.path
      const path = this.#names.meantBy(written) ?? written
      if (said.has(path) && said.get(path) !== edit.executable)
        throw malformed(edit.block, edit.line, `this block and an earlier one say opposite modes of "${path}"`)
      said.set(path, edit.executable)
    }
    return said
  }

  #withFolders(paths: readonly string[]): Set<string> {
    const all = new Set<string>()
    for (const path of paths.flatMap((written) => [written, String(this.#names.meantBy(written))])) {
      all.add(path)
      for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) all.add(path.slice(0, at + 1))
    }
    return all
  }
}
