/** How often something may be done for long, and how often at once. */
export type Rate = { perSecond: number; burst: number }

/** A token bucket for each key, in this process alone. */
export type RateLimit = {
  /**
   * Takes one.
   *
   * @returns null, or the whole seconds after which there will be one
   */
  take(key: string, now: Date): number | null
}

const MS_PER_S = 1_000
/** Keys may come from outside, as addresses do. */
const MOST_KEYS = 10_000

/** @param maxKeys kept at once; the one that was asked for longest ago is forgotten, and begins anew */
export function createRateLimit({ perSecond, burst }: Rate, maxKeys = MOST_KEYS): RateLimit {
  const buckets = new Map<string, { left: number; at: number }>()
  return {
    take(key, now) {
      const at = now.getTime()
      const last = buckets.get(key)
      // A clock that is set back must not take anything away.
      const since = last === undefined ? 0 : Math.max(0, at - last.at)
      const left = last === undefined ? burst : Math.min(burst, last.left + (since * perSecond) / MS_PER_S)
      // The map keeps the order of writing: the first key is the one that was asked for longest ago.
      buckets.delete(key)
      buckets.set(key, { left: left >= 1 ? left - 1 : left, at })
      const [oldest] = buckets.keys()
      if (buckets.size > maxKeys && oldest !== undefined) buckets.delete(oldest)
      return left >= 1 ? null : Math.max(1, Math.ceil((1 - left) / perSecond))
    },
  }
}
