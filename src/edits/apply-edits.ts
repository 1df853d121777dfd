import { Fault } from '../faults/fault.ts'
import { pathProblem } from '../work-order/scope.ts'
import { hasOddRemark } from './answer/said-changes.ts'
import { applyPairs, type Put, type Search } from './apply-pairs.ts'
import type { Edit } from './edit.ts'
import { EditedText } from './edited-text.ts'
import { EditedTree, type FileChange, type IsExecutable, type ReadFile } from './edited-tree.ts'
import { Effort } from './effort.ts'
import { pathRefusal } from './path-refusal.ts'
import { type BlockProblem, rejection } from './rejection.ts'
import { ScopeNames } from './scope-names.ts'
import { isViewOf, unfitBody } from './unfit.ts'
import { isAllOf } from './whole-file.ts'
import { isDecorated, withoutDecoration } from './written-path.ts'

/** A fence that may only show what stands in a file. */
type Shown = Extract<Edit, { kind: 'write' }>
/** Why a block cannot be applied; none: it was. */
type Reasons = readonly string[]

/** Problems past this many are named without the lines most like a failed SEARCH: finding those takes time. */
const EXPLAINED_PROBLEMS = 10

/**
 * Applies edits, in their order, to a tree in memory. All or nothing.
 *
 * - SEARCH must occur exactly once, as whole lines, in the file as the edits before left it: with exact text, or else with
 *   one of the tolerances of `locate`. How a replacement is put in, down to line endings and the final newline, is the rule
 *   of `EditedText.replace`.
 * - A path is what it means in the scope: one that is written with a decoration, or as a bare file name, counts where one
 *   path alone can be meant.
 * - `write` over a text file keeps its byte order mark, its dominant line ending and whether it ends in a newline; a
 *   new file, or one that was empty, gets LF and a final newline. A body without lines empties the file.
 * - A block's traits say whether the file is executable and ends in a newline; a new file is not and does.
 * - A file without text can be deleted and renamed, and its mode changed, nothing else.
 *
 * @param options.read content of the base tree; null when there is no file. A Fault `scope_unreadable` from it (a
 *   symlink, a submodule) becomes a problem of the block
 * @param options.isExecutable of files that `read` has found; left out, none is
 * @param options.scope the order's `files_in_scope`
 * @param options.files the files of the base, of which bare names in a folder of the scope may mean one
 * @returns the files that differ from the base, sorted by path; at least one
 * @throws {Fault} `edits_rejected` with the first problems, and in `for_model` every problem of every block,
 *   `change_out_of_scope` when all that is wrong is paths outside the scope; details `count` and `path`, the first.
 *   `change_without_effect` when the edits leave every file as it was
 */
export async function applyEdits(
  edits: readonly Edit[],
  options: { read: ReadFile; isExecutable?: IsExecutable; scope: readonly string[]; files?: readonly string[] },
): Promise<FileChange[]> {
  const { read, isExecutable = async () => false, scope, files = [] } = options
  const application = new Application({ read, isExecutable }, new ScopeNames(scope, files))
  for (const edit of edits) await application.apply(edit)
  return application.changes()
}

class Application {
  readonly #effort = new Effort()
  readonly #tree: EditedTree
  readonly #names: ScopeNames
  readonly #problems: BlockProblem[] = []
  /** What the blocks have put into files, by their path. */
  readonly #put = new Map<string, Put>()
  readonly #shown: Shown[] = []
  /** Deletions and renames that were made; a repeated one is the same one. */
  readonly #removals = new Set<string>()

  constructor(base: { read: ReadFile; isExecutable: IsExecutable }, names: ScopeNames) {
    this.#tree = new EditedTree(base, this.#effort)
    this.#names = names
  }

