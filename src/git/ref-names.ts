import { Fault } from '../faults/fault.ts'
import { isBranchName } from '../work-order/naming.ts'

/**
 * The full name of a branch.
 *
 * @throws {Fault} `base_branch_missing` for a name git does not allow
 * @see https://git-scm.com/docs/git-check-ref-format
 */
export function branchRef(branch: string): string {
  if (isBranchName(branch)) return `refs/heads/${branch}`
  const message = `"${branch.replace(/\p{Cc}/gu, '?')}" is not a name a git branch can have. Correct the project's branch.`
  throw new Fault('base_branch_missing', message)
}

/** Where the commit of an attempt is kept in the mirror, so that it cannot be lost. */
export function attemptRef(workOrderId: string, attempt: number): string {
  return `refs/moose/${plainId(workOrderId)}/${attempt}`
}

/** A name of a repository's as it may be typed into a shell: git lets a branch be called `x;reboot`. */
export function shellWord(name: string): string {
  return /^[\w./@+-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`
}

/**
 * An id as part of a path or a ref.
 *
 * @throws {Fault} `internal` for anything but letters, digits and dashes
 */
export function plainId(id: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9-]{0,99}$/.test(id)) return id
  throw new Fault('internal', 'An id that must be a UUID holds other characters.')
}

/**
 * A full commit id.
 *
 * @throws {Fault} `internal` for anything else; an option or an expression never reaches git
 */
export function fullSha(sha: string): string {
  if (/^[0-9a-f]{40}$/.test(sha)) return sha
  throw new Fault('internal', `"${sha.slice(0, 80)}" is not a full commit id.`)
}
