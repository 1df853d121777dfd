import { named, otherBaseText } from '../contract/evidence/against-merge.ts'
import { APPROVED_BEHIND, GIVEN_UP, GIVEN_UP_TEXT } from '../contract/evidence/follow-up.ts'
import type { CheckFact, PullRequestFacts } from '../ports/pull-request-facts.ts'
import { type Asked, type Reacted, unansweredIn } from './asked.ts'

/** What Moose itself knows of a pull request, beside what its forge tells. */
export type Known = Reacted & {
  /** The branch that its verified commit is to be merged into. */
  base: string
  /** The base of its project now; with another one it would be verified, and not pushed. */
  projectBase: string
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
  /** What is red was run again, and its result has still to come. */
  isRerunning: boolean
  /** Since when the forge tells what it tells now. */
  toldAt: Date
  now: Date
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
  if (known.projectBase !== base) return { is: 'retargeted', because: otherBaseText(base, known.projectBase) }
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

const LONGEST_QUOTE = 120

/** What was asked for, in one line. */
function quoteOf({ body, path }: Asked): string {
  const line = body.replaceAll(/\s+/g, ' ').trim()
  const short = line.length > LONGEST_QUOTE ? `${line.slice(0, LONGEST_QUOTE).toWellFormed()}…` : line
  return `${path === null ? '' : `${path}: `}"${short}"`
}

const MOST_NAMED = 5

function namesOf(checks: readonly CheckFact[]): string {
  return named([...new Set(checks.map(({ name }) => name))])
}

function inFiles(files: readonly string[]): string {
  return files.length === 0 ? '' : ` in ${files.slice(0, MOST_NAMED).join(', ')}`
}

const short = (sha: string) => sha.slice(0, 12)
