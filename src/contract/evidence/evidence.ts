import { knownOrOther } from '../stored-text.ts'
import { z } from '../zod.ts'
import { failingParts } from './failing-part.ts'
import { Repair } from './repair.ts'

export const OUTCOMES = ['passed', 'failed', 'crashed', 'timed_out'] as const

const CheckEvidence = z
  .object({
    name: z.string(),
    /** The command; null: an earlier Moose did not keep it. */
    run: z.string().nullable(),
    outcome: knownOrOther(OUTCOMES),
    /** Null: it was ended by a signal, or an earlier Moose did not keep it. */
    exit_code: z.number().int().nullable(),
    duration_ms: z.number(),
    /** Criteria it proves when it passes, 1-based. */
    proves: z.array(z.number().int()),
    /** It fails only in what failed on the base commit too: that fails no order, and proves nothing. */
    baseline: z.boolean(),
    /** It did not pass on the base commit. */
    failed_before: z.boolean(),
    /** The names of what failed; null: nothing did, or it cannot be told apart. */
    failures: z.array(z.string()).nullable(),
    /** Of a check that failed on the base too, what failed only now; null: it cannot be told, or it did not fail there. */
    new_failures: z.array(z.string()).nullable(),
    output: z.array(z.object({ text: z.string(), failing: z.boolean() })).openapi({
      description:
        'What it printed, in parts. `failing` says what failed: the useful part of all that it printed, then comes its end; of an ' +
        'older Moose, lines of the end. No part of a check that passed is.',
    }),
  })
  .openapi('CheckEvidence')
export type CheckEvidence = z.infer<typeof CheckEvidence>

export const CRITERION_RESULTS = ['proved', 'failed', 'unproved', 'not_run', 'edited'] as const

const CriterionEvidence = z
  .object({
    /** 1-based, as `acceptance_criteria` has them now. */
    number: z.number().int(),
    text: z.string(),
    result: z.enum(CRITERION_RESULTS).openapi({
      description:
        '`proved`: a check that proves it passed; `failed`: those that prove it did not pass; `unproved`: no check proves it; ' +
        '`not_run`: no check was run that could; `edited`: it was written otherwise when the attempt began, and nothing is said of it',
    }),
    /** Those that prove it when they pass. */
    checks: z.array(z.object({ name: z.string(), outcome: knownOrOther(OUTCOMES) })),
  })
  .openapi('CriterionEvidence')
export type CriterionEvidence = z.infer<typeof CriterionEvidence>

const SHOWN_REASONS = ['scope', 'guidance', 'context', 'import'] as const

/** A file whose text the model was shown. */
export const ShownEvidence = z
  .object({
    path: z.string(),
    why: knownOrOther(SHOWN_REASONS).openapi({
      description:
        '`scope`: it may be changed; `guidance`: it says how the code of the repository is written, such as AGENTS.md; ' +
        '`context`: moose.yaml or the order names it; `import`: a file in scope imports it',
    }),
    /** Of the text that was shown. */
    bytes: z.number().int(),
    /** `beginning`: no more of it was shown; null: all of it. */
    part: z.string().nullable(),
  })
  .openapi('ShownFile')
export type ShownEvidence = z.infer<typeof ShownEvidence>

/**
 * What was verified of a commit: that of the pull request that is open or merged, else the last one. Where none was, what the
 * last attempt that asked a model has ended with.
 */
export const OrderEvidence = z
  .object({
    attempt: z.number().int(),
    /** Null: there is no commit, or an earlier Moose did not keep it. */
    head_sha: z.string().nullable(),
    /** Why it did not pass; null: everything passed, or fails as it did on the base commit. */
    failure: z.string().nullable(),
    files: z.array(z.object({ path: z.string(), added: z.number().nullable(), deleted: z.number().nullable() })),
    /** Those that fail the order first, then those that failed before too, then those that passed; else in the order they ran. */
    checks: z.array(CheckEvidence),
    criteria: z.array(CriterionEvidence),
    repairs: z.array(Repair).openapi({
      description:
        'Tries of the attempt to mend what a check found, oldest first. `fix`: the `fix` command of the check; `proposer`: the ' +
        'model was told what failed; `aider`: the same through Aider. `head_sha`: the commit it made; null: it made none.',
    }),
    shown: z.array(ShownEvidence).openapi({
      description:
        'What the model was shown by the attempt that made the change: in the order of the prompt, at most 1,000; empty also where ' +
        'it was not kept, or a foreign Proposer does not say.',
    }),
  })
  .openapi('OrderEvidence')
