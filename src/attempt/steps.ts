import type { Phase } from '../work-order/status.ts'

type StepFacts = {
  /** The phase of the order while the step runs; null: the phase does not change. */
  phase: Phase | null
  /** The specification's `stage` of a failure (4.7). */
  stage: string
  /**
   * Where the result is besides the journal, and so what another home lacks after a takeover: `journal` nothing is;
   * `mirror` a commit in the mirror of the home that made it; `forge` a branch and a pull request; `database` the step is
   * one transaction that changes nothing when it is repeated, so it has no checkpoint.
   */
  result: 'journal' | 'mirror' | 'forge' | 'database'
  /** Whether a cancellation or a stop ends the step: a push that is cut short may have landed all the same. */
  isStoppable: boolean
}

/** The steps of an attempt, in their order. What is known of a step stands here and nowhere else. */
export const STEPS = {
  route: { phase: 'routing', stage: 'routing', result: 'journal', isStoppable: true },
  prepare: { phase: null, stage: 'setup', result: 'journal', isStoppable: true },
  propose: { phase: 'proposing', stage: 'proposer', result: 'journal', isStoppable: true },
  apply: { phase: 'applying', stage: 'executor', result: 'mirror', isStoppable: true },
  verify: { phase: 'verifying', stage: 'verify', result: 'mirror', isStoppable: true },
  publish: { phase: 'publishing', stage: 'github', result: 'forge', isStoppable: false },
  record: { phase: null, stage: 'record', result: 'database', isStoppable: false },
} as const satisfies Record<string, StepFacts>

export type StepName = keyof typeof STEPS

export function isStepName(name: string): name is StepName {
  return Object.hasOwn(STEPS, name)
}
