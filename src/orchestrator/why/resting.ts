import { hardCapOf } from '../../budget/caps.ts'
import { raiseCommand } from '../../budget/ceilings.ts'
import { isoTime } from '../../clock.ts'
import type { Why } from '../../contract/why/why.ts'
import { asWord } from '../../db/proposer-configs.ts'
import { type FailureRow, resumeCommand } from '../../db/work-orders/failure-rows.ts'
import type { Whereabouts } from '../../db/work-orders/order-whereabouts.ts'
import { isSuspendCode, type SuspendCode } from '../../db/work-orders/suspended-orders.ts'
import { isOf } from '../../faults/families.ts'
import { NO_USD, shownUsd } from '../../money.ts'
import { allowanceFor, allowCommand, heldFrom, inWords } from '../../work-order/protection/held-change.ts'
import { lastOrders } from '../../work-order/words.ts'
import { detailOf } from '../resume-conditions.ts'
import { behindDependencies } from './dependencies.ts'
import {
  answer,
  attemptEvidence,
  costEvidence,
  endOf,
  type Resting,
  rowEvidence,
  short,
  startingAnswer,
  stoppedAnswer,
  type WhyFacts,
} from './facts.ts'

/** Named in one answer. */
const MOST_NAMED = 10

/** Why an order is blocked: the condition it waits for, as it is now and not as it was when it was suspended, or a human. */
export function whyItRests(facts: WhyFacts): Why {
  const { order, intake, resting, now } = facts
  if (order.reason?.code === 'dependency_unmet' && order.waitsFor.length > 0) return behindDependencies(order)
  // Limits that cannot be read: no condition can be looked at.
  const unread = intake.stop?.code === 'config_invalid' && order.reason !== null && isSuspendCode(order.reason.code)
  if (resting === null) return (unread ? stoppedAnswer(intake, now) : null) ?? needsHuman(order)
  if (!resting.isReleased) return CONDITIONS[resting.order.reason.code](resting, facts)
  const stopped = stoppedAnswer(intake, now)
  if (stopped !== null) return { ...stopped, evidence: [...stopped.evidence, ...attemptEvidence(order)] }
  return startingAnswer(order, intake, {
    short: 'goes on at the next look',
    sentence: `What it waited for (${resting.order.reason.code}) is there: its attempt goes on at the next look.`,
    evidence: [...attemptEvidence(order), ...costEvidence(order)],
  })
}

type Condition = (resting: Resting, facts: WhyFacts) => Why

const CONDITIONS: Record<SuspendCode, Condition> = {
  budget_exceeded: belowCap,
  disk_full: onFullDisk,
  // Its condition is the end of the stop, which is answered before.
  emergency_stop: (_, { order }) => needsHuman(order),
  ledger_unsound: ledgerUnsound,
  price_unknown: (_, { order }) => ({ ...needsHuman(order), kind: 'price', short: 'waits for the price of its model' }),
  protected_change: withHeldChange,
  provider_paused: behindPause,
}

/** When what was spent below a cap counts no more; null: it always does. */
function resetOf(scope: string, now: Date): string | null {
  if (scope === 'order') return null
  return endOf(scope === 'day' || scope === 'emergency_kill' ? 'day' : 'month', now)
}

