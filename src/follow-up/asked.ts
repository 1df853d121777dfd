import { createHash } from 'node:crypto'
import { type CommentFact, isSaidToMoose, type PullRequestFacts, type ReviewFact } from '../ports/pull-request-facts.ts'

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

/** What of it was reacted to. */
export type Reacted = {
  /** Keys of what was asked for in reviews and has been reacted to with success, or is being reacted to. */
  answered: readonly string[]
  /** Keys of what was asked for in reviews and was reacted to without success, or was not carried out by the model. */
  failed: readonly string[]
}

type AskedAt = Asked & {
  at: number
  /** Said outside of a thread, and an approval by the same person has followed. */
  isSuperseded: boolean
}

/** What was asked for and was not reacted to with success. An approval answers what could not be done. */
export function unansweredIn(facts: PullRequestFacts, { answered, failed }: Reacted): AskedAt[] {
  return askedIn(facts).filter(
    ({ key, isSuperseded }) => !answered.includes(key) && !(isSuperseded && failed.includes(key)),
  )
}

/** Logins of those whose request was not reacted to with success, each once. */
export function unansweredBy(facts: PullRequestFacts, known: Reacted): string[] {
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
 * a thread is resolved by a person who has looked at the answer, and nothing else says that of these. A forge lets nobody approve
 * what their own account has opened, so a person whose account is seen to be the one of Moose is not among them.
 *
 * @param answers the earliest first
 */
export function unapprovedBy(facts: PullRequestFacts, answers: readonly Answer[]): string[] {
  const own = ownLogins(facts)
  const waiting = askedIn(facts).filter(({ key, by, at, thread }) => {
    const index = answers.findLastIndex(({ keys }) => keys.includes(key))
    if (thread !== null || index === -1 || own.has(by)) return false
    const made = answers.slice(index).flatMap(({ madeSha }) => (madeSha === null ? [] : [madeSha]))
    return !isApprovedSince(facts.reviews, by, at, [...made, facts.head_sha])
  })
  return [...new Set(waiting.map(({ by }) => by))].toSorted()
}

/** Of the account by which Moose acts, where it has written something that was told. */
function ownLogins({ threads, reviews, comments }: PullRequestFacts): ReadonlySet<string | null> {
  const all = [...threads.flatMap((thread) => thread.comments), ...reviews, ...comments]
  return new Set(all.flatMap(({ is_moose: isMoose, login }) => (isMoose ? [login] : [])))
}

/** Whether a review asks for changes, and all that was asked for was reacted to: only its reviewer can go on. */
export function waitsForReviewer(facts: PullRequestFacts, { answered }: Pick<Reacted, 'answered'>): boolean {
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

/** Of what a person has written, by which it is known. */
export function written(id: string, by: string, body: string): Pick<Asked, 'key' | 'by' | 'body'> {
  return { key: `${id} ${digest(body)}`, by, body }
}

/** Of any JSON: equal for equal values. */
export function digest(...parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)
}
