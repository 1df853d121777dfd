import { Fault } from '../faults/fault.ts'
import { firstCharacters, firstSentence } from '../work-order/words.ts'
import type { Edit } from './edit.ts'

/** Why a block cannot be applied. */
export type BlockProblem = {
  edit: Edit
  /** The path at fault: that of the block, or the new one of a rename. */
  path: string
  reason: string
  /** The only thing wrong is that the order does not name the path. */
  outOfScope: boolean
  /** How the path may be meant. */
  hint?: string
}

/** What goes back to the model stays well below any context window. */
export const MAX_MESSAGE_CHARACTERS = 16_000
const SHOWN_CHARACTERS = 200

/**
 * The one fault for all problems of an answer: `change_out_of_scope` when nothing else is wrong, else `edits_rejected`
 * with a line per problem. Details: `count` of files or problems and the first `path`.
 */
export function rejection(problems: readonly [BlockProblem, ...BlockProblem[]]): Fault {
  const path = shownPath(problems[0].path)
  if (problems.every(({ outOfScope }) => outOfScope)) {
    const files = [...new Set(problems.map((problem) => `"${shownPath(problem.path)}"`))]
    const what = `The change touches what is outside files_in_scope: ${bounded(files, ', ')}.`
    const message = `${what} Widen the scope and approve the order again, or retry it.`
    return new Fault('change_out_of_scope', message, {
      count: files.length,
      path,
      for_model: [`${what} Leave it alone.`, ...new Set(problems.flatMap(({ hint }) => hint ?? []))]
        .slice(0, 4)
        .join(' '),
    })
  }
  const lines = problems.map((problem) => {
    const { block, kind, line } = problem.edit
    return `- block ${block} (${kind}, line ${line}) "${shownPath(problem.path)}": ${problem.reason}`
  })
  const count = `${problems.length} problem${problems.length === 1 ? '' : 's'}`
  const forModel = `The edits do not apply (${count}), so nothing was changed. Correct them and answer again with every block.\n${bounded(lines, '\n')}`
  const message = `The edits do not apply: ${inShort(problems)}.`
  return new Fault('edits_rejected', message, { count: problems.length, path, for_model: forModel })
}

/** Problems that people are told, and characters of one: what a model is told of each says how to correct it, at length. */
const MOST_TOLD = 3
const MOST_OF_PROBLEM = 200

function inShort(problems: readonly BlockProblem[]): string {
  const told = problems
    .slice(0, MOST_TOLD)
    .map(({ path, reason }) => firstCharacters(`"${shownPath(path)}": ${firstSentence(reason)}`, MOST_OF_PROBLEM))
  const more = problems.length > told.length ? [`${problems.length - told.length} more`] : []
  return [...new Set(told), ...more].join('; ')
}

function bounded(items: readonly string[], separator: string): string {
  let text = ''
  for (const [index, item] of items.entries()) {
    const longer = index === 0 ? item : `${text}${separator}${item}`
    if (index > 0 && longer.length > MAX_MESSAGE_CHARACTERS)
      return `${text}${separator}… and ${items.length - index} more`
    text = longer
  }
  return text
}

/** A path from an answer as it may stand in a message: bounded, without control characters. */
function shownPath(path: string): string {
  const visible = path.replace(/\p{Cc}/gu, '\ufffd')
  return visible.length > SHOWN_CHARACTERS ? `${visible.slice(0, SHOWN_CHARACTERS)}…` : visible
}
