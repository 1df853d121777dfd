import { constants, mkdir, open, rmdir, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { FileChange } from '../../edits/edited-tree.ts'
import { errorCode } from '../../faults/error-code.ts'
import { Fault, toFault } from '../../faults/fault.ts'
import { treeEntry, twinName } from './tree-entry.ts'
import { readTreeFile, type TreeFile } from './tree-file.ts'

const NEW_FILE_MODE = 0o644
/** What Linux and macOS take. */
const MOST_BYTES_OF_NAME = 255

type Tree = { root: string; journal: Journal }

/** What stands at a path in the end; null: nothing. */
type Result = { path: string; file: TreeFile | null }

/**
 * Writes changes to a work tree: all of them, or none. When one fails, what was is put back first.
 *
 * A modified or renamed file keeps its permission bits, but for those to execute it where the change names them; a new one
 * gets 0644. Folders are made as needed, and those
 * that a deletion empties are removed. A file is removed and made anew, never written through, so that neither a
 * symbolic nor a hard link leads out of the tree.
 *
 * @param root absolute path of the work tree
 * @throws {Fault} `edits_rejected` when the tree has no place for a file (a folder has its name, or a neighbour whose
 *   name differs only in case), `scope_unreadable` for a link, `internal` when the disk refuses; the tree is then as
 *   it was, unless the message says otherwise
 */
export async function writeChanges(root: string, changes: readonly FileChange[]): Promise<void> {
  const results: Result[] = []
  for (const change of changes) results.push({ path: change.path, file: await resultingFile(root, change) })
  const tree = { root, journal: new Journal() }
  const deletedFirst = results.toSorted((left, right) => Number(right.file === null) - Number(left.file === null))
  for (const result of deletedFirst) {
    try {
      await writeResult(tree, result)
    } catch (thrown) {
      throw await tree.journal.putBack(result.path, thrown)
    }
  }
}

/** The modes are looked up before anything is removed. */
async function resultingFile(root: string, change: FileChange): Promise<TreeFile | null> {
  const { path, content, renamedFrom, executable } = change
  if (content === null) return null
  const entry = await treeEntry(root, renamedFrom === undefined ? path : renamedFrom)
  const mode = entry?.isFile() === true ? entry.mode & 0o777 : NEW_FILE_MODE
  return { content, mode: executable === undefined ? mode : withExecution(mode, executable) }
}

/** Executable for each class of users that may read the file, or for none. */
function withExecution(mode: number, executable: boolean): number {
  return executable ? mode | ((mode & 0o444) >> 2) : mode & ~0o111
}

async function writeResult(tree: Tree, { path, file }: Result): Promise<void> {
  const existed = await removeFile(tree, path)
  if (file === null) return removeEmptyFolders(tree, path)
  if (!existed) await preparePlace(tree, path)
  await placeFile(join(tree.root, path), file, tree.journal)
}

/** @returns whether there was a file */
async function removeFile({ root, journal }: Tree, path: string): Promise<boolean> {
  const before = await readTreeFile(root, path)
  if (before === null) return false
  const target = join(root, path)
  await unlink(target)
  journal.record(() => placeFile(target, before, new Journal()))
  return true
}

/** Makes the folders of a new file and sees that it can stand there. */
async function preparePlace(tree: Tree, path: string): Promise<void> {
  const segments = path.split('/')
  if (segments.some((segment) => Buffer.byteLength(segment) > MOST_BYTES_OF_NAME))
    throw noPlace(path, `has a name of more than ${MOST_BYTES_OF_NAME} bytes`)
  for (let depth = 1; depth < segments.length; depth += 1) await ensureFolder(tree, segments.slice(0, depth))
  if ((await treeEntry(tree.root, path)) !== null) throw noPlace(path, 'is a folder')
  await refuseTwin(tree, segments)
}

async function ensureFolder(tree: Tree, segments: readonly string[]): Promise<void> {
  const path = segments.join('/')
  const entry = await treeEntry(tree.root, path)
  if (entry?.isDirectory() === true) return
  if (entry !== null) throw noPlace(path, 'is a file, not a folder')
  await refuseTwin(tree, segments)
  const folder = join(tree.root, path)
  await mkdir(folder)
  tree.journal.record(() => rmdir(folder))
}

async function refuseTwin({ root }: Tree, segments: readonly string[]): Promise<void> {
  const path = segments.join('/')
  const twin = await twinName(dirname(join(root, path)), basename(path))
  if (twin === null) return
  const reason = `differs only in case or Unicode normalization from "${twin}", which is there; on macOS and Windows the two are one`
  throw noPlace(path, reason)
}

/** Makes a file that must not exist yet: with O_EXCL nothing that stands at the path is opened, a link neither. */
async function placeFile(target: string, { content, mode }: TreeFile, journal: Journal): Promise<void> {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants
  await using file = await open(target, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, mode)
  journal.record(() => unlink(target))
  await file.writeFile(content)
  // The umask has taken bits from the mode above.
  await file.chmod(mode)
}

async function removeEmptyFolders({ root, journal }: Tree, path: string): Promise<void> {
  const segments = path.split('/')
  for (let depth = segments.length - 1; depth > 0; depth -= 1) {
    const folder = join(root, ...segments.slice(0, depth))
    if (!(await removedWhenEmpty(folder))) return
    journal.record(() => mkdir(folder))
  }
}

async function removedWhenEmpty(folder: string): Promise<boolean> {
  try {
    await rmdir(folder)
    return true
  } catch (thrown) {
    // POSIX lets rmdir answer either of the two for a folder that is not empty.
    const code = errorCode(thrown)
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false
    throw thrown
  }
}

function noPlace(path: string, reason: string): Fault {
  const message = `The edits do not apply, so nothing was changed: "${path}" ${reason}. Choose another path.`
  return new Fault('edits_rejected', message, { count: 1, path })
}

/** What was done to a work tree, as the steps that take it back. */
class Journal {
  readonly #steps: (() => Promise<void>)[] = []

  /** To be called once the change is made, with what undoes it. */
  record(undo: () => Promise<void>): void {
    this.#steps.push(undo)
  }

  /**
   * Takes everything back, latest first. A step that fails does not keep the others from being taken.
   *
   * @param reason why; returned as the fault to throw
   * @returns a Fault as it was; anything else, or a tree that could not be put back, as `internal`
   */
  async putBack(path: string, reason: unknown): Promise<Fault> {
    const failures: unknown[] = []
    for (const undo of this.#steps.splice(0).toReversed())
      await undo().catch((failure: unknown) => failures.push(failure))
    const why = toFault(reason).message
    if (failures.length > 0) {
      const causes = new AggregateError([reason, ...failures])
      const message = `"${path}" could not be written (${why}), and ${failures.length} changes before it could not be taken back. Discard this work tree.`
      return new Fault('internal', message, { path }, causes)
    }
    if (reason instanceof Fault) return reason
    return new Fault(
      'internal',
      `"${path}" could not be written (${why}). The work tree is as it was.`,
      { path },
      reason,
    )
  }
}
