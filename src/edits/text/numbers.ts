/** Of numbers in a row. */
const PIECE = 1024

/** Numbers in order, in pieces, so that some can be put in anywhere without a move of all behind them. */
export class Numbers {
  #pieces: Int32Array[]
  /** Index of the first number of each piece. */
  #starts: number[] = []
  #length = 0

  constructor(numbers: Int32Array) {
    this.#pieces = cut(numbers)
    this.#countFrom(0)
  }

  get length(): number {
    return this.#length
  }

  at(index: number): number | undefined {
    const piece = this.#pieceOf(index)
    return this.#pieces[piece]?.[index - Number(this.#starts[piece])]
  }

  /** Index of the first of a number from an index on; -1: there is none. */
  indexOf(number: number, from: number): number {
    for (let piece = this.#pieceOf(from); piece < this.#pieces.length; piece += 1) {
      const start = Number(this.#starts[piece])
      const at = Number(this.#pieces[piece]?.indexOf(number, Math.max(0, from - start)))
      if (at !== -1) return start + at
    }
    return -1
  }

  slice(from = 0, to = this.#length): Int32Array {
    const end = Math.min(to, this.#length)
    const numbers = new Int32Array(Math.max(0, end - from))
    for (let piece = this.#pieceOf(from), at = from; at < end; piece += 1) {
      const start = Number(this.#starts[piece])
      const part = this.#wholePiece(piece).subarray(at - start, end - start)
      numbers.set(part, at - from)
      at += part.length
    }
    return numbers
  }

  /** Puts numbers in place of `count` others. */
  splice(at: number, count: number, numbers: Int32Array): void {
    const first = this.#pieceOf(at)
    const last = this.#pieceOf(Math.max(at, at + count - 1))
    const start = this.#starts[first] ?? 0
    const [head, tail] = [this.slice(start, at), this.slice(at + count, start + this.#lengthOf(first, last))]
    const joined = new Int32Array(head.length + numbers.length + tail.length)
    joined.set(head)
    joined.set(numbers, head.length)
    joined.set(tail, head.length + numbers.length)
    this.#pieces = this.#pieces.toSpliced(first, last - first + 1, ...cut(joined))
    this.#countFrom(first)
  }

  #wholePiece(piece: number): Int32Array {
    return this.#pieces[piece] ?? new Int32Array(0)
  }

  #lengthOf(first: number, last: number): number {
    let length = 0
    for (let piece = first; piece <= last; piece += 1) length += this.#wholePiece(piece).length
    return length
  }

  /** The piece an index is in; the last one for those behind the end. */
  #pieceOf(index: number): number {
    let [low, high] = [0, this.#starts.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (Number(this.#starts[middle]) <= index) low = middle
      else high = middle - 1
    }
    return Math.max(0, low)
  }

  #countFrom(first: number): void {
    this.#starts.length = Math.min(first, this.#starts.length)
    this.#length = this.#starts.length === 0 ? 0 : Number(this.#starts.at(-1)) + this.#wholePiece(first - 1).length
    for (const piece of this.#pieces.slice(first)) {
      this.#starts.push(this.#length)
      this.#length += piece.length
    }
  }
}

function cut(numbers: Int32Array): Int32Array[] {
  if (numbers.length <= 2 * PIECE) return numbers.length === 0 ? [] : [numbers]
  return Array.from({ length: Math.ceil(numbers.length / PIECE) }, (_, index) =>
    numbers.slice(index * PIECE, (index + 1) * PIECE),
  )
}
