import type { RoutingOutcome } from '../db/routing-outcomes.ts'
import type { KindOfChange } from '../work-order/kind-of-change.ts'

/** What a routing decision depends on. */
export type Context = { complexity: number; kind: KindOfChange }

/** Past orders of one proposer and one context. */
type Cell = Context & { orders: number; merged: number; costUsd: number }

/** The outcomes of one proposer, as what is expected of it is computed from. */
export type OutcomeSummary = { orders: number; cells: Cell[] }

export const NO_OUTCOMES: OutcomeSummary = { orders: 0, cells: [] }

/** Outcomes by proposer, with those of the same context added up: the same sums over far fewer terms. */
export function summarizeOutcomes(outcomes: readonly RoutingOutcome[]): Map<string, OutcomeSummary> {
  const summaries = new Map<string, OutcomeSummary>()
  const cells = new Map<string, Cell>()
  for (const { proposer, complexity, kind, merged, costUsd } of outcomes) {
    const summary = ensure(summaries, proposer, () => ({ orders: 0, cells: [] }))
    const cell = ensure(cells, JSON.stringify([proposer, complexity, kind]), () => {
      const fresh = { complexity, kind, orders: 0, merged: 0, costUsd: 0 }
      summary.cells.push(fresh)
      return fresh
    })
    summary.orders += 1
    cell.orders += 1
    if (merged) cell.merged += 1
    cell.costUsd += costUsd
  }
  return summaries
}

function ensure<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  const found = map.get(key)
  if (found !== undefined) return found
  const made = make()
  map.set(key, made)
  return made
}
