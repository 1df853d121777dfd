import { answer, api, type Order, type OrderDetail, type Scope } from './client.ts'

export type Verb = 'approve' | 'reject' | 'cancel' | 'retry' | 'fresh' | 'verify' | 'resolve' | 'merge' | 'close'
/** What has to be known of an order to act on it. */
export type Actable = Pick<Order, 'id' | 'title' | 'content_sha256' | 'status_reason' | 'github_pr_number'>

type Action = {
  scope: Scope
  /** On its button. */
  label: string
  /** What it means, before it is done. */
  asks: (order: Actable) => string
  done: string
  isDanger: boolean
  send: (order: Actable) => Promise<unknown>
}

const at = ({ id }: Actable) => ({ params: { path: { id } } })

export const ACTIONS: Readonly<Record<Verb, Action>> = {
  approve: {
    scope: 'approve',
    label: 'Approve',
    asks: () =>
      'It may then be run, and spend up to its cap. What is approved is its content as it is now; edited meanwhile, it is not approved.',
    done: 'Approved',
    isDanger: false,
    // Only what was looked at is approved, whoever edits it meanwhile.
    send: (order) =>
      answer(
        api.POST('/api/work-orders/{id}/approve', {
          ...at(order),
          body: order.content_sha256 === undefined ? {} : { content_sha256: order.content_sha256 },
        }),
      ),
  },
  reject: {
    scope: 'approve',
    label: 'Reject',
    asks: () => 'It is turned down and becomes cancelled.',
    done: 'Rejected',
    isDanger: true,
    send: (order) => answer(api.POST('/api/work-orders/{id}/reject', { ...at(order), body: {} })),
  },
  cancel: {
    scope: 'operate',
    label: 'Cancel',
    asks: () => 'It is stopped for good; an attempt that runs is ended, and what it has cost is spent.',
    done: 'Cancelled',
    isDanger: true,
    send: (order) => answer(api.POST('/api/work-orders/{id}/cancel', at(order))),
  },
  retry: {
    scope: 'operate',
    label: 'Retry',
    asks: () =>
      'The model is asked again and told what failed last, which costs again; answers that were not to blame are not paid for ' +
      'twice. An attempt that rests goes on.',
    done: 'Will be tried again',
    isDanger: false,
    send: (order) => answer(api.POST('/api/work-orders/{id}/retry', { ...at(order), body: { mode: 'again' } })),
  },
  fresh: {
    scope: 'operate',
    label: 'Ask anew',
    asks: () =>
      'The model is asked anew, which costs again: it is told of no earlier failure, and no earlier answer is taken.',
    done: 'Will be asked anew',
    isDanger: false,
    send: (order) => answer(api.POST('/api/work-orders/{id}/retry', { ...at(order), body: { mode: 'fresh' } })),
  },
  verify: {
    scope: 'operate',
    label: 'Verify again',
    asks: () =>
      'The checks are run on the commit that is there; if they pass, it is published. Where git cannot merge the base into it, ' +
      'nothing is changed. No model is called, and nothing is paid.',
    done: 'Will be verified again',
    isDanger: false,
    send: (order) => answer(api.POST('/api/work-orders/{id}/verify', at(order))),
  },
  resolve: {
    scope: 'operate',
    label: 'Have it resolved by the model',
    asks: () =>
      'The model that made the change is asked to resolve what git cannot merge, in the files in scope alone. The checks run on ' +
      'what it makes, and what passes is pushed. That is paid for within the budget of the order: at most two answers, and only ' +
      'once for these two commits.',
    done: 'The model is asked to resolve it',
    isDanger: false,
    send: (order) => answer(api.POST('/api/work-orders/{id}/verify', { ...at(order), body: { resolve: true } })),
  },
  merge: {
    scope: 'approve',
    label: 'Merge',
    asks: ({ github_pr_number: number }) =>
      `Pull request ${number === null ? '' : `#${number} `}is merged into its base branch.`,
    done: 'Merged',
    isDanger: false,
    send: (order) => answer(api.POST('/api/work-orders/{id}/merge', at(order))),
  },
  close: {
    scope: 'approve',
    label: 'Close unmerged',
    asks: () => 'The pull request is closed without being merged, and the order becomes cancelled.',
    done: 'Closed',
    isDanger: true,
    send: (order) => answer(api.POST('/api/work-orders/{id}/close', at(order))),
  },
}