function belowCap(resting: Resting, facts: WhyFacts): Why {
  const { cap, needed, isLedgerSound, isAnew } = resting
  const { order, now } = facts
  if (!isLedgerSound) return ledgerUnsound(resting, facts)
  if (cap === null || needed === null) return { ...needsHuman(order), kind: 'cap' }
  const { scope, of, spent, reserved, promised } = cap
  const label = hardCapOf(scope).label(of)
  const until = resetOf(scope, now)
  const left = cap.cap.minus(spent).minus(reserved).minus(promised)
  const shownLeft = shownUsd(left.isNegative() ? NO_USD : left)
  const rows: [string, string][] = [
    ['cap', `${label}: ${shownUsd(cap.cap)}`],
    ['spent', shownUsd(spent)],
    ['reserved', shownUsd(reserved)],
    ...(promised.isZero() ? [] : [['promised to other orders', shownUsd(promised)] satisfies [string, string]]),
    ['its next call', `up to ${shownUsd(needed)}`],
    ['resets', until === null ? 'never: it counts all attempts of the order' : until],
  ]
  return answer({
    kind: 'cap',
    code: 'budget_exceeded',
    short: `waits for money: the cap ${label}, ${shownUsd(cap.cap)}, has ${shownLeft} left`,
    sentence: `It waits for money: its next call may cost up to ${shownUsd(needed)}, and the cap ${label}, ${shownUsd(cap.cap)}, has ${shownLeft} left.`,
    evidence: [...rows.map(([name, text]) => ({ name, text })), ...attemptEvidence(order)],
    // Of its own cap what is offered there has room for an attempt, and not for one call alone.
    next: [
      scope === 'order' ? `moose decide ${short(order.id)}` : raiseCommand(cap, needed.plus(promised)),
      // What it asks for has changed, and a new attempt of that may need less.
      ...(isAnew ? [`moose retry ${short(order.id)}`] : []),
      'moose budget',
    ],
    until,
  })
}

function onFullDisk({ order: { reason } }: Resting, { order, intake: { disk } }: WhyFacts): Why {
  const notBefore = reason.details?.['not_before']
  const until = typeof notBefore === 'string' && disk === null ? notBefore : null
  return answer({
    kind: 'disk',
    code: reason.code,
    short: disk === null ? 'waits a moment after a full disk' : 'waits for room on the disk',
    sentence: disk === null ? `There is room on the disk again; its attempt goes on after ${until}.` : disk.message,
    evidence: [{ name: 'disk', text: disk === null ? 'has room' : disk.message }, ...attemptEvidence(order)],
    next: ['moose doctor --fix'],
    until,
  })
}

function ledgerUnsound(_: Resting, { order }: WhyFacts): Why {
  const { reason, id } = order
  return answer({
    kind: 'ledger',
    code: 'ledger_unsound',
    short: 'waits until the ledger is put right',
    sentence: 'Entries of the ledger cannot be right, so nothing is spent until they are put right.',
    evidence: [{ name: 'reason', text: reason === null ? '' : reason.message }, ...attemptEvidence(order)],
    next: ['moose doctor', 'moose budget', `moose show ${short(id)}`],
  })
}

function behindFailures(row: FailureRow, order: Whereabouts): Why {
  const { kind, subject, code, step, orders } = row
  const isProject = kind === 'project'
  const by = { kind, name: isProject && order.project !== null ? order.project : subject }
  const named = isProject ? `project ${by.name}` : subject
  return answer({
    kind: 'provider',
    code: 'provider_paused',
    short: `waits for ${named}, paused after ${orders.length === 1 ? 'one failure' : `${orders.length} failures in a row`}`,
    sentence: `${isProject ? `Project ${by.name}` : subject} is paused: the ${lastOrders(orders.length)} ${isProject ? 'of it' : 'given to it'} failed with ${code} at ${step}.`,
    evidence: [...rowEvidence(row), ...attemptEvidence(order)],
    orders: orders.slice(-MOST_NAMED),
    next: [resumeCommand(by), 'moose status'],
  })
}

