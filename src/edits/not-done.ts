import { Fault } from '../faults/fault.ts'
import { AnswerLines } from './answer/answer-lines.ts'
import { exactHeader } from './answer/headings.ts'
import { fenceOf, markerOf } from './answer/line-shapes.ts'
import { startsDiff } from './answer/read-diff.ts'
import { startsPatch } from './answer/read-patch.ts'

/** A comment of a review that an answer does not carry out, by its number from 1. */
export type NotDone = { comment: number; reason: string }

/** How an answer is to say it, in a line of its own. */
export const NOT_DONE_FORM = 'Comment 2: not done: REASON'

const FORM = /^(?:[-*] )?Comment ([1-9]\d{0,2}): not done: (\S.*)$/
const MOST_OF_REASON = 500

/** Whether a line of words says that a comment is not carried out. What its reason says of files is no change. */
export function isNotDone(line: string): boolean {
  return FORM.test(line)
}

/**
 * What an answer says before its first block that it does not carry out, each comment once. Linear.
 *
 * @param comments how many there are; other numbers are passed over
 */
export function notDoneIn(answer: string, comments: number): NotDone[] {
  const found = new Map<number, NotDone>()
  for (const line of linesBeforeBlocks(answer)) {
    const [, number, reason] = FORM.exec(line) ?? []
    const comment = Number(number)
    if (reason === undefined || comment > comments || found.has(comment)) continue
    found.set(comment, { comment, reason: cut(reason) })
  }
  return [...found.values()].toSorted((a, b) => a.comment - b.comment)
}

/** What was found, as an answer says it. */
export function notDoneText(all: readonly NotDone[]): string {
  return all.map(({ comment, reason }) => `Comment ${comment}: not done: ${reason}`).join('\n')
}

function linesBeforeBlocks(answer: string): readonly string[] {
  try {
    const lines = new AnswerLines(answer)
    const first = lines.all.findIndex((line, at) => {
      if (exactHeader(line) !== null || fenceOf(line) !== null || markerOf(line) !== null) return true
      return startsDiff(lines, at) || startsPatch(line)
    })
    return first === -1 ? lines.all : lines.all.slice(0, first)
  } catch (error) {
    // What is no answer says nothing.
    if (error instanceof Fault) return []
    throw error
  }
}

function cut(reason: string): string {
  const line = reason.replaceAll(/\s+/g, ' ').trim()
  return line.length > MOST_OF_REASON ? `${line.slice(0, MOST_OF_REASON).toWellFormed()}…` : line
}
