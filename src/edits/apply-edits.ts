import { Fault } from '../faults/fault.ts'
import { applyReplacements } from './apply-replacements.ts'
import type { Edit } from './edit.ts'
import type { EditedText } from './edited-text.ts'
import { EditedTree, type FileChange, type ReadFile } from './edited-tree.ts'
import { Effort } from './effort.ts'
import { pathRefusal } from './path-refusal.ts'
import { type BlockProblem, rejection } from './rejection.ts'

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
 * @throws {Fault} `edits_rejected` with every problem of every block (meant to be sent back to the model),
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
    throw new Fault(
      'change_without_effect',
      'The edits leave every file as it was. Answer with edits that change something.',
    )
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
