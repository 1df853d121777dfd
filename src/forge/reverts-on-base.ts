import { Fault } from '../faults/fault.ts'
import type { Mirrors } from '../git/mirrors.ts'
import { branchRef } from '../git/ref-names.ts'
import { revertsUpTo } from '../git/reverts.ts'
import type { MergedChange, RevertFact } from '../ports/pull-request-facts.ts'
import type { Project } from '../work-order/project.ts'

type Look = { project: Project; changes: readonly MergedChange[]; since: string | null; signal: AbortSignal }

/** See `FollowUpForge.revertsOf`. */
export async function revertsOnBase(
  mirrors: Mirrors,
  { project, changes, since, signal }: Look,
): Promise<{ baseSha: string; reverts: RevertFact[] }> {
  const mirror = mirrors.of(project)
  const branch = project.defaultBranch
  const tip = await mirror.fetchBranch(project, { branch, into: branchRef(branch) }, signal)
  if (tip === null) {
    const message = `The repository of project "${project.name}" has no branch "${branch}". Correct the project's branch.`
    throw new Fault('base_branch_missing', message, { project: project.name, branch })
  }
  const found = await revertsUpTo(mirror, { tip, since }, changes)
  const reverts = found.map(({ change, sha, at, subject, by }) => {
    const { workOrderId: work_order_id, number } = change
    return { work_order_id, number, sha, subject: subject.slice(0, LONGEST_SUBJECT).toWellFormed(), at, by }
  })
  return { baseSha: tip, reverts }
}

const LONGEST_SUBJECT = 500
