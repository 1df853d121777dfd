import { APPROVED_BEHIND, type FailingCheck } from '../contract/evidence/follow-up.ts'
import { usefulLine } from '../contract/evidence/useful-line.ts'
import { Fault } from '../faults/fault.ts'
import type { CheckFact, CheckFailure, PullRequestFacts } from '../ports/pull-request-facts.ts'
import { spelt } from '../work-order/hidden-text.ts'
import { firstCharacters } from '../work-order/words.ts'
import { type Decision, decide, type Past, type Reaction } from './decide.ts'
import { fold, type Known, type State } from './fold.ts'

/** Failing checks whose failures are told, and the most that are read until there are so many. */
const MOST_TOLD = 3
const MOST_READ = 10
/** What could not be read may be readable later: a log that was not there yet, or a token that may read it by then. */
const AGAIN_AFTER_MS = 3_600_000
/** Where the forge could not be asked. */
const UNREACHED_AGAIN_AFTER_MS = 300_000
/** Of those that are named. */
const MOST_NAMED = 3

/** `isUnreached`: the forge could not be asked, and `failure` says why. */
export type RedCheck = { check: CheckFact; failure: CheckFailure; isUnreached?: true }

/** What red checks say of their failures. */
export type Failures = {
  /**
   * Read once for a commit and its failing checks, and again after an hour, or five minutes where the forge could not be asked; null:
   * they may not be read now, and were not before. @throws what the signal was aborted with
   */
  of(failing: readonly CheckFact[], asking: Asking): Promise<RedCheck[] | null>
  forget(key: string): void
}

/** `key`: of the pull request; `read` null: what was read last counts. */
type Asking = { key: string; headSha: string; now: Date; read: Read | null; signal: AbortSignal }
/** @throws {Fault} `github_*`, `attempt_cancelled` */
type Read = (check: CheckFact) => Promise<CheckFailure>

export function createFailures(): Failures {
  const kept = new Map<string, { of: string; red: RedCheck[]; at: number }>()
  return {
    async of(failing, { key, headSha, now, read, signal }) {
      // A status that is set anew, or is of another run, may keep its id.
      const ids = failing.map(({ id, url, ended_at }) => JSON.stringify([id, url, ended_at])).toSorted()
      const of = JSON.stringify([headSha, ids])
      const last = kept.get(key)
      const before = last?.of === of ? last : null
      if (read === null) return before === null ? null : before.red
      if (before !== null && now.getTime() - before.at < againAfter(before.red)) return before.red
      const red = await readAll(failing, read, signal)
      kept.set(key, { of, red, at: now.getTime() })
      return red
    },
    forget: (key) => void kept.delete(key),
  }
}

const againAfter = (red: readonly RedCheck[]) => (red.some(isUnreached) ? UNREACHED_AGAIN_AFTER_MS : AGAIN_AFTER_MS)

async function readAll(failing: readonly CheckFact[], read: Read, signal: AbortSignal): Promise<RedCheck[]> {
  const red: RedCheck[] = []
  for (const check of failing.slice(0, MOST_READ)) {
    // Each that cannot be reached may take as long as the forge is waited for.
    if (red.filter((one) => isExplained(one) || isUnreached(one)).length === MOST_TOLD) break
    red.push(await readOne(check, read, signal))
  }
  return red
}

async function readOne(check: CheckFact, read: Read, signal: AbortSignal): Promise<RedCheck> {
  try {
    return { check, failure: await read(check) }
  } catch (error) {
    if (!(error instanceof Fault) || signal.aborted) throw error
    const why = `"${check.name}" could not be read: ${error.message}`
    return { check, failure: { from: 'none', text: '', identity: null, why }, isUnreached: true }
  }
}

function isUnreached({ isUnreached: is }: RedCheck): boolean {
  return is === true
}

function isExplained({ failure }: RedCheck): boolean {
  return failure.text.trim() !== ''
}

type Judged = { state: State; decision: Decision }

/** A state, and what is done about it within the bounds. */
export function judge(facts: PullRequestFacts, known: Known, past: readonly Past[]): Judged {
  const state = fold(facts, known)
  return { state, decision: decide(state, facts, known, past) }
}

/**
 * The same where a model would mend red checks of which nothing can be read: it is not asked, as it would be told no more than
 * their names. A human decides, or, where the forge requires none of them, merges it as it stands; what else is to be done is done.
 *
 * @param red what was read of the checks that the reaction is about
 */
export function judgeExplained(
  judged: Judged & { decision: { reaction: Reaction & { kind: 'checks' } } },
  red: readonly RedCheck[],
  { facts, known, past }: { facts: PullRequestFacts; known: Known; past: readonly Past[] },
): Judged {
  if (red.some(isExplained)) return judged
  const { state, decision } = judged
  const { failing } = decision.reaction
  const isRequired = red.length < failing.length || red.some(({ failure }) => failure.is_required !== false)
  const why = `${state.because}; ${whyUnexplained(red)}, so no model is asked to mend it`
  if (isRequired) {
    const advice = `look there, then mend it on ${facts.branch} or have it run again there`
    return {
      state,
      decision: { reaction: null, why: `${why}: ${advice}`, isExhausted: true, refused: decision.reaction },
    }
  }
  const others = facts.checks.filter((check) => !failing.includes(check))
  const rest = judge({ ...facts, checks: others }, known, past)
  if (rest.decision.reaction !== null) return rest
  const also = `${why}, and the forge does not require it`
  if (rest.state.is !== 'quiet' && rest.state.is !== APPROVED_BEHIND)
    return { ...rest, decision: { ...rest.decision, why: `${rest.decision.why}; ${also}` } }
  return { state: rest.state, decision: { reaction: null, why: also, isExhausted: false, isOptional: true } }
}

function whyUnexplained(red: readonly RedCheck[]): string {
  const told = red.slice(0, MOST_NAMED).map(({ check, failure }) => {
    const why = failure.why === null ? `"${check.name}" says nothing more` : failure.why.replace(/\.$/, '')
    return `${why}${check.url === null ? '' : ` (${check.url})`}`
  })
  return told.join('; ')
}

const MOST_OF_SAID = 300
/** Of those that are told to a human. */
const MOST_SHOWN = 5

/**
 * A line of each red check, for a human.
 *
 * @param red what was read of them; null: they may not be read now
 * @param before as they stood: what was read of the same one stays where it cannot be read now
 */
export function failingOf(
  failing: readonly CheckFact[],
  red: readonly RedCheck[] | null,
  before: readonly FailingCheck[],
): FailingCheck[] {
  return failing.slice(0, MOST_SHOWN).map(({ id, name, url }) => {
    const check = spelt(name)
    const read = red?.find((one) => one.check.id === id)
    const known = before.find((one) => one.check === check && one.url === url)
    const line = read === undefined ? '' : usefulLine(read.failure.text).replaceAll(/\s+/g, ' ').trim()
    const kept = known === undefined ? null : known.said
    return { check, said: line === '' ? kept : firstCharacters(spelt(line), MOST_OF_SAID), url }
  })
}

/** As a model is told of them; what cannot be read of one stands beside what can be of others. */
export function toldOfChecks(red: readonly RedCheck[]): string {
  const told = red.map(({ check, failure: { text, why } }) => {
    const what = `Check "${check.name}" failed on the pull request (${check.said})`
    return text === '' ? `${what}. ${why === null ? 'It says nothing more.' : why}` : `${what}:\n${text}`
  })
  return told.join('\n\n')
}
