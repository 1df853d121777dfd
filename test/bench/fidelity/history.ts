import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'

/** A file on one side of a commit. */
export type Side = { path: string; mode: string; bytes: Buffer }

/** Lines that differ: `length` lines from index `at`, before and after. */
export type Hunk = { before: Span; after: Span }
export type Span = { at: number; length: number }

/** What a commit does to one file; one side is null where it makes or deletes it. The paths differ where it renames it. */
export type ChangedFile = { before: Side | null; after: Side | null; hunks: readonly Hunk[] }

export type Commit = { sha: string; tree: string; parents: readonly string[]; subject: string }

const ENVIRONMENT = {
  PATH: String(process.env['PATH']),
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  LC_ALL: 'C',
}

/** git on a repository, with bytes in and out. Rejects on a non-zero exit. */
export async function gitBytes(repository: string, args: readonly string[], input = ''): Promise<Buffer> {
  const child = spawn('git', ['-C', repository, ...args], { env: ENVIRONMENT, stdio: ['pipe', 'pipe', 'inherit'] })
  // A git that reads nothing may be gone before.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const [bytes] = await Promise.all([buffer(child.stdout), once(child, 'close')])
  if (child.exitCode !== 0) throw new Error(`git ${args.join(' ')} ended with ${child.exitCode}`)
  return bytes
}

/** Every commit of a branch that merges nothing, newest first. */
export async function commitsOf(repository: string, branch = 'HEAD'): Promise<Commit[]> {
  const args = ['log', '--no-merges', '--format=%H%x00%T%x00%P%x00%s', branch, '--']
  const text = (await gitBytes(repository, args)).toString('utf8').trimEnd()
  return text.split('\n').map((line) => {
    const [sha = '', tree = '', parents = '', subject = ''] = line.split('\0')
    return { sha, tree, parents: parents.split(' ').filter((parent) => parent !== ''), subject }
  })
}

const DIFF = ['diff-tree', '-r', '--find-renames', '--no-color', '--no-ext-diff', '--no-textconv']
const NO_BLOB = /^0+$/
const SUBMODULE = '160000'

/** What a commit changes against its first parent, in the order of git. */
export async function changesOf(repository: string, { sha, parents: [parent] }: Commit): Promise<ChangedFile[]> {
  const between = [String(parent), sha]
  const [raw, patch] = await Promise.all([
    gitBytes(repository, [...DIFF, '--raw', '-z', '--no-abbrev', ...between]),
    gitBytes(repository, [...DIFF, '--patch', '--unified=0', '--text', ...between]),
  ])
  const entries = rawEntries(raw.toString('utf8'))
  const blobs = await readBlobs(
    repository,
    entries.flatMap(({ before, after }) => [before, after]),
  )
  const hunks = hunksByFile(patch.toString('latin1'))
  const side = ({ path, mode, blob }: RawSide): Side | null => {
    if (NO_BLOB.test(blob)) return null
    return { path, mode, bytes: blobs.get(blob) ?? Buffer.alloc(0) }
  }
  return entries.map((entry, index) => ({
    before: side(entry.before),
    after: side(entry.after),
    hunks: hunks[index] ?? [],
  }))
}

type RawSide = { path: string; mode: string; blob: string }

/** @see https://git-scm.com/docs/git-diff-tree (raw output format) */
function rawEntries(text: string): { before: RawSide; after: RawSide }[] {
  const fields = text.split('\0')
  const entries: { before: RawSide; after: RawSide }[] = []
  for (let at = 0; fields[at]?.startsWith(':') === true; ) {
    const [oldMode = '', newMode = '', oldBlob = '', newBlob = '', status = ''] = String(fields[at]).slice(1).split(' ')
    const from = String(fields[at + 1])
    const to = status.startsWith('R') ? String(fields[at + 2]) : from
    entries.push({
      before: { path: from, mode: oldMode, blob: oldMode === SUBMODULE ? '1' : oldBlob },
      after: { path: to, mode: newMode, blob: newMode === SUBMODULE ? '1' : newBlob },
    })
    at += status.startsWith('R') ? 3 : 2
  }
  return entries
}

async function readBlobs(repository: string, sides: readonly RawSide[]): Promise<Map<string, Buffer>> {
  const wanted = [...new Set(sides.map(({ blob }) => blob))].filter((blob) => blob !== '1' && !NO_BLOB.test(blob))
  const found = new Map<string, Buffer>()
  if (wanted.length === 0) return found
  const bytes = await gitBytes(repository, ['cat-file', '--batch'], `${wanted.join('\n')}\n`)
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf('\n', at)
    const [blob = '', , size = ''] = bytes.subarray(at, end).toString('latin1').split(' ')
    found.set(blob, bytes.subarray(end + 1, end + 1 + Number(size)))
    at = end + 1 + Number(size) + 1
  }
  return found
}

/** Lines of a file start with a sign, so that none is taken for a header. */
function hunksByFile(patch: string): Hunk[][] {
  const files: Hunk[][] = []
  for (const line of patch.split('\n')) {
    if (line.startsWith('diff --git ')) files.push([])
    const ranges = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(line)
    if (ranges === null) continue
    const [, oldLine, oldCount = '1', newLine, newCount = '1'] = ranges
    files
      .at(-1)
      ?.push({ before: span(Number(oldLine), Number(oldCount)), after: span(Number(newLine), Number(newCount)) })
  }
  return files
}

/** A span without lines is named by the line before it. */
const span = (line: number, length: number): Span => ({ at: length === 0 ? line : line - 1, length })
