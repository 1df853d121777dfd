import type { Kysely } from 'kysely'
import type { Clock } from '../clock.ts'
import { projectOf } from '../db/projects.ts'
import { listWatchedPullRequests } from '../db/pull-requests.ts'
import type { Database } from '../db/schema.ts'
import type { PullRequestWatch, WatchedPullRequest } from '../pipeline/ports/pull-request.ts'
import { recordSighting } from '../results/record-sighting.ts'
import type { Project } from '../work-order/project.ts'

export type TrackerDeps = {
  db: Kysely<Database>
  watch: PullRequestWatch
  clock: Clock
  intervalMs: number
  onError: (error: unknown) => void
}

/** Follows open pull requests to their end: at the interval, and sooner where a webhook hints at one. */
export type Tracker = AsyncDisposable & {
  start(): void
  /** Looks once at one pull request, or at all (null); a look under way is waited for. */
  look(number: number | null): Promise<void>
  /** Null before the first look. */
  readonly lastLook: Date | null
}

/** After failures the pause doubles, at most this often. */
const MOST_DOUBLINGS = 4

export function createTracker({ db, watch, clock, intervalMs, onError }: TrackerDeps): Tracker {
  const stopping = new AbortController()
  let looking: Promise<void> = Promise.resolve()
  let loop: Promise<void> | null = null
  let lastLook: Date | null = null

  async function lookNow(number: number | null): Promise<void> {
    const rows = await listWatchedPullRequests(db, number)
    if (number === null) lastLook = clock.now()
    if (rows.length === 0) return
    for (const sighting of await watch.look(await withProjects(db, rows))) {
      await recordSighting(db, sighting, clock.now())
    }
  }

  function look(number: number | null): Promise<void> {
    const mine = looking.then(() => lookNow(number))
    // The caller sees the failure; the next look only waits for this one to be over.
    looking = mine.catch(() => undefined)
    return mine
  }

  async function lookAgainAndAgain(): Promise<void> {
    let failures = 0
    while (!stopping.signal.aborted) {
      try {
        await look(null)
        failures = 0
      } catch (error) {
        failures = Math.min(failures + 1, MOST_DOUBLINGS)
        onError(error)
      }
      await clock.sleep(intervalMs * 2 ** failures, stopping.signal).catch(() => undefined)
    }
  }

  return {
    start() {
      loop ??= lookAgainAndAgain()
    },
    look,
    get lastLook() {
      return lastLook
    },
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await loop
      await looking
    },
  }
}

async function withProjects(
  db: Kysely<Database>,
  rows: Awaited<ReturnType<typeof listWatchedPullRequests>>,
): Promise<WatchedPullRequest[]> {
  const projects = new Map<string, Project>()
  for (const id of new Set(rows.map(({ project_id }) => project_id))) projects.set(id, await projectOf(db, id))
  return rows.flatMap((row) => {
    const project = projects.get(row.project_id)
    if (project === undefined) return []
    const { work_order_id: workOrderId, attempt, number, node_id: nodeId } = row
    return [{ project, workOrderId, attempt, number, nodeId }]
  })
}
