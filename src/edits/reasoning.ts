import { Fault } from '../faults/fault.ts'
import { AnswerOutline, type HeldPlace, hasTags, type Stretch, type Tag } from './answer-outline.ts'
import { areDrafts } from './drafts.ts'

/** Where reasoning began that has not ended yet. */
type Reasoning = {
  at: number
  tag: Tag
  /** Whether nothing but it stands before or after it in its line. */
  atEdge: boolean
  /** Whether nothing stands before it in its line. */
  first: boolean
  /** Whether edits stand in it. */
  edits: boolean
}

/**
 * An answer without what the model thought before it: what stands between tags such as `<think>` and `</think>`, or
 * before an end whose begin the server has left out. Such tags in SEARCH/REPLACE pairs, in files and in fences without
 * edits are text of files and stay, as do those in quotes or backticks. It takes time linear in the answer.
 *
 * @returns the text itself where it has no reasoning; else without blank lines at its start
 * @throws {Fault} `reasoning_unclear` naming the line (`line`, from 1), where edits would be applied or dropped on a guess
 */
export function withoutReasoning(text: string): string {
  return hasTags(text) ? new Reader(text).read() : text
}

class Reader {
  readonly #text: string
  readonly #outline: AnswerOutline
  /** The stretches, or what is left of them, that are the answer so far. */
  #kept: string[] = []
  /** The last stretch that was kept up to its end. */
  #lastWhole = -1
  #reasoning: Reasoning | null = null
  #hasCut = false
  /** The first end of reasoning in a file. */
  #endInFile: number | null = null
  /** Fences around edits that are open. */
  readonly #fences: string[] = []
  /** How often the reasoning's tag was begun in this line to name it. */
  #named = 0
  /** Whether a tag has been seen, also one in the text of a file. */
  #sawTag = false
  /** Whether the answer so far has edits; whether it has them or a fence. */
  #edits = false
  #content = false

  constructor(text: string) {
    this.#text = text
    this.#outline = new AnswerOutline(text)
  }

