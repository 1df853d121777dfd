import { plainText } from '../redaction/plain-text.ts'

/** Kept while a check runs; escape sequences and control characters come off at the end. */
const RAW_CHARACTERS = 64 * 1024

/** Characters that a secret may have. */
const LONGEST_SECRET = 512

const NOTE = '[… earlier output left out …]\n'

/** The end of a check's output as plain text. */
export class OutputTail {
  #raw = ''
  #cut = false

  add(text: string): void {
    this.#raw += text
    // Not at every piece: a program may print one character at a time.
    if (this.#raw.length > 2 * RAW_CHARACTERS) this.#shorten()
  }

  /** The last lines, valid UTF-8 of at most `maxBytes`; a first line that says so where something was left out. */
  read(maxBytes: number): string {
    this.#shorten()
    const text = plainText(this.#raw).trimEnd()
    if (!this.#cut && Buffer.byteLength(text) <= maxBytes) return text
    const tail = lastBytes(text, maxBytes - Buffer.byteLength(NOTE))
    const firstLine = tail.indexOf('\n')
    // Where no line begins, what the cut may have left of a secret, which nothing could recognise, goes too.
    return NOTE + (firstLine === -1 ? tail.slice(LONGEST_SECRET) : tail.slice(firstLine + 1))
  }

  #shorten(): void {
    this.#cut ||= this.#raw.length > RAW_CHARACTERS
    this.#raw = this.#raw.slice(-RAW_CHARACTERS)
  }
}

function lastBytes(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text)
  let start = Math.max(0, bytes.length - maxBytes)
  while (start < bytes.length && (bytes.readUInt8(start) & 0xc0) === 0x80) start += 1
  return bytes.subarray(start).toString('utf8')
}

/** Whether an output is not there from its beginning on. @param output as `OutputTail.read` gives it */
export function isCut(output: string): boolean {
  return output.startsWith(NOTE)
}

const TOLD_LINES = 12

/**
 * The useful part of what a check printed, as the end of a message.
 *
 * @param told as `FailureExcerpt.read` gives it; missing: an older Moose has run it
 */
export function toldPart({ told, outputTail }: { told?: string | undefined; outputTail: string }): string {
  if (told === undefined) return toldEnd(outputTail)
  return told === '' ? 'It printed nothing.' : `What failed:\n${told}`
}

/** The end of what a check or a set-up printed, as the end of a message. @param output as `OutputTail.read` gives it */
export function toldEnd(output: string): string {
  if (output.trim() === '') return 'It printed nothing.'
  return `Its last lines:\n${output.trimEnd().split('\n').slice(-TOLD_LINES).join('\n')}`
}
