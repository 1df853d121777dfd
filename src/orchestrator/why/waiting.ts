import type { Why } from '../../contract/why/why.ts'
import { asWord } from '../../db/proposer-configs.ts'
import type { Verdict } from '../../db/work-orders/next-orders.ts'
import type { Whereabouts } from '../../db/work-orders/order-whereabouts.ts'
import { lastOrders } from '../../work-order/words.ts'
import { behindDependencies } from './dependencies.ts'
import {
  answer,
  attemptEvidence,
  type Intake,
  rowEvidence,
  short,
  startingAnswer,
  stoppedAnswer,
  type WhyFacts,
} from './facts.ts'

/** Named in one answer. */
const MOST_NAMED = 10

/** The first thing that keeps an approved order from being taken on, in the order in which the orchestrator looks. */
export function whyItWaits({ order, intake, verdict, now }: WhyFacts): Why {
  if (!order.isAsApproved) return approvedOtherwise(order)
  if (order.attempt !== null && order.attempt.status === 'running') return stillEnding(order)
  if (order.hasRemovedProject) return withoutProject(order)
  if (order.waitsFor.length > 0) return behindDependencies(order)
  const stopped = stoppedAnswer(intake, now)
  if (stopped !== null) return stopped
  if (verdict === null) return farBehind(order, intake)
  switch (verdict.waitsFor) {
    case 'scope':
      return behindScope(verdict, order)
    case 'row':
      return behindRow(verdict, order)
    case 'pull_requests':
      return behindPullRequests(verdict, order)
    case 'repository':
    case 'place':
      return withoutPlace(verdict, intake)
    case null: {
      const { attempt } = order
      const how =
        attempt !== null && attempt.status === 'blocked' ? `attempt ${attempt.number} goes on` : 'an attempt begins'
      return startingAnswer(order, intake, {
        short: 'is taken on next',
        sentence: `It waits for nothing: ${how} at the next look.`,
        evidence: placesEvidence(intake),
      })
    }
  }
}

function approvedOtherwise({ id }: Whereabouts): Why {
  return answer({
    kind: 'unapproved',
    short: 'was approved with other content',
    sentence: 'Its approval was given to other content than it has now, so it is not run.',
    evidence: [{ name: 'approved', text: 'not as it is now' }],
    next: [`moose show ${short(id)}`, `moose approve ${short(id)}`],
  })
}

function stillEnding(order: Whereabouts): Why {
  return answer({
    kind: 'ending',
    short: 'waits until its last attempt has ended',
    sentence: 'It waits until its last attempt has really ended.',
    evidence: attemptEvidence(order),
    next: [`moose logs -f ${short(order.id)}`],
  })
}

function withoutProject({ id, project }: Whereabouts): Why {
  return answer({
    kind: 'project',
    short: `waits: its project ${project} was removed`,
    sentence: `Its project ${project} was removed, so it is not taken on. Give it another one, or cancel it.`,
    evidence: [{ name: 'project', text: `${project}, removed` }],
    next: [`moose edit ${short(id)} --project NAME`, `moose cancel ${short(id)}`],
  })
}

function farBehind({ id }: Whereabouts, intake: Intake): Why {
  return answer({
    kind: 'place',
    short: 'waits behind a thousand older orders',
    sentence: 'It waits behind a thousand older approved orders, which are looked at first.',
    evidence: placesEvidence(intake),
    next: [`moose run ${short(id)}`],
  })
}

function behindScope({ obstacle, shared }: Extract<Verdict, { waitsFor: 'scope' }>, { id }: Whereabouts): Why {
  const paths = shared.slice(0, MOST_NAMED)
  const more = shared.length > paths.length ? `, and ${shared.length - paths.length} more` : ''
  const other = short(obstacle.id)
  const how = obstacle.isRunning ? 'runs' : 'waits too and is older'
  return answer({
    kind: 'scope',
    short: `waits for ${other}, which may change ${paths.join(', ')}${more} too`,
    sentence: `It waits for ${other}, which ${how} and may change the same files of the repository: ${paths.join(', ')}${more}.`,
    evidence: [
      { name: 'other order', text: `${obstacle.id}, ${obstacle.isRunning ? 'running' : 'waiting, older'}` },
      ...paths.map((path) => ({ name: 'in both scopes', text: path })),
    ],
    orders: [obstacle.id],
    next: [`moose why ${other}`, `moose show ${short(id)}`],
  })
}

