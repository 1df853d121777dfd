import { Fault } from '../faults/fault.ts'
import { isInScope, pathProblem } from '../work-order/scope.ts'
import { firstCharacters, firstSentence } from '../work-order/words.ts'
import type { Edit, Replacement } from './edit.ts'
import type { EditedText } from './edited-text.ts'
import { EditedTree, type FileChange, type ReadFile } from './edited-tree.ts'
import { Effort } from './effort.ts'
import type { Places } from './occurrences.ts'
import { similarLines } from './similar-lines.ts'

/** Why a block cannot be applied; none: it was. */
type Reasons = readonly string[]

/** Problems past this many are named without the lines most like a failed SEARCH: finding those takes time. */
const EXPLAINED_PROBLEMS = 10

/**
 * Applies edits, in their order, to a tree in memory. All or nothing.
 *
 * - SEARCH must occur exactly once, as whole lines with exact text, in the file as the edits before left it. How a
 *   replacement is put in, down to line endings and the final newline, is the rule of `EditedText.replace`.
 * - `write` over a text file keeps its byte order mark, its dominant line ending and whether it ends in a newline; a
 *   new file, or one that was empty, gets LF and a final newline. A body without lines empties the file.
 * - A file that is binary or not UTF-8 can be deleted and renamed, nothing else.
 *
 * @param options.read content of the base tree; null when there is no file. A Fault `scope_unreadable` from it (a
 *   symlink, a submodule) becomes a problem of the block
 * @param options.scope the order's `files_in_scope`
 * @returns the files whose bytes differ from the base, sorted by path; at least one
 * @throws {Fault} `edits_rejected` with the first problems, and in `for_model` every problem of every block,
 *   `change_out_of_scope` when all that is wrong is paths outside the scope; details `count` and `path`, the first.
 *   `change_without_effect` when the edits leave every byte as it was
 */
export async function applyEdits(
  edits: readonly Edit[],
  options: { read: ReadFile; scope: readonly string[] },
): Promise<FileChange[]> {
  const effort = new Effort()
  const tree = new EditedTree(options.read, effort)
  const problems: BlockProblem[] = []
  for (const edit of edits) {
    const refused = refusedPaths(edit, options.scope)
    const reasons =
      refused.length > 0 ? [] : await tryEdit(tree, edit, { effort, explain: problems.length < EXPLAINED_PROBLEMS })
    problems.push(...refused, ...reasons.map((reason) => ({ edit, path: edit.path, reason, outOfScope: false })))
  }
  const [first, ...rest] = problems
  if (first !== undefined) throw rejection([first, ...rest])
  const changes = tree.changes()
  if (changes.length === 0) {
    const message = 'The edits leave every file as it was.'
    throw new Fault('change_without_effect', message, {
      for_model: `${message} Answer with edits that change something.`,
    })
  }
  return changes
}

function refusedPaths(edit: Edit, scope: readonly string[]): BlockProblem[] {
  const paths = edit.kind === 'rename' ? [edit.path, edit.to] : [edit.path]
  return paths.flatMap((path) => {
    const refusal = pathRefusal(path, scope)
    return refusal === null ? [] : [{ edit, path, ...refusal }]
  })
}

/** How much is done to find and to explain what is not found. */
type Search = { effort: Effort; explain: boolean }

/** What the tree refuses to read is the block's problem; any other failure is not the answer's. */
async function tryEdit(tree: EditedTree, edit: Edit, how: Search): Promise<Reasons> {
  try {
    return await applyEdit(tree, edit, how)
  } catch (thrown) {
    if (thrown instanceof Fault && thrown.code === 'scope_unreadable') return [`cannot be touched: ${thrown.message}`]
    throw thrown
  }
}

async function applyEdit(tree: EditedTree, edit: Edit, how: Search): Promise<Reasons> {
  switch (edit.kind) {
    case 'edit':
      return editFile(tree, edit, how)
    case 'write':
      return changeText(tree, edit.path, (text) => {
        text.replaceAll(edit.body)
        return []
      })
    case 'delete':
      return deleteFile(tree, edit.path)
    case 'rename':
      return renameFile(tree, edit.path, edit.to)
  }
}

async function editFile(tree: EditedTree, edit: Extract<Edit, { kind: 'edit' }>, how: Search): Promise<Reasons> {
  const missing = (await tree.get(edit.path)) === null
  if (missing && edit.replacements[0]?.search.length !== 0) {
    return ['does not exist. To create it, use a write block; to edit it elsewhere, name the right path']
  }
  return changeText(tree, edit.path, (text) => applyReplacements(text, edit.replacements, how))
}

/** Changes a text file, or one that does not exist yet and counts as empty. */
async function changeText(tree: EditedTree, path: string, make: (text: EditedText) => Reasons): Promise<Reasons> {
  const content = await tree.get(path)
  const problem = content === null ? await tree.placeProblem(path) : null
  if (problem !== null) return [problem]
  const text = tree.textOf(content)
  if (typeof text === 'string') return [text]
  const reasons = text.change(() => make(text))
  if (reasons.length === 0) tree.set(path, text)
  return reasons
}

async function deleteFile(tree: EditedTree, path: string): Promise<Reasons> {
  if ((await tree.get(path)) === null) return ['does not exist, so that it cannot be deleted']
  tree.set(path, null)
  return []
}

async function renameFile(tree: EditedTree, from: string, to: string): Promise<Reasons> {
  const content = await tree.get(from)
  if (content === null) return ['does not exist, so that it cannot be renamed']
  if ((await tree.get(to)) !== null) return [`cannot be renamed to "${to}": a file is there already`]
  const problem = await tree.placeProblem(to, from)
  if (problem !== null) return [`cannot be renamed: "${to}" ${problem}`]
  tree.move(from, to, content)
  return []
}

