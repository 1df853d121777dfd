import type { Kysely } from 'kysely'
import type { Clock } from '../clock.ts'
import { listClosedPullRequests, type WatchedRow } from '../db/pull-requests/pull-requests.ts'
import type { Database } from '../db/schema.ts'
import type { Sighting } from '../ports/pull-request.ts'

/** How long after its close a pull request is polled in case it is reopened; later only when a hint names it. */
const FOLLOWED_MS = 30 * 24 * 3_600_000
/** How long as often as open ones: a merge may show as a close for a moment, and a mistaken close is undone soon. */
const FRESH_MS = 15 * 60_000
/** How long one may go unpolled before an extra request asks for it, and the time between two extra requests. */
const UNSEEN_MS = 5 * 60_000
/** Pull requests in one extra request. */
const MOST_AT_ONCE = 50

/** Which closed pull requests a look takes along. */
export type ClosedPullRequests = {
  /** `due`: to be asked about; `spare`: where a request has room. */
  next(): Promise<{ due: WatchedRow[]; spare: WatchedRow[] }>
  saw(sightings: readonly Sighting[]): void
}

/** @param random 0 up to 1; where there are more than fit, each look begins elsewhere */
export function createClosedPullRequests(
  db: Kysely<Database>,
  { clock, random }: { clock: Clock; random: () => number },
): ClosedPullRequests {
  const seenMs = new Map<string, number>()
  let lastRequestMs = Number.NEGATIVE_INFINITY
  const isUnseen = (row: WatchedRow, nowMs: number) => {
    const seen = seenMs.get(keyOf(row.work_order_id, row.attempt))
    return seen === undefined || nowMs - seen >= UNSEEN_MS
  }

  return {
    async next() {
      const nowMs = clock.now().getTime()
      const rows = await listClosedPullRequests(db, new Date(nowMs - FOLLOWED_MS))
      const start = Math.floor(random() * rows.length)
      const turned = [...rows.slice(start), ...rows.slice(0, start)]
      const fresh = turned.filter(({ ended_at }) => nowMs - Number(ended_at) < FRESH_MS)
      const older = turned.filter((row) => !fresh.includes(row))
      const mayAsk = nowMs - lastRequestMs >= UNSEEN_MS
      const unseen = mayAsk ? older.filter((row) => isUnseen(row, nowMs)).slice(0, MOST_AT_ONCE) : []
      if (unseen.length > 0) lastRequestMs = nowMs
      return { due: [...fresh, ...unseen], spare: older.filter((row) => !unseen.includes(row)) }
    },
    saw(sightings) {
      const nowMs = clock.now().getTime()
      for (const [key, at] of seenMs) if (nowMs - at >= UNSEEN_MS) seenMs.delete(key)
      for (const { of } of sightings) {
        if (of.known.state === 'closed') seenMs.set(keyOf(of.workOrderId, of.attempt), nowMs)
      }
    },
  }
}

function keyOf(workOrderId: string, attempt: number): string {
  return `${workOrderId}/${attempt}`
}
