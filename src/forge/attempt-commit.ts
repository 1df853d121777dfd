import { Fault } from '../faults/fault.ts'
import { faultPoint } from '../faults/fault-point.ts'
import { recordedDiff } from '../git/diff.ts'
import type { Mirror } from '../git/mirror.ts'
import { type PushSource, pushCommit, remoteBranch } from '../git/push.ts'
import type { PublishInput } from '../ports/pull-request.ts'

/**
 * Pushes an attempt's commit to the first of its branch names that is free, or finds the one that holds it. A branch
 * that exists is never written to, so no protected branch is.
 *
 * @returns the branch
 * @throws {Fault} `branch_taken`, `push_rejected`, `repository_refused`, `repository_unreachable`
 */
export async function pushToFirstFree(source: PushSource, input: PublishInput): Promise<string> {
  for (const branch of input.branches) {
    const { head, isDefault } = await remoteBranch(source, branch)
    if (isDefault || branch === input.project.defaultBranch) throw neverPushed(branch, input)
    if (head === input.headSha) return branch
    if (head !== null) continue
    await input.hold()
    const pushed = await faultPoint('push', () => pushCommit(source, { sha: input.headSha, branch, expected: null }))
    if (pushed.outcome === 'landed') return branch
    if (pushed.outcome === 'rejected') {
      const message = `The repository refused the branch ${branch}: ${pushed.reason}`
      throw new Fault('push_rejected', message, { branch })
    }
  }
  const names = input.branches.join(', ')
  const message = `Every branch name for this attempt holds a commit that is not ours: ${names}. Delete or rename one.`
  throw new Fault('branch_taken', message, { branches: names })
}

function neverPushed(branch: string, { project }: PublishInput): Fault {
  const message = `"${branch}" is the base or the default branch of project "${project.name}"; an attempt is never pushed there.`
  return new Fault('push_rejected', message, { branch })
}

const MAX_DIFF_BYTES = 1024 * 1024

/** What an attempt changes, as it is kept with its pull request. */
export function attemptDiff(mirror: Mirror, { baseSha, headSha }: PublishInput): Promise<string> {
  return recordedDiff(mirror, baseSha, headSha, MAX_DIFF_BYTES)
}
