import type { Fault } from '../faults/fault.ts'
import type { Candidate } from './static-rule.ts'

/**
 * The candidates an order may be given to now, without those whose provider is paused. A less able one never stands in:
 * one must be left that is trusted with the order's complexity, or as able as the most able one where a risky word, or
 * too great a complexity, asks for that one.
 *
 * @param pauses by name: why a candidate has to wait (`provider_paused`); one that is not named need not
 * @throws {Fault} the pause of the first candidate that would do, when all of those have to wait
 */
export function leaveOutPaused<C extends Pick<Candidate, 'name' | 'complexityThreshold'>>(
  order: { complexity: number; hardStops: readonly string[] },
  candidates: readonly [C, ...C[]],
  pauses: ReadonlyMap<string, Fault>,
): [C, ...C[]] {
  const enough = thresholdFor(order, candidates)
  const able = ({ complexityThreshold }: C) => complexityThreshold >= enough
  const [first, ...rest] = candidates.filter(({ name }) => !pauses.has(name))
  if (first !== undefined && [first, ...rest].some(able)) return [first, ...rest]
  for (const { name } of candidates.filter(able)) {
    const pause = pauses.get(name)
    if (pause !== undefined) throw pause
  }
  return [...candidates]
}

/**
 * The threshold that may be asked for an order: its complexity, or that of the most able where a risky word, or too great a
 * complexity, asks for that one.
 */
export function thresholdFor(
  { complexity, hardStops }: { complexity: number; hardStops: readonly string[] },
  candidates: readonly Pick<Candidate, 'complexityThreshold'>[],
): number {
  const highest = Math.max(...candidates.map(({ complexityThreshold }) => complexityThreshold))
  return hardStops.length > 0 ? highest : Math.min(complexity, highest)
}
