import { reasonOf } from '../db/database-fault.ts'
import type { Log } from '../log.ts'

const FLUSH_MS = 250
const MAX_CHUNK = 8_192
const MAX_TOTAL = 262_144

/**
 * Collects the output of foreign programs into a few events instead of one per write.
 *
 * @param write stores one piece, at most 8 KiB; in order, one at a time
 */
export function createOutputLog(write: (text: string) => Promise<void>, log: Log) {
  let pending = ''
  let total = 0
  let timer: NodeJS.Timeout | null = null
  let writing: Promise<void> = Promise.resolve()

  /** The live log is a best effort: a piece that cannot be stored ends no attempt. */
  function lost(error: unknown): void {
    log.warn({ reason: reasonOf(error) }, 'output of a program could not be stored')
  }

  function flush(): Promise<void> {
    if (timer !== null) clearTimeout(timer)
    timer = null
    const text = pending
    pending = ''
    for (let at = 0; at < text.length; at += MAX_CHUNK) {
      const piece = text.slice(at, at + MAX_CHUNK)
      writing = writing.then(() => write(piece)).catch(lost)
    }
    return writing
  }

  return {
    /** Beyond 256 KiB the rest is dropped, with a note. */
    add(text: string): void {
      if (total > MAX_TOTAL) return
      total += text.length
      pending += total > MAX_TOTAL ? '\n… more output was dropped\n' : text
      timer ??= setTimeout(() => void flush(), FLUSH_MS)
    },
    /** Stores what is left. */
    flush,
  }
}
