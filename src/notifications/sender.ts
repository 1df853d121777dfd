import { randomUUID } from 'node:crypto'
import type { Kysely } from 'kysely'
import { deadline } from '../async/deadline.ts'
import { type Clock, NEVER_ABORTED } from '../clock.ts'
import type { Config } from '../config.ts'
import { commentedPullRequest } from '../db/notifications/commented-pull-request.ts'
import { findEndpoint, hasEndpoints } from '../db/notifications/endpoints.ts'
import {
  announce,
  type DueEntry,
  forgetSent,
  noteDelivered,
  noteFailed,
  noteInterrupted,
  takeDue,
  tryAgain,
} from '../db/notifications/outbox.ts'
import { listProjects, projectOf } from '../db/projects.ts'
import type { Database } from '../db/schema.ts'
import { readPauseAfter } from '../db/system-config.ts'
import { type FailureRow, readPausing } from '../db/work-orders/failure-rows.ts'
import { Fault, toFault } from '../faults/fault.ts'
import type { Log } from '../log.ts'
import type { FollowUpForge } from '../ports/pull-request-facts.ts'
import type { Network } from '../remote/network-route.ts'
import { fetchBy } from '../remote/patient-fetch.ts'
import { orderAddress } from '../work-order/naming.ts'
import { commentText } from './comment-text.ts'
import { type Event, messageOf } from './message.ts'

export type SenderDeps = {
  db: Kysely<Database>
  network: Pick<Network, 'agentFor'>
  clock: Clock
  log: Log
  /** 0 up to 1; spreads what is tried again. */
  random: () => number
  /** Where the page is; null: it has no address. */
  pageUrl: string | null
  /** Keeps the comment on a pull request on GitHub. */
  keepComment: FollowUpForge['keepComment']
  /** After how many failures in a row a project or a proposer is paused, where the database does not say. */
  config: Pick<Config, 'pauseAfterFailures'>
}

/** Sends what is in the outbox; several processes may, and each event is taken by one of them. */
export type Sender = AsyncDisposable & {
  /** Looks soon: something was put into the outbox. */
  wake(): void
  /** Sends what is due now, as far as there are places, and waits for what is under way. @returns how many were begun */
  sendDue(): Promise<number>
}

const AT_ONCE = 20
/** One that does not answer leaves room for others; so do many, of which each is sent one at once until it takes something. */
const AT_ONCE_TO_ONE = 4
const TIMEOUT_MS = 15_000
/** For which an event belongs to the process that took it. */
const LEASE_MS = 4 * TIMEOUT_MS
/** Less than the lease: another process begins only when this one has ended. */
const COMMENT_TIMEOUT_MS = 3 * TIMEOUT_MS
const LOOK_EVERY_MS = 15_000
const FORGET_EVERY_MS = 3_600_000
const FIRST_PAUSE_MS = 5_000
/** The pause before each further try is so many times as long: the last comes after eight hours or more. */
const LONGER = 4
const MOST_TRIES = 8
const MOST_OF_ERROR = 500

