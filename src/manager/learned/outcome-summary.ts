import type { RoutingOutcome } from '../../db/outcome-vectors.ts'
import type { KindOfChange } from '../../work-order/kind-of-change.ts'

/** What a routing decision depends on. */
export type Context = { complexity: number; kind: KindOfChange }

/** Past orders added up. */
export type Evidence = { orders: number; merged: number; costUsd: number }

/** The outcomes of one proposer by complexity and kind, as what is expected of it is computed from. */
export type OutcomeSummary = { orders: number; byComplexity: Map<number, Map<KindOfChange, Evidence>> }

export const NO_OUTCOMES: OutcomeSummary = { orders: 0, byComplexity: new Map() }

/** Outcomes by proposer, with those of the same context added up: the same sums over far fewer terms. */
export function summarizeOutcomes(outcomes: readonly RoutingOutcome[]): Map<string, OutcomeSummary> {
  const summaries = new Map<string, OutcomeSummary>()
  for (const { proposer, complexity, kind, merged, costUsd } of outcomes) {
    const summary = ensure(summaries, proposer, () => ({ orders: 0, byComplexity: new Map() }))
    const byKind = ensure(summary.byComplexity, complexity, () => new Map<KindOfChange, Evidence>())
    const evidence = ensure(byKind, kind, () => ({ orders: 0, merged: 0, costUsd: 0 }))
    summary.orders += 1
    evidence.orders += 1
    if (merged) evidence.merged += 1
    evidence.costUsd += costUsd
  }
  return summaries
}

function ensure<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const found = map.get(key)
  if (found !== undefined) return found
  const made = make()
  map.set(key, made)
  return made
}
