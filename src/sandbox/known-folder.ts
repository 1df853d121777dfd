import { lstat } from 'node:fs/promises'

/** A folder remembered by what it is and not only by its name, which foreign code can give to another. */
export class KnownFolder {
  readonly #path: string
  readonly #device: bigint
  readonly #inode: bigint

  private constructor(path: string, device: bigint, inode: bigint) {
    this.#path = path
    this.#device = device
    this.#inode = inode
  }

  /** @param path absolute path of an existing folder */
  static async at(path: string): Promise<KnownFolder> {
    const { dev, ino } = await lstat(path, { bigint: true })
    return new KnownFolder(path, dev, ino)
  }

  /** False when it was removed, moved, made unreachable, or replaced by a link, a file or another folder. */
  async isStillThere(): Promise<boolean> {
    try {
      const found = await lstat(this.#path, { bigint: true })
      return found.isDirectory() && found.dev === this.#device && found.ino === this.#inode
    } catch {
      // Whatever keeps us from seeing it: it is not where we could work in it.
      return false
    }
  }
}
