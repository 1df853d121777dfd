import { isOf } from '../faults/families.ts'
import { Fault, NEXT_MOVE, toFault } from '../faults/fault.ts'
import { mayUseAider } from './choose-executor.ts'
import type { Adapters, AttemptContext } from './context.ts'
import type { Run } from './durable-step.ts'
import { failureSummary } from './failure-summary.ts'
import { type Application, type Applied, apply, type Previous } from './steps/apply.ts'
import { answersOf, MOST_ANSWERS, type Proposed } from './steps/propose.ts'
import type { Routed } from './steps/route.ts'
import { type Verified, verify } from './steps/verify.ts'

export type ApplyOptions = {
  context: AttemptContext
  done: { routed: Routed; proposed: Proposed }
  adapters: Adapters
  run: Run
  onCommit: (headSha: string) => Promise<void>
  /** Called with each piece of evidence as soon as it exists, also when it fails the attempt. */
  onEvidence: (evidence: { applied: Applied; verified?: Verified }) => void
}

type Made = { applied: Applied; verified: Verified }

/**
 * Makes the commit and verifies it. With `auto`, Aider repairs edits that failed a check; it is told
 * what failed. Whether there is a repair is decided within a durable step, so that a crash
 * cannot change it.
 *
 * @throws {Fault} the failure of the commit; after a repair that failed too, that of the check
 */
export async function applyUntilVerified(making: ApplyOptions): Promise<Made> {
  const first = await makeOnce(making, null)
  const { failure, repair } = first.verified
  if (failure === null) return first
  const fault = Fault.fromRecord(failure)
  if (!repair) throw fault
  const previous = { failure: making.context.published(failureSummary(failure)), code: fault.code, failedCheck: true }
  const second = await makeOnce(making, previous).catch((error: unknown) => {
    throw notRepaired(fault, toFault(error))
  })
  if (second.verified.failure !== null) throw Fault.fromRecord(second.verified.failure)
  return second
}

async function makeOnce(making: ApplyOptions, previous: Previous | null) {
  const { context, done, adapters, run, onEvidence } = making
  const applied = await applyWithRetry(making, previous)
  onEvidence({ applied })
  const verified = await run({
    name: 'verify',
    input: { head_sha: applied.headSha },
    async run() {
      const found = await verify(context, { ...done, applied }, adapters)
      const repair = found.failure?.code === 'check_failed' && applied.executor === 'patch'
      return { ...found, repair: repair && (await mayUseAider(adapters.executors)) }
    },
    failureOf: ({ failure }) => failure,
  })
  onEvidence({ applied, verified })
  return { applied, verified }
}

/**
 * Runs Aider a second time from the start, told of the failure, where another run may succeed (specification 7.2). Until there
 * is a change, its answers count as those of the proposal do: once they are used up there is no second run.
 */
async function applyWithRetry(making: ApplyOptions, previous: Previous | null): Promise<Applied> {
  const failedCheck = previous?.failedCheck === true
  const mostCalls = failedCheck ? null : Math.max(1, MOST_ANSWERS - making.done.proposed.answers)
  try {
    return await applyOnce(making, { previous, mostCalls })
  } catch (error) {
    const fault = toFault(error)
    const { code } = fault
    const left = mostCalls === null ? null : mostCalls - answersOf(fault)
    if (!isOf('aider_again', code) || (left !== null && left <= 0)) throw error
    const told = making.context.published(failureSummary(fault))
    const failure = previous === null ? told : `${previous.failure}\n\n${told}`
    return await applyOnce(making, { previous: { failure, code, failedCheck }, mostCalls: left })
  }
}

function applyOnce(
  { context, done, adapters, run, onCommit }: ApplyOptions,
  application: Application,
): Promise<Applied> {
  const { previous } = application
  const input = { base_sha: done.proposed.baseSha, format: done.proposed.response.format }
  return run({
    name: 'apply',
    input: previous === null ? input : { ...input, previous_failure: previous.code },
    async run() {
      const applied = await apply(context, done, adapters, application)
      await onCommit(applied.headSha)
      return applied
    },
  })
}

/** The fault of the check, with the failure of its repair; a repair that was cancelled or suspended keeps its own. */
function notRepaired(check: Fault, repair: Fault): Fault {
  if (NEXT_MOVE[repair.code] !== 'fail') return repair
  const message = `${check.message}\nAider was asked to repair it and failed too: ${repair.message}`
  return new Fault(check.code, message, { ...check.details, repair: repair.code }, repair)
}
