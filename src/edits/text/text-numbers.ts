import { randomInt } from 'node:crypto'

const FEWEST_SLOTS = 256
/** Of each process its own, so that no text can be made of lines that all fall into one slot. */
const SEED = randomInt(2 ** 32) | 0

/**
 * Texts as numbers from 0, in the order they came in. It is a table of plain numbers: a `Map` of strings takes more than
 * twice as long for twice as many, and twice the time of this one for those of a long file.
 */
export class TextNumbers {
  readonly #texts: string[] = []
  readonly #hashes: number[] = []
  /** The number of a text, and one, in the first free slot from its hash on; 0: the slot is free. At most half are taken. */
  #slots = new Int32Array(FEWEST_SLOTS)

  /** The number of a text; undefined: it never came in. */
  of(text: string): number | undefined {
    const known = Number(this.#slots[this.#slotOf(text, hashOf(text))])
    return known === 0 ? undefined : known - 1
  }

  /** The number of a text, a new one where it is new. */
  enter(text: string): number {
    const hash = hashOf(text)
    const slot = this.#slotOf(text, hash)
    const known = Number(this.#slots[slot])
    if (known !== 0) return known - 1
    this.#hashes.push(hash)
    const count = this.#texts.push(text)
    this.#slots[slot] = count
    if (count * 2 > this.#slots.length) this.#grow()
    return count - 1
  }

  textOf(number: number): string {
    return String(this.#texts[number])
  }

  get count(): number {
    return this.#texts.length
  }

  /** The slot of a text, or the free one where it belongs. */
  #slotOf(text: string, hash: number): number {
    const mask = this.#slots.length - 1
    let slot = hash & mask
    for (let known = Number(this.#slots[slot]); known !== 0; known = Number(this.#slots[slot])) {
      if (this.#hashes[known - 1] === hash && this.#texts[known - 1] === text) return slot
      slot = (slot + 1) & mask
    }
    return slot
  }

  #grow(): void {
    this.#slots = new Int32Array(this.#slots.length * 2)
    const mask = this.#slots.length - 1
    for (let number = 0; number < this.#hashes.length; number += 1) {
      let slot = Number(this.#hashes[number]) & mask
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
      this.#slots[slot] = number + 1
    }
  }
}

function hashOf(text: string): number {
  let hash = SEED
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x5bd1e995)
    hash ^= hash >>> 15
  }
  return hash
}
