import type { CheckFact, CheckFailure, PullRequestFacts } from '../ports/pull-request-facts.ts'
import { type Decision, decide, type Past, type Reaction } from './decide.ts'
import { fold, type Known, type State } from './fold.ts'

/** Failing checks whose failures are told, and the most that are read until there are so many. */
const MOST_TOLD = 3
const MOST_READ = 10
/** What could not be read may be readable later: a log that was not there yet, or a token that may read it by then. */
const AGAIN_AFTER_MS = 3_600_000
/** Of those that are named. */
const MOST_NAMED = 3

export type RedCheck = { check: CheckFact; failure: CheckFailure }

/** What red checks say of their failures. */
export type Failures = {
  /** Read once for what a forge has told, and again after an hour. @throws {Fault} `github_*` */
  of(failing: readonly CheckFact[], asking: Asking): Promise<RedCheck[]>
}

/** `told`: what the forge has told, the same object as long as it tells the same. */
type Asking = { told: PullRequestFacts; now: Date; read: (check: CheckFact) => Promise<CheckFailure> }

export function createFailures(): Failures {
  const known = new WeakMap<PullRequestFacts, { ids: string; red: RedCheck[]; at: number }>()
  return {
    async of(failing, { told, now, read }) {
      const ids = JSON.stringify(failing.map(({ id }) => id))
      const before = known.get(told)
      if (before?.ids === ids && now.getTime() - before.at < AGAIN_AFTER_MS) return before.red
      const red: RedCheck[] = []
      for (const check of failing.slice(0, MOST_READ)) {
        if (red.filter(isExplained).length === MOST_TOLD) break
        red.push({ check, failure: await read(check) })
      }
      known.set(told, { ids, red, at: now.getTime() })
      return red
    },
  }
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
  if (rest.state.is !== 'quiet')
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

/** As a model is told of them; what cannot be read of one stands beside what can be of others. */
export function toldOfChecks(red: readonly RedCheck[]): string {
  const told = red.map(({ check, failure: { text, why } }) => {
    const what = `Check "${check.name}" failed on the pull request (${check.said})`
    return text === '' ? `${what}. ${why === null ? 'It says nothing more.' : why}` : `${what}:\n${text}`
  })
  return told.join('\n\n')
}
