import { createHash } from 'node:crypto'
import { APPROVED_BEHIND, GIVEN_UP, GIVEN_UP_TEXT } from '../contract/evidence/follow-up.ts'
import {
  type CheckFact,
  type CommentFact,
  isSaidToMoose,
  type PullRequestFacts,
  type ReviewFact,
} from '../ports/pull-request-facts.ts'

/** What Moose itself knows of a pull request, beside what its forge tells. */
export type Known = {
  /** The branch that its verified commit is to be merged into. */
  base: string
  /** The commit of the base that its verified commit builds on. */
  verifiedBase: string
  /** Commits that attempts of the order have made. */
  ours: readonly string[]
  /** The commit of somebody else that Moose keeps its hands off; null: it follows the pull request. */
  handsOff: string | null
  /** The commit that a human has given back; null: none. */
  adopted: string | null
  /** A person has given it up in Moose. */
  isGivenUp: boolean
  /** Keys of what was asked for in reviews and has been reacted to with success, or is being reacted to. */
  answered: readonly string[]
  /** Keys of what was asked for in reviews and was reacted to without success, or was not carried out by the model. */
  failed: readonly string[]
  /** What is red was run again, and its result has still to come. */
  isRerunning: boolean
  /** Since when the forge tells what it tells now. */
  toldAt: Date
  now: Date
}

/** Something a person with write access asks for in a review. */
export type Asked = {
  /** The comment and its text: an edited one is another. */
  key: string
  by: string
  body: string
  /** Null: it is on the whole change. */
  path: string | null
  line: number | null
  /** Null: the forge has no place to answer it. */
  thread: string | null
}

/** How a pull request stands, and why. */
export type State = { because: string } & (
  | {
      is:
        | 'ended'
        | typeof GIVEN_UP
        | 'hands_off'
        | 'retargeted'
        | 'unknown'
        | 'conflict'
        | 'red_on_base'
        | 'settling'
        | 'behind'
        | 'checking'
    }
  | { is: 'quiet' | typeof APPROVED_BEHIND }
  /** `isLeft`: it was given back, and did not pass when it was verified. */
  | { is: 'unverified'; isLeft: boolean }
  | { is: 'red'; failing: readonly CheckFact[] }
  | { is: 'reviewed'; asked: readonly Asked[] }
)

/** A review is read when nothing was added to it for so long. */
const SETTLES_AFTER_MS = 120_000

/** The facts of a pull request as one state: of several that are true, the first in this order. */
export function fold(facts: PullRequestFacts, known: Known): State {
  const { state, branch, base, head_sha: head } = facts
  if (state !== 'open') return { is: 'ended', because: `it is ${state}` }
  if (known.isGivenUp) return { is: GIVEN_UP, because: GIVEN_UP_TEXT }
  const other = byOthers(facts, known)
  if (other !== null) return { is: 'hands_off', because: `${branch} holds ${short(other)}, which Moose has not made` }
  if (base !== known.base) return { is: 'retargeted', because: `its base was changed from ${known.base} to ${base}` }
  if (head !== facts.known_head_sha)
    return {
      is: 'unverified',
      because: `${branch} holds ${short(head)}, which has not passed the checks`,
      isLeft: head === known.adopted,
    }
  if (facts.mergeability === 'conflict')
    return { is: 'conflict', because: `${branch} conflicts with ${base}${inFiles(facts.conflict_files)}` }
  return ofChecks(facts, known) ?? ofReviews(facts, known) ?? ofBase(facts, known)
}

/** The commit of somebody else that the branch holds; null: what it holds is Moose's own, or was given back. */
export function byOthers(facts: PullRequestFacts, { ours, adopted, handsOff }: Known): string | null {
  const { head_sha: head, known_head_sha: left } = facts
  if (handsOff !== null && head === handsOff) return head
  return head === left || head === adopted || ours.includes(head) ? null : head
}

