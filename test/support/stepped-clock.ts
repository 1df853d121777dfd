import type { Clock } from '../../src/clock.ts'

/** A clock that a test moves. */
export type SteppedClock = Clock & {
  /** Resolves once somebody sleeps. */
  asleep(): Promise<void>
  /** Lets time pass, and wakes who has slept long enough. */
  advance(ms: number): void
}

export function createSteppedClock(): SteppedClock {
  let now = Date.parse('2026-01-31T12:00:00Z')
  const sleepers = new Set<{ until: number; wake: () => void }>()
  return {
    now: () => new Date(now),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason)
        if (ms <= 0) return resolve()
        const sleeper = { until: now + ms, wake: resolve }
        sleepers.add(sleeper)
        signal.addEventListener('abort', () => {
          if (sleepers.delete(sleeper)) reject(signal.reason)
        })
      }),
    async asleep() {
      for (const deadline = Date.now() + 20_000; sleepers.size === 0; ) {
        if (Date.now() > deadline) throw new Error('nobody went to sleep within 20 s')
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    },
    advance(ms) {
      now += ms
      for (const sleeper of sleepers) {
        if (sleeper.until <= now && sleepers.delete(sleeper)) sleeper.wake()
      }
    },
  }
}
