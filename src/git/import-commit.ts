import type { CommitRules } from '../work-order/project.ts'
import { gitFailed } from './git.ts'
import { dated, whoOf } from './git-environment.ts'
import { retryLocked } from './git-lock.ts'
import { makeCommit, signedOff } from './make-commit.ts'
import type { Mirror } from './mirror.ts'
import { fullSha } from './ref-names.ts'

/** `path` holds one character per byte (latin1). `put` is the new file; null: it is deleted. */
export type TreeChange = { path: string; put: { mode: string; id: string } | null }

export type CommitToImport = {
  /** Set to the commit, wherever it stood. */
  ref: string
  parent: string
  message: string
  /** Author and committer date. */
  when: Date
  rules: CommitRules
  /** What differs from the parent, deletions first; the blobs are in the mirror. */
  changes: readonly TreeChange[]
}

/**
 * Makes the commit and sets the ref with one git, which reads and writes only the folders on the way to what changed.
 * It is bit for bit the commit that `commit-tree` makes.
 *
 * @see https://git-scm.com/docs/git-fast-import
 */
export async function importCommit(mirror: Mirror, commit: CommitToImport): Promise<string> {
  const args = ['fast-import', '--quiet', '--force', '--date-format=raw']
  const input = Buffer.from(streamOf(commit), 'latin1')
  const result = await retryLocked(mirror.dir, () => mirror.run(args, { signal: null, input }))
  if (result.exitCode !== 0) throw gitFailed(args, result)
  const sha = fullSha(result.stdout.text().trim())
  return commit.rules.signingKey === null ? sha : await signed(mirror, commit, sha)
}

/** The same commit with its signature, which fast-import cannot make. */
async function signed(mirror: Mirror, commit: CommitToImport, unsigned: string): Promise<string> {
  const ask: Parameters<typeof makeCommit>[0] = async (args, call) =>
    (await mirror.succeed(args, { signal: null, ...call })).stdout.text().trim()
  const tree = await ask(['rev-parse', '--verify', '--quiet', `${unsigned}^{tree}`], {})
  const sha = await makeCommit(ask, { ...commit, tree, parents: [commit.parent] })
  await mirror.keep(commit.ref, sha)
  return sha
}

/** One character per byte, as the paths are. */
function streamOf({ ref, parent, message, when, rules, changes }: CommitToImport): string {
  const { author, committer } = whoOf(rules)
  const text = latin1(signedOff(message, rules))
  return [
    `commit ${ref}`,
    'mark :1',
    `author ${latin1(dated(author, when))}`,
    `committer ${latin1(dated(committer, when))}`,
    `data ${text.length}`,
    text,
    `from ${fullSha(parent)}`,
    ...changes.map(({ path, put }) =>
      put === null ? `D ${quoted(path)}` : `M ${put.mode} ${fullSha(put.id)} ${quoted(path)}`,
    ),
    '',
    'get-mark :1',
    '',
  ].join('\n')
}

function latin1(text: string): string {
  return Buffer.from(text).toString('latin1')
}

/** A path as C writes a string, which any name can be. */
function quoted(path: string): string {
  const escaped = path.replace(
    /["\\\p{Cc}]/gu,
    (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`,
  )
  return `"${escaped}"`
}
