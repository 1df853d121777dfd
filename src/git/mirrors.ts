import path from 'node:path'
import type { Project } from '../work-order/project.ts'
import { Git } from './git.ts'
import type { GitAccess } from './git-access.ts'
import { Mirror } from './mirror.ts'
import { plainId } from './ref-names.ts'

/** The mirrors of all projects below one folder: `<root>/mirrors/<mirror id>.git`. One instance per process. */
export class Mirrors {
  /** git without a repository, on this host. */
  readonly git: Git
  readonly #root: string
  readonly #known = new Map<string, Mirror>()

  /**
   * @param root absolute path
   * @param access null: no token and no proxy is known
   */
  constructor(root: string, access: GitAccess | null = null) {
    this.#root = root
    this.git = new Git(path.join(root, 'git-home'), access)
  }

  /** Always the same mirror for the same repository of a project, so that what must not run at once can queue in it. */
  of(project: Project): Mirror {
    return this.at(project.mirrorId)
  }

  /** The same, where nothing but the id of the mirror is known. */
  at(mirrorId: string): Mirror {
    const known = this.#known.get(mirrorId)
    if (known !== undefined) return known
    const mirror = new Mirror(this.git, path.join(this.#root, 'mirrors', `${plainId(mirrorId)}.git`))
    this.#known.set(mirrorId, mirror)
    return mirror
  }

  /** The mirror is no longer where it was: the next `of` is told of a new one. */
  forget(mirrorId: string): void {
    this.#known.delete(mirrorId)
  }
}
