import { seededChance } from '../../../src/manager/learned/seeded-chance.ts'
import { answerIn, FORMS, type Form } from './forms.ts'
import { type Commit, changesOf } from './history.ts'
import { carryOut, differenceTo, type Lane } from './lane.ts'
import { type Change, changeOf, scopeOf, Unsaid } from './said.ts'

/** A commit as an order and the answer to it. */
export type Replayed = { commit: Commit; title: string; form: Form; files: readonly string[]; answer: string }
/** A commit that no order can ask for; `reason`: why. */
export type Skipped = { commit: Commit; reason: string }

export type Verdict = {
  replayed: Replayed
  id: string
  wasHeld: boolean
  /** Why it is not what it was made of; null: it is. */
  problem: string | null
}

const MOST_FILES = 200
const MOST_TITLE = 180

/**
 * Makes an order of a commit.
 *
 * @param form what the answer is written in; where that form has no words for the commit, the next one that has
 */
export async function replayOf(
  repository: string,
  commit: Commit,
  { number, form }: { number: number; form: Form },
): Promise<Replayed | Skipped> {
  if (commit.parents.length === 0) return { commit, reason: 'it has no parent' }
  const files = await changesOf(repository, commit)
  const scope = scopeOf(files)
  if (files.length === 0) return { commit, reason: 'it changes no file' }
  if (scope.length > MOST_FILES) return { commit, reason: `it changes ${scope.length} files` }
  try {
    const changes = files.map(changeOf)
    const title = `${number} ${commit.subject.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ')}`
      .slice(0, MOST_TITLE)
      .toWellFormed()
    return { commit, title, files: scope, ...said(changes, form) }
  } catch (error) {
    if (error instanceof Unsaid) return { commit, reason: error.message }
    throw error
  }
}

/** @throws {Unsaid} of the last form, where none has words for it */
function said(changes: readonly Change[], wanted: Form): { form: Form; answer: string } {
  const first = FORMS.indexOf(wanted)
  const [form = wanted, ...others] = [...FORMS.slice(first), ...FORMS.slice(0, first)]
  let last: Unsaid | null = null
  for (const next of [form, ...others]) {
    try {
      return { form: next, answer: answerIn(next, changes) }
    } catch (error) {
      if (!(error instanceof Unsaid)) throw error
      last = error
    }
  }
  throw last ?? new Error('there is no form')
}

/** Carries the order out and compares its branch with the commit. */
export async function judge(lane: Lane, replayed: Replayed): Promise<Verdict> {
  const { commit, title, files, answer } = replayed
  // An answer that is refused is asked for again, and the reason told when it is refused again.
  const ended = await carryOut(lane, { title, files, baseSha: String(commit.parents[0]), answers: [answer, answer] })
  const { id, wasHeld, fault } = ended
  if (fault !== null) return { replayed, id, wasHeld, problem: `${fault.code}: ${fault.message}` }
  return { replayed, id, wasHeld, problem: await differenceTo(lane, ended, commit) }
}

/** Puts things in an order that a seed decides. */
export function shuffled<Item>(items: readonly Item[], seed: number): Item[] {
  const chance = seededChance('fidelity', seed)
  const keyed = items.map((item) => ({ item, key: chance() }))
  return keyed.toSorted((left, right) => left.key - right.key).map(({ item }) => item)
}
