import { reasonOf } from '../db/database-fault.ts'
import type { Log } from '../log.ts'

const FLUSH_MS = 250
const MAX_CHUNK = 8_192
const MAX_TOTAL = 262_144

/**
 * Collects the output of foreign programs into a few events instead of one per write. A line is made fit to be shown
 * before it is cut, and waits for its end if that is not too far: a secret in it is seen whole.
 *
 * @param write stores one piece, at most 8,192 characters; in order, one at a time
 * @param parts.shown makes a text fit to be shown
 */
export function createOutputLog(
  write: (text: string) => Promise<void>,
  { shown, log }: { shown: (text: string) => string; log: Log },
) {
  let pending = ''
  let total = 0
  let timer: NodeJS.Timeout | null = null
  let writing: Promise<void> = Promise.resolve()

  /** The live log is a best effort: a piece that cannot be stored ends no attempt. */
  function lost(error: unknown): void {
    log.warn({ reason: reasonOf(error) }, 'output of a program could not be stored')
  }

  function store(length: number): Promise<void> {
    if (timer !== null) clearTimeout(timer)
    timer = null
    const text = shown(pending.slice(0, length))
    pending = pending.slice(length)
    for (const piece of piecesOf(text)) writing = writing.then(() => write(piece)).catch(lost)
    return writing
  }

  return {
    /** Beyond 256 KiB the rest is dropped, with a note. */
    add(text: string): void {
      if (total > MAX_TOTAL) return
      total += text.length
      pending += total > MAX_TOTAL ? '\n… more output was dropped\n' : text
      timer ??= setTimeout(() => void store(endOfLines(pending)), FLUSH_MS)
    },
    /** Stores what is left. */
    flush: () => store(pending.length),
  }
}

/** Up to where a text is lines that have ended; all of it where the last line is longer than a piece. */
function endOfLines(text: string): number {
  const end = text.lastIndexOf('\n') + 1
  return text.length - end > MAX_CHUNK ? text.length : end
}

/** Parts of at most `MAX_CHUNK` characters, none of which begins or ends within one. */
function* piecesOf(text: string): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const last = text.charCodeAt(at + MAX_CHUNK - 1)
    const isHalf = last >= 0xd800 && last < 0xdc00
    const piece = text.slice(at, at + (isHalf ? MAX_CHUNK - 1 : MAX_CHUNK))
    yield piece
    at += piece.length
  }
}
