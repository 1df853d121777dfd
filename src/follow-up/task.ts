import { randomUUID } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { CameOfReview, FollowUpTask } from '../contract/evidence/follow-up.ts'
import { OF_PULL_REQUEST, REVIEW } from '../contract/evidence/repair.ts'
import { type BegunFollowUp, followUpAnswered, freeAnswers, holdAnswers } from '../db/follow-ups.ts'
import type { Database } from '../db/schema.ts'
import { recordEvent } from '../db/work-order-events.ts'
import { findWorkOrder } from '../db/work-orders/work-orders.ts'
import { toFault } from '../faults/fault.ts'
import type { WatchedPullRequest } from '../ports/pull-request.ts'
import type { FollowUpForge, PullRequestFacts } from '../ports/pull-request-facts.ts'
import { asWords, fenced } from '../work-order/markdown.ts'
import { isInScope } from '../work-order/scope.ts'
import { type Asked, digest } from './asked.ts'
import type { Reaction } from './decide.ts'
import { type RedCheck, toldOfChecks } from './failures.ts'

/** Characters that a model is told in all. */
const LONGEST_TOLD = 40_000

/**
 * What a model is told to do about red checks or a review.
 *
 * @param red what was read of the checks
 */
export function taskOf(
  reaction: Extract<Reaction, { kind: 'checks' | 'review' }>,
  red: readonly RedCheck[],
  base: string,
): FollowUpTask {
  if (reaction.kind === 'review') return taskOfReview(reaction.asked)
  const [first, ...more] = reaction.failing
  const name = first === undefined ? base : first.name
  const others = more.length === 0 ? '' : ` and ${more.length} more`
  return {
    check: `${name.slice(0, LONGEST_NAME)}${OF_PULL_REQUEST}`,
    reason: `check "${name}"${others} failed on the pull request`,
    told: toldOfChecks(red).slice(0, LONGEST_TOLD),
    surface: null,
    threads: [],
    keys: [],
  }
}

const LONGEST_NAME = 180

function taskOfReview(asked: readonly Asked[]): FollowUpTask {
  const paths = asked.map(({ path }) => path)
  const named = paths.filter((path) => path !== null)
  const numbered = asked.map((one, index) => ({ ...one, number: index + 1 }))
  const threads = Map.groupBy(numbered, ({ thread }) => thread)
  return {
    check: REVIEW,
    reason: `${asked.length === 1 ? 'a comment' : `${asked.length} comments`} of a review`,
    told: toldOf(numbered),
    // What is said of the change as a whole may be about any of its files.
    surface: named.length < paths.length ? null : [...new Set(named)].toSorted(),
    threads: [...threads].flatMap(([id, some]) => {
      if (id === null) return []
      const key = digest(
        id,
        some.map((one) => one.key),
      )
      return [{ id, key, path: some[0]?.path, comments: some.map(({ number }) => number) }]
    }),
    keys: asked.map(({ key }) => key),
  }
}

/** Each is told, with the beginning of its text where all of them are too long together. */
function toldOf(asked: readonly (Asked & { number: number })[]): string {
  const length = asked.reduce((sum, { body }) => sum + body.length, 0)
  const most = length > LONGEST_TOLD ? Math.floor(LONGEST_TOLD / asked.length) : LONGEST_TOLD
  const told = asked.map(({ number, by, path, line, body }) => {
    const where = path === null ? 'on the change as a whole' : `on ${path}${line === null ? '' : `, line ${line}`}`
    return `Comment ${number}, by ${by}, ${where}:\n${body.slice(0, most).toWellFormed()}`
  })
  return told.join('\n\n')
}

/**
 * Answers each review thread that an attempt was about, with the commit or why there is none. The forge finds what was answered
 * before, so a repetition writes nothing, and of several processes one answers. The log says which one the forge does not let Moose answer.
 */
