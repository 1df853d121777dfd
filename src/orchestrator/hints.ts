import type { PullRequestHint } from '../contract/github-webhook.ts'

/** So many different ones are looked at as all are. */
const MOST_HINTS = 200

/** Gathers hints until they are taken; the same one counts once. */
export function createHints() {
  const gathered = new Map<string, PullRequestHint>()
  let arrival = new AbortController()
  return {
    add(hint: PullRequestHint): void {
      if (gathered.size <= MOST_HINTS) gathered.set(JSON.stringify(hint), hint)
      arrival.abort()
    },
    /** Aborted as soon as there is a hint; made anew by `take`. */
    arrival: () => arrival.signal,
    /** Null: more than can be told apart. */
    take(): PullRequestHint[] | null {
      const hints = [...gathered.values()]
      gathered.clear()
      arrival = new AbortController()
      return hints.length > MOST_HINTS ? null : hints
    },
  }
}
