import { randomUUID } from 'node:crypto'
import type { Kysely } from 'kysely'
import { z } from 'zod'
import { ceilingsOf, leftBelow } from '../budget/ceilings.ts'
import { whyStopped } from '../budget/emergency.ts'
import { readBudgetRules } from '../budget/limits.ts'
import { readBudgetLine } from '../budget/periods.ts'
import type { Clock } from '../clock.ts'
import { wantedProposer } from '../db/escalations/order-escalations.ts'
import type { UsagePerAttempt } from '../db/model-calls.ts'
import { readFailedAttempts, readRoutingOutcomes } from '../db/outcome-vectors.ts'
import type { Database } from '../db/schema.ts'
import { type Pausing, readPausing } from '../db/work-orders/failure-rows.ts'
import { Fault } from '../faults/fault.ts'
import { Usd } from '../money.ts'
import type { CandidateView, Manager, RoutingDecision, RoutingRequest } from '../ports/routing.ts'
import {
  type Candidates,
  expectedUsage,
  type PricedModels,
  readCandidates,
  usableProposers,
  whyExcluded,
} from './candidates.ts'
import { decide, type Grounds, type RoutingChoice } from './decide.ts'
import { LATEST_OUTCOMES, readPolicySettings } from './learned/learned-policy.ts'
import { afterFailures, decideRetry } from './retry-strategy.ts'

export type ManagerOptions = {
  db: Kysely<Database>
  models: PricedModels
  clock: Clock
  /** How many orders in a row that fail alike pause their proposer, as of now; 0: none. */
  pauseAfter: () => Promise<number>
}

export type OwnManager = Manager & {
  /**
   * The decision for an order as it would be made now, approved or not; nothing is stored or spent.
   *
   * @param wanted whom a human wants it given to; null: the Manager chooses. Left out: as it is kept
   * @throws {Fault} those of `route`, except `work_order_not_approved`
   */
  explain(request: RoutingRequest, wanted?: string | null): Promise<RoutingDecision>
  /**
   * USD of one attempt at an order by each proposer that can be called, at its price now, so that they can be compared: all for the
   * same tokens, those of its attempts so far, else those that one call is expected to take. One whose price is not known is left out.
   */
  costsAlike(request: RoutingRequest, used: UsagePerAttempt | null): Promise<Map<string, number>>
}

/** Our own Manager: `proposer_configs`, the budget and what is known of past orders, as they are at this moment. */
export function createManager({ db, models, clock, pauseAfter }: ManagerOptions): OwnManager {
  const pausing = async () => (await readPausing(db, await pauseAfter())).proposers
  const explain = async (request: RoutingRequest, wanted?: string | null) => {
    const { status, today } = await readBudgetLine(db)
    const stopped = status === 'emergency_kill' ? await whyStopped(db) : null
    if (stopped !== null) throw stopped
    const grounds = await readGrounds(db, request, models, await pausing())
    const standing = { budget_status: status, daily_spend: today.spent_usd }
    const decided = await decideAnew(db, { request, wanted }, grounds)
    return decisionOf(request, decided, { ...grounds, standing, at: clock.now(), id: randomUUID() })
  }
  return {
    explain,
    async route(request) {
      requireApproval(request)
      return await explain(request)
    },
    async costsAlike(request, used) {
      const callable = (await usableProposers(db)).filter((config) => whyExcluded(config, models) === null)
      const { calls, ...usage } = used === null ? { calls: 1, ...expectedUsage(request) } : used
      return new Map(
        callable.flatMap((config) => {
          const cost = models.costOf(config, usage)
          return cost === null ? [] : [[config.name, cost.times(calls).toNumber()]]
        }),
      )
    },
    async decideRetry(request) {
      const configs = await usableProposers(db)
      const paused = await pausing()
      const candidates = configs.filter((config) => whyExcluded(config, models) === null && !paused.has(config.name))
      const current = configs.find(({ name }) => name === request.current_proposer)
      return decideRetry(request, candidates, current === undefined ? null : current.complexityThreshold)
    },
  }
}

function requireApproval({ work_order_id: id, approved_by_director: approved }: RoutingRequest): void {
  if (approved) return
  const message = `Work order ${id} is not approved. Approve it with: moose approve ${id}`
  throw new Fault('work_order_not_approved', message, { work_order_id: id })
}

async function readGrounds(
  db: Kysely<Database>,
  request: RoutingRequest,
  models: PricedModels,
  paused: Pausing['proposers'],
): Promise<Grounds> {
  return {
    candidates: await readCandidates(db, request, models, paused),
    outcomes: await readRoutingOutcomes(db, LATEST_OUTCOMES),
    settings: await readPolicySettings(db),
    left: await leftFor(db, request),
  }
}

