import type { TreeChange } from '../git/import-commit.ts'
import { pathProblem } from '../work-order/scope.ts'

/** One entry of a tree as git lists it. `path` holds one character per byte (latin1), so that any name survives. */
export type TreeEntry = { mode: string; id: string; path: string }

/** What a work tree of a scope is made of. */
export type ScopedTree = {
  /** Files, links and submodules, sorted by path. */
  entries: TreeEntry[]
  /** Folders that are there although nothing in them is. */
  folders: string[]
}

/** The scope as git is asked for it; entries that are no path inside a repository name nothing and are left out. */
export function scopeQueries(scope: readonly string[]): { files: string[]; folders: string[] } {
  const files = scope.filter((entry) => pathProblem(entry) === null).map((entry) => entry.replace(/\/$/, ''))
  const folders = new Set(['./'])
  for (const file of files) for (const folder of foldersAbove(file)) folders.add(`${folder}/`)
  return { files, folders: [...folders] }
}

/**
 * Chooses what has to lie in the work tree so that edits within the scope meet there what they would meet in the whole
 * one: the scope's files; what stands where it needs a folder (a file, a link, a submodule); and names that some file
 * systems take for one of its own, which a new file must not stand beside.
 *
 * @param inside everything below the scope's entries
 * @param beside the entries, folders too, of every folder above them
 */
export function scopedTree(
  scope: readonly string[],
  { inside, beside }: { inside: readonly TreeEntry[]; beside: readonly TreeEntry[] },
): ScopedTree {
  const wanted = scopeQueries(scope).files.flatMap((file) => [...foldersAbove(file), file])
  const names = new Set(wanted.map(folded))
  const chosen = new Map(inside.map((entry) => [entry.path, entry]))
  const folders: string[] = []
  for (const entry of beside) {
    if (!names.has(folded(textOf(entry.path)))) continue
    if (entry.mode === FOLDER) folders.push(entry.path)
    else chosen.set(entry.path, entry)
  }
  return { entries: [...chosen.values()].toSorted((left, right) => (left.path < right.path ? -1 : 1)), folders }
}

/** The mode of a folder in a listing of git. */
const FOLDER = '040000'

function foldersAbove(file: string): string[] {
  const segments = file.split('/')
  return segments.slice(1).map((_, index) => segments.slice(0, index + 1).join('/'))
}

/** Names that are equal so are one on a file system that ignores case or Unicode normalization. */
function folded(name: string): string {
  return name.normalize('NFC').toLowerCase()
}

function textOf(path: string): string {
  return Buffer.from(path, 'latin1').toString('utf8')
}

/** Reads `mode SP type SP id TAB path` of `ls-tree -z`, or `mode SP id SP stage TAB path` of `ls-files -z --stage`. */
export function readEntries(output: Buffer): TreeEntry[] {
  const records = output.toString('latin1').split('\0').slice(0, -1)
  return records.map((record) => {
    const tab = record.indexOf('\t')
    const fields = record.slice(0, tab).split(' ')
    const id = fields.find((field) => /^[0-9a-f]{40}$/.test(field))
    if (id === undefined) throw new TypeError(`git listed "${record}"`)
    return { mode: String(fields[0]), id, path: record.slice(tab + 1) }
  })
}

/** What differs between two listings of a tree, deletions first. */
export function treeChanges(before: readonly TreeEntry[], after: readonly TreeEntry[]): TreeChange[] {
  const now = new Set(after.map((entry) => entry.path))
  const was = new Map(before.map((entry) => [entry.path, entry]))
  const gone = [...was.keys()].filter((name) => !now.has(name))
  const put = after.filter(({ mode, id, path: name }) => {
    const known = was.get(name)
    return known === undefined || known.id !== id || known.mode !== mode
  })
  return [...gone.map((name) => ({ path: name, put: null })), ...put.map((entry) => ({ path: entry.path, put: entry }))]
}
