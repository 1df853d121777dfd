/** A proposer that could be chosen: active and available. */
export type Candidate = {
  name: string
  /** The highest complexity it is trusted with, 0 to 1. */
  complexityThreshold: number
  /** USD for this order; null: its price is unknown. */
  expectedCostUsd: number | null
}

export type Choice = {
  chosen: Candidate
  /** The next best; null when there is no other. */
  fallback: Candidate | null
  strategy: 'hard_stop_override' | 'cheapest_able' | 'most_able_fallback'
  /** Full sentences for a human. */
  reason: string
  /** How far the configured thresholds carry the choice: a property of the rule, not a measurement. */
  confidence: number
}

/** The thresholds say the chosen one can do it; a hard stop is a rule of its own; below all thresholds it is a try. */
const CONFIDENCE = { hard_stop_override: 0.95, cheapest_able: 0.9, most_able_fallback: 0.4 } as const

/**
 * Who does an order. A risky word: the most able one. Otherwise the cheapest that is trusted with its complexity. When
 * it is too complex for all of them: the most able one, and the reason says so.
 *
 * @param candidates at least one
 */
export function chooseProposer(
  order: { complexity: number; hardStops: readonly string[] },
  candidates: readonly [Candidate, ...Candidate[]],
): Choice {
  const { complexity, hardStops } = order
  const [mostAble, ...lessAble] = byAbilityOf(candidates)
  if (hardStops.length > 0) return decide('hard_stop_override', mostAble, lessAble, hardStopReason(order, mostAble))
  const able = candidates.filter(({ complexityThreshold }) => complexityThreshold >= complexity).sort(byCost)
  const [cheapest, ...dearer] = able
  if (cheapest === undefined) {
    return decide('most_able_fallback', mostAble, lessAble, tooComplexReason(complexity, mostAble))
  }
  const count = `${able.length} of ${candidates.length} available proposers`
  return decide(
    'cheapest_able',
    cheapest,
    dearer,
    `${count} can be trusted with complexity ${complexity}; ${priceReason(cheapest)}`,
  )
}

/** Known prices first, cheapest first; then the more able, then by name. */
export function byCost(left: Candidate, right: Candidate): number {
  return costRank(left) - costRank(right) || right.complexityThreshold - left.complexityThreshold || byName(left, right)
}

function byAbilityOf([first, ...rest]: readonly [Candidate, ...Candidate[]]): [Candidate, ...Candidate[]] {
  const mostAble = rest.reduce((best, next) => (byAbility(next, best) < 0 ? next : best), first)
  return [mostAble, ...[first, ...rest].filter((candidate) => candidate !== mostAble).sort(byAbility)]
}

function byAbility(left: Candidate, right: Candidate): number {
  return right.complexityThreshold - left.complexityThreshold || byCost(left, right)
}

function byName(left: Candidate, right: Candidate): number {
  return left.name < right.name ? -1 : 1
}

/** Not infinite: the difference of two unknown prices must be 0. */
function costRank({ expectedCostUsd }: Candidate): number {
  return expectedCostUsd === null ? Number.MAX_VALUE : expectedCostUsd
}

function decide(strategy: Choice['strategy'], chosen: Candidate, others: readonly Candidate[], reason: string): Choice {
  const [next] = others
  return { chosen, fallback: next === undefined ? null : next, strategy, reason, confidence: CONFIDENCE[strategy] }
}

function hardStopReason(
  { complexity, hardStops }: { complexity: number; hardStops: readonly string[] },
  { name, complexityThreshold }: Candidate,
): string {
  const words = hardStops.map((word) => `"${word}"`).join(', ')
  const rule = `The order speaks of ${words}, so the most able proposer does it: ${name} (trusted up to ${complexityThreshold}).`
  if (complexityThreshold >= complexity) return rule
  return `${rule} Even so its complexity is ${complexity}; split it if the result is poor.`
}

function priceReason({ name, expectedCostUsd }: Candidate): string {
  if (expectedCostUsd === null) return `no price is known for ${name}, the first of them.`
  return `${name} is the cheapest at about $${expectedCostUsd.toFixed(4)}.`
}

function tooComplexReason(complexity: number, { name, complexityThreshold }: Candidate): string {
  const limit = `No available proposer is trusted with complexity ${complexity}.`
  return `${limit} ${name} comes closest (up to ${complexityThreshold}) and tries it; split the order if the result is poor.`
}
