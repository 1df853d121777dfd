import type { Mirror } from './mirror.ts'
import { fullSha } from './ref-names.ts'

/** Options of every comparison of two commits: nothing is guessed (renames) and no program of a repository runs. */
export const DIFF_TREE = ['diff-tree', '-r', '--no-renames', '--no-ext-diff', '--no-textconv', '--no-color']

/** The unified diff between two commits of the mirror, cut at `maxBytes` with a note. */
export async function unifiedDiff(mirror: Mirror, from: string, to: string, maxBytes: number): Promise<string> {
  const args = [...DIFF_TREE, '--patch', fullSha(from), fullSha(to)]
  const { stdout } = await mirror.succeed(args, { signal: null, maxOutputBytes: maxBytes, keep: 'head' })
  return stdout.text()
}
