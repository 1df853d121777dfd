import type { Kysely } from 'kysely'
import { recordPullRequest } from '../attempt/record-pull-request.ts'
import type { Clock } from '../clock.ts'
import { type Actor, MOOSE } from '../contract/actor.ts'
import type { PullRequestHint } from '../contract/github-webhook.ts'
import { actingAs } from '../db/audit/acting-as.ts'
import { type NewGitHubEvent, recordGitHubEvent } from '../db/github-events.ts'
import { projectOf } from '../db/projects.ts'
import { noteFound, noteLost } from '../db/pull-requests/lost-pull-requests.ts'
import { listWatchedPullRequests, noteMoved, type WatchedRow } from '../db/pull-requests/pull-requests.ts'
import { beginLook, type Look, noteSeen, noteSeenAgain } from '../db/pull-requests/seen-pull-requests.ts'
import type { Database } from '../db/schema.ts'
import { recordEvent } from '../db/work-order-events.ts'
import { toFault } from '../faults/fault.ts'
import type { FollowUps } from '../follow-up/follow-up.ts'
import type { Reverts } from '../follow-up/reverts.ts'
import {
  askedPauseMs,
  type LookResult,
  type PullRequestWatch,
  type Sighting,
  type WatchedPullRequest,
} from '../ports/pull-request.ts'
import type { Project } from '../work-order/project.ts'
import { type ClosedPullRequests, createClosedPullRequests } from './closed-pull-requests.ts'

export type TrackerDeps = {
  db: Kysely<Database>
  watch: PullRequestWatch
  /** Told what each look has seen, once that is recorded; left out: nothing is done about it. */
  followUps?: FollowUps
  /** Looks for reverts of what was merged, after each look where that is due; left out: none is looked for. */
  reverts?: Reverts
  clock: Clock
  /** 0 up to 1; spreads what comes back after a failure. */
  random: () => number
  intervalMs: number
  onError: (error: unknown) => void
}

/**
 * Follows open pull requests to their end, and closed ones for a while in case they are reopened: at the interval, and
 * sooner where a webhook hints at one.
 */
export type Tracker = AsyncDisposable & {
  start(): void
  /** Polls the hinted pull requests soon. Several hints share one poll; a hint that matches none of ours sends no request. */
  hint(hint: PullRequestHint): void
  /**
   * Looks once: at those hinted at, or at all (null).
   *
   * @returns null when nothing went wrong; else how long the forge asked to be left alone, in ms
   */
  look(hints: readonly PullRequestHint[] | null): Promise<number | null>
  /** Null before the first look at all. */
  readonly lastLook: Date | null
}

/** After failures the pause doubles, at most this often. */
const MOST_DOUBLINGS = 4
/** Between a hint and its look: webhooks come in swarms. */
const GATHER_MS = 1_000
/** Between two looks that were hinted at. */
const HINTED_APART_MS = 10_000

export function createTracker(deps: TrackerDeps): Tracker {
  const { db, clock, random, intervalMs, onError } = deps
  const stopping = new AbortController()
  const hints = createHints()
  const closed = createClosedPullRequests(db, { clock, random })
  let loop: Promise<void> | null = null
  let lastLook: Date | null = null
  let failures = 0
  async function look(hinted: readonly PullRequestHint[] | null): Promise<number | null> {
    const watched = await watchedNow({ db, onError }, hinted, closed)
    const began = await beginLook(db, clock.now())
    if (hinted === null) lastLook = began.began
    const looked = await deps.watch.look(watched, stopping.signal)
    await takeIn(deps, closed, looked, { look: began, signal: stopping.signal })
    if (stopping.signal.aborted) return null
    for (const fault of looked.faults) onError(fault)
    return looked.faults.length === 0 ? null : Math.max(...looked.faults.map(askedPauseMs))
  }

  /** @returns how long nothing may be asked now, in ms: 0 after a look in which nothing went wrong */
  async function lookAndRest(hinted: readonly PullRequestHint[] | null): Promise<number> {
    const askedMs = await look(hinted).catch((error: unknown) => {
      onError(error)
      return askedPauseMs(toFault(error))
    })
    failures = askedMs === null ? 0 : Math.min(failures + 1, MOST_DOUBLINGS)
    return askedMs === null ? 0 : Math.max(askedMs, intervalMs * 2 ** failures) + intervalMs * random()
  }

  /** Polls hinted pull requests until the next full poll. */
  async function hearHints(untilMs: number): Promise<void> {
    const left = () => leftUntil(clock, untilMs, intervalMs)
    const rest = () => pause(clock, Math.min(HINTED_APART_MS, Math.max(0, left())), stopping.signal)
    while (left() > 0) {
      await pause(clock, left(), AbortSignal.any([stopping.signal, hints.arrival()]))
      if (left() <= 0 || stopping.signal.aborted) return
      await pause(clock, Math.min(GATHER_MS, left()), stopping.signal)
      const hinted = hints.take()
      // More than can be told apart: look at all.
      if (hinted === null) return rest()
      const restMs = hinted.length === 0 ? 0 : await lookAndRest(hinted)
      await (restMs > 0 ? pause(clock, restMs, stopping.signal) : rest())
    }
  }

  async function lookAgainAndAgain(): Promise<void> {
    while (!stopping.signal.aborted) {
      const restMs = await lookAndRest(null)
      await (restMs > 0 ? pause(clock, restMs, stopping.signal) : hearHints(clock.now().getTime() + intervalMs))
    }
  }

  return {
    start() {
      loop ??= lookAgainAndAgain()
    },
    hint: hints.add,
    look,
    get lastLook() {
      return lastLook
    },
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await loop
    },
  }
}