/** Its project is paused, or so few of its orders run at once that no more than pause it can fail alike. */
function behindRow({ row, most, obstacles }: Extract<Verdict, { waitsFor: 'row' }>, { id, project }: Whereabouts): Why {
  const whose = project === null ? 'its project' : `project ${project}`
  const run = `moose run ${short(id)}`
  const ids = obstacles.slice(0, MOST_NAMED).map((other) => other.id)
  if (row === null) {
    return answer({
      kind: 'probation',
      short: `waits for a place in ${whose}: ${most} run at once`,
      sentence: `It waits for a place in ${whose}: no more than ${most} of its orders run at once, so that no more fail alike; each that succeeds beside them allows one more.`,
      evidence: [{ name: 'run at once', text: String(most) }],
      orders: ids,
      next: ['moose status'],
    })
  }
  const { code, step, orders } = row
  const failed = `the ${lastOrders(orders.length)} of ${whose} failed with ${code} at ${step}`
  const evidence = rowEvidence(row)
  if (most > 0) {
    return answer({
      kind: 'probation',
      code,
      short: `waits: ${failed}, so ${most === 1 ? 'one runs' : `${most} run`} at a time`,
      sentence: `It waits because ${failed}: until one succeeds, no more than ${most} run at once.`,
      evidence,
      orders: ids,
      next: [run, 'moose status'],
    })
  }
  const resume = project === null ? [] : [`moose project resume ${asWord(project)}`]
  return answer({
    kind: 'paused_project',
    code,
    short: `waits: ${whose} is paused after ${orders.length === 1 ? 'one failure' : `${orders.length} failures in a row`} (${code})`,
    sentence: `It waits: ${whose} is paused, because its ${lastOrders(orders.length)} failed with ${code} at ${step}.`,
    evidence,
    orders: orders.slice(-MOST_NAMED),
    next: [...resume, run, `moose show ${short(String(orders.at(-1)))}`],
  })
}

function behindPullRequests(
  { open, most, obstacles }: Extract<Verdict, { waitsFor: 'pull_requests' }>,
  { project }: Whereabouts,
): Why {
  const whose = project === null ? 'its project' : `project ${project}`
  const coming = obstacles.length === 0 ? '' : `, and ${obstacles.length} of its orders on the way to one`
  const raise = project === null ? [] : [`moose project edit ${asWord(project)} --max-open-pull-requests ${most + 1}`]
  return answer({
    kind: 'pull_requests',
    short: `waits: ${open} of ${most} pull requests of ${whose} are open${coming}`,
    sentence: `It waits until a pull request of ${whose} is merged or closed: ${open} of at most ${most} are open${coming}.`,
    evidence: [
      { name: 'open pull requests', text: `${open} of ${most}` },
      ...obstacles.slice(0, MOST_NAMED).map(({ id }) => ({ name: 'on the way to one', text: id })),
    ],
    orders: obstacles.slice(0, MOST_NAMED).map(({ id }) => id),
    next: ['moose inbox', 'moose list --state review', ...raise],
  })
}

function withoutPlace(verdict: Extract<Verdict, { waitsFor: 'repository' | 'place' }>, intake: Intake): Why {
  const { obstacles, waitsFor } = verdict
  const where = waitsFor === 'place' ? '' : ' in its repository'
  const most =
    intake.places === null ? null : waitsFor === 'place' ? intake.places.maxConcurrent : intake.places.perRepository
  const taken = obstacles.length
  const named = obstacles.slice(0, MOST_NAMED).map(({ id }) => short(id))
  const more = taken > named.length ? `, and ${taken - named.length} more` : ''
  return answer({
    kind: 'place',
    short: `waits for a place${where}: ${taken} of ${most} are taken`,
    sentence: `It waits for a place${where}: ${taken} of ${most} are taken, by ${named.join(', ')}${more}.`,
    evidence: [
      ...placesEvidence(intake),
      ...obstacles.slice(0, MOST_NAMED).map(({ id, isRunning }) => ({
        name: 'place taken by',
        text: `${id}, ${isRunning ? 'running' : 'older, taken on first'}`,
      })),
    ],
    orders: obstacles.map(({ id }) => id),
    next: ['moose status', 'moose list --state running'],
  })
}

function placesEvidence({ places }: Intake): Why['evidence'] {
  if (places === null) return []
  const { running, maxConcurrent, perRepository } = places
  const per = perRepository === null ? '' : `, at most ${perRepository} in one repository`
  return [{ name: 'places', text: `${running} of ${maxConcurrent} in use${per}` }]
}
