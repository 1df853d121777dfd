import { reasonOf } from '../db/database-fault.ts'
import type { Log } from '../log.ts'

const FLUSH_MS = 250
const MAX_CHUNK = 8_192
const MAX_TOTAL = 262_144
/** Of a line without an end, what waits for what comes next: more characters than a secret has. */
const HELD_BACK = 4_096

/**
 * Collects the output of foreign programs into a few events instead of one per write. A line is made fit to be shown
 * before it is cut, and waits for its end if that is not too far; of a longer one the last part waits: a secret is seen whole,
 * wherever the program or a cut divides it.
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

  function store(endOf: (text: string) => number): Promise<void> {
    if (timer !== null) clearTimeout(timer)
    timer = null
    const text = shown(pending)
    const end = endOf(text)
    pending = text.slice(end)
    for (const piece of piecesOf(text.slice(0, end))) writing = writing.then(() => write(piece)).catch(lost)
    return writing
  }

  return {
    /** Beyond 256 KiB the rest is dropped, with a note. */
    add(text: string): void {
      if (total > MAX_TOTAL) return
      total += text.length
      pending += total > MAX_TOTAL ? '\n… more output was dropped\n' : text
      timer ??= setTimeout(() => void store(endOfLines), FLUSH_MS)
    },
    /** Stores what is left. */
    flush: () => store((text) => text.length),
  }
}

/** Up to where a text is lines that have ended; where the last line is longer than a piece, up to what is held back. */
function endOfLines(text: string): number {
  const end = text.lastIndexOf('\n') + 1
  if (text.length - end <= MAX_CHUNK) return end
  const cut = text.length - HELD_BACK
  const last = text.charCodeAt(cut - 1)
  return last >= 0xd800 && last < 0xdc00 ? cut - 1 : cut
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
