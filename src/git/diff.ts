import { isUtf8 } from 'node:buffer'
import path from 'node:path'
import { charsetOf } from '../edits/text/charset.ts'
import type { BoundedOutput } from '../process/bounded-output.ts'
import { forReading } from '../work-order/diff-files.ts'
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
 * NUL, no valid UTF-8), are in git's encoding of binary patches. Below such a patch of text stands what a person reads, in lines that
 * `git apply` passes over (`filesOfDiff` finds them). Where it is longer than `maxBytes`, it is cut with a note and does not apply.
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
  const parts = filesOf(stdout).map((file, index) => {
    const isReadable = !file.includes(0)
    return isReadable && isUtf8(file)
      ? { applies: file, reads: null }
      : { applies: inBinary[index], reads: isReadable ? file : null }
  })
  const applicable = parts.map(({ applies }) => String(applies))
  if (parts.filter(({ reads }) => reads !== null).length > MOST_READ) return applicable.join('')
  const texts = await Promise.all(
    parts.map(async ({ reads }) => (reads === null ? '' : forReading(await decoded(mirror, reads)))),
  )
  const whole = applicable.map((part, index) => `${part}${texts[index]}`).join('')
  return Buffer.byteLength(whole) > maxBytes ? applicable.join('') : whole
}

/** Files in another encoding that are decoded for reading; git is asked for both sides of each. */
const MOST_READ = 50
const MOST_OF_FILE = 10 * 1024 * 1024

/** A file's part of a diff, each line in the encoding of its side; bytes of one that cannot be told are shown as U+FFFD. */
async function decoded(mirror: Mirror, part: Buffer): Promise<string> {
  const [, before = '', after = ''] = /^index ([0-9a-f]+)\.\.([0-9a-f]+)/m.exec(part.toString('latin1')) ?? []
  const decoderOf = async (id: string): Promise<(line: Buffer) => string> => {
    const call = { signal: null, maxOutputBytes: MOST_OF_FILE, keep: 'head' } as const
    const { exitCode, stdout } = await mirror.run(['cat-file', 'blob', fullSha(id)], call)
    const charset = exitCode === 0 && stdout.droppedBytes === 0 ? charsetOf(stdout.bytes()) : null
    return charset === null ? (line) => line.toString('utf8') : charset.decode
  }
  const old = await decoderOf(before)
  const now = await decoderOf(after)
  const lines = part.toString('latin1').split('\n')
  const start = lines.findIndex((line) => line.startsWith('@@ '))
  return lines
    .map((line, index) => {
      const isOld = index > start && (line.startsWith('-') || /^0+$/.test(after))
      return (isOld ? old : now)(Buffer.from(line, 'latin1'))
    })
    .join('\n')
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
