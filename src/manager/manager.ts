import type { Kysely } from 'kysely'
import type { Clock } from '../clock.ts'
import { listProposers, type ProposerConfig } from '../db/proposer-configs.ts'
import type { Database } from '../db/schema.ts'
import { Fault } from '../errors.ts'
import type { Usd } from '../money.ts'
import type { Availability, Manager, RoutingDecision, RoutingRequest } from '../pipeline/ports/routing.ts'
import { expectedUsage } from './expected-usage.ts'
import { findHardStops } from './hard-stops.ts'
import { decideRetry } from './retry-strategy.ts'
import { byCost, type Candidate, type Choice, chooseProposer } from './static-rule.ts'

export type ManagerOptions = {
  db: Kysely<Database>
  /** Knows which proposers can be called here, and what they charge. */
  models: {
    availability(proposer: ProposerConfig): Availability
    /** Null when the price is unknown. */
    costOf(proposer: ProposerConfig, usage: { input: number; output: number }): Usd | null
  }
  clock: Clock
}

/** Our own Manager: the static rule over `proposer_configs` as they are at this moment. */
export function createManager({ db, models, clock }: ManagerOptions): Manager {
  return {
    async decideRetry(request) {
      const configs = await usableProposers(db)
      const candidates = configs.filter((config) => whyNot(config, models) === null)
      const current = configs.find(({ name }) => name === request.current_proposer)
      return decideRetry(request, candidates, current === undefined ? null : current.complexityThreshold)
    },
    async route(request) {
      requireApproval(request)
      const candidates = candidatesFor(request, await usableProposers(db), models)
      const hardStops = findHardStops(request.task_description)
      const choice = chooseProposer({ complexity: request.complexity_score, hardStops }, candidates)
      return toDecision({ request, choice, candidates, hardStops, at: clock.now() })
    },
  }
}

/** A malformed row is in nobody's way as long as another can be used; doctor shows it. */
async function usableProposers(db: Kysely<Database>): Promise<ProposerConfig[]> {
  const { proposers, malformed } = await listProposers(db)
  const [fault] = malformed
  if (fault !== undefined && !proposers.some(({ active }) => active)) throw fault
  return proposers
}

function requireApproval({ work_order_id: id, approved_by_director: approved }: RoutingRequest): void {
  if (approved) return
  const message = `Work order ${id} is not approved. Approve it with: moose approve ${id}`
  throw new Fault('work_order_not_approved', message, { work_order_id: id })
}

function candidatesFor(
  request: RoutingRequest,
  configs: readonly ProposerConfig[],
  models: ManagerOptions['models'],
): [Candidate, ...Candidate[]] {
  const usage = expectedUsage(request)
  const [first, ...rest] = configs
    .filter((config) => whyNot(config, models) === null)
    .map((config) => ({
      name: config.name,
      complexityThreshold: config.complexityThreshold,
      expectedCostUsd: models.costOf(config, usage)?.toNumber() ?? null,
    }))
    .sort(byCost)
  if (first === undefined) throw nobody(configs, models)
  return [first, ...rest]
}

function whyNot(config: ProposerConfig, models: ManagerOptions['models']): string | null {
  if (!config.active) return 'is not active'
  const availability = models.availability(config)
  return availability.available ? null : `is not available: ${availability.reason}`
}

function nobody(configs: readonly ProposerConfig[], models: ManagerOptions['models']): Fault {
  const reasons = configs.map((config) => `${config.name} ${whyNot(config, models)}`)
  const why = reasons.length === 0 ? 'proposer_configs is empty' : reasons.join('; ')
  const message = `No proposer can take the order: ${why}. Set a key or activate a proposer, then retry the order.`
  return new Fault('no_able_proposer', message, { configured: configs.length, why })
}

type Routed = {
  request: RoutingRequest
  choice: Choice
  candidates: readonly Candidate[]
  hardStops: readonly string[]
  at: Date
}

function toDecision({ request, choice, candidates, hardStops, at }: Routed): RoutingDecision {
  const { chosen, fallback, strategy, reason, confidence } = choice
  return {
    selected_proposer: chosen.name,
    reason,
    confidence,
    ...(fallback === null ? {} : { fallback_proposer: fallback.name }),
    routing_metadata: {
      complexity_score: request.complexity_score,
      hard_stop_required: hardStops.length > 0,
      hard_stop_reasons: [...hardStops],
      available_proposers: candidates.map(({ name }) => name),
      candidates_count: candidates.length,
      estimated_cost_usd: chosen.expectedCostUsd,
      routing_strategy: strategy,
      selection_timestamp: at.toISOString(),
    },
  }
}
