import type { Why } from '../../contract/why/why.ts'
import type { Dependency } from '../../db/work-orders/dependencies.ts'
import type { Whereabouts } from '../../db/work-orders/order-whereabouts.ts'
import { answer, attemptEvidence, short } from './facts.ts'

/** Named in one answer. */
const MOST_NAMED = 10

/** An order it depends on is not merged; one that has ended without a merge that holds is named first. */
export function behindDependencies(order: Pick<Whereabouts, 'id' | 'waitsFor' | 'attempt'>): Why {
  const { id, waitsFor } = order
  const ended = waitsFor.filter(hasEnded)
  const first = ended.concat(waitsFor)[0]
  if (first === undefined) throw new Error('an order that waits for none is not asked what it waits for')
  const left = waitsFor.length - 1
  const more = left === 0 ? '' : ended.length > 0 ? `; it waits for ${left} more` : `, and for ${left} more`
  const named = `${short(first.id)}${first.title === null ? '' : ` "${first.title}"`}`
  const text = `${ended.length > 0 ? 'is blocked by' : 'waits for'} ${named}, which it depends on and which ${standing(first)}`
  return answer({
    kind: 'dependency',
    code: ended.length > 0 ? 'dependency_unmet' : null,
    short: `${text}${more}`,
    sentence: `It ${text}${more}.${ended.length > 0 ? ` ${goesOn(first)}` : ' It is started when that is merged.'}`,
    evidence: [
      ...waitsFor.slice(0, MOST_NAMED).map((one) => ({ name: 'depends on', text: `${one.id}, ${standing(one)}` })),
      ...attemptEvidence(order),
    ],
    orders: waitsFor.slice(0, MOST_NAMED).flatMap((one) => (one.status === null ? [] : [one.id])),
    next: [...wayOn(first), `moose edit ${short(id)} --depends-on none`, ...toSee(first)],
  })
}

/** When the order waits again for what has ended. */
function goesOn({ status, isApproved, revert }: Dependency): string {
  if (status === null || revert !== null) return 'It is started when it does not depend on that any more.'
  return `It goes on waiting once that is retried${isApproved ? '' : ' and approved'}.`
}

/** What an order that is not approved depends on, where that is not merged. `ended`: it could not start if it was approved. */
export function unmetOf({ waitsFor }: Pick<Whereabouts, 'waitsFor'>): {
  ended: { short: string; sentence: string; next: string[] } | null
  evidence: Why['evidence']
} {
  const first = waitsFor.find(hasEnded)
  const evidence = waitsFor
    .slice(0, MOST_NAMED)
    .map((one) => ({ name: 'depends on', text: `${one.id}, ${standing(one)}` }))
  if (first === undefined) return { ended: null, evidence }
  const stands = `which ${standing(first)}`
  const named = first.title === null ? short(first.id) : `${short(first.id)} "${first.title}"`
  const sentence = `If it was approved, it could not start: it depends on ${named}, ${stands}.`
  return { ended: { short: `depends on ${short(first.id)}, ${stands}`, sentence, next: wayOn(first) }, evidence }
}

/** Whether no merge comes of it by itself. */
export function hasEnded({ status, revert }: Pick<Dependency, 'status' | 'revert'>): boolean {
  return status === null || revert !== null || status === 'failed' || status === 'cancelled'
}

function standing({ status, code, revert }: Dependency): string {
  if (revert !== null) return `was reverted on its base${revert.by === null ? '' : ` by ${revert.by.slice(0, 12)}`}`
  switch (status) {
    case null:
      return 'is not there any more'
    case 'failed':
      return code === null ? 'failed' : `failed with ${code}`
    case 'cancelled':
      return 'was cancelled'
    case 'blocked':
      return code === null ? 'is blocked' : `is blocked by ${code}`
    case 'pending':
      return 'waits too'
    case 'in_progress':
    case 'completed':
      return 'is not merged yet'
  }
}

function wayOn({ id, status, isEscalated, isApproved, revert }: Dependency): string[] {
  // Nothing that is done about it brings its change back.
  if (status === null || revert !== null) return []
  const show = `moose show ${short(id)}`
  if (isEscalated) return [`moose decide ${short(id)}`, show]
  const approve = isApproved ? [] : [`moose approve ${short(id)}`]
  if (status === 'failed' || status === 'cancelled') return [`moose retry ${short(id)}`, ...approve, show]
  return [`moose why ${short(id)}`]
}

function toSee({ id, revert }: Dependency): string[] {
  return revert === null ? [] : [`moose show ${short(id)}`]
}
