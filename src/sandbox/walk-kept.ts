import { createHash } from 'node:crypto'
import { type BigIntStats, constants, type Stats } from 'node:fs'
import {
  chmod,
  copyFile,
  lstat,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import path from 'node:path'
import { inTree } from './find-in-tree.ts'

const AT_ONCE = 64
/** Scripts, settings and lists of a package manager are shorter. */
const MAX_TEXT_BYTES = 1024 * 1024
const MAX_MENTIONS = 20_000

type Entry = { name: Buffer; stats: BigIntStats }

/** Every entry below a folder, in an order that is always the same. Links are not followed. */
async function* entriesBelow(root: string, folder: Buffer): AsyncGenerator<Entry[]> {
  const at = folder.length === 0 ? Buffer.from(root) : inTree(root, folder)
  const names = (await readdir(at, { encoding: 'buffer' })).sort(Buffer.compare)
  for (let from = 0; from < names.length; from += AT_ONCE) {
    const some = names.slice(from, from + AT_ONCE)
    const entries = await Promise.all(
      some.map(async (base): Promise<Entry> => {
        const name = folder.length === 0 ? base : Buffer.concat([folder, Buffer.from('/'), base])
        return { name, stats: await lstat(inTree(root, name), { bigint: true }) }
      }),
    )
    yield entries
    for (const { name, stats } of entries) if (stats.isDirectory()) yield* entriesBelow(root, name)
  }
}

/**
 * What the entries below a folder are, without reading a file: names, modes, sizes and times. The time of the last change
 * of a file's record (ctime) is set by the system and by nothing else, so whoever writes to one of them, sets its times back
 * or gives it another name changes this.
 *
 * @param root absolute path; what it is itself does not count
 * @see https://man7.org/linux/man-pages/man7/inode.7.html (ctime)
 */
export async function recordDigest(root: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const entries of entriesBelow(root, Buffer.alloc(0))) {
    for (const { name, stats } of entries) {
      hash.update(name)
      hash.update(`\0${stats.ino} ${stats.mode} ${stats.size} ${stats.mtimeNs} ${stats.ctimeNs}\0`)
    }
  }
  return hash.digest('hex')
}

/**
 * Gives each file that has another name outside a content of its own, with its mode and times: pnpm and others link what
 * they install to their store. Whoever removes the other name changes the record, and whoever writes to it the file.
 *
 * @param root absolute path of a folder that is the caller's alone
 * @see https://pnpm.io/settings#packageimportmethod
 */
export async function ownLinkedFiles(root: string): Promise<void> {
  const linked = await linkedOutside(root)
  const parents = new Map<string, Stats>()
  for (const { name } of linked) {
    const parent = parentOf(inTree(root, name))
    const key = parent.toString('latin1')
    if (parents.has(key)) continue
    const stats = await lstat(parent)
    parents.set(key, stats)
    await chmod(parent, stats.mode | 0o700)
  }
  for (let from = 0; from < linked.length; from += AT_ONCE) {
    const some = linked.slice(from, from + AT_ONCE)
    await Promise.all(some.map((entry, index) => ownFile(root, entry, path.join(root, `.own-${index}`))))
  }
  for (const [key, { mode }] of parents) await chmod(Buffer.from(key, 'latin1'), mode)
}

/** The files below a folder of which not all names lie there. */
async function linkedOutside(root: string): Promise<Entry[]> {
  const byRecord = new Map<bigint, Entry[]>()
  for await (const entries of entriesBelow(root, Buffer.alloc(0))) {
    for (const entry of entries.filter(({ stats }) => stats.isFile() && stats.nlink > 1n)) {
      const known = byRecord.get(entry.stats.ino)
      if (known === undefined) byRecord.set(entry.stats.ino, [entry])
      else known.push(entry)
    }
  }
  return [...byRecord.values()].filter((names) => names.some(({ stats }) => stats.nlink > names.length)).flat()
}

async function ownFile(root: string, { name, stats }: Entry, draft: string): Promise<void> {
  const place = inTree(root, name)
  await copyFile(place, draft, constants.COPYFILE_FICLONE)
  await chmod(draft, Number(stats.mode))
  await utimes(draft, stats.atime, stats.mtime)
  await rename(draft, place)
}

function parentOf(place: Buffer): Buffer {
  return place.subarray(0, place.lastIndexOf('/'))
}

/**
 * What names a folder and has to name another one where it is copied to: text files of up to 1 MiB, and links. What is
 * neither a file, a folder nor a link (a socket, a pipe) is removed.
 *
 * @param root absolute path
 * @returns names from the root, one character per byte; 20 000 at most
 */
export async function findMentions(root: string, mentioned: string): Promise<string[]> {
  const found: string[] = []
  const text = Buffer.from(mentioned)
  for await (const entries of entriesBelow(root, Buffer.alloc(0))) {
    const some = await Promise.all(entries.map((entry) => mentions(root, entry, text)))
    for (const [index, { name }] of entries.entries()) if (some[index] === true) found.push(name.toString('latin1'))
    if (found.length >= MAX_MENTIONS) break
  }
  return found.slice(0, MAX_MENTIONS)
}

async function mentions(root: string, { name, stats }: Entry, text: Buffer): Promise<boolean> {
  const place = inTree(root, name)
  if (stats.isDirectory()) return false
  if (stats.isSymbolicLink()) return (await readlink(place, { encoding: 'buffer' })).includes(text)
  if (!stats.isFile()) await rm(place, { force: true })
  if (!stats.isFile() || stats.size > MAX_TEXT_BYTES) return false
  const content = await readFile(place)
  return content.includes(text) && !content.includes(0)
}

/**
 * Has copies name another folder than what they are copied from. Their modes and times stay: tools tell by the time whether
 * what they have made is still good.
 *
 * @param names as `findMentions` gives them
 * @param to absolute paths
 */
export async function rewriteMentions(
  root: string,
  names: readonly string[],
  { from, to }: { from: string; to: string },
): Promise<void> {
  if (from === to) return
  for (const name of names) {
    const place = inTree(root, Buffer.from(name, 'latin1'))
    const stats = await lstat(place)
    await makeWritable(place, stats)
    if (stats.isSymbolicLink()) {
      const target = await readlink(place, { encoding: 'buffer' })
      await rm(place)
      await symlink(replaced(target, from, to), place)
    } else {
      await writeFile(place, replaced(await readFile(place), from, to))
      await chmod(place, stats.mode)
      await utimes(place, stats.atime, stats.mtime)
    }
  }
}

/** A package manager may have made the file, or the folder of a link, read-only. */
async function makeWritable(place: Buffer, stats: Stats): Promise<void> {
  if (stats.isSymbolicLink()) await chmod(parentOf(place), 0o700)
  else await chmod(place, stats.mode | 0o200)
}

/** One character per byte on the way: not every path is UTF-8. */
function replaced(content: Buffer, from: string, to: string): Buffer {
  const [old, next] = [from, to].map((text) => Buffer.from(text).toString('latin1'))
  return Buffer.from(
    content.toString('latin1').replaceAll(String(old), () => String(next)),
    'latin1',
  )
}

/** The names that lie in one of the folders of a root, from there. */
export function namesBelow(names: readonly string[], folder: string): string[] {
  const prefix = `${folder}${path.posix.sep}`
  return names.flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : name === folder ? [''] : []))
}
