import { containsCommit } from './merge.ts'
import type { Mirror } from './mirror.ts'
import { fullSha } from './ref-names.ts'

/** Comparing many commits of a busy base takes time; what takes longer is looked for at its next move. */
const TIMEOUT_MS = 60_000
const FIXED = '@946684800 +0000'
const NOBODY = {
  GIT_AUTHOR_NAME: 'Moose',
  GIT_AUTHOR_EMAIL: 'moose@localhost',
  GIT_AUTHOR_DATE: FIXED,
  GIT_COMMITTER_NAME: 'Moose',
  GIT_COMMITTER_EMAIL: 'moose@localhost',
  GIT_COMMITTER_DATE: FIXED,
}

/**
 * The commit of a base by which the change of a branch has landed there without being merged: cherry-picked, rebased or
 * squashed. It is known by its patch, as git compares them; null: there is none, or it was changed on the way.
 *
 * @see https://git-scm.com/docs/git-rev-list (--cherry-mark)
 */
export async function landedByPatch(mirror: Mirror, base: string, head: string): Promise<string | null> {
  const { exitCode, stdout } = await mirror.run(['merge-base', fullSha(base), fullSha(head)], { signal: null })
  if (exitCode !== 0) return null
  const forkedAt = fullSha(stdout.text().trim())
  const picked = await equalTo(mirror, base, head)
  return picked === null ? await equalTo(mirror, base, await squashed(mirror, forkedAt, head)) : picked
}

/** The newest commit of the base that equals one of the branch, where each of the branch has one. */
async function equalTo(mirror: Mirror, base: string, head: string): Promise<string | null> {
  const marked = async (side: '--left-only' | '--right-only') => {
    const args = ['rev-list', '--cherry-mark', '--no-merges', side, `${fullSha(head)}...${fullSha(base)}`]
    const { stdout } = await mirror.succeed(args, { signal: null, timeoutMs: TIMEOUT_MS })
    return stdout
      .text()
      .split('\n')
      .filter((line) => line !== '')
  }
  const own = await marked('--left-only')
  if (own.length === 0 || own.some((line) => !line.startsWith('='))) return null
  const theirs = await marked('--right-only')
  const equal = theirs.find((line) => line.startsWith('='))
  return equal === undefined ? null : fullSha(equal.slice(1))
}

/** The whole change as one commit; always the same one, so that looking again adds nothing. */
async function squashed(mirror: Mirror, forkedAt: string, head: string): Promise<string> {
  const args = ['commit-tree', '-p', forkedAt, '-m', 'squashed', `${fullSha(head)}^{tree}`]
  const { stdout } = await mirror.succeed(args, { signal: null, env: NOBODY })
  return fullSha(stdout.text().trim())
}

/** Whether a base holds a commit that another commit, which a branch began from, does not. */
export async function hasLanded(mirror: Mirror, at: { base: string; beganAt: string }, sha: string): Promise<boolean> {
  return (await containsCommit(mirror, at.base, sha)) && !(await containsCommit(mirror, at.beganAt, sha))
}