/** What was tried for an order before counts, and before that whom a human wants it given to. */
async function decideAnew(
  db: Kysely<Database>,
  { request, wanted: wish }: { request: RoutingRequest; wanted: string | null | undefined },
  grounds: Grounds,
): Promise<RoutingChoice> {
  const decided = decide(request, grounds)
  const { work_order_id: id } = request
  if (!isId(id)) return afterFailures(id, decided, { failures: [], ...grounds })
  const wanted = wish === undefined ? await wantedProposer(db, id) : wish
  if (wanted !== null) return asWanted({ id, wanted }, decided, grounds)
  return afterFailures(id, decided, { failures: await readFailedAttempts(db, id), ...grounds })
}

/** @throws {Fault} `no_able_proposer` when the one that is wanted cannot be called; `provider_paused` */
function asWanted(
  { id, wanted }: { id: string; wanted: string },
  decided: RoutingChoice,
  { candidates }: Grounds,
): RoutingChoice {
  const chosen = candidates.proposers.find(({ name }) => name === wanted)
  if (chosen === undefined) {
    const excluded = candidates.excluded.find(({ proposer }) => proposer === wanted)
    const why = excluded === undefined ? 'is not there' : excluded.reason
    const another = `moose decide ${id.slice(0, 8)}`
    const message = `A human wants the order given to ${wanted}, which ${why}. Choose another with: ${another}`
    throw new Fault('no_able_proposer', message, { proposer: wanted, why })
  }
  const pause = candidates.pauses.get(wanted)
  if (pause !== undefined) throw pause
  const reason = `A human wants it given to ${wanted}. Without that: ${decided.reason}`
  return { ...decided, chosen, reason, strategy: 'wanted_proposer' }
}

/** A caller may name an order we do not have, in whatever form. */
const isId = (id: string) => z.guid().safeParse(id).success

/** What is left below the lowest hard cap; null: there is none. */
async function leftFor(db: Kysely<Database>, { work_order_id: id }: RoutingRequest): Promise<Usd | null> {
  const payer = { workOrderId: isId(id) ? id : null, attempt: null }
  const { ceilings } = await ceilingsOf(db, await readBudgetRules(db), payer)
  return ceilings.length === 0 ? null : Usd.min(...ceilings.map(leftBelow))
}

type Circumstances = Pick<Grounds, 'candidates'> & {
  standing: { budget_status: string; daily_spend: number }
  at: Date
  /** Becomes `budget_reservation_id`. */
  id: string
}

/** A decision as the specification has it, with everything it stands on. */
function decisionOf(request: RoutingRequest, decided: RoutingChoice, around: Circumstances): RoutingDecision {
  const { chosen, fallback, strategy, reason, confidence, kind, hardStops, expectations } = decided
  const { candidates, standing, at, id } = around
  return {
    selected_proposer: chosen.name,
    reason,
    confidence,
    ...(fallback === null ? {} : { fallback_proposer: fallback.name }),
    routing_metadata: {
      complexity_score: request.complexity_score,
      hard_stop_required: hardStops.length > 0,
      hard_stop_reasons: hardStops,
      change_kind: kind,
      ...standing,
      available_proposers: candidates.proposers.map(({ name }) => name),
      candidates_count: candidates.proposers.length,
      candidates: expectations.map((expectation) => viewOf(expectation, candidates.worstCases)),
      excluded: [
        ...candidates.excluded,
        ...[...candidates.pauses].map(([proposer, { message }]) => ({ proposer, reason: `has to wait: ${message}` })),
      ],
      estimated_cost_usd: chosen.expectedCostUsd,
      routing_strategy: strategy,
      selection_timestamp: at.toISOString(),
      budget_reservation_id: id,
    },
  }
}

function viewOf(
  expectation: RoutingChoice['expectations'][number],
  worstCases: Candidates['worstCases'],
): CandidateView {
  const reserves = worstCases.get(expectation.candidate.name)
  return {
    proposer: expectation.candidate.name,
    able: expectation.able,
    expected_cost_usd: expectation.costUsd,
    reserves_usd: reserves === undefined ? null : reserves.toNumber(),
    expected_success: rounded(expectation.success),
    expected_cost_per_merge_usd: expectation.costPerMergeUsd,
    similar_orders: rounded(expectation.similarOrders),
    similar_merged: rounded(expectation.similarMerged),
  }
}

function rounded(share: number): number {
  return Math.round(share * 1_000) / 1_000
}
