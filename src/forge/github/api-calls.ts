import type { Clock } from '../../clock.ts'

const HOUR_MS = 3_600_000

/** Counts requests to the API of GitHub. */
export type ApiCalls = {
  add(count: number): void
  lastHour(): number
}

export function createApiCalls(clock: Clock): ApiCalls {
  let calls: { at: number; count: number }[] = []
  const recent = () => {
    const since = clock.now().getTime() - HOUR_MS
    calls = calls.filter(({ at }) => at > since)
    return calls
  }
  return {
    add(count) {
      recent().push({ at: clock.now().getTime(), count })
    },
    lastHour: () => recent().reduce((total, { count }) => total + count, 0),
  }
}
