import { type Answer, malformed } from './answer.ts'
import { blockHeader } from './block-header.ts'

/**
 * Reads the fenced lines after a `write` header. The body ends at the first line that is exactly the opening fence.
 *
 * @returns the lines of the file; none for an empty file
 * @throws {Fault} `edits_malformed` for a missing or unclosed fence, and for one that the content seems to contain too:
 *   the file would be cut there
 */
export function readFencedBody(answer: Answer, block: number): string[] {
  const fence = openingFence(answer, block)
  const opened = answer.line
  const body: string[] = []
  for (let line = answer.next(); line !== null; line = answer.next()) {
    if (line === fence) {
      refuseCutBody(answer, block, fence)
      return body
    }
    if (opensFence(line, fence)) throw malformed(block, answer.line, `a fence inside the file. ${LONGER}`)
    body.push(line)
  }
  throw malformed(block, opened, `the fence is never closed by a line "${fence}"`)
}

const LONGER = 'A file that contains fences needs a longer fence around it: one more character than the longest in it'

function openingFence(answer: Answer, block: number): string {
  const header = answer.line
  let line = answer.next()
  while (line !== null && line.trim() === '') line = answer.next()
  const [fence] = /^(?:`{3,100}|~{3,100})/.exec(line ?? '') ?? []
  if (fence === undefined || line?.includes('`', fence.length))
    throw malformed(block, header, 'a write block needs its content between two fences (````)')
  return fence
}

/** Whether a line opens a fence of the same length, which it shows by an info string. */
function opensFence(line: string, fence: string): boolean {
  return line.startsWith(fence) && /^\s*[^`~\s]/.test(line.slice(fence.length))
}

/** A bare fence after more text: the one that closed the body was the content's own. */
function refuseCutBody(answer: Answer, block: number, fence: string): void {
  let hasText = false
  let inFence = false
  for (const line of answer.ahead()) {
    if (blockHeader(line) !== null) return
    if (line === fence) {
      if (hasText && !inFence)
        throw malformed(block, answer.line, `it is unclear which fence closes the file. ${LONGER}`)
      inFence = false
    } else if (opensFence(line, fence)) {
      inFence = true
    } else if (line.trim() !== '') {
      hasText = true
    }
  }
}
