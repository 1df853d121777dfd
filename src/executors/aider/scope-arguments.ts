import { isUtf8 } from 'node:buffer'
import { lstat, readFile } from 'node:fs/promises'
import path from 'node:path'
import { isUtf8Text } from '../../edits/text-file.ts'
import { Fault } from '../../faults/fault.ts'
import { findInTree } from '../../sandbox/find-in-tree.ts'
import { pathProblem } from '../../work-order/scope.ts'
import { treeEntry } from '../patch/tree-entry.ts'

/** More files of a folder than these are left for Aider to ask for. */
const MOST_OF_A_FOLDER = 30

/** What Aider is told of the files of a scope. */
export type ScopeArguments = {
  /** Existing text files, from the root of the tree. */
  files: string[]
  /** Aider knows one ending for all files. CRLF only where every listed file has it. */
  lineEndings: 'lf' | 'crlf'
}

/**
 * The text files of the scope that exist, regular and reached without a link; of a folder the first ones, as far as
 * there is room. Files that do not exist yet are not listed: Aider creates listed files empty, and without any other
 * turns git off. Nor are files that are no text: it has no use for them.
 *
 * @param maxBytes of all files together: each call to the model carries them
 * @throws {Fault} `scope_too_large` when the files named one by one need more, `scope_unreadable` for a link
 */
export async function scopeArguments(
  tree: string,
  scope: readonly string[],
  maxBytes: number,
): Promise<ScopeArguments> {
  const listed = new Listed()
  for (const entry of scope.filter((entry) => !entry.endsWith('/'))) await listNamed(listed, { tree, entry, maxBytes })
  for (const entry of scope.filter((entry) => entry.endsWith('/'))) await listFolder(listed, { tree, entry, maxBytes })
  return { files: [...listed.contents.keys()], lineEndings: lineEndingsOf([...listed.contents.values()]) }
}

class Listed {
  /** By path, in the order they are told. */
  readonly contents = new Map<string, Buffer>()
  bytes = 0

  add(path: string, content: Buffer): void {
    if (!this.contents.has(path)) this.bytes += content.length
    this.contents.set(path, content)
  }
}

type Place = { tree: string; entry: string; maxBytes: number }

async function listNamed(listed: Listed, { tree, entry, maxBytes }: Place): Promise<void> {
  if ((await treeEntry(tree, entry))?.isFile() !== true) return
  const content = await textOf(path.join(tree, entry))
  if (content === null) return
  listed.add(entry, content)
  if (listed.bytes > maxBytes) throw tooLarge(entry, maxBytes)
}

async function listFolder(listed: Listed, { tree, entry, maxBytes }: Place): Promise<void> {
  let taken = 0
  for (const file of await filesOf(tree, entry)) {
    const absolute = path.join(tree, file)
    if (listed.contents.has(file) || listed.bytes + (await lstat(absolute)).size > maxBytes) continue
    const content = await textOf(absolute)
    if (content === null) continue
    listed.add(file, content)
    taken += 1
    if (taken === MOST_OF_A_FOLDER) return
  }
}

async function textOf(file: string): Promise<Buffer | null> {
  const content = await readFile(file)
  return isUtf8Text(content) ? content : null
}

/** Sorted, so that the same folder is always told in the same way. */
async function filesOf(tree: string, folder: string): Promise<string[]> {
  const root = folder.slice(0, -1)
  if ((await treeEntry(tree, root))?.isDirectory() !== true) return []
  const names = await findInTree(tree, root, (entry, name) => entry.isFile() && isUtf8(name))
  const files = names.map(String).filter((file) => pathProblem(file) === null)
  return withoutRepositories(files).toSorted()
}

/**
 * Without the files of bare repositories, as tests have them: Aider would take such a folder for the repository of its
 * files and, finding two, turn git off.
 */
function withoutRepositories(files: readonly string[]): readonly string[] {
  const [objects, refs] = [foldersWith(files, 'objects/'), foldersWith(files, 'refs/')]
  const heads = files.filter((file) => file.endsWith('/HEAD')).map((file) => file.slice(0, -'HEAD'.length))
  const bare = new Set(heads.filter((folder) => objects.has(folder) && refs.has(folder)))
  return bare.size === 0 ? files : files.filter((file) => !foldersOf(file).some((folder) => bare.has(folder)))
}

/** The folders in which a folder of this name is. */
function foldersWith(files: readonly string[], name: string): Set<string> {
  return new Set(files.flatMap((file) => foldersOf(file).filter((folder) => file.startsWith(name, folder.length))))
}

/** `a/b/c` is in `a/` and `a/b/`. */
function foldersOf(file: string): string[] {
  const folders: string[] = []
  for (let at = file.indexOf('/'); at !== -1; at = file.indexOf('/', at + 1)) folders.push(file.slice(0, at + 1))
  return folders
}

function tooLarge(file: string, maxBytes: number): Fault {
  const message =
    `With ${file} the files in scope are larger than ${maxBytes} bytes, and every call to the model would carry them. ` +
    'Name fewer or smaller files, split the order, or raise MOOSE_CONTEXT_MAX_BYTES.'
  return new Fault('scope_too_large', message, { path: file, max_bytes: maxBytes })
}

function lineEndingsOf(contents: readonly Buffer[]): ScopeArguments['lineEndings'] {
  const first = contents.flatMap((content) => /\r?\n/.exec(content.toString('latin1')) ?? [])
  return first.length > 0 && first.every((ending) => ending === '\r\n') ? 'crlf' : 'lf'
}
