/** Texts of lines as numbers, with how many lines have each. */
export class Vocabulary {
  readonly #ids = new Map<string, number>()
  readonly #texts: string[] = []
  readonly #times: number[] = []
  /** Those that hold a NUL, and those that end in a CR. */
  readonly #nul = new Set<number>()
  readonly #cr = new Set<number>()
  #characters = 0
  #nulLines = 0
  #crLines = 0

  /** The number of a text, a new one where it is new. No line has it yet by that. */
  enter(text: string): number {
    const known = this.#ids.get(text)
    if (known !== undefined) return known
    const id = this.#texts.push(text) - 1
    this.#ids.set(text, id)
    this.#times.push(0)
    if (text.includes('\0')) this.#nul.add(id)
    if (text.endsWith('\r')) this.#cr.add(id)
    return id
  }

  /** Undefined: no line ever had this text. */
  idOf(text: string): number | undefined {
    return this.#ids.get(text)
  }

  textOf(id: number): string {
    return String(this.#texts[id])
  }

  timesOf(id: number): number {
    return Number(this.#times[id])
  }

  /** Notes that one line more, or less, has a text. */
  count(id: number, by: 1 | -1): void {
    this.#times[id] = this.timesOf(id) + by
    this.#characters += by * (this.textOf(id).length + 1)
    if (this.#nul.has(id)) this.#nulLines += by
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

  /** Whether the text of some line ends in a CR. */
  get endsInCr(): boolean {
    return this.#crLines > 0
  }
}
