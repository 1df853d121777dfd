import { isUtf8 } from 'node:buffer'
import path from 'node:path'
import type { BoundedOutput } from '../process/bounded-output.ts'
import type { Mirror } from './mirror.ts'
import { ALL_BINARY } from './mirror-files.ts'
import { fullSha } from './ref-names.ts'

/** Options of every comparison of two commits: nothing is guessed (renames) and no program of a repository runs. */
export const DIFF_TREE = ['diff-tree', '-r', '--no-renames', '--no-ext-diff', '--no-textconv', '--no-color']

/** The unified diff between two commits of the mirror, cut at `maxBytes` with a note. */
export async function unifiedDiff(mirror: Mirror, from: string, to: string, maxBytes: number): Promise<string> {
  const args = [...DIFF_TREE, '--patch', fullSha(from), fullSha(to)]
  const { stdout } = await mirror.succeed(args, { signal: null, maxOutputBytes: maxBytes, keep: 'head' })
  return stdout.text()
}

/**
 * The diff between two commits of the mirror as text that `git apply` takes: binary files, and those a text cannot hold (a
 * NUL, no valid UTF-8), are in git's encoding of binary patches. Where it is longer than `maxBytes`, it is cut with a note and
 * does not apply.
 */
export async function recordedDiff(mirror: Mirror, from: string, to: string, maxBytes: number): Promise<string> {
  const args = [...DIFF_TREE, '--patch', '--binary', '--full-index', fullSha(from), fullSha(to)]
  const call = { signal: null, maxOutputBytes: maxBytes, keep: 'head' } as const
  const { stdout } = await mirror.succeed(args, call)
  if (isText(stdout)) return stdout.text()
  const asBinary = ['-c', `core.attributesFile=${path.join(mirror.dir, ALL_BINARY)}`]
  const encoded = (await mirror.succeed([...asBinary, ...args], call)).stdout
  if (stdout.droppedBytes > 0 || encoded.droppedBytes > 0) {
    return `${stdout.text().replaceAll('\0', '\ufffd')}[… bytes that are no UTF-8 are shown as \ufffd: this diff does not apply …]\n`
  }
  const inBinary = filesOf(encoded)
  return filesOf(stdout)
    .map((file, index) => (isUtf8(file) && !file.includes(0) ? file : inBinary[index]))
    .join('')
}

function isText(output: BoundedOutput): boolean {
  const bytes = output.bytes()
  return (isUtf8(bytes) || output.droppedBytes > 0) && !bytes.includes(0)
}

/** What a diff says of each file; a line of a file's content never begins with these words. */
function filesOf(diff: BoundedOutput): Buffer[] {
  return diff
    .bytes()
    .toString('latin1')
    .split(/^(?=diff --git )/m)
    .map((file) => Buffer.from(file, 'latin1'))
}