/** @param start whether it looks by itself, until it is disposed */
export function createSender(deps: SenderDeps, { start }: { start: boolean }): Sender {
  const stopping = new AbortController()
  const underWay = new Map<Promise<void>, string>()
  const placesOf = (endpoint: string) => [...underWay.values()].filter((one) => one === endpoint).length
  /** Endpoints that did not take the last of what they were sent, by their names. */
  const failing = new Set<string>()
  const isFull = (name: string) =>
    underWay.size === AT_ONCE || placesOf(name) >= (failing.has(name) ? 1 : AT_ONCE_TO_ONE)
  let alarm = Promise.withResolvers<void>()
  const fail = (error: unknown) => deps.log.warn({ reason: toFault(error).message }, 'notifications could not be sent')

  /** @param free has its place be free */
  async function send(entry: DueEntry, free: () => void): Promise<void> {
    const { name } = entry.endpoint
    const isTaken = await sendEntry(deps, entry, stopping.signal).catch(fail)
    const wasFull = isFull(name)
    if (isTaken === true) failing.delete(name)
    if (isTaken === false) failing.add(name)
    free()
    if (wasFull) alarm.resolve()
  }
  async function begin(): Promise<number> {
    await announcePauses(deps).catch(fail)
    const busy = new Map([...underWay.values()].map((name) => [name, placesOf(name)]))
    const places = { most: AT_ONCE - underWay.size, mostOfOne: AT_ONCE_TO_ONE, busy, failing }
    const due = await takeDue(deps.db, { ...places, leaseMs: LEASE_MS })
    for (const entry of due) {
      const sent: Promise<void> = send(entry, () => underWay.delete(sent))
      underWay.set(sent, entry.endpoint.name)
    }
    return due.length
  }
  async function lookAgainAndAgain(): Promise<void> {
    let forgotten = 0
    while (!stopping.signal.aborted) {
      alarm = Promise.withResolvers()
      const now = deps.clock.now().getTime()
      await begin().catch(fail)
      if (now - forgotten >= FORGET_EVERY_MS) {
        await forgetSent(deps.db).catch(fail)
        forgotten = now
      }
      await rest(deps.clock, alarm.promise, stopping.signal)
    }
  }
  const looking = start ? lookAgainAndAgain() : Promise.resolve()
  return {
    wake: () => alarm.resolve(),
    async sendDue() {
      const tried = await begin()
      await Promise.all(underWay.keys())
      return tried
    },
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await looking
      await Promise.all(underWay.keys())
    },
  }
}

/** Until the next look, or until it is woken or stopped. */
async function rest(clock: Clock, alarm: Promise<void>, stopping: AbortSignal): Promise<void> {
  const over = new AbortController()
  // A wait that is given up is no failure.
  const pause = clock.sleep(LOOK_EVERY_MS, AbortSignal.any([over.signal, stopping])).catch(() => undefined)
  await Promise.race([pause, alarm])
  over.abort()
}

/** @returns whether its endpoint has taken it; null: that was broken off */
async function sendEntry(deps: SenderDeps, entry: DueEntry, stopping: AbortSignal): Promise<boolean | null> {
  const { db, log, random } = deps
  const { error } = await deliver(deps, entry, stopping)
  if (error === null) {
    await noteDelivered(db, entry)
    return true
  }
  if (stopping.aborted) {
    await noteInterrupted(db, entry.id)
    return null
  }
  const againInMs = entry.tries >= MOST_TRIES ? null : FIRST_PAUSE_MS * LONGER ** (entry.tries - 1) * (1 + random())
  log.warn(
    { endpoint: entry.endpoint.name, kind: entry.kind, tries: entry.tries, error },
    'a notification was not taken',
  )
  await noteFailed(db, entry.id, { error, againInMs })
  return false
}

function deliver(deps: SenderDeps, entry: DueEntry, stopping: AbortSignal): Promise<Pick<Answered, 'error'>> {
  return entry.endpoint.format === 'github' ? comment(deps, entry, stopping) : post(deps, entry, stopping)
}

/**
 * The lease makes it the only one that writes the comment of this order; after a crash the comment is found by its marker. What it
 * says is read now, whatever was the event.
 */
async function comment(deps: SenderDeps, { work_order_id: id }: DueEntry, stopping: AbortSignal) {
  const { db, keepComment, pageUrl } = deps
  try {
    const pull = id === null ? null : await commentedPullRequest(db, id)
    if (id === null || pull === null) return { error: null }
    const project = await projectOf(db, pull.project_id)
    const text = commentText(pull, { shortId: id.slice(0, 8), address: orderAddress(pageUrl, id) })
    const { attempt, number, node_id: nodeId } = pull
    const signal = AbortSignal.any([deadline(COMMENT_TIMEOUT_MS), stopping])
    await keepComment({ project, workOrderId: id, attempt, number, nodeId }, text, signal)
    return { error: null }
  } catch (error) {
    return { error: saidOf(error) }
  }
}