  read(): string {
    const { stretches } = this.#outline
    for (let at = 0; at < stretches.length; at += 1) {
      const held = this.#heldHere(at)
      if (held !== null) {
        this.#pass(at, held)
        at = held.last
      } else {
        this.#readStretch(at)
      }
    }
    this.#endOpen()
    if (this.#endInFile !== null && this.#fences.length > 0)
      throw this.#unclear(this.#endInFile, 'an end of reasoning stands in a file, and a fence around it is not closed')
    return this.#hasCut ? this.#kept.join('').replace(/^\s*\n/, '') : this.#text
  }

  /** Text of a file that stays as it is. Fences in reasoning are often left open, and nothing needs them there. */
  #heldHere(at: number): HeldPlace | null {
    const held = this.#outline.held(at)
    if (held === null || (held.kind === 'fence' && this.#reasoning !== null)) return null
    if (held.kind === 'fence' && this.#closesFence(at)) return null
    if (held.kind === 'fence' || !this.#outline.hasHeader(at, held)) return held
    if (this.#reasoning !== null) return this.#outline.endIn(at, held) === null ? held : null
    const end = this.#outline.strayEnd(at, held)
    if (end === null) return held
    throw this.#unclear(end, 'an end of reasoning stands in a file or a pair that holds a header too')
  }

  #pass(at: number, held: HeldPlace): void {
    const isFence = held.kind === 'fence'
    if (this.#reasoning !== null) {
      this.#reasoning.edits = true
      return
    }
    const stray = this.#outline.strayEnd(at, held)
    if (stray !== null && isFence && this.#edits) throw this.#unclear(stray, 'reasoning ends in a fence, after edits')
    if (held.kind === 'file' && this.#endInFile === null) this.#endInFile = this.#outline.endIn(at, held)
    for (let index = at; index <= held.last; index += 1) this.#keep(index)
    this.#sawTag ||= this.#outline.hasTags(at, held)
    this.#edits ||= !isFence
    this.#content = true
  }

  #readStretch(at: number): void {
    const { tag, look, joined } = this.#stretch(at)
    const edits = look === 'header' || look === 'search'
    if (!joined) this.#named = 0
    if (this.#reasoning !== null) {
      this.#reasoning.edits ||= edits
      if (tag !== null) this.#readInReasoning(at, tag, this.#reasoning)
      return
    }
    if (look === 'fence') this.#passFence(at)
    this.#edits ||= edits
    this.#content ||= edits || look === 'fence'
    if (tag === null || (look === 'header' && !tag.ends)) this.#keep(at)
    else if (tag.ends) this.#endOfUnopened(at, tag)
    else this.#begin(at, tag)
  }

  #passFence(at: number): void {
    if (this.#closesFence(at)) this.#fences.pop()
    else this.#fences.push(this.#stretch(at).mark)
  }

  #closesFence(at: number): boolean {
    const { mark, text } = this.#stretch(at)
    return text.trimEnd() === mark && this.#fences.at(-1) === mark
  }

  #begin(at: number, tag: Tag): void {
    const { text } = this.#stretch(at)
    const first = this.#startsLine(at, tag)
    if (text.slice(0, tag.from).trim() !== '') this.#keep(at, 0, tag.from)
    this.#reasoning = { at, tag, first, atEdge: first || this.#endsLine(at), edits: false }
    this.#sawTag = true
  }

  /** An end of a begin in its own line only names the two. */
  #readInReasoning(at: number, tag: Tag, reasoning: Reasoning): void {
    if (tag.name !== reasoning.tag.name) return
    if (!tag.ends || this.#named > 0) {
      this.#named += tag.ends ? -1 : 1
      return
    }
    const { atEdge, first, edits } = reasoning
    if (edits && !(atEdge && (this.#startsLine(at, tag) || this.#endsLine(at))))
      throw this.#unclear(at, 'edits stand between two tags that stand within lines')
    const inOneLine = this.#stretch(reasoning.at).line === this.#stretch(at).line
    if (this.#edits && !first && !(inOneLine && !this.#endsLine(at)))
      throw this.#unclear(at, 'reasoning ends here that began within a line, after edits')
    this.#reasoning = null
    this.#hasCut = true
  }

  /** All before an end is reasoning where its begin was left out: the prompt of some servers holds it. */
  #endOfUnopened(at: number, tag: Tag): void {
    const goesOn = at < this.#outline.lastWord
    const mayCut = !this.#content || (!this.#sawTag && goesOn && this.#startsLine(at, tag))
    if (this.#content && mayCut && !areDrafts(this.#outline, at))
      throw this.#unclear(at, 'reasoning ends here, and whole edits stand before that none behind it replaces')
    if (!mayCut) throw this.#unclear(at, 'reasoning ends here, and edits that may belong to it stand before')
    this.#kept = []
    this.#endInFile = null
    this.#fences.length = 0
    this.#hasCut = this.#sawTag = true
    this.#edits = this.#content = false
  }

  /** A tag that is never closed is a mere name where nothing hangs on it. */
  #endOpen(): void {
    if (this.#reasoning === null) return
    const { at, tag, first, edits } = this.#reasoning
    if (first || edits) throw this.#unclear(at, 'reasoning begins here and never ends')
    // What stands before it in its line is kept already.
    this.#keep(at, tag.from)
    for (let index = at + 1; index < this.#outline.stretches.length; index += 1) this.#keep(index)
  }

  #keep(at: number, from = 0, to?: number): void {
    const { text, joined } = this.#stretch(at)
    const goesOn = this.#kept.length === 0 || from > 0 || (joined && this.#lastWhole === at - 1)
    if (to === undefined) this.#lastWhole = at
    this.#kept.push(`${goesOn ? '' : '\n'}${text.slice(from, to)}`)
  }

  /** A line of the answer, or of what is left of it. */
  #startsLine(at: number, tag: Tag): boolean {
    const { text, joined } = this.#stretch(at)
    return !(joined && this.#lastWhole === at - 1) && text.slice(0, tag.from).trim() === ''
  }

  /** Also where the answer begins right after it. */
  #endsLine(at: number): boolean {
    const next = this.#outline.stretches[at + 1]
    return next?.joined !== true || next.look === 'header'
  }

  #stretch(at: number): Stretch {
    const stretch = this.#outline.stretches[at]
    if (stretch === undefined) throw new RangeError(`there is no stretch ${at}`)
    return stretch
  }

  #unclear(at: number, why: string): Fault {
    const { line } = this.#stretch(at)
    const message = `It cannot be told what of the answer is reasoning (line ${line}: ${why}), so nothing of it counts.`
    const forModel =
      `${message} Answer with the edits alone, without tags of reasoning; where words have to name such a tag, put it in ` +
      'backticks.'
    return new Fault('reasoning_unclear', message, { line, for_model: forModel })
  }
}
