import { Fault } from '../../errors.ts'

const SEARCH = /^<{5,9} SEARCH>?\s*$/
const FENCE = /^\s*`{3,}/

/**
 * Why an answer must not reach Aider: it names a file outside of the tree for an edit. Aider would create that file,
 * empty, before git refuses it. Null: it names none.
 *
 * A name is looked for where Aider looks: in up to three lines above a SEARCH marker, as far as they are fences.
 */
export function refuseForeignPath(answer: string): Fault | null {
  const lines = answer.split('\n')
  for (const [index, line] of lines.entries()) {
    if (!SEARCH.test(line.trim())) continue
    const foreign = namesAbove(lines.slice(Math.max(0, index - 3), index)).find(isForeign)
    if (foreign === undefined) continue
    const message = `The model names a file outside of the repository: ${foreign.slice(0, 200)}`
    return new Fault('aider_out_of_scope', message, { path: foreign.slice(0, 200) })
  }
  return null
}

function namesAbove(lines: readonly string[]): string[] {
  const names: string[] = []
  for (const line of lines.toReversed()) {
    names.push(line.replace(/^[\s`#*]+|[\s`*:]+$/g, ''))
    if (!FENCE.test(line)) break
  }
  return names
}

/** Absolute, in a home folder, on a drive, or climbing; also behind the language of a fence (`python ../x`). */
function isForeign(name: string): boolean {
  return /(^|\s)(\/|~|[A-Za-z]:[\\/])|(^|[\s\\/])\.\.([\\/]|$)/.test(name)
}
