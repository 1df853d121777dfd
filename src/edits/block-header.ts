const VERBS = ['edit', 'write', 'delete', 'rename'] as const

export type BlockHeader = {
  verb: (typeof VERBS)[number]
  /** What stands after the verb, without spaces around it; may be empty. */
  rest: string
}

/** A line as a block header, `### verb path` at the start of the line; null for any other line. */
export function blockHeader(line: string): BlockHeader | null {
  const word = /^### +([a-z]+)(?:\s|$)/.exec(line)?.[1]
  const verb = VERBS.find((known) => known === word)
  if (verb === undefined) return null
  return { verb, rest: line.slice(line.indexOf(verb) + verb.length).trim() }
}

/**
 * What is wrong with a line that was meant as a block header and is none; null for prose.
 *
 * Passing over such a line would drop its block silently, while headings like `### What changed` are common in an
 * answer and harmless: a heading counts as meant when it is one word and then one path.
 */
export function headerProblem(line: string): string | null {
  const [start, lead, word] = /^(\s*#{1,6}\s*)([A-Za-z]+)\s/.exec(line) ?? []
  if (start === undefined || lead === undefined || word === undefined) return null
  const rest = line.slice(start.length).trim()
  const isRename = /^\S.* -> \S/.test(rest) && !/[\n\r\u2028\u2029]/.test(rest)
  if (rest === '' || (/\s/.test(rest) && !isRename)) return null
  const known = VERBS.some((verb) => verb === word)
  const pathLike = isRename || /[/`]|\.\w+$/.test(rest)
  if (/^### +$/.test(lead)) {
    if (known || !(pathLike || word === word.toLowerCase())) return null
    return `"${word.slice(0, 40)}" is no verb; the verbs are ${VERBS.join(', ')}, in lower case`
  }
  return known && pathLike ? 'a block header starts with exactly "### ", at the start of the line' : null
}

/** The path as it was meant: models like to put it in backticks. */
export function headerPath(text: string): string {
  const [, quoted] = /^`([^`]+)`$/.exec(text.trim()) ?? []
  return quoted === undefined ? text.trim() : quoted
}