function ofChecks({ checks, base }: PullRequestFacts, { isRerunning }: Known): State | null {
  const red = checks.filter(({ state }) => state === 'red')
  const failing = red.filter(({ on_base }) => on_base !== 'red')
  // What is running may be another run of one that is red.
  if (checks.some(({ state }) => state === 'pending'))
    return red.length === 0
      ? null
      : { is: 'checking', because: `checks are running, and failed so far: ${namesOf(red)}` }
  if (failing.length > 0 && isRerunning)
    return { is: 'checking', because: `failed on the forge, and are run again: ${namesOf(failing)}` }
  if (failing.length > 0) return { is: 'red', because: `failed on the forge: ${namesOf(failing)}`, failing }
  if (red.length > 0) return { is: 'red_on_base', because: `failed on the forge, as on ${base}: ${namesOf(red)}` }
  return null
}

function ofReviews(facts: PullRequestFacts, known: Known): State | null {
  const { failed, toldAt, now } = known
  const open = unansweredIn(facts, known)
  if (open.length === 0) return null
  const latest = Math.max(...open.map(({ at }) => at))
  const names = [...new Set(open.map(({ by }) => by))].slice(0, MOST_NAMED).join(', ')
  const [quoted] = open.filter(({ key }) => failed.includes(key))
  const said = quoted === undefined ? '' : ` (${quoteOf(quoted)})`
  const because = `${open.length === 1 ? 'a comment' : `${open.length} comments`} of a review by ${names}${said}`
  // The clock of the forge may be ahead of this one.
  const quietSince = Math.min(latest, toldAt.getTime())
  if (now.getTime() - quietSince < SETTLES_AFTER_MS)
    return {
      is: 'settling',
      because: `${because} may be continued: it is less than ${SETTLES_AFTER_MS / 60_000} minutes old`,
    }
  const asked = open.toSorted((a, b) => (a.key < b.key ? -1 : 1))
  return { is: 'reviewed', because, asked }
}

function ofBase(facts: PullRequestFacts, { verifiedBase }: Known): State {
  const { base, base_sha: tip, mergeability, checks, review_decision: decision, unread } = facts
  if (isBehind(facts, verifiedBase)) {
    if (decision !== 'APPROVED') return { is: 'behind', because: `${base} has moved to ${short(String(tip))}` }
    if (unread !== null) return { is: 'unknown', because: unread }
    return {
      is: APPROVED_BEHIND,
      because: `it is approved; ${base} has moved, and a merge of it could dismiss the approval`,
    }
  }
  if (mergeability === 'unknown') return { is: 'unknown', because: `its base ${base} is gone` }
  if (checks.some(({ state }) => state === 'pending')) return { is: 'checking', because: 'checks are running' }
  const held = checks.filter(({ state }) => state === 'waiting')
  if (held.length > 0) return { is: 'checking', because: `a person has to let checks run: ${namesOf(held)}` }
  // What is not known could be red, or be asked for.
  if (unread !== null) return { is: 'unknown', because: unread }
  return { is: 'quiet', because: 'there is nothing to do' }
}

/** Whether the base holds what the verified commit does not build on. */
export function isBehind({ has_base_moved: moved, base_sha: tip }: PullRequestFacts, verifiedBase: string): boolean {
  return moved && tip !== null && tip !== verifiedBase
}

type AskedAt = Asked & {
  at: number
  /** Said outside of a thread, and an approval by the same person has followed. */
  isSuperseded: boolean
}

/** What was asked for and was not reacted to with success. An approval answers what could not be done. */
function unansweredIn(facts: PullRequestFacts, { answered, failed }: Pick<Known, 'answered' | 'failed'>): AskedAt[] {
  return askedIn(facts).filter(
    ({ key, isSuperseded }) => !answered.includes(key) && !(isSuperseded && failed.includes(key)),
  )
}

/** Logins of those whose request was not reacted to with success, each once. */
export function unansweredBy(facts: PullRequestFacts, known: Pick<Known, 'answered' | 'failed'>): string[] {
  return [...new Set(unansweredIn(facts, known).map(({ by }) => by))].toSorted()
}

