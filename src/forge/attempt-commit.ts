import { Fault } from '../faults/fault.ts'
import { faultPoint } from '../faults/fault-point.ts'
import { recordedDiff } from '../git/diff.ts'
import type { Mirror } from '../git/mirror.ts'
import { type PushSource, pushCommit, remoteBranch } from '../git/push.ts'
import type { PublishInput, UpdateInput } from '../ports/pull-request.ts'

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

/**
 * Has the branch of a pull request hold a commit that was verified. It is pushed only from where the branch was seen, so that
 * nothing is written over.
 *
 * @throws {Fault} `work_order_conflict`, `push_rejected`, `repository_refused`, `repository_unreachable`
 */
export async function pushOnto(source: PushSource, branch: string, input: UpdateInput): Promise<void> {
  const { head, isDefault } = await remoteBranch(source, branch)
  if (isDefault || branch === input.project.defaultBranch) throw neverPushed(branch, input)
  if (head === input.headSha) return
  if (head !== input.expected) throw movedMeanwhile(branch, input, head)
  await input.hold()
  const push = { sha: input.headSha, branch, expected: input.expected }
  const pushed = await faultPoint('push', () => pushCommit(source, push))
  if (pushed.outcome === 'moved') throw movedMeanwhile(branch, input, pushed.remoteSha)
  if (pushed.outcome === 'rejected') {
    const message = `The repository refused the branch ${branch}: ${pushed.reason}`
    throw new Fault('push_rejected', message, { branch })
  }
}

function movedMeanwhile(branch: string, { number }: UpdateInput, head: string | null): Fault {
  const where = head === null ? 'it is gone' : `it stands at ${head}`
  const message = `The branch ${branch} of pull request #${number} was changed while it was verified: ${where}. Verify it once more.`
  return new Fault('work_order_conflict', message, { branch, number })
}

function neverPushed(branch: string, { project }: Pick<PublishInput, 'project'>): Fault {
  const message = `"${branch}" is the base or the default branch of project "${project.name}"; an attempt is never pushed there.`
  return new Fault('push_rejected', message, { branch })
}

const MAX_DIFF_BYTES = 1024 * 1024

/** What an attempt changes, as it is kept with its pull request. */
export function attemptDiff(
  mirror: Mirror,
  { baseSha, headSha }: Pick<PublishInput, 'baseSha' | 'headSha'>,
): Promise<string> {
  return recordedDiff(mirror, baseSha, headSha, MAX_DIFF_BYTES)
}
