import { z } from 'zod'
import { type RoutedAttempt, readPastRoutes, readRoutedAttempts } from '../db/attempts/attempt-history.ts'
import { type RoutingOutcome, readRoutingOutcomes } from '../db/outcome-vectors.ts'
import { Usd } from '../money.ts'
import { RoutingDecision, type RoutingRequest } from '../ports/routing.ts'
import type { ReplayedRoute, RouteExplanation, RouteReplay } from '../ports/routing-review.ts'
import { WorkOrderContent } from '../work-order/content.ts'
import { candidatesAmong, usableProposers } from './candidates.ts'
import { decide } from './decide.ts'
import { LATEST_OUTCOMES, type LearnedPolicySettings, readPolicySettings } from './learned/learned-policy.ts'
import type { ManagerOptions, OwnManager } from './manager.ts'
import { buildRoutingRequest } from './routing-request.ts'

type ReviewOptions = ManagerOptions & { manager: Pick<OwnManager, 'explain'> }

/**
 * Which proposer would get an order now and why, and which ones got it before.
 *
 * @throws {Fault} those of `OwnManager.explain`
 */
export async function explainRoute(
  { db, manager }: Pick<ReviewOptions, 'db' | 'manager'>,
  order: { id: string; title: string; content: WorkOrderContent },
): Promise<RouteExplanation> {
  const decision = await manager.explain(buildRoutingRequest(order.id, order.content))
  const past = (await readPastRoutes(db, order.id)).flatMap(({ attempt, output }) => {
    const parsed = RoutedOutput.safeParse(output)
    return parsed.success ? [{ attempt, decision: parsed.data.decision }] : []
  })
  const policy = policyView(await readPolicySettings(db), await readRoutingOutcomes(db, LATEST_OUTCOMES))
  return { work_order_id: order.id, title: order.title, policy, decision, past }
}

/**
 * What today's policy would have done with the latest orders, their own ends among what it knows; without trying
 * anything for the sake of learning, and whatever is left of the budget.
 *
 * @param limit attempts, the newest
 * @throws {Fault} `no_able_proposer`, `price_unknown`, `config_invalid`
 */
export async function replayRoutes(
  { db, models }: Pick<ReviewOptions, 'db' | 'models'>,
  limit: number,
): Promise<RouteReplay> {
  const outcomes = await readRoutingOutcomes(db, LATEST_OUTCOMES)
  const settings = await readPolicySettings(db)
  const configs = await usableProposers(db)
  const attempts: ReplayedRoute[] = []
  for (const attempt of await readRoutedAttempts(db, limit)) {
    const content = WorkOrderContent.safeParse(attempt.content)
    if (!content.success) continue
    const request = buildRoutingRequest(attempt.workOrderId, content.data)
    const candidates = candidatesAmong(configs, new Map(), { request, models })
    attempts.push(
      replayed(attempt, request, { candidates, outcomes, settings: { ...settings, explore: false }, left: null }),
    )
  }
  return { policy: policyView(settings, outcomes), summary: summaryOf(attempts), attempts }
}

const RoutedOutput = z.object({ decision: RoutingDecision })

function replayed(
  { workOrderId, attempt, title, proposer, costUsd, merged }: RoutedAttempt,
  request: RoutingRequest,
  grounds: Parameters<typeof decide>[1],
): ReplayedRoute {
  const { chosen, strategy, kind, expectations } = decide(request, grounds)
  const expected = expectations.find(({ candidate }) => candidate.name === chosen.name)
  return {
    work_order_id: workOrderId,
    attempt,
    title,
    complexity_score: request.complexity_score,
    change_kind: kind,
    was: { proposer, cost_usd: costUsd, merged },
    would_be: {
      proposer: chosen.name,
      strategy,
      expected_cost_usd: expected === undefined ? null : expected.costUsd,
      expected_success: expected === undefined ? 0 : expected.success,
    },
  }
}

function policyView(settings: LearnedPolicySettings, outcomes: readonly RoutingOutcome[]): RouteReplay['policy'] {
  const { mode, minOutcomes, successFloor, explore } = settings
  return {
    mode,
    min_outcomes: minOutcomes,
    known_outcomes: outcomes.length,
    success_floor: successFloor,
    explore,
  }
}

function summaryOf(attempts: readonly ReplayedRoute[]): RouteReplay['summary'] {
  const compared = attempts.filter(({ was, would_be }) => was.merged !== null && would_be.expected_cost_usd !== null)
  const sum = (amount: (attempt: ReplayedRoute) => number) => compared.reduce((total, one) => total + amount(one), 0)
  return {
    attempts: attempts.length,
    changed: attempts.filter(({ was, would_be }) => was.proposer !== would_be.proposer).length,
    compared: compared.length,
    was: {
      cost_usd: Usd.sum(0, ...compared.map(({ was }) => was.cost_usd)).toNumber(),
      merged: compared.filter(({ was }) => was.merged === true).length,
    },
    would_be: {
      expected_cost_usd: sum(({ would_be }) => Number(would_be.expected_cost_usd)),
      expected_merged: sum(({ would_be }) => would_be.expected_success),
    },
  }
}
