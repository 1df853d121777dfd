import type { Kysely } from 'kysely'
import type { Clock } from '../clock.ts'
import { FollowUpView } from '../contract/evidence/follow-up.ts'
import { noteFollowUp } from '../db/follow-ups.ts'
import { followedPullRequest, type Look, type SeenAs } from '../db/pull-requests/seen-pull-requests.ts'
import type { Database } from '../db/schema.ts'
import { recordEvent } from '../db/work-order-events.ts'
import type { Fault } from '../faults/fault.ts'
import type { Sighting, WatchedPullRequest } from '../ports/pull-request.ts'
import type { FollowUpForges, PullRequestFacts } from '../ports/pull-request-facts.ts'

/** What was last told of a pull request, and since when; the same mark tells the same. */
export type Told = { mark: string; facts: PullRequestFacts; at: Date }

/** When what was not read, or not all of it, is asked for again though nothing has changed, and since when that is so. */
type Again = { times: number; at: number; since: number; isTold: boolean }
/** By order and attempt. */
export type AskedFacts = { told: Map<string, Told>; again: Map<string, Again> }

export const keyOf = ({ workOrderId, attempt }: WatchedPullRequest) => `${workOrderId} ${attempt}`

export function forget({ told, again }: AskedFacts, of: WatchedPullRequest): void {
  told.delete(keyOf(of))
  again.delete(keyOf(of))
}

/** What is settled by what changes no mark, such as a comment that is hidden, is seen after so long. */
const UNMARKED_MS = 600_000

/** Has the facts of one asked for again in a while though nothing may have changed, unless they are already. */
export function askAgainLater({ again }: AskedFacts, of: WatchedPullRequest, now: number): void {
  if (again.has(keyOf(of))) return
  again.set(keyOf(of), { times: 0, at: now + UNMARKED_MS, since: now, isTold: true })
}

/** After so long, and then after twice that, up to a bound: of what could not be read at all, and of what was told in part. */
const AGAIN_MS = { untold: { first: 10_000, most: 600_000 }, partly: { first: 60_000, most: 3_600_000 } }

/** For so long one that cannot be read is only asked for again: what a forge fails at is most often over by then. */
const UNREAD_FOR_MS = 300_000
/** Of the host, its token or its repository: nothing follows of what is said of one pull request. */
const NOT_OF_ONE: ReadonlySet<string> = new Set([
  'github_rate_limited',
  'github_unauthorized',
  'github_unreachable',
  'repository_unreachable',
])

type AskingDeps = {
  db: Kysely<Database>
  forges: FollowUpForges
  clock: Clock
  onError: (error: unknown) => void
}

/** Asks for the facts of those of which something has changed, or was not read. One that cannot be read takes nothing from others. */
export async function askFacts(
  deps: AskingDeps,
  asked: AskedFacts,
  { awaited, look }: { awaited: readonly Sighting[]; look: Look | null },
  signal: AbortSignal,
): Promise<void> {
  const now = deps.clock.now().getTime()
  const due = awaited.filter((one) => isDue(asked, one, now))
  // Numbers are those of one project.
  for (const [project, some] of Map.groupBy(due, ({ of }) => of.project)) {
    const unread = new Map<number, Fault>()
    const pulls = some.map(({ of }) => of)
    const found = await deps.forges[project.forge]
      .factsOf(pulls, signal, ({ number }, fault) => unread.set(number, fault))
      .catch((error: unknown) => {
        deps.onError(error)
        return null
      })
    if (signal.aborted) return
    if (found === null) continue
    for (const { of, mark } of some) {
      const facts = found.find(({ number }) => number === of.number)
      const fault = unread.get(of.number)
      // What it was told before is not how it stands now.
      if (fault !== undefined) asked.told.delete(keyOf(of))
      if (facts !== undefined) asked.told.set(keyOf(of), { mark, facts, at: deps.clock.now() })
      const isUnread = fault !== undefined || (facts !== undefined && facts.unread !== null)
      keepAgain(asked, of, { isUnread, isTold: facts !== undefined, now })
      if (fault !== undefined && isHidden(asked, of, { fault, now }))
        await noteUnread(deps.db, of, { fault, now, as: { mark, look } }).catch(deps.onError)
    }
  }
}

function isDue({ told, again }: AskedFacts, { of, mark }: Sighting, now: number): boolean {
  const next = again.get(keyOf(of))
  const isOther = told.get(keyOf(of))?.mark !== mark
  if (next === undefined) return isOther
  return now >= next.at || (next.isTold && isOther)
}

function keepAgain(
  { again }: AskedFacts,
  of: WatchedPullRequest,
  is: { isUnread: boolean; isTold: boolean; now: number },
): void {
  const before = again.get(keyOf(of))
  if (!is.isUnread) return void again.delete(keyOf(of))
  const { times, since } = before?.isTold === is.isTold ? before : { times: 0, since: is.now }
  const { first, most } = is.isTold ? AGAIN_MS.partly : AGAIN_MS.untold
  const at = is.now + Math.min(most, first * 2 ** times)
  again.set(keyOf(of), { times: times + 1, at, since, isTold: is.isTold })
}

/** Whether it is this one that cannot be read, and has not been for long. */
function isHidden(
  { again }: AskedFacts,
  of: WatchedPullRequest,
  { fault, now }: { fault: Fault; now: number },
): boolean {
  const untold = again.get(keyOf(of))
  return untold !== undefined && now - untold.since >= UNREAD_FOR_MS && !NOT_OF_ONE.has(fault.code)
}

/** Nothing is merged by rule by what was said before, where nothing can be read of what is said now. */
async function noteUnread(
  db: Kysely<Database>,
  of: WatchedPullRequest,
  { fault, now, as }: { fault: Fault; now: number; as: SeenAs },
): Promise<void> {
  const row = await followedPullRequest(db, of, as)
  const { workOrderId, attempt, number } = of
  // Without a judgement nothing is merged by rule either.
  if (row === null || row.follow_up === null) return
  const standing = FollowUpView.parse(row.follow_up)
  if (standing.conversation_hidden === true) return
  const view = { ...standing, conversation_hidden: true, at: new Date(now).toISOString() }
  await db.transaction().execute(async (transaction) => {
    if (!(await noteFollowUp(transaction, of, { view, handsOff: row.hands_off, as }))) return
    const message = `pull request #${number}: what is said of it cannot be read, and is asked for again: ${fault.message}`
    await recordEvent(transaction, { workOrderId, attempt, type: 'pull_request', message })
  })
}