const VERBS_OF: Readonly<Record<ListedState, readonly Verb[]>> = {
  unapproved: ['approve', 'reject'],
  waiting: ['cancel'],
  running: ['cancel'],
  review: ['merge', 'close'],
  blocked: ['retry', 'fresh', 'cancel'],
  failed: ['retry', 'fresh'],
  completed: [],
  cancelled: ['retry', 'fresh'],
}

export type ListedState =
  | 'unapproved'
  | 'waiting'
  | 'running'
  | 'review'
  | 'blocked'
  | 'failed'
  | 'completed'
  | 'cancelled'

/** What can be done with an order, the most likely first. */
export function verbsOf(
  order: Pick<Order, 'status' | 'phase' | 'approved' | 'status_reason' | 'resumes'>,
): readonly Verb[] {
  // An attempt that is resumed below its cap would be blocked again: what helps is among what can be decided.
  const isCapped = order.resumes === true && order.status_reason?.code === 'budget_exceeded'
  return VERBS_OF[stateOf(order)].filter((verb) => !(isCapped && verb === 'retry'))
}

/** The same of an order that is shown with its attempts: what may be verified again or resolved too, first where it has to be. */
export function verbsOfDetail(order: OrderDetail): readonly Verb[] {
  const verbs = verbsOf(order)
  const { pull_request: pull, attempt_history: attempts } = order
  if (verbs.includes('merge')) {
    if (pull?.follow_up?.code === 'pull_request_lost') return ['cancel']
    const unmerged = verbs.filter((verb) => verb !== 'merge')
    const isMoved = pull !== null && pull.seen_head_sha !== null && pull.seen_head_sha !== pull.head_sha
    const isIn = pull?.conflict !== null && pull?.conflict !== undefined
    const isTried = pull?.tried_resolution !== null && pull?.tried_resolution !== undefined
    // What conflicts is neither merged nor verified before another push.
    if (isIn) return isTried || isLeftByHand(pull) ? unmerged : ['resolve', ...unmerged]
    // What another push has put on its branch is not merged before it is verified.
    if (isMoved) return ['verify', ...unmerged]
    // What has to be decided comes first; merging it all the same stays possible.
    return isToDecide(order) ? [...unmerged, 'verify', 'merge'] : [...verbs, 'verify']
  }
  const hasCommit = attempts.some(({ head_sha: sha, verifies }) => sha !== null && typeof verifies !== 'number')
  return order.status === 'failed' && hasCommit ? [...verbs, 'verify'] : verbs
}

/** Whether Moose does no more about the open pull request of an order until a human has decided. */
export function isToDecide({ phase, pull_request: pull }: Pick<OrderDetail, 'phase' | 'pull_request'>): boolean {
  return phase === 'in_review' && pull?.follow_up?.code === 'follow_up_exhausted'
}

/** Whether a change of what an order asks for is decided by `amend`, which closes its open pull request and has it made anew. */
export function isMadeAnew(order: OrderDetail): boolean {
  return isToDecide(order) || (order.escalated === true && isOpen(order))
}

/** Whether what an order asks for cannot be changed: it is being carried out, its pull request is open, or it is completed. */
export function isFixed(order: OrderDetail): boolean {
  const { status } = order
  return !isMadeAnew(order) && (status === 'in_progress' || status === 'completed' || isOpen(order))
}

function isOpen({ pull_request: pull }: OrderDetail): boolean {
  return pull?.state === 'open'
}

/**
 * Whether no model can resolve what an open pull request conflicts with now. Its base may have moved on since that was seen: then
 * only where its follow-up has found the same with the base as it is now.
 */
export function isLeftByHand(pull: OrderDetail['pull_request']): boolean {
  const conflict = pull?.conflict
  if (conflict === undefined || conflict === null || conflict.by_hand === undefined) return false
  const followUp = pull?.follow_up
  const isSame = followUp?.state === 'conflict' && followUp.code === 'follow_up_exhausted'
  return isSame || conflict.seen_base_sha === undefined || conflict.seen_base_sha === conflict.base_sha
}

/** As the API derives it in its list. */
export function stateOf({ status, phase, approved }: Pick<Order, 'status' | 'phase' | 'approved'>): ListedState {
  if (status === 'pending') return approved ? 'waiting' : 'unapproved'
  if (status === 'in_progress') return phase === 'in_review' ? 'review' : 'running'
  return status
}
