import { ASKED_STATES, type FollowUpView } from '../../contract/evidence/follow-up.ts'
import type { Why } from '../../contract/why/why.ts'
import { resumeCommand } from '../../db/work-orders/failure-rows.ts'
import type { PullRequestSeen, Whereabouts } from '../../db/work-orders/order-whereabouts.ts'

/** What keeps open pull requests from being reacted to; null: nothing. */
export type Idle = 'switched_off' | 'emergency_stop' | 'disabled' | 'polling' | 'service' | null

/** States in which something is wrong that Moose reacts to by itself; one that is only behind can be merged as it stands. */
const TO_DO: ReadonlySet<string> = new Set(['conflict', 'red', ...ASKED_STATES])

const DONE_NEXT: Following = {
  short: 'the model is to do that',
  sentence: 'Moose has the model that made the change do that, once nothing was added or edited for two minutes.',
  next: [],
}

type Followed = { pull: Pick<PullRequestSeen, 'follow_up'> | null } & Pick<Whereabouts, 'reactions' | 'isApproved'>

/** Beside what an open pull request needs: what Moose does about it by itself, or what keeps it from that. */
export type Following = Pick<Why, 'short' | 'sentence' | 'next'>

/** Of an order in review; null: Moose does nothing about it, or has said why. */
export function followingOf(order: Followed, idle: Idle): Following | null {
  if (isRunAgain(order))
    return {
      short: 'what failed is run again',
      sentence: 'What failed is run again, in case it is flaky.',
      next: [],
    }
  const followUp = order.pull === null ? null : order.pull.follow_up
  const isToDo = followUp !== null && followUp.code === null && TO_DO.has(followUp.state)
  if (isToDo && !order.isApproved) return UNAPPROVED
  if (idle === null && followUp?.waits_for !== undefined) return behind(followUp.waits_for)
  if (!isToDo) return null
  if (idle !== null) return WAITS[idle]
  return ASKED_STATES.includes(followUp.state) ? DONE_NEXT : null
}

function behind({ kind, name }: NonNullable<FollowUpView['waits_for']>): Following {
  if (kind === 'cap') {
    return {
      short: `its reaction waits: the cap ${name} has no room`,
      sentence: `Its reaction waits until the cap ${name} has room for a call.`,
      next: ['moose budget', `moose budget cap ${name} USD`],
    }
  }
  const by = { kind, name }
  const named = by.kind === 'project' ? `project ${by.name}` : by.name
  return {
    short: `its reaction waits: ${named} is paused`,
    sentence: `Its reaction waits for a model: failures in a row have paused ${named}.`,
    next: [resumeCommand(by)],
  }
}

/** Whether failed checks of its commit are run again: what they become is looked at by itself. */
export function isRunAgain({ pull, reactions }: Omit<Followed, 'isApproved'>): boolean {
  const followUp = pull === null ? null : pull.follow_up
  if (followUp === null || followUp.code !== null || !RUN_AGAIN.has(followUp.state)) return false
  const last = reactions.findLast(({ kind }) => kind === 'rerun')
  return last !== undefined && (last.outcome === 'asked' || last.outcome === 'running')
}

/** Until the look after a rerun was asked for, it is red still. */
const RUN_AGAIN: ReadonlySet<string> = new Set(['red', 'checking'])

const UNAPPROVED: Following = {
  short: 'nothing is reacted to: the order is not approved',
  sentence: 'Moose reacts to no pull request of an order that is not approved.',
  next: [],
}

const WAITS: Record<NonNullable<Idle>, Following> = {
  switched_off: {
    short: 'nothing is reacted to: MOOSE_FOLLOW_UP is false',
    sentence: 'Moose reacts to no pull request by itself: MOOSE_FOLLOW_UP is false.',
    next: [],
  },
  emergency_stop: {
    short: 'nothing is reacted to before the emergency stop ends',
    sentence: 'Moose reacts to no pull request before the emergency stop ends.',
    next: ['moose budget'],
  },
  disabled: {
    short: 'nothing is reacted to: orchestrator_enabled is false',
    sentence:
      'Moose reacts to no pull request while the row orchestrator_enabled of system_config is false. Set it to true, or delete it.',
    next: [],
  },
  polling: {
    short: 'nothing is reacted to: the polling of the service is off',
    sentence: 'Moose reacts to no pull request while the polling of the service is off.',
    next: ['moose start'],
  },
  service: {
    short: 'nothing is reacted to: no service is up',
    sentence: 'Moose reacts to no pull request while no service is up.',
    next: ['moose up --start'],
  },
}