/** @param most more is left only where the clock was set back: nothing is, then */
function leftUntil(clock: Clock, untilMs: number, most: number): number {
  const ms = untilMs - clock.now().getTime()
  return ms > most ? 0 : ms
}

/** Ends at the latest when the signal does, without a fault. */
function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return clock.sleep(ms, signal).catch(() => undefined)
}

/** A sighting that cannot be recorded does not stop the others. */
async function takeIn(
  { db, clock, onError, followUps, reverts }: TrackerDeps,
  closed: ClosedPullRequests,
  { sightings, lost }: Pick<LookResult, 'sightings' | 'lost'>,
  { look, signal }: { look: Look; signal: AbortSignal },
): Promise<void> {
  closed.saw(sightings)
  for (const one of lost) await noteLost(db, one, look).catch(onError)
  const found = sightings.map(({ of }) => of)
  await noteFound(db, found, look).catch(onError)
  for (const sighting of sightings) await recordSighting(db, sighting, look, clock.now()).catch(onError)
  if (!signal.aborted) await followUps?.saw(sightings, signal, look)
  if (!signal.aborted) await reverts?.look(signal)
}

async function watchedNow(
  { db, onError }: Pick<TrackerDeps, 'db' | 'onError'>,
  hinted: readonly PullRequestHint[] | null,
  closed: ClosedPullRequests,
): Promise<WatchedPullRequest[]> {
  const asked = await listWatchedPullRequests(db, hinted)
  if (hinted !== null) return await withProjects({ db, onError }, asked, [])
  const { due, spare } = await closed.next()
  return await withProjects({ db, onError }, [...asked, ...due], spare)
}

/** A project whose row is refused is reported; the pull requests of the others are followed. */
async function withProjects(
  { db, onError }: Pick<TrackerDeps, 'db' | 'onError'>,
  asked: readonly WatchedRow[],
  spare: readonly WatchedRow[],
): Promise<WatchedPullRequest[]> {
  const rows = [...asked, ...spare]
  const projects = new Map<string, Project>()
  for (const id of new Set(rows.map(({ project_id }) => project_id))) {
    try {
      projects.set(id, await projectOf(db, id))
    } catch (error) {
      if (toFault(error).code !== 'repository_refused') throw error
      onError(error)
    }
  }
  return rows.flatMap((row) => {
    const project = projects.get(row.project_id)
    if (project === undefined) return []
    const { work_order_id: workOrderId, attempt, number, node_id: nodeId } = row
    const known = { state: row.state, endedAt: row.ended_at }
    const isSpare = spare.includes(row)
    const { is_awaited: isAwaited, seen_head_sha: seenAt } = row
    return [{ project, workOrderId, attempt, number, nodeId, known, seenAt, isAwaited, isSpare }]
  })
}

/** With more hints than this, all pull requests are polled. */
const MOST_HINTS = 200

