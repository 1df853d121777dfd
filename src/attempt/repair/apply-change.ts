import type { Repair } from '../../contract/evidence/repair.ts'
import { isOf } from '../../faults/families.ts'
import { Fault, type FaultCode, toFault } from '../../faults/fault.ts'
import { isInScope } from '../../work-order/scope.ts'
import type { Adapters, AttemptContext } from '../context.ts'
import type { Run } from '../durable-step.ts'
import { failureSummary } from '../failure-summary.ts'
import { type Application, type Applied, apply, type Repairing } from '../steps/apply.ts'
import { answersOf, MOST_ANSWERS, type Proposed } from '../steps/propose.ts'
import type { Routed } from '../steps/route.ts'
import type { Verified } from '../steps/verify.ts'

export type ApplyOptions = {
  context: AttemptContext
  done: { routed: Routed; proposed: Omit<Proposed, 'told'> }
  /** Called within a step alone: it may read commits, which a home that takes over behind that step may lack. */
  asking: () => Promise<Asking>
  adapters: Adapters
  run: Run
  /** How often a model mends a change, where `moose.yaml` says nothing of it. */
  repairMax: number
  onCommit: (headSha: string) => Promise<void>
  /** Called before a model is asked to mend the change for the first time. @throws {Fault} where it has to wait */
  mayAsk: () => Promise<void>
  /** Called with each piece of evidence as soon as it exists, also when it fails the attempt. */
  onEvidence: (evidence: { applied: Applied; verified?: Verified; repairs?: readonly Repair[] }) => void
}

/** What models are asked with. `surface`: the files they may change, where those are fewer than the order's; left out: the order's. */
type Asking = { told: Proposed['told']; surface?: readonly string[] }

/** Whether a repair came to nothing by what a model or its call did; any other fault is the attempt's own. */
export function isOfModel(code: FaultCode): boolean {
  return isOf('model_work', code) || isOf('other_proposer', code) || isOf('aider_again', code)
}

/** Has a fault that ends a repair say what the attempt had spent by then. */
export const withSpent =
  (context: AttemptContext) =>
  async (error: unknown): Promise<never> => {
    const { code, message, details } = toFault(error)
    if (!isOfModel(code)) throw error
    throw new Fault(code, message, { ...details, spent_usd: (await context.spent()).costUsd }, error)
  }

type Applying = Omit<Application, 'repair'> & {
  repair: (Pick<Repairing, 'reason'> & { account: () => Promise<Repairing>; mostCalls: number }) | null
}

/**
 * Runs Aider a second time from the start, told of the failure, where another run may succeed (specification 7.2). Until there
 * is a change, its answers count as those of the proposal do, and in a repair as those of the attempt: once they are used up
 * there is no second run.
 */
export async function applyWithRetry(making: ApplyOptions, applying: Omit<Applying, 'mostCalls'>): Promise<Applied> {
  const left = applying.repair === null ? MOST_ANSWERS - making.done.proposed.answers : applying.repair.mostCalls
  const mostCalls = Math.max(1, left)
  try {
    return await applyOnce(making, { ...applying, mostCalls })
  } catch (error) {
    const fault = toFault(error)
    const had = answersOf(fault)
    const more = mostCalls - had
    if (!isOf('aider_again', fault.code) || more <= 0) throw error
    const failure = making.context.published(failureSummary(fault))
    const again = { ...applying, previous: { failure, code: fault.code }, mostCalls: more }
    const applied = await applyOnce(making, again)
    return { ...applied, answers: had + applied.answers }
  }
}

/** Has a fault say where a file is in the scope of the order, and not among those that may be changed this time. */
export const withSurface =
  (asking: ApplyOptions['asking'], scope: readonly string[]) =>
  async (error: unknown): Promise<never> => {
    const { code, details } = toFault(error)
    const { path, count } = details
    if (code !== 'change_out_of_scope' || typeof path !== 'string' || !isInScope(path, scope)) throw error
    const { surface } = await asking()
    if (surface === undefined) throw error
    const more = typeof count === 'number' && count > 1 ? ` and ${count - 1} more` : ''
    const message = `The change touches "${path}"${more}, outside the files that this attempt may change: ${surface.slice(0, MOST_NAMED).join(', ')}.`
    throw new Fault(code, `${message} The scope of the order has it.`, details, error)
  }

const MOST_NAMED = 5

function applyOnce(making: ApplyOptions, { onSha, response, previous, repair, mostCalls }: Applying): Promise<Applied> {
  const { context, adapters, run, onCommit } = making
  const on = repair === null ? { base_sha: onSha } : { head_sha: onSha, repair: repair.reason }
  const input = { ...on, format: response.format }
  return run({
    name: 'apply',
    input: previous === null ? input : { ...input, previous_failure: previous.code },
    async run() {
      const repairing = repair === null ? null : await repair.account()
      const applying = apply(context, await askedWith(making), adapters, {
        onSha,
        response,
        previous,
        repair: repairing,
        mostCalls,
      })
      const told = applying.catch(withSurface(making.asking, making.done.routed.order.files_in_scope))
      const applied = await (repairing === null ? told : told.catch(withSpent(context)))
      await onCommit(applied.headSha)
      return applied
    },
  })
}

/** What a model is asked with: the order, with the files in scope that may be changed this time. */
export async function askedWith({ done, asking }: ApplyOptions): Promise<{ routed: Routed; proposed: Proposed }> {
  const { told, surface } = await asking()
  const { order } = done.routed
  const files_in_scope = surface === undefined ? order.files_in_scope : [...surface]
  return { proposed: { ...done.proposed, told }, routed: { ...done.routed, order: { ...order, files_in_scope } } }
}