export type OrderEvidence = z.infer<typeof OrderEvidence>

/** The parts of what the step `verify` gives; of an earlier Moose some are missing. */
const VerifyOutput = z.object({
  headSha: z.string().optional(),
  failure: z.object({ code: z.string() }).nullable(),
  files: z.array(z.object({ path: z.string(), added: z.number().nullable(), deleted: z.number().nullable() })),
  checks: z.array(
    z.object({
      name: z.string(),
      run: z.string().optional(),
      outcome: z.string(),
      exitCode: z.number().int().nullish(),
      durationMs: z.number(),
      outputTail: z.string().optional(),
      told: z.string().optional(),
      proves: z.array(z.number().int()),
      failures: z.array(z.string()).nullish(),
      failedBefore: z.boolean().nullish(),
      baseline: z.boolean().nullish(),
      newFailures: z.array(z.string()).nullish(),
    }),
  ),
  repairs: z.array(Repair).optional(),
})
type Verified = z.infer<typeof VerifyOutput>

/** What ends an attempt has the repairs that made no commit, too. */
const RecordInput = z.object({ repairs: z.array(Repair) })

/** The order as the attempt found it; it may have been edited since. */
const RouteInput = z.object({ acceptance_criteria: z.array(z.string()) })

const Shown = z.object({
  shown: z.array(z.object({ path: z.string(), why: z.string(), bytes: z.number(), part: z.string().optional() })),
})
/** Of the step `propose`, and of one that has not ended or has failed; an earlier Moose kept none of it. */
const ProposeOutput = z.union([z.object({ response: Shown }).transform(({ response }) => response), Shown])

type Step = { name: string; input?: unknown; output?: unknown; left_out?: boolean | undefined }
type Attempt = {
  number: number
  verifies?: number | null | undefined
  error?: { code: string } | null
  steps: readonly Step[]
}
type Judged = {
  acceptance_criteria: readonly string[]
  attempt_history: readonly Attempt[]
  pull_request: { attempt: number; state: string } | null
}

/** Null: no commit was verified and no model was asked yet, or another Moose wrote of it what this one cannot read. */
export function evidenceOf({
  acceptance_criteria: criteria,
  attempt_history,
  pull_request,
}: Judged): OrderEvidence | null {
  const standing = pull_request === null || pull_request.state === 'closed' ? null : pull_request.attempt
  const attempt =
    standing === null ? lastToTell(attempt_history) : attempt_history.find(({ number }) => number === standing)
  const verified = attempt === undefined ? null : verifiedIn(attempt)
  if (attempt === undefined || verified === null) return null
  const found = RouteInput.safeParse(lastOf(attempt, 'route')?.input)
  const { headSha, failure, files, checks } = verified
  return {
    attempt: attempt.number,
    head_sha: headSha === undefined ? null : headSha,
    failure: failure === null ? null : failure.code,
    files,
    checks: checks.map(checkEvidence).toSorted((one, other) => urgency(one) - urgency(other)),
    repairs: repairsOf(attempt, verified),
    criteria: criteriaOf(criteria, found.success ? found.data.acceptance_criteria : [], verified),
    shown: shownFor(attempt, attempt_history),
  }
}

function repairsOf(attempt: Attempt, { repairs }: Verified): Repair[] {
  const ended = RecordInput.safeParse(lastOf(attempt, 'record')?.input)
  if (ended.success) return ended.data.repairs
  return repairs === undefined ? [] : repairs
}

function hasGiven({ output }: Step): boolean {
  return output !== null && output !== undefined
}

/** The last try of a step. */
function lastOf(attempt: Attempt | undefined, name: string): Step | undefined {
  return attempt?.steps.findLast((step) => step.name === name)
}

/** The last attempt that has verified a commit; without one, the last that has ended after it had asked a model. */
function lastToTell(attempts: readonly Attempt[]): Attempt | undefined {
  const verified = attempts.findLast(({ steps }) => steps.some((step) => step.name === 'verify' && hasGiven(step)))
  if (verified !== undefined) return verified
  return attempts.findLast((attempt) => isFailed(attempt) && shownIn(attempt.steps).length > 0)
}

