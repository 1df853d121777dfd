import { StringDecoder } from 'node:string_decoder'

/** Which part of too long an output is kept: its beginning, its end, or half of each. */
export type KeptPart = 'head' | 'tail' | 'ends'

const FIRST_ALLOCATION_BYTES = 8 * 1024

/**
 * The bytes of a stream within a fixed bound, however much is written. Memory grows with what is written and stops at
 * `maxBytes`, also for a stream of single bytes.
 */
export class BoundedOutput {
  readonly #headBytes: number
  readonly #tailBytes: number
  #head: Buffer = Buffer.alloc(0)
  #headUsed = 0
  /** A ring: `#tailWritten` counts every byte that ever went in. */
  #tail: Buffer | null = null
  #tailWritten = 0

  constructor(maxBytes: number, keep: KeptPart) {
    this.#tailBytes = keep === 'head' ? 0 : keep === 'tail' ? maxBytes : Math.floor(maxBytes / 2)
    this.#headBytes = maxBytes - this.#tailBytes
  }

  write(chunk: Uint8Array): void {
    const forHead = Math.min(chunk.length, this.#headBytes - this.#headUsed)
    if (forHead > 0) this.#writeHead(chunk.subarray(0, forHead))
    if (forHead < chunk.length) this.#writeTail(chunk.subarray(forHead))
  }

  /** How many bytes between head and tail were not kept. */
  get droppedBytes(): number {
    return Math.max(0, this.#tailWritten - this.#tailBytes)
  }

  /** What was kept, head and tail joined without a mark. */
  bytes(): Buffer {
    return Buffer.concat([this.#head.subarray(0, this.#headUsed), this.#keptTail()])
  }

  /** What was kept as text; where bytes were dropped a line says how many, and no character is cut in two. */
  text(): string {
    if (this.droppedBytes === 0) return this.bytes().toString('utf8')
    const head = new StringDecoder('utf8').write(this.#head.subarray(0, this.#headUsed))
    const note = `[… ${this.droppedBytes} bytes left out …]`
    return `${head}${head === '' ? '' : '\n'}${note}\n${withoutCutCharacter(this.#keptTail()).toString('utf8')}`
  }

  #writeHead(chunk: Uint8Array): void {
    const needed = this.#headUsed + chunk.length
    if (needed > this.#head.length) {
      const size = Math.max(needed, this.#head.length * 2, FIRST_ALLOCATION_BYTES)
      const larger = Buffer.alloc(Math.min(size, this.#headBytes))
      this.#head.copy(larger, 0, 0, this.#headUsed)
      this.#head = larger
    }
    this.#head.set(chunk, this.#headUsed)
    this.#headUsed = needed
  }

  #writeTail(chunk: Uint8Array): void {
    const skipped = Math.max(0, chunk.length - this.#tailBytes)
    this.#tailWritten += skipped
    const kept = chunk.subarray(skipped)
    if (kept.length > 0) {
      this.#tail ??= Buffer.alloc(this.#tailBytes)
      const start = this.#tailWritten % this.#tailBytes
      const untilEnd = Math.min(kept.length, this.#tailBytes - start)
      this.#tail.set(kept.subarray(0, untilEnd), start)
      this.#tail.set(kept.subarray(untilEnd), 0)
    }
    this.#tailWritten += kept.length
  }

  #keptTail(): Buffer {
    if (this.#tail === null) return Buffer.alloc(0)
    if (this.#tailWritten <= this.#tailBytes) return this.#tail.subarray(0, this.#tailWritten)
    const start = this.#tailWritten % this.#tailBytes
    return Buffer.concat([this.#tail.subarray(start), this.#tail.subarray(0, start)])
  }
}

/** Drops the continuation bytes (10xxxxxx) of a UTF-8 character whose beginning was lost. */
function withoutCutCharacter(bytes: Buffer): Buffer {
  let start = 0
  while (start < 3 && start < bytes.length && (bytes.readUInt8(start) & 0xc0) === 0x80) start += 1
  return bytes.subarray(start)
}