export async function answerReviews(
  db: Kysely<Database>,
  forge: FollowUpForge,
  { of, facts, past }: { of: WatchedPullRequest; facts: PullRequestFacts; past: readonly BegunFollowUp[] },
  signal: AbortSignal,
): Promise<void> {
  for (const one of past) {
    if (one.kind !== 'review' || one.outcome === null || one.isAnswered || one.task === null) continue
    const by = randomUUID()
    try {
      await answer(one, one.task.threads, by)
    } finally {
      await freeAnswers(db, one.id, by)
    }
  }
  async function answer(one: BegunFollowUp, threads: FollowUpTask['threads'], by: string): Promise<void> {
    let posted = 0
    const isOutside = one.outcome === 'change_out_of_scope' && (await isOutsideOfOrder(db, of, one.task))
    for (const asked of threads) {
      const { id, key } = asked
      const thread = facts.threads.find((known) => known.id === id)
      if (thread === undefined) continue
      if (!(await holdAnswers(db, one.id, by))) return
      const answering = forge.replyTo(of, { thread, key, text: answerOf({ ...one, isOutside }, asked, facts) }, signal)
      const refused = await answering.then(() => null, whyRefused)
      if (refused === null) {
        posted += 1
        continue
      }
      const message = `pull request #${of.number}: a thread of ${thread.path} is not answered: ${refused}`
      await recordEvent(db, { workOrderId: of.workOrderId, attempt: of.attempt, type: 'pull_request', message })
    }
    await followUpAnswered(db, one.id, posted)
  }
}

/** Of an answer that the forge does not take at all: what comes next must not wait for it. @throws what another look may end better */
function whyRefused(error: unknown): string {
  const { code, message } = toFault(error)
  if (code === 'github_forbidden' || code === 'github_not_found' || code === 'github_failed') return message
  throw error
}

type Thread = FollowUpTask['threads'][number]
/** `isOutside`: all that it was about is outside the scope of the order. */
type Ended = BegunFollowUp & { isOutside: boolean }

async function isOutsideOfOrder(
  db: Kysely<Database>,
  { workOrderId }: WatchedPullRequest,
  task: FollowUpTask | null,
): Promise<boolean> {
  if (task === null || task.surface === null) return false
  const { files_in_scope: scope } = await findWorkOrder(db, workOrderId)
  return task.surface.every((path) => !isInScope(path, scope))
}

/** Of its comments those that the model does not carry out have its reason, the others the commit, or why there is none. */
function answerOf(one: Ended, thread: Thread, facts: PullRequestFacts): string {
  const { path, comments = [] } = thread
  const came = one.task?.came
  const left = came === undefined ? [] : came.not_done.filter(({ comment }) => comments.includes(comment))
  const notDone = left.map(({ reason }) => `Not done: ${asWords(reason)}`)
  if (left.length > 0 && left.length === comments.length) return notDone.join('\n')
  const changes = came === undefined ? null : came.changes
  return [answerOfAttempt(one, { path, changes }, facts), ...notDone].join('\n')
}

function answerOfAttempt(
  { outcome, madeSha, task, isOutside }: Ended,
  { path, changes }: Pick<Thread, 'path'> & Pick<CameOfReview, 'changes'>,
  { branch }: PullRequestFacts,
): string {
  if (outcome === 'succeeded' && madeSha !== null) {
    const isElsewhere = changes !== null && typeof path === 'string' && !changes.files.includes(path)
    return isElsewhere ? `Not changed by ${madeSha}: it changes ${filesOf(changes)} only.` : `Done in ${madeSha}.`
  }
  if (outcome === 'change_out_of_scope') {
    if (isOutside)
      return 'Not changed: what is asked for is about files that the order of this pull request may not change.'
    const others = task === null || task.surface === null ? 'this pull request does not change' : 'no comment is on'
    return `Not changed: what was tried changes files that ${others}.`
  }
  const why = outcome === 'check_failed' ? 'what was tried failed the checks' : `the attempt ended with \`${outcome}\``
  return `Not changed: ${why}. It is left to a person; push to \`${branch}\`.`
}

const MOST_NAMED = 5

function filesOf({ files, count }: NonNullable<CameOfReview['changes']>): string {
  const named = files.slice(0, MOST_NAMED).map((path) => fenced(null, path))
  return `${named.join(', ')}${count > named.length ? ` and ${count - named.length} more` : ''}`
}
