import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { pathProblem } from '../../work-order/scope.ts'
import { treeEntry } from '../patch/tree-entry.ts'

/** More files of a folder than these are left for Aider to ask for. */
const MOST_OF_A_FOLDER = 30

/**
 * The files of the scope that exist, regular and reached without a link; of a folder, those in it. Files that do not
 * exist yet are not listed: Aider creates listed files empty, and without any other turns git off.
 */
export async function existingFiles(tree: string, scope: readonly string[]): Promise<string[]> {
  const files: string[] = []
  for (const entry of scope) files.push(...(entry.endsWith('/') ? await inFolder(tree, entry) : [entry]))
  const existing: string[] = []
  for (const file of new Set(files)) {
    if ((await treeEntry(tree, file))?.isFile() === true) existing.push(file)
  }
  return existing
}

async function inFolder(tree: string, folder: string): Promise<string[]> {
  if ((await treeEntry(tree, folder.slice(0, -1)))?.isDirectory() !== true) return []
  const entries = await readdir(path.join(tree, folder), { withFileTypes: true, recursive: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(tree, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/'))
    .filter((file) => pathProblem(file) === null)
    .toSorted()
    .slice(0, MOST_OF_A_FOLDER)
}

/** What Aider is to end lines with: it knows one ending for all files. CRLF only where every file has it. */
export async function lineEndingsOf(tree: string, files: readonly string[]): Promise<'lf' | 'crlf'> {
  const endings = new Set<string>()
  for (const file of files) {
    const [ending] = /\r?\n/.exec(await readFile(path.join(tree, file), 'latin1')) ?? []
    if (ending !== undefined) endings.add(ending)
  }
  return endings.size === 1 && endings.has('\r\n') ? 'crlf' : 'lf'
}