  async apply(written: Edit): Promise<void> {
    const edit = await this.#meant(written)
    const refused = await this.#refusedPaths(edit)
    if (hasOddRemark(written, edit)) refused.push({ edit, path: edit.path, reason: REMARK, outOfScope: false })
    const how = { effort: this.#effort, explain: this.#problems.length < EXPLAINED_PROBLEMS }
    const reasons = refused.length > 0 ? [] : await this.#try(edit, how)
    this.#problems.push(...refused, ...reasons.map((reason) => ({ edit, path: edit.path, reason, outOfScope: false })))
  }

  async changes(): Promise<FileChange[]> {
    this.#problems.push(...(await this.#notShown()))
    const [first, ...rest] = this.#problems
    if (first !== undefined) throw rejection([first, ...rest])
    const changes = this.#tree.changes()
    if (changes.length === 0) {
      const message = 'The edits leave every file as it was.'
      throw new Fault('change_without_effect', message, {
        for_model: `${message} Answer with edits that change something.`,
      })
    }
    return changes
  }

  async #meant(edit: Edit): Promise<Edit> {
    const path = await this.#pathOf(edit.path)
    return edit.kind === 'rename' ? { ...edit, path, to: await this.#pathOf(edit.to) } : { ...edit, path }
  }

  /** What stands there counts under the name it has, however odd that looks. */
  async #pathOf(written: string): Promise<string> {
    const meant = this.#names.meantBy(written)
    if (meant === written) return written
    const isOdd = this.#names.covers(written) && pathProblem(written) === null
    if (isOdd && (await this.#exists(written))) return written
    return meant ?? withoutDecoration(written)
  }

  /** What the tree refuses to read is told when the block is applied. */
  async #exists(path: string): Promise<boolean> {
    try {
      return (await this.#tree.get(path)) !== null
    } catch (thrown) {
      if (thrown instanceof Fault && thrown.code === 'scope_unreadable') return true
      throw thrown
    }
  }

  async #refusedPaths(edit: Edit): Promise<BlockProblem[]> {
    const problems: BlockProblem[] = []
    for (const path of edit.kind === 'rename' ? [edit.path, edit.to] : [edit.path]) {
      const refusal = pathRefusal(path, this.#names)
      if (refusal !== null) problems.push({ edit, path, ...refusal })
      else if (isDecorated(path) && !(await this.#exists(path))) problems.push({ edit, path, ...DECORATED })
    }
    return problems
  }

  /** What the tree refuses to read is the block's problem; any other failure is not the answer's. */
  async #try(edit: Edit, how: Search): Promise<Reasons> {
    try {
      return await this.#make(edit, how)
    } catch (thrown) {
      if (thrown instanceof Fault && thrown.code === 'scope_unreadable') return [`cannot be touched: ${thrown.message}`]
      throw thrown
    }
  }

  async #make(edit: Edit, how: Search): Promise<Reasons> {
    const reasons = await this.#change(edit, how)
    if (reasons.length > 0 || edit.kind === 'delete' || edit.executable === undefined) return reasons
    const path = edit.kind === 'rename' ? edit.to : edit.path
    // A repeated renaming is the same one, and its file may be gone since.
    if ((await this.#tree.get(path)) === null) return [`says a mode of "${path}", which is not there`]
    await this.#tree.setExecutable(path, edit.executable)
    return []
  }

  async #change(edit: Edit, how: Search): Promise<Reasons> {
    switch (edit.kind) {
      case 'edit':
        return this.#editFile(edit, how)
      case 'write':
        return this.#writeFile(edit)
      case 'delete':
        return this.#once(`delete ${edit.path}`, async () => {
          this.#put.delete(edit.path)
          return deleteFile(this.#tree, edit.path)
        })
      case 'rename':
        return this.#once(JSON.stringify([edit.path, edit.to]), async () => {
          const put = this.#put.get(edit.path)
          if (put !== undefined) this.#put.set(edit.to, put)
          this.#put.delete(edit.path)
          return renameFile(this.#tree, edit.path, edit.to)
        })
    }
  }

  async #once(key: string, make: () => Promise<Reasons>): Promise<Reasons> {
    const reasons = await make()
    if (reasons.length > 0 && this.#removals.has(key)) return []
    this.#removals.add(key)
    return reasons
  }

  async #editFile(
    { path, replacements, finalNewline }: Extract<Edit, { kind: 'edit' }>,
    how: Search,
  ): Promise<Reasons> {
    const missing = (await this.#tree.get(path)) === null
    if (missing && replacements[0]?.search.length !== 0) {
      return ['does not exist. To create it, use a write block; to edit it elsewhere, name the right path']
    }
    if (replacements.length === 0 && finalNewline === undefined) return []
    return changeText(this.#tree, path, (text) =>
      endingIn(text, finalNewline, () => applyPairs({ text, path, put: this.#putInto(path) }, replacements, how)),
    )
  }

  async #writeFile(edit: Shown): Promise<Reasons> {
    const { path, namedBy, finalNewline } = edit
    const exists = (await this.#tree.get(path)) !== null
    if (namedBy === 'words' || (namedBy === 'title' && exists)) {
      this.#shown.push(edit)
      return exists && finalNewline !== undefined
        ? changeText(this.#tree, path, (text) => endingIn(text, finalNewline, () => []))
        : []
    }
    return this.#putFile(edit)
  }

  async #putFile({ path, body, finalNewline }: Shown): Promise<Reasons> {
    const put = this.#putInto(path)
    const kept = new Set(body.map((line) => line.trim()))
    if (!put.lines.isSubsetOf(kept)) return [UNDOES]
    return changeText(this.#tree, path, (text) => {
      const unfit = unfitBody(text.isEmpty ? null : text, body, path)
      if (unfit !== null) return [unfit]
      put.lines = kept
      return endingIn(text, finalNewline, () => {
        text.replaceAll(body)
        return []
      })
    })
  }

  #putInto(path: string): Put {
    const put = this.#put.get(path) ?? { pairs: new Set<string>(), lines: new Set<string>() }
    this.#put.set(path, put)
    return put
  }

  /** Puts in what is all of a file; what was taken for a view of one, and is neither, is a problem. */
  async #notShown(): Promise<BlockProblem[]> {
    const problems: BlockProblem[] = []
    const others: Shown[] = []
    for (const edit of this.#shown) if (!(await this.#isView(edit))) others.push(edit)
    const known = Object.groupBy(others, ({ path }) => path)
    for (const edit of others) {
      const isOnly = known[edit.path]?.length === 1 && !this.#put.has(edit.path)
      for (const reason of isOnly && (await this.#isAll(edit)) ? await this.#putFile(edit) : [NOT_WHOLE])
        problems.push({ edit, path: edit.path, reason, outOfScope: false })
    }
    return problems
  }

  async #isView(edit: Shown): Promise<boolean> {
    const text = await this.#textOf(edit.path)
    return text !== null && !this.#effort.isSpent && isViewOf(text, edit)
  }

  async #isAll({ path, body, mayReplace }: Shown): Promise<boolean> {
    const text = mayReplace === undefined ? null : await this.#textOf(path)
    return text !== null && isAllOf(text.lines(), body, { isSaid: mayReplace === 'said' })
  }

  async #textOf(path: string): Promise<EditedText | null> {
    const text = await this.#tree.get(path).then((content) => content && this.#tree.textOf(content))
    return text instanceof EditedText ? text : null
  }
}

const UNDOES =
  'was changed by an earlier block of this answer, and this block would undo that. Answer with one block for each file'
const NOT_WHOLE =
  'is named for a fence, and nothing says that it is the whole file, while the lines of the fence are no part of it as they stand there. To write the whole file use a write block; to change parts of it, an edit block'
const REMARK =
  'has words behind its path that are not understood. Write the path alone, and a block of its own for each file'
const DECORATED = {
  reason: 'has more than a path in its name. Write the path alone, without marks or remarks',
  outOfScope: false,
}

/** Changes a text that is to end in a newline, or in none; undefined: as it does. */
function endingIn(text: EditedText, finalNewline: boolean | undefined, make: () => Reasons): Reasons {
  if (finalNewline === true) text.endIn(true)
  const reasons = make()
  const unended = finalNewline === false ? text.endIn(false) : null
  return unended === null ? reasons : [...reasons, unended]
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
