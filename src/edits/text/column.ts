import type { Effort } from '../effort.ts'
import { Numbers } from './numbers.ts'
import { NOWHERE, occurrences, type Places } from './occurrences.ts'

/** One number for each line of a file, in order, with how many lines have each. */
export class Column {
  readonly #numbers: Numbers
  readonly #times: number[] = []
  /** By how many places a line may have moved since the start, and of each number a place that no line with it is before. */
  #drift = 0
  readonly #lowest: number[] = []

  constructor(numbers: Int32Array) {
    this.#numbers = new Numbers(numbers)
    this.#count(numbers, 1)
    this.#place(numbers, 0)
  }

  get length(): number {
    return this.#numbers.length
  }

  at(index: number): number | undefined {
    return this.#numbers.at(index)
  }

  timesOf(number: number): number {
    return this.#times[number] ?? 0
  }

  slice(from?: number, to?: number): Int32Array {
    return this.#numbers.slice(from, to)
  }

  /** See `occurrences`. */
  occurrences(search: readonly (number | undefined)[], effort: Effort): Places {
    const known = search.filter((number) => number !== undefined)
    if (known.length < search.length) return NOWHERE
    const lines = {
      ids: this.#numbers,
      timesOf: (number: number) => this.timesOf(number),
      from: (number: number) => this.#from(number),
    }
    return occurrences(lines, known, effort)
  }

  /** Puts numbers in place of `count` others. */
  splice(at: number, count: number, numbers: Int32Array): void {
    this.#count(this.#numbers.slice(at, at + count), -1)
    this.#numbers.splice(at, count, numbers)
    this.#drift += Math.abs(numbers.length - count)
    this.#count(numbers, 1)
    this.#place(numbers, at)
  }

  #from(number: number): number {
    return Math.max(0, (this.#lowest[number] ?? 0) - this.#drift)
  }

  #place(numbers: Int32Array, at: number): void {
    for (let offset = 0; offset < numbers.length; offset += 1) {
      const number = Number(numbers[offset])
      const place = at + offset + this.#drift
      const known = this.#lowest[number]
      if (known === undefined || place < known) this.#lowest[number] = place
    }
  }

  #count(numbers: Int32Array, by: 1 | -1): void {
    for (const number of numbers) this.#times[number] = this.timesOf(number) + by
  }
}
