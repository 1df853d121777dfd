import type { WorkOrderDetail, WorkOrderView } from '../../contract/work-orders.ts'
import { isFaultCode, NEXT_MOVE } from '../../faults/fault.ts'
import { lackedAider } from './attempt-evidence.ts'
import { shortId } from './humanize.ts'
import { harmless } from './terminal-text.ts'

/** What a person does next with an order, by where it stands; null when there is nothing to do. */
export function nextStep(order: WorkOrderDetail): string | null {
  const id = shortId(order.id)
  const again = order.approved ? '' : `moose approve ${id}   `
  switch (order.status) {
    case 'pending':
      return order.approved ? `moose run ${id}   or, with a service: moose logs -f ${id}` : `moose approve ${id}`
    case 'in_progress':
      return order.phase === 'in_review' ? review(order) : `moose logs -f ${id}`
    case 'failed':
      return `moose logs ${id}   correct it: moose edit ${id}   then: ${again}moose retry ${id}${aiderFor(order)}`
    case 'blocked':
      return `${remedyOf(order)}${isSuspended(order) ? 'a service then lets it go on by itself; or' : 'then'}: ${again}moose retry ${id}`
    case 'cancelled':
      return `moose retry ${id}`
    case 'completed':
      return null
  }
}

function review(order: WorkOrderDetail): string {
  const id = shortId(order.id)
  if (movedByOthers(order) === null) return `moose show ${id} --diff   then: moose merge ${id}   or: moose close ${id}`
  return `look at what was pushed to the branch: ${harmless(String(order.github_pr_url))}   merge it there, or: moose close ${id}`
}

/** The commit somebody else has put on the branch of the pull request; null when it holds what was verified. */
export function movedByOthers({ pull_request: pull }: WorkOrderDetail): string | null {
  if (pull === null || pull.state !== 'open' || pull.seen_head_sha === pull.head_sha) return null
  return pull.seen_head_sha
}

/** Its attempt rests, and goes on when what it waits for is back. */
function isSuspended({ status_reason: reason, approved }: WorkOrderDetail): boolean {
  return reason !== null && approved && isFaultCode(reason.code) && NEXT_MOVE[reason.code] === 'suspend'
}

/** In `auto`, Aider repairs what failed a check, where it is installed. */
function aiderFor(order: WorkOrderDetail): string {
  const could = order.status_reason?.code === 'check_failed' && lackedAider(order)
  return could ? '   Aider could try to repair it: moose doctor --fix' : ''
}

/** What `moose retry` says already. */
const AGAIN = /(?:, then| and) (?:retry|retry the order|try again)\.$/

/** Reasons end with what to do about them. */
function remedyOf({ status_reason: reason }: WorkOrderView): string {
  if (reason === null) return ''
  const sentences = reason.message.trim().split(/(?<=[.!?])\s+/)
  return `${harmless(String(sentences.at(-1)).replace(AGAIN, '.'))}   `
}
