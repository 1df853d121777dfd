import { type AnswerOutline, HEADER, type HeldPlace, REMOVES, type Stretch } from './answer-outline.ts'

const NAMES_FILE = /^(?:\*\*\* (?:Add|Update|Delete) File:|\+\+\+ |--- (?=a\/))/
/** A path between the signs that models put around one. */
const NAME_ALONE = /^[#*_`"'\s]{0,20}((?:[^\s#*`"']*\.\w+)|(?:[^\s#*`"']+\/[^\s#*`"'/:]+))[*_`"':]{0,10}$/
const DIVIDER = /^={5,}\s*$/
/** What a header may say that changes a file without a pair. */
const SAYS_TRAIT = /\((?:not )?executable\b|\bfinal newline\b/i

/** What whole edits do to a file. `lines`: those that they look for; `isWhole`: they say all of it, or take it away. */
type Changed = { isWhole: boolean; lines: Set<string>; places: Place[] }
/** Lines of a file that an edit looks for, and those of them that it takes away. */
type Place = { search: string[]; removed: string[] }

/**
 * Whether the whole edits before an end of reasoning are drafts of those behind it: words lead to them, each of their files
 * is changed behind it, and so is each place there, unless all of the file is said. Without such edits there is nothing that
 * could be lost. Linear.
 */
export function areDrafts(outline: AnswerOutline, end: number): boolean {
  const before = changesIn(outline, 0, end)
  if (before.size === 0) return true
  if (outline.stretches.find(({ look }) => look !== 'blank')?.look !== 'words') return false
  const behind = changesIn(outline, end + 1, outline.stretches.length)
  return before.entries().every(([file, { places }]) => {
    const final = behind.get(file)
    return final !== undefined && (final.isWhole || places.every((place) => recursIn(place, final.lines)))
  })
}

/** Lines around what is taken away may differ; where nothing is, one of them says where it is. */
function recursIn({ search, removed }: Place, lines: ReadonlySet<string>): boolean {
  if (removed.length > 0) return removed.every((line) => lines.has(line))
  return search.length === 0 || search.some((line) => lines.has(line))
}

/**
 * The files that whole edits between two stretches change: they name them behind the verb of a header, in a patch, above the
 * hunks of a diff, or alone on the line above a pair, a file or the fence around it.
 */
function changesIn(outline: AnswerOutline, from: number, to: number): Map<string, Changed> {
  const changes = new Changes()
  const { stretches } = outline
  for (let at = from; at < to; at += 1) {
    const held = changes.closesFence(stretchAt(stretches, at)) ? null : outline.held(at)
    if (held === null || held.last >= to) {
      changes.readLine(stretchAt(stretches, at))
    } else {
      changes.readHeld(stretches, at, held)
      at = held.last
    }
  }
  return changes.byFile
}

class Changes {
  readonly byFile = new Map<string, Changed>()
  /** The file that was named last; empty: none was. */
  #file = ''
  /** Fences around edits that are open. */
  readonly #fences: string[] = []

  closesFence({ text, mark, look }: Stretch): boolean {
    return look === 'fence' && text.trimEnd() === mark && this.#fences.at(-1) === mark
  }

  readLine(stretch: Stretch): void {
    const { text, look, mark } = stretch
    if (this.closesFence(stretch)) this.#fences.pop()
    else if (look === 'fence') this.#fences.push(mark)
    if (look !== 'header') return this.#readName(text)
    this.#file = nameOf(text.replace(HEADER, ''))
    if (REMOVES.test(text) || SAYS_TRAIT.test(text)) this.#changed().isWhole = true
  }

  readHeld(stretches: readonly Stretch[], at: number, { kind, last }: HeldPlace): void {
    const { text, look, mark } = stretchAt(stretches, at)
    const above = nameAbove(stretches, at)
    if (above !== '') this.#file = above
    if (kind === 'file') this.#file = nameOf(text.replace(HEADER, ''))
    if (kind === 'fence' && above === '') return
    const lines = stretches.slice(at + 1, last)
    if (kind !== 'pair') this.#changed().isWhole = true
    else if (look === 'hunk' || mark.startsWith('*')) this.#readDiff(stretches.slice(at + 1, last + 1))
    else this.#readPair(lines)
  }

  #readPair(lines: readonly Stretch[]): void {
    const divider = lines.findIndex(({ text }) => DIVIDER.test(text))
    const search = wordedIn(divider === -1 ? [] : lines.slice(0, divider))
    const kept = new Set(wordedIn(lines.slice(divider + 1)))
    this.#add({ search, removed: search.filter((line) => !kept.has(line)) })
  }

  /** The lines of a patch, or of a hunk. */
  #readDiff(lines: readonly Stretch[]): void {
    let place: Place = { search: [], removed: [] }
    for (const { text } of lines) {
      if (NAMES_FILE.test(text)) {
        this.#readName(text)
        place = { search: [], removed: [] }
        this.#add(place)
      } else if (/^[ -]/.test(text) && isWorded(text)) {
        const line = text.slice(1).trim()
        place.search.push(line)
        this.#changed().lines.add(line)
        if (text.startsWith('-')) place.removed.push(line)
      }
    }
    this.#add(place)
  }

  #add(place: Place): void {
    const changed = this.#changed()
    changed.places.push(place)
    for (const line of place.search) changed.lines.add(line)
  }

  #readName(text: string): void {
    const start = NAMES_FILE.exec(text)?.[0]
    if (start === undefined) return
    const name = nameOf(text.slice(start.length).split('\t', 1).join(''))
    if (name !== '/dev/null') this.#file = name
  }

  #changed(): Changed {
    const known = this.byFile.get(this.#file)
    if (known !== undefined) return known
    const changed: Changed = { isWhole: false, lines: new Set(), places: [] }
    this.byFile.set(this.#file, changed)
    return changed
  }
}

function stretchAt(stretches: readonly Stretch[], at: number): Stretch {
  const stretch = stretches[at]
  if (stretch === undefined) throw new RangeError(`there is no stretch ${at}`)
  return stretch
}

function isWorded(text: string): boolean {
  return /[\p{L}\p{N}_]/u.test(text)
}

function wordedIn(lines: readonly Stretch[]): string[] {
  return lines.filter(({ text }) => isWorded(text)).map(({ text }) => text.trim())
}

function nameOf(text: string): string {
  return text
    .replace(/\s\(.*/, '')
    .replace(/[\s*_`"':]/g, '')
    .replace(/^(?:\.|[ab])\//, '')
    .toLowerCase()
}

/** The name that stands alone above a pair or a fence, or above the fence around a pair; empty: none does. */
function nameAbove(stretches: readonly Stretch[], place: number): string {
  let at = place - 1
  for (const passed of ['fence', 'blank']) if (stretches[at]?.look === passed) at -= 1
  const { look, text } = stretches[at] ?? { look: 'blank', text: '' }
  return look === 'words' ? nameOf(NAME_ALONE.exec(text.trim())?.[1] ?? '') : ''
}
