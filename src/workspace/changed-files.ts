import { DIFF_TREE } from '../git/diff.ts'
import type { Mirror } from '../git/mirror.ts'
import { fullSha } from '../git/ref-names.ts'
import type { ChangedFile } from '../ports/workspace.ts'
import { recordsOf } from './nul-records.ts'

/** Files that differ between two commits (or trees) of the mirror, sorted by path. */
export async function changedFiles(mirror: Mirror, fromSha: string, toSha: string): Promise<ChangedFile[]> {
  const args = [...DIFF_TREE, '--raw', '--numstat', '-z', fullSha(fromSha), fullSha(toSha)]
  const { stdout } = await mirror.succeed(args, { signal: null })
  return parseChanges(recordsOf(stdout.bytes()))
}

/**
 * Reads `--raw --numstat -z`: first a pair `:modes ids STATUS`, `path` for every file, then for every file a record
 * `added<TAB>deleted<TAB>path` with dashes for a binary one.
 *
 * @see https://git-scm.com/docs/git-diff-tree#_raw_output_format
 */
export function parseChanges(records: readonly string[]): ChangedFile[] {
  const changes = new Map<string, ChangedFile['change']>()
  let next = 0
  for (; records[next]?.startsWith(':') === true; next += 2) {
    changes.set(String(records[next + 1]), changeOf(String(records[next])))
  }
  const files: ChangedFile[] = []
  for (const record of records.slice(next)) {
    const [added, deleted, ...rest] = record.split('\t')
    const path = rest.join('\t')
    const change = changes.get(path)
    if (change !== undefined) files.push({ path, change, added: lines(added), deleted: lines(deleted) })
  }
  return files.sort((left, right) => (left.path < right.path ? -1 : 1))
}

/** The last letter of a raw record; a change of type (a file became a link) is a modification. */
function changeOf(record: string): ChangedFile['change'] {
  const status = record.slice(-1)
  return status === 'A' ? 'added' : status === 'D' ? 'deleted' : 'modified'
}

function lines(count: string | undefined): number | null {
  return count === undefined || count === '-' ? null : Number(count)
}
