import { shownUsd, Usd } from '../money.ts'
import { byCost, type Candidate, type Choice } from './static-rule.ts'

/** What the first Moose called it. */
type ForcedChoice = Omit<Choice, 'strategy'> & { strategy: 'budget_forced_optimization' }

const CONFIDENCE = 0.8

/**
 * Who does an order instead of the one that was chosen, when a first call of that one would pass a hard cap: the
 * cheapest of those that may do it and still fit.
 *
 * @param allowed those the rules let do the order, whatever the budget
 * @param worstCases what a first call reserves, by name
 * @param left below the lowest hard cap; null: there is none
 * @returns null when the choice fits, or nobody does: then its first call is refused and the order waits for the money
 */
export function forcedByBudget(
  chosen: Candidate,
  allowed: readonly Candidate[],
  worstCases: ReadonlyMap<string, Usd>,
  left: Usd | null,
): ForcedChoice | null {
  if (left === null || fits(chosen, worstCases, left)) return null
  const [cheapest] = allowed.filter((candidate) => fits(candidate, worstCases, left)).sort(byCost)
  if (cheapest === undefined) return null
  const reason =
    `Only ${shownUsd(Usd.max(0, left))} are left below a hard cap, less than a call to ${chosen.name} may cost; ` +
    `${cheapest.name} is the cheapest that may do the order and fits.`
  return { chosen: cheapest, fallback: null, strategy: 'budget_forced_optimization', reason, confidence: CONFIDENCE }
}

function fits({ name }: Candidate, worstCases: ReadonlyMap<string, Usd>, left: Usd): boolean {
  const worstCase = worstCases.get(name)
  return worstCase !== undefined && worstCase.lessThanOrEqualTo(left)
}
