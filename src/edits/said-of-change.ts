import { Fault } from '../faults/fault.ts'
import { parseAnswer } from './parse-edits.ts'

/** Of the prose of an answer that is looked at. */
const MOST_CHARACTERS = 4_000
/** A paragraph of fewer words, such as "Done.", says nothing of the change. */
const FEWEST_WORDS = 4

/**
 * What a model says of its own change: the first paragraph outside of the blocks of its answer, as one line without the marks
 * of headings, lists and emphasis. Linear.
 *
 * @returns null where it says nothing, or the answer is not of the edit format
 */
export function saidOfChange(content: string): string | null {
  const paragraphs = proseOf(content)
    .slice(0, MOST_CHARACTERS)
    .split(/\n{2,}/)
    .map(asOneLine)
  const said = paragraphs.find((text) => text.split(' ').length >= FEWEST_WORDS)
  return said === undefined ? null : said
}

function proseOf(content: string): string {
  try {
    const { prose } = parseAnswer(content)
    return prose.map((line) => line.trim()).join('\n')
  } catch (error) {
    if (error instanceof Fault) return ''
    throw error
  }
}

/** Headings, rules, fences and rows of tables are passed over, and so is a sentence that only leads on to a block. */
function asOneLine(paragraph: string): string {
  const lines = paragraph.split('\n').filter((line) => !/^(?:#{1,6} |`{3}|~{3}|\||[-=*_]{3,}$)/.test(line))
  const text = lines
    .map((line) => line.replace(/^(?:[-*+>]|\d{1,3}[.)]) +/, ''))
    .join(' ')
    .replaceAll(/\*\*|__(?=\w)|(?<=\w)__/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
  return text.endsWith(':') ? text.slice(0, lastSentenceEnd(text)) : text
}

function lastSentenceEnd(text: string): number {
  return Math.max(text.lastIndexOf('. '), text.lastIndexOf('! '), text.lastIndexOf('? ')) + 1
}
