/** A file that differs from its base. */
export type FileChange = {
  path: string
  /** The new content; null when the file is deleted. */
  content: Buffer | null
  /** The path this file had in the base; its mode and history come from there. Absent when it was not renamed. */
  renamedFrom?: string
}

/** Content of a file of the base; null when there is no file at this path. */
export type ReadFile = (path: string) => Promise<Buffer | null>

/** A tree of files in memory: a base, read as it is needed, and the changes on top of it. */
export class EditedTree {
  readonly #read: ReadFile
  readonly #base = new Map<string, Buffer | null>()
  readonly #now = new Map<string, Buffer | null>()
  /** Current path of a renamed file to the one it had in the base. */
  readonly #origins = new Map<string, string>()

  constructor(read: ReadFile) {
    this.#read = read
  }

  /** The file as it is now; null when there is none. */
  async get(path: string): Promise<Buffer | null> {
    const changed = this.#now.get(path)
    if (changed !== undefined) return changed
    const known = this.#base.get(path)
    if (known !== undefined) return known
    const content = await this.#read(path)
    this.#base.set(path, content)
    return content
  }

  /** Writes or, with null, deletes a file that `get` was asked for before. */
  set(path: string, content: Buffer | null): void {
    this.#now.set(path, content)
    if (content === null) this.#origins.delete(path)
  }

  /** Moves a file that `get` has found to a path where it has found none. */
  move(from: string, to: string, content: Buffer): void {
    const origin = this.#origins.get(from) ?? (this.#base.get(from) ? from : undefined)
    this.set(from, null)
    this.set(to, content)
    if (origin !== undefined) this.#origins.set(to, origin)
  }

  /**
   * Why no new file can stand at a path; null when one can. Folders are known from the files seen so far.
   *
   * @param leaving a file that is about to move away, so that it is in nobody's way
   */
  async placeProblem(path: string, leaving?: string): Promise<string | null> {
    const segments = path.split('/')
    for (let depth = 1; depth < segments.length; depth += 1) {
      const folder = segments.slice(0, depth).join('/')
      if (folder !== leaving && (await this.get(folder)) !== null)
        return `cannot be created: its folder "${folder}" is a file`
    }
    for (const file of new Set([...this.#base.keys(), ...this.#now.keys()])) {
      const inside = file !== leaving && file.startsWith(`${path}/`)
      if (inside && (await this.get(file)) !== null) return 'cannot be created: it is a folder'
    }
    return null
  }

  /** The files whose bytes differ from the base, sorted by path in code unit order. */
  changes(): FileChange[] {
    const changes: FileChange[] = []
    for (const [path, content] of this.#now) {
      const before = this.#base.get(path)
      if (before === undefined) throw new TypeError(`${path} was changed before it was read`)
      const same = content === null || before === null ? content === before : content.equals(before)
      if (same) continue
      const origin = this.#origins.get(path)
      const renamed = origin === undefined || origin === path ? {} : { renamedFrom: origin }
      changes.push({ path, content, ...renamed })
    }
    return changes.sort((left, right) => (left.path < right.path ? -1 : 1))
  }
}