function isFailed(attempt: Attempt): attempt is Attempt & { error: { code: string } } {
  return attempt.error !== null && attempt.error !== undefined
}

/** Null: another Moose wrote of it what this one cannot read. */
function verifiedIn(attempt: Attempt): Verified | null {
  const verify = lastOf(attempt, 'verify')
  const isUntold = verify === undefined || (!hasGiven(verify) && verify.left_out !== true)
  if (isFailed(attempt) && isUntold) return { failure: { code: attempt.error.code }, files: [], checks: [] }
  const verified = VerifyOutput.safeParse(verify?.output)
  return verified.success ? verified.data : null
}

/** What only was verified was made before, by an attempt that had a model make it. */
function shownFor(attempt: Attempt, attempts: readonly Attempt[]): ShownEvidence[] {
  const maker = attempts.find(({ number }) => number === attempt.verifies)
  const made = maker === undefined ? [] : shownIn(maker.steps)
  return made.length > 0 ? made : shownIn(attempt.steps)
}

/** What a model was shown last in the steps of an attempt, also where it gave no change; empty: nothing, or it was not kept. */
export function shownIn(steps: readonly Step[]): ShownEvidence[] {
  const told = steps.flatMap(({ name, output }) => (name === 'propose' ? [ProposeOutput.safeParse(output)] : []))
  const last = told.findLast(({ success }) => success)?.data
  return last === undefined ? [] : last.shown.map(({ part, ...file }) => ({ ...file, part: orNull(part) }))
}

function checkEvidence({ outputTail = '', told, ...check }: Verified['checks'][number]): CheckEvidence {
  const failures = orNull(check.failures)
  const newFailures = orNull(check.newFailures)
  const named = newFailures === null ? failures : newFailures
  const isPassed = check.outcome === 'passed'
  return {
    name: check.name,
    run: orNull(check.run),
    outcome: check.outcome,
    exit_code: orNull(check.exitCode),
    duration_ms: check.durationMs,
    proves: check.proves.map((index) => index + 1),
    baseline: check.baseline === true,
    failed_before: check.failedBefore === true,
    failures,
    new_failures: newFailures,
    output: isPassed ? whole(outputTail) : partsOf(outputTail, told, named === null ? [] : named),
  }
}

function orNull<Value>(value: Value | null | undefined): Value | null {
  return value === undefined ? null : value
}

/** A short output is told as it is, and an older Moose has kept its end alone: there the lines that fail are marked. */
function partsOf(outputTail: string, told: string | undefined, names: readonly string[]): CheckEvidence['output'] {
  if (told === undefined || told === '' || told === linesOf(outputTail)) return failingParts(outputTail, names)
  return [{ text: told, failing: true }, ...whole(outputTail)]
}

/** Without those that are empty. */
function linesOf(output: string): string {
  const lines = output.split('\n').map((line) => line.trimEnd())
  return lines.filter((line) => line !== '').join('\n')
}

function whole(output: string): CheckEvidence['output'] {
  return output === '' ? [] : [{ text: output, failing: false }]
}

function urgency({ outcome, baseline }: CheckEvidence): number {
  if (baseline) return 1
  return outcome === 'passed' ? 2 : 0
}

/** What set-up on top of a change is called among its checks: where it fails, none of the others is run. */
const SET_UP = 'setup'

function criteriaOf(
  now: readonly string[],
  then: readonly string[],
  { checks, failure }: Verified,
): CriterionEvidence[] {
  const wasRun = failure === null || checks.some(({ name }) => name !== SET_UP)
  return now.map((text, index) => {
    const proving = checks.filter(({ proves }) => proves.includes(index))
    const isEdited = then[index] !== text
    const shown = isEdited ? [] : proving.map(({ name, outcome }) => ({ name, outcome }))
    return { number: index + 1, text, result: isEdited ? 'edited' : resultOf(proving, wasRun), checks: shown }
  })
}

function resultOf(proving: Verified['checks'], wasRun: boolean): CriterionEvidence['result'] {
  if (!wasRun) return 'not_run'
  if (proving.length === 0) return 'unproved'
  return proving.some(({ outcome }) => outcome === 'passed') ? 'proved' : 'failed'
}
