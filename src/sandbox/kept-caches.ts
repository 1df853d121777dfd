import { randomUUID } from 'node:crypto'
import { lstat, mkdir, readFile, rename, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { Fault, toFault } from '../faults/fault.ts'
import { lstatOrNull } from '../files/lstat-or-null.ts'
import { namesIn } from '../files/names-in.ts'
import { runCommand } from '../process/run-command.ts'
import { type CachePlace, madeWay, reached, restingPlace } from './cache-places.ts'
import { moveFolder } from './child-environment.ts'
import { removeTree } from './remove-tree.ts'
import { findMentions, hasNamesOutside, namesBelow, recordDigest, rewriteMentions } from './walk-kept.ts'

/** What one set-up left. */
export type KeptName = { projectId: string; key: string }

/** Older ones of a project are removed: a base branch that goes back and forth between two lock files finds both. */
const KEPT_PER_PROJECT = 3
const COPY_TIMEOUT_MS = 10 * 60_000
const RECORD = 'kept.json'
const CONTENT = 'content'
const KEY = /^[0-9a-f]{64}$/

const Kept = z.object({
  /** The folder of the attempt it was made in. */
  from: z.string(),
  /** What names that folder, as `findMentions` gives it. */
  mentions: z.array(z.string()),
  digest: z.string(),
  /** Of the folder of the content, which no other folder has while it is there. */
  inode: z.string().regex(/^\d+$/),
})
type Kept = z.infer<typeof Kept>

/**
 * What set-ups left in the folders of `cache`: `<home>/caches/<project id>/<key>/`. Attempts get copies and give nothing
 * back. A check runs as the user of Moose and can find the folder, so what lies there is compared with what was kept before
 * and after each copy, and a set-up that was touched counts for nothing. One instance per process.
 */
export class KeptCaches {
  readonly #root: string
  /** Records that this process has seen itself, whole: on disk one could be written anew. */
  readonly #seen = new Map<string, string>()
  /** How many copies are being made of each. */
  readonly #copied = new Map<string, number>()

  /** @param home absolute path of Moose's home */
  constructor(home: string) {
    this.#root = path.join(home, 'caches')
  }

  /** Whether it is there as it was kept. What is not any more is removed. */
  async has(name: KeptName): Promise<boolean> {
    const kept = await this.#read(name)
    if (kept !== null && (await this.#isUntouched(name, kept))) {
      const now = new Date()
      await utimes(path.join(this.#folderOf(name), RECORD), now, now)
      return true
    }
    await this.#remove(name)
    return false
  }

  /** The folder of the attempt a set-up was made in, which a copy has to name nothing anew in; null: it is not kept. */
  async madeIn(name: KeptName): Promise<string | null> {
    const kept = await this.#read(name)
    return kept === null ? null : kept.from
  }

  /**
   * Moves the folders of `cache` of a set-up out of the folder of its attempt. What it has not made, and what is reached
   * through a link, is not there.
   *
   * @param made.folder absolute path of the attempt's folder, in which nothing runs any more
   */
  async keep(
    name: KeptName,
    made: { folder: string; places: readonly CachePlace[]; signal: AbortSignal },
  ): Promise<void> {
    const draft = path.join(this.#projectFolder(name), `.${randomUUID()}`)
    const content = path.join(draft, CONTENT)
    await mkdir(content, { recursive: true, mode: 0o700 })
    for (const [index, place] of made.places.entries()) {
      const resting = restingPlace(made.folder, place, index)
      const found = await reached(resting.root, resting.path)
      if (found !== null) await moveFolder(found, path.join(content, String(index)))
    }
    await ownFiles(draft, made.signal)
    const mentions = await findMentions(content, `${made.folder}/`)
    const { ino } = await lstat(content, { bigint: true })
    const kept: Kept = { from: made.folder, mentions, digest: await recordDigest(content), inode: String(ino) }
    await writeFile(path.join(draft, RECORD), JSON.stringify(kept), { mode: 0o600 })
    await this.#remove(name)
    await rename(draft, this.#folderOf(name))
    this.#seen.set(idOf(name), JSON.stringify(kept))
    await this.#removeOld(name.projectId)
  }

  /**
   * Copies it into the folder of an attempt, whose tree is checked out.
   *
   * @throws {Fault} `setup_failed` when it is not kept any more as it was, `change_out_of_scope` where the tree has files
   *   in a folder of `cache`; what was copied until then is left there
   */
  async copyInto(
    name: KeptName,
    to: { folder: string; places: readonly CachePlace[]; signal: AbortSignal },
  ): Promise<void> {
    const kept = await this.#read(name)
    if (kept === null || !this.#isAsSeen(name, kept)) throw notKept()
    this.#copied.set(idOf(name), this.#copiesOf(name) + 1)
    try {
      for (const [index, place] of to.places.entries()) await this.#copyPlace({ name, kept, index, place }, to)
      if (!(await this.#isUntouched(name, kept))) throw notKept()
    } catch (error) {
      if (toFault(error).code !== 'command_failed' || (await this.#isUntouched(name, kept))) throw error
      throw notKept()
    } finally {
      this.#copied.set(idOf(name), this.#copiesOf(name) - 1)
    }
  }

  async #copyPlace(
    one: { name: KeptName; kept: Kept; index: number; place: CachePlace },
    to: { folder: string; signal: AbortSignal },
  ): Promise<void> {
    const content = path.join(this.#folderOf(one.name), CONTENT)
    if ((await lstatOrNull(path.join(content, String(one.index)))) === null) return
    const resting = restingPlace(to.folder, one.place, one.index)
    const place = await madeWay(resting.root, resting.path)
    if (place === null) throw inTheWay(one.place)
    await copy({ content, inode: one.kept.inode, name: String(one.index) }, place, to.signal)
    const names = namesBelow(one.kept.mentions, String(one.index))
    await rewriteMentions(place, names, { from: `${one.kept.from}/`, to: `${to.folder}/` })
  }

  #copiesOf(name: KeptName): number {
    const copies = this.#copied.get(idOf(name))
    return copies === undefined ? 0 : copies
  }

  async #isUntouched(name: KeptName, kept: Kept): Promise<boolean> {
    if (!this.#isAsSeen(name, kept)) return false
    const content = path.join(this.#folderOf(name), CONTENT)
    try {
      const isSame = String((await lstat(content, { bigint: true })).ino) === kept.inode
      const isWhole = isSame && (await recordDigest(content)) === kept.digest
      if (isWhole) this.#seen.set(idOf(name), JSON.stringify(kept))
      return isWhole
    } catch {
      // Something was removed while it was looked at, or may not be looked at: it is not what was kept.
      return false
    }
  }

  #isAsSeen(name: KeptName, kept: Kept): boolean {
    const seen = this.#seen.get(idOf(name))
    return seen === undefined || seen === JSON.stringify(kept)
  }

  async #read(name: KeptName): Promise<Kept | null> {
    const file = path.join(this.#folderOf(name), RECORD)
    const found = await lstatOrNull(file)
    if (found?.isFile() !== true) return null
    try {
      return Kept.parse(JSON.parse(await readFile(file, 'utf8')))
    } catch {
      // Another program's, or half of one: as if there were none.
      return null
    }
  }

  async #removeOld(projectId: string): Promise<void> {
    const folder = this.#projectFolder({ projectId })
    const found = (await namesIn(folder)).filter((key) => KEY.test(key))
    const dated = await Promise.all(found.map(async (key) => ({ key, usedAt: await lastUsed(path.join(folder, key)) })))
    const old = dated.toSorted((one, other) => other.usedAt - one.usedAt).slice(KEPT_PER_PROJECT)
    for (const { key } of old) if (this.#copiesOf({ projectId, key }) === 0) await this.#remove({ projectId, key })
  }

  /** In one move, so that no attempt is given half of it. */
  async #remove(name: KeptName): Promise<void> {
    this.#seen.delete(idOf(name))
    const folder = this.#folderOf(name)
    if ((await lstatOrNull(folder)) === null) return
    const aside = path.join(this.#projectFolder(name), `.${randomUUID()}`)
    await rename(folder, aside)
    await removeTree(aside)
  }

  #projectFolder({ projectId }: Pick<KeptName, 'projectId'>): string {
    return path.join(this.#root, projectId)
  }

  #folderOf(name: KeptName): string {
    return path.join(this.#projectFolder(name), name.key)
  }
}

/** Two projects may need the same set-up, and each keeps its own. */
function idOf({ projectId, key }: KeptName): string {
  return `${projectId}/${key}`
}

/** When a set-up was last wanted, in milliseconds; 0 for what is none. */
export async function lastUsed(folder: string): Promise<number> {
  const record = await lstatOrNull(path.join(folder, RECORD))
  return record === null ? 0 : record.mtimeMs
}

/** `$0`: the inode of the folder it has to be started in; the rest: for `cp`. */
const COPY_FROM =
  '[ "$(ls -di . | tr -cd 0-9)" = "$0" ] || { echo "its folder was replaced" >&2; exit 1; }; exec cp "$@"'

/**
 * With modes, times and links as they are, sharing the disk's blocks where the file system can: `cp` is ten times faster
 * here than Node's own copy of a folder. It is started in the folder it copies from: one that is put in its place for a
 * moment would be copied otherwise, and nothing of it would be seen afterwards.
 *
 * @see https://www.gnu.org/software/coreutils/manual/html_node/cp-invocation.html
 */
async function copy(
  from: { content: string; inode: string; name: string },
  to: string,
  signal: AbortSignal,
): Promise<void> {
  const flags = process.platform === 'darwin' ? ['-a', '-c'] : ['-a', '--reflink=auto']
  const { exitCode, stderr } = await runCommand({
    command: '/bin/sh',
    args: ['-c', COPY_FROM, from.inode, ...flags, '--', from.name, to],
    cwd: from.content,
    env: { PATH: '/usr/bin:/bin:/run/current-system/sw/bin', LC_ALL: 'C' },
    timeoutMs: COPY_TIMEOUT_MS,
    maxOutputBytes: 10_000,
    signal,
  })
  if (exitCode === 0) return
  throw new Fault(
    'command_failed',
    `What is kept of the set-up cannot be copied: ${stderr.text().slice(0, 600).trim()}`,
  )
}

/**
 * Has what is kept share no file with a folder outside: pnpm, for one, links packages from its store in HOME, which goes
 * with the attempt.
 *
 * @see https://pnpm.io/symlinked-node-modules-structure
 */
async function ownFiles(draft: string, signal: AbortSignal): Promise<void> {
  const content = path.join(draft, CONTENT)
  if (!(await hasNamesOutside(content))) return
  const shared = path.join(draft, 'shared')
  await rename(content, shared)
  const { ino } = await lstat(shared, { bigint: true })
  await copy({ content: shared, inode: String(ino), name: '.' }, content, signal)
  await removeTree(shared)
}

function notKept(): Fault {
  const message =
    'What setup had left is no longer kept, or another program has changed it: no check is run with it. ' +
    'Retry the order, which sets the project up anew.'
  return new Fault('setup_failed', message)
}

function inTheWay({ path: place }: CachePlace): Fault {
  const message =
    `The change has files at ${place}, which moose.yaml names as a cache. ` +
    'Take them out of the change, or the path out of cache on the base branch.'
  return new Fault('change_out_of_scope', message, { path: place })
}
