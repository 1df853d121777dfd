import { Fault } from '../../src/faults/fault.ts'
import type { BaseTree } from '../../src/ports/proposal.ts'

/** The tree of a commit without a repository: content by path; null stands for a symlink. */
export function memoryTree(files: Readonly<Record<string, string | Buffer | null>>): BaseTree {
  return {
    sha: 'a'.repeat(40),
    async read(path) {
      const content = files[path]
      if (content === null) throw new Fault('scope_unreadable', `${path} is a symlink.`, { path })
      return content === undefined ? null : Buffer.from(content)
    },
    isExecutable: async () => false,
    list: async () => Object.keys(files).sort(),
  }
}
