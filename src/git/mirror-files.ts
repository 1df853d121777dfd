import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { lstatOrNull } from '../files/lstat-or-null.ts'

/**
 * No attribute of a repository changes a byte on its way between a commit and a work tree: no line endings, keywords,
 * encodings or filters (so a file with `eol=crlf` is checked out as it is stored). Otherwise `add` would rewrite files
 * that were not touched. `info/attributes` wins over every `.gitattributes`.
 *
 * @see https://git-scm.com/docs/gitattributes
 */
export const EXACT_BYTES = '* -text !eol -filter -ident !working-tree-encoding\n'

/** What `git init` writes, kept here because a check could have changed what stands in the file. */
export function gitConfig({ bare }: { bare: boolean }): string {
  return [
    '[core]',
    '\trepositoryformatversion = 0',
    '\tfilemode = true',
    `\tbare = ${bare}`,
    ...(bare ? [] : ['\tlogallrefupdates = true']),
    ...(process.platform === 'darwin' ? ['\tignorecase = true', '\tprecomposeunicode = true'] : []),
    '',
  ].join('\n')
}

/** A file of attributes by which a comparison shows every file as a binary patch; used only where it is named. */
export const ALL_BINARY = 'info/all-binary'

/** Files of a mirror that steer git, each with the only content it may have. */
const OWN: Readonly<Record<string, string>> = {
  // A branch that never exists: nothing is read from it.
  HEAD: 'ref: refs/moose/unborn\n',
  config: gitConfig({ bare: true }),
  'info/attributes': EXACT_BYTES,
  [ALL_BINARY]: '* -diff\n',
}

/** What would also steer git and is never in a mirror of ours. */
const FOREIGN = [
  'commondir',
  'config.worktree',
  'hooks',
  'shallow',
  'info/exclude',
  'info/grafts',
  'info/sparse-checkout',
]

/**
 * Gives a mirror Moose's own settings again. Checks know where it is, because their clone borrows its objects, and
 * run as the same user: what they may have written there must not run, redirect or rewrite anything. Links are
 * replaced, never followed. (Only a sandbox can keep a process that outlives its check from doing it again.)
 *
 * @param dir absolute path of the bare repository; made when it is missing
 */
export async function putBackMirrorFiles(dir: string): Promise<void> {
  await ensureFolder(dir)
  await ensureFolder(path.join(dir, 'info'))
  for (const name of FOREIGN) await rm(path.join(dir, name), { recursive: true, force: true })
  for (const [name, content] of Object.entries(OWN)) await ensureFile(path.join(dir, name), content)
}

async function ensureFolder(folder: string): Promise<void> {
  const found = await lstatOrNull(folder)
  if (found?.isDirectory()) return
  if (found !== null) await rm(folder, { force: true })
  await mkdir(folder, { recursive: true, mode: 0o700 })
}

/** Replaced in one move: other processes may be using the mirror. */
async function ensureFile(file: string, content: string): Promise<void> {
  const found = await lstatOrNull(file)
  // Nothing but a plain file of the right length is opened: reading a pipe would wait for ever.
  const isLikely = found?.isFile() === true && found.size === Buffer.byteLength(content)
  if (isLikely && (await readFile(file, 'utf8')) === content) return
  if (found?.isDirectory()) await rm(file, { recursive: true, force: true })
  const fresh = `${file}.${randomUUID()}`
  await writeFile(fresh, content, { flag: 'wx' })
  await rename(fresh, file)
}