/** Collects hints until they are taken; duplicates count once. */
function createHints() {
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

/**
 * What was seen of a pull request: checks, reviews and commits of others go to `github_events` when they have changed,
 * an end or a reopening to the order. A repetition changes nothing. Of a look that began before another one that was kept, a merge
 * alone counts: what else there is, the next look sees.
 */
export async function recordSighting(db: Kysely<Database>, sighting: Sighting, look: Look, now: Date): Promise<void> {
  const { of, pullRequest } = sighting
  const isAsKnown = pullRequest.state === of.known.state
  // A closed one that stays closed is only followed in case it is reopened.
  if (isAsKnown && of.known.state !== 'open' && !of.isAwaited) return
  const isKept = await recordChanges(db, sighting, look)
  if (!isKept && pullRequest.state !== 'merged') return
  if (isAsKnown && of.known.state === 'open') return
  // The account that did it there, where the forge has told.
  const { endedBy: account } = sighting
  const actor: Actor = account === null ? MOOSE : { kind: 'forge_login', name: account.login }
  const by = account === null ? null : ({ through: 'forge', account } as const)
  await recordPullRequest(actingAs(db, actor), { ...of, pullRequest, by }, now)
}

/** @returns false: nothing was kept, as something newer was */
async function recordChanges(
  db: Kysely<Database>,
  { of, pullRequest, baseSha, checks, review, parts, isDraft, mark }: Sighting,
  look: Look,
): Promise<boolean> {
  const one = parts === null ? null : JSON.stringify(parts)
  const seen = { seen_head_sha: pullRequest.headSha, checks, review, seen: one }
  const kept = { look, baseSha, mark, base: pullRequest.base, isDraft, since: of.seenAt }
  if (await noteSeenAgain(db, of, seen, kept)) return true
  return await db.transaction().execute(async (transaction) => {
    const noted = await noteSeen(transaction, of, seen, kept)
    if (noted === null) return false
    const { before, head } = noted
    const common = { workOrderId: of.workOrderId, number: of.number, branch: pullRequest.branch }
    const changes: NewGitHubEvent[] = []
    if (before.checks !== checks) changes.push({ ...common, type: 'status', status: checks })
    if (before.review !== review) changes.push({ ...common, type: 'pull_request_review', status: review })
    // What Moose itself has pushed is kept as it is pushed: this is of a person or a bot.
    if (before.seen_head_sha !== head) changes.push({ ...common, type: 'push', status: head })
    for (const change of changes) await recordGitHubEvent(transaction, change)
    const hasNews = before.has_other_parts && parts !== null && parts.reviews.length + parts.check_runs.length > 0
    if (changes.length === 0 && !hasNews) return true
    const message = seenText({ pullRequest, checks, review, parts })
    await recordEvent(transaction, { workOrderId: of.workOrderId, attempt: of.attempt, type: 'pull_request', message })
    return true
  })
}

/** What a merge that was refused has seen of the branch; the next look then finds nothing new in it. */
export async function recordMoved(
  db: Kysely<Database>,
  moved: { workOrderId: string; number: number; headSha: string },
): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    const row = await noteMoved(transaction, moved)
    if (row === null) return
    const { workOrderId, number, headSha } = moved
    await recordGitHubEvent(transaction, {
      workOrderId,
      number,
      branch: row.branch,
      type: 'push',
      status: headSha,
    })
    const message = `pull request #${number} on its forge: branch at ${headSha.slice(0, 12)}, which was not verified`
    await recordEvent(transaction, { workOrderId, attempt: row.attempt, type: 'pull_request', message })
  })
}

/** Reviews and check runs that are named in one event. */
const MOST_NAMED = 20

function seenText({
  pullRequest,
  checks,
  review,
  parts,
}: Pick<Sighting, 'pullRequest' | 'checks' | 'review' | 'parts'>) {
  const [reviews, runs] = parts === null ? [[], []] : [parts.reviews, parts.check_runs]
  const named = (names: readonly string[]) => (names.length === 0 ? '' : ` (${names.slice(0, MOST_NAMED).join(', ')})`)
  const runNames = named(runs.map(({ name, state }) => `${name} ${state}`))
  const reviewNames = named(reviews.map(({ by, state }) => `${by === null ? 'an account that is gone' : by} ${state}`))
  return (
    `pull request #${pullRequest.number} on its forge: checks ${checks === null ? 'none' : checks}${runNames}, ` +
    `review ${review === null ? 'none' : review}${reviewNames}, branch at ${pullRequest.headSha.slice(0, 12)}`
  )
}
