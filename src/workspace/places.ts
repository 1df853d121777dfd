import path from 'node:path'
import { plainId } from '../git/ref-names.ts'
import type { Project } from '../work-order/project.ts'

/** A folder for a tree and what lies beside it. */
export type Place = {
  /** Absolute path. */
  folder: string
  /** False once it was given back: what is there may be another's. */
  isHeld: () => boolean
  /** Another may have it then. */
  release: () => void
}

/** `own`: the folder of the attempt it was taken for; null: for none. */
type Taken = { folder: string; own: string | null }

/**
 * The folders of workspaces, below `<home>/workspaces`: `<work order id>-<attempt>`, and for those that a set-up is made in
 * or copied into `<project id>.<n>`. What tools install often names the folder it was installed in, and what compilers keep
 * is found again by it; so these are used again and again, one attempt at a time. One instance per process, which owns the
 * home.
 */
export class Places {
  readonly #root: string
  readonly #taken = new Map<string, Taken>()

  /** @param home absolute path */
  constructor(home: string) {
    this.#root = path.join(home, 'workspaces')
  }

  /** Of an attempt that is prepared nothing for. */
  own(workOrderId: string, attempt: number): Place {
    return { folder: this.folderOf(workOrderId, attempt), isHeld: () => true, release() {} }
  }

  folderOf(workOrderId: string, attempt: number): string {
    return path.join(this.#root, `${plainId(workOrderId)}-${attempt}`)
  }

  /**
   * @param wanted the folder that is best, where it is free
   * @param own of the attempt it is for; null: of none
   */
  take(project: Project, wanted: string | null, own: string | null): Place {
    const numbered = (n: number) => path.join(this.#root, `${plainId(project.id)}.${n}`)
    let n = 0
    while (this.#taken.has(numbered(n))) n += 1
    const isFree = wanted !== null && !this.#taken.has(wanted) && this.#isOf(project, wanted)
    const folder = isFree ? wanted : numbered(n)
    return this.#hold({ folder, own })
  }

  /** What is taken for an attempt; null: nothing. */
  takenFor(own: string): Place | null {
    for (const taken of this.#taken.values()) if (taken.own === own) return this.#placeOf(taken)
    return null
  }

  #hold(taken: Taken): Place {
    this.#taken.set(taken.folder, taken)
    return this.#placeOf(taken)
  }

  #placeOf(taken: Taken): Place {
    const { folder } = taken
    const isHeld = () => this.#taken.get(folder) === taken
    return { folder, isHeld, release: () => void (isHeld() && this.#taken.delete(folder)) }
  }

  /** A record on disk says what is wanted, and another program could have written it. */
  #isOf(project: Project, folder: string): boolean {
    return (
      path.dirname(folder) === this.#root &&
      new RegExp(`^${plainId(project.id)}\\.\\d{1,4}$`).test(path.basename(folder))
    )
  }
}
