import type { Mirror } from '../git/mirror.ts'

/** What every work tree is made with. */
export type WorkspaceParts = {
  mirror: Mirror
  /** Absolute path of a folder of the attempt's own; the tree and the index are in it. */
  folder: string
}
