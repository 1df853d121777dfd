import { Fault } from '../faults/fault.ts'
import type { Mirror } from './mirror.ts'
import { fullSha } from './ref-names.ts'

/** What the content of an object is handed to, in pieces. */
export type ObjectReader = { write(bytes: Uint8Array): void; end(): void }

/**
 * Reads objects of the mirror with one git, piece by piece: none of them has to fit into memory.
 *
 * @param readerOf called for each id as its content begins, in order
 * @throws {Fault} `command_failed`, also when the mirror lacks one of them
 * @see https://git-scm.com/docs/git-cat-file#_batch_output
 */
export async function readObjects(
  mirror: Mirror,
  ids: readonly string[],
  { readerOf, signal }: { readerOf: (id: string) => ObjectReader; signal: AbortSignal },
): Promise<void> {
  if (ids.length === 0) return
  const batch = new Batch(readerOf)
  const input = ids.map((id) => `${fullSha(id)}\n`).join('')
  const limits = { maxOutputBytes: 0, keep: 'head' } as const
  await mirror.succeed(['cat-file', '--batch', '--buffer'], { signal, input, ...limits, onStdout: batch.take })
  if (batch.whole !== ids.length) {
    const message = `git read ${batch.whole} of ${ids.length} objects whole. Retry; the mirror may be damaged.`
    throw new Fault('command_failed', message)
  }
}

/** Takes apart `id SP type SP size LF`, the content, `LF`, for each object. An object that is missing ends it. */
class Batch {
  /** How many objects were read to their end. */
  whole = 0
  readonly #readerOf: (id: string) => ObjectReader
  #header = ''
  #reader: ObjectReader | null = null
  /** Of the content that is being read. */
  #missingBytes = 0
  #isBroken = false

  constructor(readerOf: (id: string) => ObjectReader) {
    this.#readerOf = readerOf
  }

  readonly take = (bytes: Uint8Array): void => {
    for (let at = 0; at < bytes.length && !this.#isBroken; ) {
      at +=
        this.#reader === null
          ? this.#takeHeader(bytes.subarray(at))
          : this.#takeContent(this.#reader, bytes.subarray(at))
    }
  }

  #takeHeader(bytes: Uint8Array): number {
    const end = bytes.indexOf(10)
    this.#header += Buffer.from(end === -1 ? bytes : bytes.subarray(0, end)).toString('latin1')
    if (end === -1) return bytes.length
    const [, id, size] = /^([0-9a-f]{40}) [a-z]+ (\d+)$/.exec(this.#header) ?? []
    this.#header = ''
    this.#isBroken = id === undefined
    if (id !== undefined) {
      this.#reader = this.#readerOf(id)
      this.#missingBytes = Number(size)
    }
    return end + 1
  }

  /** The content, and the line feed after it. */
  #takeContent(reader: ObjectReader, bytes: Uint8Array): number {
    const content = bytes.subarray(0, this.#missingBytes)
    if (content.length > 0) reader.write(content)
    this.#missingBytes -= content.length
    if (content.length === bytes.length) return content.length
    reader.end()
    this.#reader = null
    this.whole += 1
    return content.length + 1
  }
}