/** Of the failed searches of one block, how many are named with the lines most like them. */
const EXPLAINED_FAILURES = 10
const AT_THE_START: Places = { count: 1, first: [0] }

/**
 * Puts the pairs of one block into a file, each on top of the one before. A pair that fails is left out, so that the
 * ones after it are checked too.
 *
 * @param explain whether a SEARCH that is not found is shown the lines most like it
 * @returns why pairs failed
 */
function applyReplacements(
  file: EditedText,
  replacements: readonly Replacement[],
  { effort, explain }: { effort: Effort; explain: boolean },
): string[] {
  const reasons: string[] = []
  for (const replacement of replacements) {
    const { line, search, replace } = replacement
    const found = search.length === 0 && file.isEmpty ? AT_THE_START : file.occurrences(search)
    if (effort.isSpent) return [...reasons, notLookedFor(line)]
    const [at] = found.first
    if (at !== undefined && found.count === 1) file.replace(at, search.length, replace)
    else {
      const mayExplain = () => explain && reasons.length < EXPLAINED_FAILURES && effort.mayExplain(file.characters)
      reasons.push(failure(file, replacement, found, mayExplain))
    }
  }
  return reasons
}

function notLookedFor(line: number): string {
  return `has too many lines: the SEARCH of line ${line} and those after it were not looked for. Answer with fewer pairs, or replace the whole file with a write block`
}

/** @param mayExplain asked where it would take time */
function failure(
  file: EditedText,
  { line, search, replace }: Replacement,
  found: Places,
  mayExplain: () => boolean,
): string {
  if (search.length === 0) {
    return `is not empty, but the SEARCH of line ${line} is. Search for the lines to change, or replace the whole file with a write block`
  }
  if (found.count > 1) {
    return `the SEARCH of line ${line} is ambiguous: matches at lines ${lineNumbers(found)}. Add lines around it until it is unique`
  }
  const missing = `the SEARCH of line ${line} (${search.length} ${search.length === 1 ? 'line' : 'lines'}) is not found. It must be whole lines, exactly as they are in the file`
  if (!mayExplain()) return missing
  const done = file.occurrences(replace)
  const already =
    done.count === 0 ? '' : ` The lines of its REPLACE stand in the file already, at line ${lineNumbers(done)}.`
  const similar = similarLines(file.lines(), search)
  const nearest =
    similar.length === 0 ? ' Nothing in the file is like it.' : ` The file's nearest lines are:\n${similar.join('\n')}`
  return `${missing}.${already}${nearest}`
}

function lineNumbers({ count, first }: Places): string {
  const shown = first.map((index) => index + 1).join(', ')
  return count > first.length ? `${shown} and ${count - first.length} more` : shown
}

/** Why a block cannot be applied. */
type BlockProblem = {
  edit: Edit
  /** The path at fault: that of the block, or the new one of a rename. */
  path: string
  reason: string
  /** The only thing wrong is that the order does not name the path. */
  outOfScope: boolean
}

/** What goes back to the model stays well below any context window. */
export const MAX_MESSAGE_CHARACTERS = 16_000

/**
 * The one fault for all problems of an answer: `change_out_of_scope` when nothing else is wrong, else `edits_rejected`
 * with a line per problem. Details: `count` of files or problems and the first `path`.
 */
function rejection(problems: readonly [BlockProblem, ...BlockProblem[]]): Fault {
  const path = shownPath(problems[0].path)
  if (problems.every(({ outOfScope }) => outOfScope)) {
    const files = [...new Set(problems.map((problem) => `"${shownPath(problem.path)}"`))]
    const message = `The change touches what is outside files_in_scope: ${bounded(files, ', ')}. Leave it alone, or add it to files_in_scope and approve the order again.`
    return new Fault('change_out_of_scope', message, { count: files.length, path })
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

/** Why a block may not touch a path. `outOfScope`: the path itself is fine, the order just does not name it. */
type PathRefusal = { reason: string; outOfScope: boolean }

const SHOWN_CHARACTERS = 200

/** Whether a block may touch a path; null when it may. */
function pathRefusal(path: string, scope: readonly string[]): PathRefusal | null {
  const problem = path.endsWith('/') ? 'names a folder; a block names a file' : pathProblem(path)
  if (problem !== null) return { reason: problem, outOfScope: false }
  if (isInScope(path, scope)) return null
  const twin = twinInScope(path, scope)
  if (twin === null) return { reason: 'is outside files_in_scope', outOfScope: true }
  const reason = `is outside files_in_scope, which names "${twin.entry}": they differ only in ${twin.difference}. Copy that name exactly`
  return { reason, outOfScope: false }
}

/** A path from an answer as it may stand in a message: bounded, without control characters. */
function shownPath(path: string): string {
  const visible = path.replace(/\p{Cc}/gu, '\ufffd')
  return visible.length > SHOWN_CHARACTERS ? `${visible.slice(0, SHOWN_CHARACTERS)}…` : visible
}

function twinInScope(path: string, scope: readonly string[]): { entry: string; difference: string } | null {
  const folds = [
    { difference: 'Unicode normalization (NFC, NFD)', fold: (text: string) => text.normalize('NFC') },
    { difference: 'upper and lower case', fold: (text: string) => text.normalize('NFC').toLowerCase() },
  ]
  for (const { difference, fold } of folds) {
    const entry = scope.find((candidate) => isInScope(fold(path), [fold(candidate)]))
    if (entry !== undefined) return { entry, difference }
  }
  return null
}