/** Of each person with write access the latest review that decides. */
export function decidingIn({ reviews }: PullRequestFacts): ReviewFact[] {
  const deciding = reviews.filter(
    ({ may_write, is_moose, login, state }) => may_write && !is_moose && login !== null && DECIDING.has(state),
  )
  return [...Map.groupBy(deciding, ({ login }) => login).values()].flatMap((all) => all.toSorted(byTime).slice(-1))
}

/** Logins of people with write access whose latest review that decides asks for changes. */
export function changesRequestedBy(facts: PullRequestFacts): string[] {
  return decidingIn(facts)
    .flatMap(({ login, state }) => (state === 'changes_requested' && login !== null ? [login] : []))
    .toSorted()
}

const DECIDING: ReadonlySet<string> = new Set(['approved', 'changes_requested', 'dismissed'])

export const timeOf = ({ at }: ReviewFact) => (at === null ? 0 : Date.parse(at))
const byTime = (one: ReviewFact, other: ReviewFact) => timeOf(one) - timeOf(other)

const LONGEST_QUOTE = 120

/** What was asked for, in one line. */
function quoteOf({ body, path }: Asked): string {
  const line = body.replaceAll(/\s+/g, ' ').trim()
  const short = line.length > LONGEST_QUOTE ? `${line.slice(0, LONGEST_QUOTE).toWellFormed()}…` : line
  return `${path === null ? '' : `${path}: `}"${short}"`
}

const AGREEABLE = [
  'thanks?(?: you)?|thx|ty|ok(?:ay)?|lgtm|great|nice|perfect|good|done|looks good(?: to me)?|sounds good',
  'a lot|so much|very much|moose|@[\\w-]{1,39}|\\+1',
].join('|')
const AGREEABLE_NAMES =
  '\\+1|thumbsup|tada|heart|rocket|white_check_mark|heavy_check_mark|ok_hand|clap|pray|raised_hands|100|sparkles|fire|star|smile|smiley|grin|wave'
const AGREEABLE_SIGNS = '[👍🎉❤♥🚀✅✔☑👌👏🙏🙌💯✨🔥⭐😀😃😄😁😊🙂👋]'
/** Thanks and agreements, as the whole of a comment. Of signs only those that are named: others may be a refusal. */
const ASKS_NOTHING = new RegExp(
  `^(?:(?:${AGREEABLE})(?![\\w-])|:(?:${AGREEABLE_NAMES}):|${AGREEABLE_SIGNS}[\\ufe0f\\u{1f3fb}-\\u{1f3ff}]*|[:;]-?\\)|[\\s.,!…*_"'()—–])*$`,
  'iu',
)

function asksForSomething(body: string): boolean {
  return body.length > LONGEST_THANKS || !ASKS_NOTHING.test(body)
}

const LONGEST_THANKS = 100

/**
 * What people with write access ask for: unresolved threads, reviews with a text that do not approve, and comments outside of
 * reviews that begin with `/moose`.
 */
function askedIn({ threads, reviews, comments }: PullRequestFacts): AskedAt[] {
  const asked: AskedAt[] = []
  for (const { id, login, body, may_write, is_moose, at, edited_at } of comments) {
    if (!may_write || is_moose || login === null || !isSaidToMoose(body)) continue
    const written_at = Date.parse(edited_at === null ? at : edited_at)
    const isSuperseded = isApprovedSince(reviews, login, written_at)
    asked.push({ ...written(id, login, body), path: null, line: null, thread: null, at: written_at, isSuperseded })
  }
  for (const { id, path, line, is_resolved: isResolved, comments } of threads) {
    if (isResolved) continue
    for (const comment of comments) {
      if (!comment.may_write || comment.is_moose || comment.login === null) continue
      if (!asksForSomething(comment.body)) continue
      const at = Date.parse(comment.edited_at === null ? comment.at : comment.edited_at)
      asked.push({
        ...written(comment.id, comment.login, comment.body),
        path,
        line,
        thread: id,
        at,
        isSuperseded: false,
      })
    }
  }
  for (const review of reviews) {
    const { id, login, body, may_write, is_moose, state, at, edited_at } = review
    const counts = may_write && !is_moose && (state === 'changes_requested' || state === 'commented')
    if (!counts || login === null || !asksForSomething(body)) continue
    const moment = edited_at === null ? at : edited_at
    const written_at = moment === null ? 0 : Date.parse(moment)
    asked.push({
      ...written(id, login, body),
      path: null,
      line: null,
      thread: null,
      at: written_at,
      isSuperseded: isApprovedSince(reviews, login, timeOf(review)),
    })
  }
  return asked
}