function saidOf(error: unknown): string {
  return toFault(error).message.slice(0, MOST_OF_ERROR).toWellFormed()
}

/** The status it was answered with, null where it was not; `error` null: the endpoint has taken it. */
type Answered = { status: number | null; error: string | null }

/** No redirect is followed: another address was not agreed upon. */
async function post(
  { network, clock, pageUrl }: Pick<SenderDeps, 'network' | 'clock' | 'pageUrl'>,
  entry: Event,
  stopping: AbortSignal,
): Promise<Answered> {
  try {
    const { url } = entry.endpoint
    if (url === null) throw new Fault('internal', `The endpoint "${entry.endpoint.name}" has no address.`)
    const { body, headers } = messageOf(entry, { pageUrl, at: clock.now() })
    const signal = AbortSignal.any([deadline(TIMEOUT_MS), stopping])
    const response = await fetchBy(network, url, { method: 'POST', body, headers, signal })
    await response.body?.cancel()
    const { status } = response
    return { status, error: status >= 200 && status <= 299 ? null : `it answered HTTP ${status}` }
  } catch (error) {
    return { status: null, error: saidOf(error) }
  }
}

/**
 * Sends an event `test` to one endpoint now; where it is taken, what was given up for it, or waits for its next try, is sent
 * again. With the format `github` nothing is sent.
 *
 * @returns the status it answered with; null: nothing was sent
 * @throws {Fault} `not_found`; `service_unreachable` when it does not take it
 */
export async function testEndpoint(deps: SenderDeps, name: string): Promise<number | null> {
  const endpoint = await findEndpoint(deps.db, name)
  if (endpoint.format === 'github') {
    await tryAgain(deps.db, name, LEASE_MS)
    return null
  }
  const entry = { id: randomUUID(), kind: 'test', data: {}, created_at: deps.clock.now(), endpoint }
  const { status, error } = await post(deps, entry, NEVER_ABORTED)
  if (status === null || error !== null) {
    const message = `The endpoint "${name}" did not take the test: ${error}. Correct it or its address, then try again.`
    throw new Fault('service_unreachable', message, { name, reason: error })
  }
  await tryAgain(deps.db, name, LEASE_MS)
  return status
}

const MOST_OF_REASON = 500
const MOST_OF_NAME = 80

/**
 * Puts projects and proposers that failures in a row have paused into the outbox, each pause once. No trigger does that: how many
 * failures pause is a setting, which may stand in the environment.
 */
async function announcePauses({ db, config }: Pick<SenderDeps, 'db' | 'config'>): Promise<void> {
  if (!(await hasEndpoints(db))) return
  const { projects, proposers } = await readPausing(db, await readPauseAfter(db, config))
  const names = new Map(projects.size === 0 ? [] : (await listProjects(db)).map(({ id, name }) => [id, name]))
  for (const [id, row] of projects) {
    const facts = { project: names.get(id), ...factsOf(row) }
    await announce(db, 'project.paused', { key: keyOf(row), projectId: id, facts })
  }
  for (const [proposer, row] of proposers) {
    const facts = { proposer, ...factsOf(row) }
    await announce(db, 'proposer.paused', { key: keyOf(row), projectId: null, facts })
  }
}

function keyOf({ subject, code, since }: FailureRow): string {
  return `${subject.slice(0, MOST_OF_NAME)}:${code.slice(0, MOST_OF_NAME)}:${since.getTime()}`
}

function factsOf({ code, message, orders, since }: FailureRow) {
  const reason = message.slice(0, MOST_OF_REASON).toWellFormed()
  return { code, reason, failures: orders.length, since: since.toISOString() }
}
