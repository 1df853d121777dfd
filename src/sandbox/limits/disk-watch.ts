import { lstat, readdir, statfs } from 'node:fs/promises'
import path from 'node:path'
import { errorCode, isMissing } from '../../faults/error-code.ts'

/** With less than this left, what fills a disk is ended: a database and other attempts write there too. */
const FLOOR: Room = { bytes: 200_000_000, files: 2_000 }
/** Between the clock of a file system and ours. */
const CLOCK_GRAIN_MS = 100

type Room = { bytes: number; files: number }
const KINDS = ['bytes', 'files'] as const

/**
 * Watches the disk of a folder while a child writes there. A limit on each file bounds no sum, and no limit of the system
 * bounds what all processes of a child write together.
 */
export class DiskWatch {
  readonly #folder: string
  readonly #before: Room
  readonly #floor: Room
  readonly #since: number
  #low: Room | null = null

  private constructor(folder: string, before: Room) {
    this.#folder = folder
    this.#before = before
    // On a disk that is almost full from the start, half of what is there may still be used.
    this.#floor = {
      bytes: Math.min(FLOOR.bytes, Math.floor(before.bytes / 2)),
      files: Math.min(FLOOR.files, Math.floor(before.files / 2)),
    }
    this.#since = Date.now() - CLOCK_GRAIN_MS
  }

  static async begin(folder: string): Promise<DiskWatch> {
    return new DiskWatch(folder, await roomOf(folder))
  }

  get floorBytes(): number {
    return this.#floor.bytes
  }

  /** Whether there is less room than has to be left. */
  async isLow(): Promise<boolean> {
    const room = await roomOf(this.#folder)
    const isLow = KINDS.some((kind) => room[kind] < this.#floor[kind])
    if (isLow) this.#low ??= room
    return isLow
  }

  /**
   * Whether it was this child that used the room up, and not something else on the same disk: whether at least half of what
   * was used since it began is in the folder, or came back when it ended, as what no name leads to any more does. To be
   * asked when it has ended.
   */
  async wasFilledByChild(): Promise<boolean> {
    if (this.#low === null) return false
    const { bytes, files } = this.#low
    const now = await roomOf(this.#folder)
    const missing = {
      bytes: (this.#before.bytes - bytes) / 2 - Math.max(0, now.bytes - bytes),
      files: (this.#before.files - files) / 2 - Math.max(0, now.files - files),
    }
    if (KINDS.some((kind) => this.#ranOut(kind) && missing[kind] <= 0)) return true
    const found: Room = { bytes: 0, files: 0 }
    const isEnough = () => KINDS.some((kind) => this.#ranOut(kind) && found[kind] >= missing[kind])
    await addWritten(this.#folder, { since: this.#since, found, isEnough })
    return isEnough()
  }

  #ranOut(kind: keyof Room): boolean {
    return this.#low !== null && this.#low[kind] < this.#floor[kind]
  }
}

/** Endless in a folder that a child has removed; and of files, on file systems that do not count them. */
async function roomOf(folder: string): Promise<Room> {
  try {
    const { bavail, bsize, files, ffree } = await statfs(folder)
    return { bytes: bavail * bsize, files: files === 0 ? Number.MAX_SAFE_INTEGER : ffree }
  } catch (error) {
    if (!isMissing(error)) throw error
    return { bytes: Number.MAX_SAFE_INTEGER, files: Number.MAX_SAFE_INTEGER }
  }
}

type Search = { since: number; found: Room; isEnough: () => boolean }

/** Adds up what was written or made since; a program can set any time of a file but this one. Links are not followed. */
async function addWritten(folder: string, search: Search): Promise<void> {
  for (const name of await namesOf(folder)) {
    if (search.isEnough()) return
    const entry = path.join(folder, name)
    const { ctimeMs, blocks, isFolder } = await look(entry)
    if (ctimeMs >= search.since) {
      search.found.bytes += blocks * 512
      search.found.files += 1
    }
    if (isFolder) await addWritten(entry, search)
  }
}

const UNSEEN: ReadonlySet<string | null> = new Set(['ENOENT', 'ENOTDIR', 'EACCES', 'ENAMETOOLONG'])

async function namesOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (UNSEEN.has(errorCode(error))) return []
    throw error
  }
}

async function look(entry: string): Promise<{ ctimeMs: number; blocks: number; isFolder: boolean }> {
  try {
    const found = await lstat(entry)
    return { ctimeMs: found.ctimeMs, blocks: found.blocks, isFolder: found.isDirectory() }
  } catch (error) {
    if (UNSEEN.has(errorCode(error))) return { ctimeMs: 0, blocks: 0, isFolder: false }
    throw error
  }
}
