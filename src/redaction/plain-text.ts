import { stripVTControlCharacters } from 'node:util'

/** Begins a sequence that goes on until a terminator, such as the title of a window or a link. */
const OPEN = '\u001b]'
const TERMINATORS = ['\u0007', '\u001b\\', '\u009c']

/** Without colours, cursor movements and other control characters (a NUL cannot even be stored). */
export function plainText(text: string): string {
  return withoutSequences(text)
    .replaceAll('\r\n', '\n')
    .replaceAll('\r', '\n')
    .replace(/[^\P{Cc}\n\t]/gu, '')
    .toWellFormed()
}

/**
 * What Node makes of the text, in linear time: Node looks for the terminator of every sequence that is opened to the end
 * of the text. So what stands behind the last terminator is handed to it one opened sequence at a time.
 */
function withoutSequences(text: string): string {
  const end = Math.max(...TERMINATORS.map((terminator) => endOfLast(text, terminator)))
  const [unopened, ...opened] = text.slice(end).split(OPEN)
  const rest = opened.map((sequence) => stripVTControlCharacters(OPEN + sequence))
  return [stripVTControlCharacters(text.slice(0, end) + unopened), ...rest].join('')
}

/** Where the text goes on after the last of them; 0 where there is none. */
function endOfLast(text: string, part: string): number {
  const at = text.lastIndexOf(part)
  return at === -1 ? 0 : at + part.length
}