function behindPause({ order: suspended, pause, row }: Resting, { order }: WhyFacts): Why {
  const proposer = detailOf(suspended, 'proposer')
  if (row !== null) return behindFailures(row, order)
  if (pause === null) return { ...needsHuman(order), kind: 'provider' }
  const { provider, kind, running, failures, reason, since } = pause
  const until = isoTime(pause.until)
  const whose = proposer === null ? provider : `${proposer} (${provider})`
  const test = proposer === null ? [] : [`moose proposer test ${asWord(proposer)}`]
  const often = failures === 1 ? 'had an outage' : `had ${failures} outages in a row`
  const what = kind === 'account' ? 'does not accept the calls of this account' : often
  return answer({
    kind: 'provider',
    code: suspended.reason.code,
    short: running
      ? `waits for ${provider}, paused until ${until}`
      : `waits for ${provider}, which another order tries`,
    sentence: running
      ? `The provider of ${whose} is paused until ${until} at the latest.`
      : `The pause of the provider of ${whose} is over; another order finds out whether it is back.`,
    evidence: [
      { name: 'provider', text: `${provider} ${what}: ${reason}` },
      { name: 'paused since', text: isoTime(since) },
      { name: 'until', text: until },
      ...attemptEvidence(order),
    ],
    next: [...test, 'moose budget'],
    until: running ? until : null,
  })
}

function withHeldChange({ order: { reason, id }, allowances }: Resting, { order }: WhyFacts): Why {
  const commit = heldFrom(reason.details)
  if (commit === null) return { ...needsHuman(order), kind: 'held_change' }
  const left = commit.held.filter((change) => allowanceFor(change, commit.headSha, allowances) === undefined)
  const named = left.slice(0, MOST_NAMED)
  const more = left.length > named.length ? `; and ${left.length - named.length} more` : ''
  const paths = named.flatMap(({ path, fingerprint }) => (fingerprint === null && path !== null ? [asWord(path)] : []))
  const keys = named.flatMap(({ fingerprint }) => (fingerprint === null ? [] : [fingerprint]))
  const options = [
    ...(paths.length === 0 ? [] : [`--allow ${paths.join(' ')}`]),
    ...(keys.length === 0 ? [] : [`--allow-secret ${[...new Set(keys)].join(' ')}`]),
  ].join(' ')
  const words = named.map(inWords).join('; ')
  return answer({
    kind: 'held_change',
    code: reason.code,
    short: `its change waits for a human: ${words}${more}`,
    sentence: `Its change is verified and waits for a human, because ${words}${more}. Nothing was pushed.`,
    evidence: [
      { name: 'commit', text: commit.headSha },
      ...named.map((change) => ({ name: 'held', text: inWords(change) })),
      ...(commit.held.length > left.length
        ? [{ name: 'allowed already', text: `${commit.held.length - left.length}` }]
        : []),
      ...attemptEvidence(order),
      ...costEvidence(order),
    ],
    next: [
      `moose show ${short(id)} --diff`,
      allowCommand(commit, short(id)),
      `moose approve ${short(id)} ${options}`,
      `moose cancel ${short(id)}`,
    ],
  })
}

/** The command that mends a fault, where its details name one. */
function commandOf({ reason }: Whereabouts): string[] {
  const command = reason?.details?.['command']
  return typeof command === 'string' && command.startsWith('moose ') ? [command] : []
}

/** What no look of the orchestrator ends by itself. */
function needsHuman(order: Whereabouts): Why {
  const { id, reason, isApproved, project } = order
  const code = reason === null ? null : reason.code
  const isSetUp = code !== null && isOf('set_up', code)
  const check = isSetUp && project !== null ? [`moose check ${asWord(project)}`] : []
  const again = isApproved ? [] : [`moose approve ${short(id)}`]
  const said = reason === null ? 'nothing says why' : reason.message
  return answer({
    kind: isSetUp ? 'set_up' : 'blocked',
    code,
    short: code === null ? said : `${code}: ${said}`,
    sentence: `It is blocked${code === null ? '' : ` by ${code}`}: ${said}`,
    evidence: [
      { name: 'approved', text: isApproved ? 'yes' : 'no' },
      { name: 'since', text: isoTime(order.updatedAt) },
      ...attemptEvidence(order),
      ...costEvidence(order),
    ],
    next: [...commandOf(order), ...check, `moose logs ${short(id)}`, ...again, `moose retry ${short(id)}`],
  })
}
