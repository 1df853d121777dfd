import type { CandidateView, RoutingDecision } from '../../ports/routing.ts'
import type { ReplayedRoute, RouteExplanation, RouteReplay } from '../../ports/routing-review.ts'
import { counted, shortId, usd } from './humanize.ts'
import type { Paint } from './output.ts'
import { table } from './table.ts'
import { harmless, LONGEST_TITLE, oneLine } from './terminal-text.ts'

const TITLE_WIDTH = 40

/** @param whole with what is expected of every proposer, and past decisions */
export function explanationPage(
  { work_order_id: id, title, policy, decision, past }: RouteExplanation,
  { paint, whole }: { paint: Paint; whole: boolean },
): string {
  const head = `${paint.bold(`WO-${shortId(id)}`)}  ${oneLine(title, LONGEST_TITLE)}`
  const short = `${paint.bold(harmless(decision.selected_proposer))}: ${harmless(decision.reason)}`
  if (!whole) return [head, '', short].join('\n')
  return [head, short, factsOf(decision, policy, paint), candidatesOf(decision, paint), pastOf(past, paint)]
    .filter((part) => part !== '')
    .join('\n\n')
}

function factsOf(decision: RoutingDecision, policy: RouteExplanation['policy'], paint: Paint): string {
  const { routing_metadata: facts, fallback_proposer: fallback, confidence } = decision
  const stops = facts.hard_stop_reasons === undefined ? [] : facts.hard_stop_reasons
  const rows: [string, string][] = [
    ['complexity', String(facts.complexity_score)],
    ['kind of change', String(facts.change_kind)],
    ['hard stop', stops.length === 0 ? 'no' : stops.join(', ')],
    ['strategy', String(facts.routing_strategy)],
    ['confidence', percent(confidence)],
    ['if it fails', fallback === undefined ? 'no other proposer' : fallback],
    ['budget', `${facts.budget_status}, ${usd(Number(facts.daily_spend))} spent today (UTC)`],
    ['learning', learningOf(policy)],
  ]
  return table(rows.map(([name, value]) => [paint.dim(name), harmless(value)]))
}

function learningOf({ mode, min_outcomes: least, known_outcomes: known, success_floor: floor }: RouteReplay['policy']) {
  const asked = floor === null ? 'as many merged as by the static rule' : `at least ${percent(floor)} merged`
  if (mode === 'static') return 'off (routing_policy says static): the static rule decides'
  if (mode === 'auto' && known < least) return `off until ${least} outcomes are known (${known} now)`
  const where = mode === 'auto' ? ', where it saves a tenth or more' : ''
  return `on, from ${known} outcomes${where}; ${asked}`
}

function candidatesOf({ routing_metadata: facts, selected_proposer: chosen }: RoutingDecision, paint: Paint): string {
  const { candidates, excluded } = facts
  const heads = ['', 'PROPOSER', 'ABLE', 'COST', 'SUCCESS', 'PER MERGE', 'RESTS ON'].map((head) => paint.dim(head))
  const rows = (candidates === undefined ? [] : candidates).map((candidate) => [
    candidate.proposer === chosen ? paint.green('→') : '',
    harmless(candidate.proposer),
    candidate.able ? 'yes' : 'no',
    usd(candidate.expected_cost_usd),
    percent(candidate.expected_success),
    usd(candidate.expected_cost_per_merge_usd),
    restsOn(candidate),
  ])
  const left = (excluded === undefined ? [] : excluded).map(({ proposer, reason }) =>
    paint.dim(`${harmless(proposer)} ${harmless(reason)}`),
  )
  return [table([heads, ...rows]), ...left].join('\n')
}

function restsOn({ similar_orders: orders, similar_merged: merged }: CandidateView): string {
  const count = Math.round(orders)
  return count === 0 ? 'its configuration alone' : `about ${count} similar, ${Math.round(merged)} merged`
}

function pastOf(past: RouteExplanation['past'], paint: Paint): string {
  if (past.length === 0) return ''
  const rows = past.map(({ attempt, decision }) => [
    `attempt ${attempt}`,
    harmless(decision.selected_proposer),
    harmless(decision.reason),
  ])
  return [paint.dim('Before'), table(rows)].join('\n')
}

export function replayPage({ summary, attempts, policy }: RouteReplay, paint: Paint): string {
  const heads = ['ORDER', 'WAS', 'COST', 'END', 'WOULD BE', 'COST', 'SUCCESS', 'TITLE'].map((head) => paint.dim(head))
  const { was, would_be: wouldBe } = summary
  const sums = [
    `${counted(summary.attempts, 'attempt')}, ${summary.changed} would go to another proposer.`,
    `Of ${summary.compared} whose end is known: ${usd(was.cost_usd)} and ${was.merged} merged then; about ` +
      `${usd(wouldBe.expected_cost_usd)} and ${wouldBe.expected_merged.toFixed(1)} merged expected now.`,
    `Learning is ${learningOf(policy)}. Past orders are judged by outcomes their own are among.`,
  ]
  return [table([heads, ...attempts.map((attempt) => replayRow(attempt, paint))]), '', ...sums].join('\n')
}

function replayRow({ work_order_id: id, title, was, would_be: wouldBe }: ReplayedRoute, paint: Paint): string[] {
  const changed =
    was.proposer === wouldBe.proposer ? harmless(wouldBe.proposer) : paint.yellow(harmless(wouldBe.proposer))
  return [
    paint.bold(shortId(id)),
    harmless(was.proposer),
    usd(was.cost_usd),
    was.merged === null ? 'open' : was.merged ? paint.green('merged') : paint.red('not merged'),
    changed,
    usd(wouldBe.expected_cost_usd),
    percent(wouldBe.expected_success),
    oneLine(title, TITLE_WIDTH),
  ]
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}
