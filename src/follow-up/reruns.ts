import type { Kysely } from 'kysely'
import { type BegunFollowUp, keepRerun } from '../db/follow-ups.ts'
import type { Database } from '../db/schema.ts'
import { recordEvent } from '../db/work-order-events.ts'
import type { WatchedPullRequest } from '../ports/pull-request.ts'
import type { CheckFact, FollowUpForge, PullRequestFacts } from '../ports/pull-request-facts.ts'
import { ofRuns } from './decide.ts'

/** A run that was asked for is given up when nothing was seen of it for so long. */
const BEGINS_WITHIN_MS = 600_000

type Given = {
  of: WatchedPullRequest
  facts: PullRequestFacts
  past: readonly BegunFollowUp[]
  now: Date
  signal: AbortSignal
}

/**
 * What became of the checks of this commit that were run again: they are `asked` for, are seen to be `running`, and are then `red`
 * once more, or `flaky`; `superseded` where another commit stands by then, `unfinished` where the order has ended. One that a crash has left
 * unasked is asked for now; one of a pull request that was reopened is waited for again.
 *
 * @returns whether its result has still to come
 */
export async function settleReruns(db: Kysely<Database>, forge: FollowUpForge, given: Given): Promise<boolean> {
  const { facts, past, now } = given
  await endSuperseded(db, given)
  const one = past.findLast(({ kind, headSha }) => kind === 'rerun' && headSha === facts.head_sha)
  if (one === undefined) return false
  // Of checks that are not known nothing follows.
  if (facts.unread !== null && !facts.knows.checks) return isAwaited(one.outcome)
  const outcome = becomesOf({ ...one, outcome: await begunAs(one, () => askAgain(db, forge, given)) }, facts, now)
  if (outcome !== one.outcome) await keepRerun(db, one.id, { before: one.outcome, now: outcome })
  if (outcome === 'flaky' && one.outcome !== 'flaky') await tellFlaky(db, given.of)
  return isAwaited(outcome)
}

const isAwaited = (outcome: string | null) => outcome === null || AWAITED.has(outcome)
const AWAITED: ReadonlySet<string> = new Set(['asked', 'running', 'unfinished'])

async function begunAs({ outcome }: BegunFollowUp, ask: () => Promise<string>): Promise<string> {
  if (outcome === null) return await ask()
  return outcome === 'unfinished' ? 'asked' : outcome
}

async function tellFlaky(db: Kysely<Database>, { workOrderId, attempt, number }: WatchedPullRequest): Promise<void> {
  const message = `pull request #${number}: what failed has passed when it was run again: it is flaky`
  await recordEvent(db, { workOrderId, attempt, type: 'pull_request', message })
}

/** Of another commit than the one that stands nothing is told any more. */
async function endSuperseded(db: Kysely<Database>, { facts: { known_head_sha: stands }, past }: Given): Promise<void> {
  for (const { id, kind, headSha, outcome } of past) {
    if (kind !== 'rerun' || headSha === stands) continue
    if (outcome === null || outcome === 'asked' || outcome === 'running')
      await keepRerun(db, id, { before: outcome, now: 'superseded' })
  }
}

async function askAgain(db: Kysely<Database>, forge: FollowUpForge, { of, facts, signal }: Given): Promise<string> {
  const red = facts.checks.filter(({ state, on_base: base }) => state === 'red' && base !== 'red')
  const checks = ofRuns(red)
  if (checks.length > 0) return await rerun(db, forge, { of, checks, signal })
  // What was red runs, or has passed: it was asked for before the crash.
  return red.length === 0 ? 'asked' : 'refused'
}

/** Has the failed jobs of runs made again, each once; the log says why where the forge does not. @returns the outcome so far */
export async function rerun(
  db: Kysely<Database>,
  forge: FollowUpForge,
  { of, checks, signal }: { of: WatchedPullRequest; checks: readonly CheckFact[]; signal: AbortSignal },
): Promise<string> {
  const outcomes: string[] = []
  for (const check of checks) outcomes.push(await rerunOne(db, forge, { of, check, signal }))
  const outcome = ['asked', 'running', 'red'].find((one) => outcomes.includes(one))
  return outcome === undefined ? 'refused' : outcome
}

async function rerunOne(
  db: Kysely<Database>,
  forge: FollowUpForge,
  { of, check, signal }: { of: WatchedPullRequest; check: CheckFact; signal: AbortSignal },
): Promise<string> {
  const answer = await forge.rerunFailed(of, check, signal)
  if (answer.outcome === 'already') return answer.is_running ? 'running' : 'red'
  if (answer.outcome === 'rerun') return 'asked'
  const message = `pull request #${of.number}: no checks are run again: ${answer.why}`
  await recordEvent(db, { workOrderId: of.workOrderId, attempt: of.attempt, type: 'pull_request', message })
  return 'refused'
}

function becomesOf(
  { outcome, at }: Pick<BegunFollowUp, 'at'> & { outcome: string },
  { checks }: PullRequestFacts,
  now: Date,
): string {
  if (outcome !== 'asked' && outcome !== 'running') return outcome
  if (checks.some(({ state }) => state === 'pending')) return 'running'
  const red = checks.filter(({ state, on_base: base }) => state === 'red' && base !== 'red')
  if (red.length === 0) return 'flaky'
  const isNew = ({ ended_at: ended }: CheckFact) => ended !== null && Date.parse(ended) > at.getTime()
  const isOver = outcome === 'running' || red.some(isNew) || now.getTime() - at.getTime() > BEGINS_WITHIN_MS
  return isOver ? 'red' : 'asked'
}
