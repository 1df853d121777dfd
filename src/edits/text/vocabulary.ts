import { TextNumbers } from './text-numbers.ts'

/** In what two lines may differ and still be taken for the same. */
export type Fold = 'spaces at the end' | 'spaces around'

const FOLDED: Readonly<Record<Fold, (text: string) => string>> = {
  'spaces at the end': (text) => text.trimEnd(),
  'spaces around': (text) => text.trim(),
}

const NOT_ASCII = /[\u0080-\uffff]/

/** Texts of lines as numbers, with what a file must know of the lines that have them. */
export class Vocabulary {
  readonly #texts = new TextNumbers()
  readonly #folds: Readonly<Record<Fold, Folded>> = {
    'spaces at the end': new Folded('spaces at the end'),
    'spaces around': new Folded('spaces around'),
  }
  /** Those that hold a NUL, those that hold more than ASCII, and those that end in a CR. */
  readonly #nul = new Set<number>()
  readonly #foreign = new Set<number>()
  readonly #cr = new Set<number>()
  #characters = 0
  #nulLines = 0
  #foreignLines = 0
  #crLines = 0

  /** The number of a text, a new one where it is new. No line has it yet by that. */
  enter(text: string): number {
    const known = this.#texts.count
    const id = this.#texts.enter(text)
    if (id < known) return id
    if (text.includes('\0')) this.#nul.add(id)
    if (NOT_ASCII.test(text)) this.#foreign.add(id)
    if (text.endsWith('\r')) this.#cr.add(id)
    return id
  }

  /** Undefined: no line ever had this text. */
  idOf(text: string): number | undefined {
    return this.#texts.of(text)
  }

  textOf(id: number): string {
    return this.#texts.textOf(id)
  }

  /** The number that texts have in common which differ in a fold alone. */
  foldedId(fold: Fold, text: string): number {
    return this.#folds[fold].idOf(text)
  }

  /** The same for numbers of texts. */
  folded(fold: Fold, ids: Int32Array): Int32Array {
    return ids.map((id) => this.#folds[fold].ofWord(id, this.textOf(id)))
  }

  /** Notes that one line more, or less, has a text. */
  count(id: number, by: 1 | -1): void {
    this.#characters += by * (this.textOf(id).length + 1)
    if (this.#nul.has(id)) this.#nulLines += by
    if (this.#foreign.has(id)) this.#foreignLines += by
    if (this.#cr.has(id)) this.#crLines += by
  }

  /** Of all lines, with one for the end of each. */
  get characters(): number {
    return this.#characters
  }

  /** Whether some line holds a NUL. */
  get holdsNul(): boolean {
    return this.#nulLines > 0
  }

  /** Whether every line is ASCII. */
  get isAscii(): boolean {
    return this.#foreignLines === 0
  }

  /** Whether the text of some line ends in a CR. */
  get endsInCr(): boolean {
    return this.#crLines > 0
  }
}

class Folded {
  readonly #fold: (text: string) => string
  readonly #texts = new TextNumbers()
  readonly #byWord: number[] = []

  constructor(fold: Fold) {
    this.#fold = FOLDED[fold]
  }

  idOf(text: string): number {
    return this.#texts.enter(this.#fold(text))
  }

  ofWord(id: number, text: string): number {
    const known = this.#byWord[id]
    if (known !== undefined) return known
    const folded = this.idOf(text)
    this.#byWord[id] = folded
    return folded
  }
}
