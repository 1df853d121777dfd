import { EditedText } from './edited-text.ts'
import type { Effort } from './effort.ts'
import { textProblem } from './text-file.ts'

/** A file that differs from its base. */
export type FileChange = {
  path: string
  /** The new content; null when the file is deleted. */
  content: Buffer | null
  /** The path this file had in the base; its mode and history come from there. Absent when it was not renamed. */
  renamedFrom?: string
  /** Whether it is to be executable. Absent: it has the mode of the file that was there, and a new one is not. */
  executable?: boolean
}

/** Content of a file of the base; null when there is no file at this path. */
export type ReadFile = (path: string) => Promise<Buffer | null>

/** Whether a file of the base is executable. */
export type IsExecutable = (path: string) => Promise<boolean>

/** A file as its bytes, or as a text that edits have changed. */
type Content = Buffer | EditedText

/** A tree of files in memory: a base, read as it is needed, and the changes on top of it. */
export class EditedTree {
  readonly #read: ReadFile
  readonly #effort: Effort
  readonly #base = new Map<string, Buffer | null>()
  readonly #now = new Map<string, Content | null>()
  /** Files of the base as texts, or why they are none, so that none is read for every block that edits it. */
  readonly #texts = new Map<Buffer, EditedText | string>()
  /** Every path at which a file was seen. */
  readonly #seen = new Set<string>()
  /** Current path of a renamed file to the one it had in the base. */
  readonly #origins = new Map<string, string>()
  readonly #isExecutable: IsExecutable
  /** Whether files are to be executable, and were so in the base. */
  readonly #modes = new Map<string, { now: boolean; before: boolean }>()

  constructor({ read, isExecutable }: { read: ReadFile; isExecutable: IsExecutable }, effort: Effort) {
    this.#read = read
    this.#isExecutable = isExecutable
    this.#effort = effort
  }

  /** The file as it is now; null when there is none. */
  async get(path: string): Promise<Content | null> {
    const changed = this.#now.get(path)
    if (changed !== undefined) return changed
    const known = this.#base.get(path)
    if (known !== undefined) return known
    const content = await this.#read(path)
    this.#base.set(path, content)
    if (content !== null) this.#seen.add(path)
    return content
  }

  /** What `get` gave, to be edited; null is an empty file. A text: why it cannot be, as `textProblem` says. */
  textOf(content: Content | null): EditedText | string {
    if (content === null) return new EditedText(Buffer.alloc(0), this.#effort)
    if (content instanceof EditedText) return content
    const known = this.#texts.get(content)
    if (known !== undefined) return known
    const problem = textProblem(content)
    const text = problem === null ? new EditedText(content, this.#effort) : problem
    this.#texts.set(content, text)
    return text
  }

  /** Writes or, with null, deletes a file that `get` was asked for before. */
  set(path: string, content: Content | null): void {
    this.#now.set(path, content)
    if (content !== null) {
      this.#seen.add(path)
      return
    }
    this.#origins.delete(path)
    this.#modes.delete(path)
  }

  /** Makes a file that is there executable, or takes that from it. */
  async setExecutable(path: string, now: boolean): Promise<void> {
    const content = await this.get(path)
    if (content === null) throw new TypeError(`${path} is not there`)
    const origin = this.#origins.get(path) ?? path
    const before = Boolean(this.#base.get(origin)) && (await this.#isExecutable(origin))
    this.#modes.set(path, { now, before })
    this.#now.set(path, content)
  }

  /** Moves a file that `get` has found to a path where it has found none. */
  move(from: string, to: string, content: Content): void {
    const origin = this.#origins.get(from) ?? (this.#base.get(from) ? from : undefined)
    const mode = this.#modes.get(from)
    this.set(from, null)
    this.set(to, content)
    if (origin !== undefined) this.#origins.set(to, origin)
    if (mode !== undefined) this.#modes.set(to, mode)
  }

  /**
   * Why no new file can stand at a path; null when one can. Folders are known from the files seen so far.
   *
   * @param leaving a file that is about to move away, so that it blocks no path
   */
  async placeProblem(path: string, leaving?: string): Promise<string | null> {
    const segments = path.split('/')
    for (let depth = 1; depth < segments.length; depth += 1) {
      const folder = segments.slice(0, depth).join('/')
      if (folder !== leaving && (await this.get(folder)) !== null)
        return `cannot be created: its folder "${folder}" is a file`
    }
    for (const file of this.#seen) {
      const inside = file !== leaving && file.startsWith(`${path}/`)
      if (inside && (await this.get(file)) !== null) return 'cannot be created: it is a folder'
    }
    return null
  }

  /** The files that differ from the base, sorted by path in code unit order. */
  changes(): FileChange[] {
    const changes: FileChange[] = []
    for (const [path, now] of this.#now) {
      const content = now instanceof EditedText ? now.toBuffer() : now
      const before = this.#base.get(path)
      if (before === undefined) throw new TypeError(`${path} was changed before it was read`)
      const same = content === null || before === null ? content === before : content.equals(before)
      const mode = this.#modes.get(path)
      if (same && (mode === undefined || mode.now === mode.before)) continue
      const origin = this.#origins.get(path)
      const renamed = origin === undefined || origin === path ? {} : { renamedFrom: origin }
      changes.push({ path, content, ...renamed, ...(mode === undefined ? {} : { executable: mode.now }) })
    }
    return changes.sort((left, right) => (left.path < right.path ? -1 : 1))
  }
}