/** @param commits of which it has to be an approval; left out: any */
function isApprovedSince(reviews: readonly ReviewFact[], by: string, at: number, commits?: readonly string[]): boolean {
  return reviews.some(
    (later) =>
      later.login === by &&
      later.state === 'approved' &&
      timeOf(later) > at &&
      (commits === undefined || (later.head_sha !== null && commits.includes(later.head_sha))),
  )
}

/** A reaction that has, or may have, done what was asked for with these keys. */
type Answer = { keys: readonly string[]; madeSha: string | null }

/**
 * Logins of people whose request outside of a thread was answered with a commit, and who have approved neither that nor a later one:
 * a thread is resolved by a person who has looked at the answer, and nothing else says that of these.
 *
 * @param answers the earliest first
 */
export function unapprovedBy(facts: PullRequestFacts, answers: readonly Answer[]): string[] {
  const waiting = askedIn(facts).filter(({ key, by, at, thread }) => {
    const index = answers.findLastIndex(({ keys }) => keys.includes(key))
    if (thread !== null || index === -1) return false
    const made = answers.slice(index).flatMap(({ madeSha }) => (madeSha === null ? [] : [madeSha]))
    return !isApprovedSince(facts.reviews, by, at, [...made, facts.head_sha])
  })
  return [...new Set(waiting.map(({ by }) => by))].toSorted()
}

/** Whether a review asks for changes, and all that was asked for was reacted to: only its reviewer can go on. */
export function waitsForReviewer(facts: PullRequestFacts, { answered }: Pick<Known, 'answered'>): boolean {
  return facts.review_decision === 'CHANGES_REQUESTED' && askedIn(facts).every(({ key }) => answered.includes(key))
}

/** How many unresolved threads hold something that a person with write access says, whatever it is, and whatever was answered. */
export function openThreadsIn({ threads }: PullRequestFacts): number {
  const counts = ({ may_write, is_moose, login }: CommentFact) => may_write && !is_moose && login !== null
  return threads.filter(({ is_resolved: isResolved, comments }) => !isResolved && comments.some(counts)).length
}

/** Logins of those who ask for something without write access, each once. */
export function strangersIn({ threads, reviews, comments: said }: PullRequestFacts): string[] {
  const unresolved = threads.filter((one) => !one.is_resolved).flatMap(({ comments }) => comments)
  const all = [...unresolved, ...reviews, ...said.filter(({ body }) => isSaidToMoose(body))]
  const logins = all.flatMap(({ may_write, is_moose, login, body }) =>
    may_write || is_moose || login === null || body.trim() === '' ? [] : [login],
  )
  return [...new Set(logins)].toSorted()
}

function written(id: string, by: string, body: string): Pick<Asked, 'key' | 'by' | 'body'> {
  return { key: `${id} ${digest(body)}`, by, body }
}

/** Of any JSON: equal for equal values. */
export function digest(...parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)
}

const MOST_NAMED = 5

function namesOf(checks: readonly CheckFact[]): string {
  const names = [...new Set(checks.map(({ name }) => name))]
  const more = names.length > MOST_NAMED ? `, and ${names.length - MOST_NAMED} more` : ''
  return `${names.slice(0, MOST_NAMED).join(', ')}${more}`
}

function inFiles(files: readonly string[]): string {
  return files.length === 0 ? '' : ` in ${files.slice(0, MOST_NAMED).join(', ')}`
}

const short = (sha: string) => sha.slice(0, 12)
