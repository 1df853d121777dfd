import { spelt, withoutHidden } from './hidden-text.ts'

const ZERO_WIDTH_SPACE = '\u200b'

/**
 * Foreign text as it may stand in a pull request or a commit: it mentions no account, refers to and closes no issue, skips no
 * checks, commands no bot, adds no trailer, and brings no HTML and no images. Readers see the same words. Linear.
 *
 * @see https://docs.github.com/en/actions/how-tos/manage-workflow-runs/skip-workflow-runs
 * @see https://docs.github.com/en/issues/tracking-your-work-with-issues/using-issues/linking-a-pull-request-to-an-issue
 * @see https://docs.gitlab.com/ci/pipelines/#skip-a-pipeline
 * @see https://learn.microsoft.com/en-us/azure/devops/pipelines/repos/github#skipping-ci-for-individual-pushes
 */
export function neutralised(text: string): string {
  return withoutCommands(text)
    .replace(/&(?=#?\w{1,40};)/g, `&${ZERO_WIDTH_SPACE}`)
    .replace(/[@#](?=[\w-])/g, (mark) => mark + ZERO_WIDTH_SPACE)
    .replace(/!(?=\[)/g, `!${ZERO_WIDTH_SPACE}`)
    .replace(/<(?=[a-z/?])/gi, `<${ZERO_WIDTH_SPACE}`)
    .replace(/^([ \t]{0,20})\/(?=[a-z])/gim, `$1/${ZERO_WIDTH_SPACE}`)
}

/** What acts from within code as well, because a merge may make the text of a pull request the message of a commit. */
function withoutCommands(text: string): string {
  return text
    .replace(CLOSING, spread)
    .replace(/#(?=\d)/g, `#${ZERO_WIDTH_SPACE}`)
    .replace(/(?<![a-z0-9])GH-(?=\d)/gi, (word) => word + ZERO_WIDTH_SPACE)
    .replace(ADDRESS_OF_ISSUE, (address) => address + ZERO_WIDTH_SPACE)
    .replace(/\[(?=[\w .-]{0,40}\b(?:skip|no|ignore)\b[\w .-]{0,40}\])/gi, `[${ZERO_WIDTH_SPACE}`)
    .replace(/\*\*\*(?=NO_CI)/gi, `***${ZERO_WIDTH_SPACE}`)
    .replace(/\bskip-checks(?=\s*:)/gi, spread)
    .replace(/\b(?:(?:[a-z]{1,20}-){1,3}by|work-order|on-behalf-of)(?=\s{0,10}:)/gi, spread)
    .replace(/<(?=!)/g, `<${ZERO_WIDTH_SPACE}`)
}

/** Before its number; an address refers to an issue as `#1` does, of any repository. */
const ADDRESS_OF_ISSUE = /:\/\/[^\s/]{1,100}(?:\/[\w.-]{1,100}){2}\/(?:issues|pulls?|discussions)\/(?=\d)/gi

/** A word that closes an issue, before one: marks may stand around either. */
const CLOSING =
  /(?<![a-z0-9])(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)(?=[*_~:"')\]]{0,6}\s+[*_~<("'[]{0,6}(?:#\d|https?:|[\w.-]{1,100}\/))/gi

function spread(word: string): string {
  return word.slice(0, 1) + ZERO_WIDTH_SPACE + word.slice(1)
}

/**
 * Foreign text as words of a paragraph: neutralised, on one line, without what its reader does not see or is misled by, and
 * without markup but code. Nothing of it passes for a heading, a list, a table, a link or words in bold.
 */
export function asWords(text: string): string {
  return neutralised(withoutHidden(text).replaceAll(/\s+/g, ' ').trim())
    .replace(CODE_OR_MARK, (part) => (part.length > 1 ? part : `\\${part}`))
    .replace(/^(?=[>#+=|-])/, '\\')
    .replace(/^(\d{1,9})(?=[.)])/, '$1\\')
}

/** Code between single backticks, which may not be longer; else a character that could be a mark. */
const CODE_OR_MARK = /(?<!`)`[^`]{1,200}`(?!`)|[\\`*[\]~|]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu

/**
 * Text of several lines as a quotation, so that no heading, fence or table in it can pass for a part of what stands around
 * it.
 */
export function quoted(text: string): string {
  return text
    .split(/\r\n|\r|\n/)
    .map((line) => `> ${line}`.trimEnd())
    .join('\n')
}

/**
 * Code that no run of backticks inside it can end early.
 *
 * @param language of a block; null makes an inline span, in which what readers do not see is spelt
 */
export function fenced(language: string | null, code: string): string {
  if (language === null) return span(withoutCommands(spelt(code)))
  const fence = '`'.repeat(Math.max(3, longestRun(code) + 1))
  return `${fence}${language}\n${code}\n${fence}`
}

function span(code: string): string {
  const longest = longestRun(code)
  const ticks = '`'.repeat(longest + 1)
  const pad = longest === 0 ? '' : ' '
  return ticks + pad + code + pad + ticks
}

function longestRun(code: string): number {
  let longest = 0
  for (const [run] of code.matchAll(/`+/g)) longest = Math.max(longest, run.length)
  return longest
}

const SHORTENED = '… (shortened)'

/**
 * The first lines of a text, with a note where some are missing, and with every code fence closed. Of a first line that is too
 * long there is the beginning. With all of that it has at most 50 characters more.
 */
export function clipped(text: string, maxLength: number): string {
  const whole = closed(firstLines(text, maxLength))
  // What closes a fence may be as long as the rest.
  return whole.length <= maxLength + 50 ? whole : SHORTENED
}

function firstLines(text: string, maxLength: number): string[] {
  const lines: string[] = []
  let length = 0
  for (const line of text.split('\n')) {
    length += line.length + 1
    if (length > maxLength) return [...(lines.length === 0 ? [begun(line, maxLength)] : lines), '', SHORTENED]
    lines.push(line)
  }
  return lines
}

/** No half of a character is left at its end. */
function begun(line: string, maxLength: number): string {
  return line.slice(0, maxLength).replace(/[\ud800-\udbff]$/, '')
}

/** An open fence would swallow everything below it. */
function closed(lines: readonly string[]): string {
  let open: string | null = null
  for (const line of lines) {
    const fence: string | undefined = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1]
    if (fence === undefined) continue
    if (open === null) open = fence
    else if (fence.startsWith(open) && line.trim() === fence) open = null
  }
  return open === null ? lines.join('\n') : [...lines, open].join('\n')
}
