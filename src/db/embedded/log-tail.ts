import { open } from 'node:fs/promises'
import { isMissing } from '../../faults/error-code.ts'

const TAIL_BYTES = 2_000
const TAIL_LINES = 5

/** The last lines of the server's log as one line for a message; it holds no statements and no row contents. */
export async function logTail(logFile: string): Promise<string> {
  try {
    await using file = await open(logFile, 'r')
    const { size } = await file.stat()
    const length = Math.min(size, TAIL_BYTES)
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length)
    const lines = buffer
      .toString('utf8')
      .split('\n')
      .map((line) => line.trim())
    return lines
      .filter((line) => line !== '')
      .slice(-TAIL_LINES)
      .join(' | ')
  } catch (error) {
    if (isMissing(error)) return '(none)'
    throw error
  }
}
