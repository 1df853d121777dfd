import { failsUntold, untoldWarning } from '../../contract/base-checks.ts'
import { isOf } from '../../faults/families.ts'
import { Fault, toFault } from '../../faults/fault.ts'
import { faultPoint } from '../../faults/fault-point.ts'
import type { KnownBase } from '../../ports/base-checks.ts'
import type { Project } from '../../work-order/project.ts'
import type { Adapters, AttemptContext } from '../context.ts'
import type { Routed } from './route.ts'

export type Ready = {
  baseSha: string
  /** What each check did there; without what it printed. */
  checks: { name: string; outcome: string; failures: readonly string[] | null }[]
  /** Whether set-up and checks had been run on these files before. */
  wasKnown: boolean
  /**
   * What a model is told of the attempt before; null: nothing. The change it tells of is kept on one home alone, and the same has
   * to be told from any other, where the answers of this attempt are taken again.
   */
  told: string | null
}

/**
 * Makes known what the project's checks do on its base, before any call to a model is paid for, and what of the attempt before is
 * told.
 *
 * @throws {Fault} those of `Workspaces.fetchBase` and of `BaseChecks.know`: `checks_invalid`, `setup_failed`
 */
export async function prepare(
  context: AttemptContext,
  { project }: Pick<Routed, 'project'>,
  adapters: Pick<Adapters, 'bases'>,
  base: AttemptBase,
): Promise<Ready> {
  const baseSha = await base.fetch(project, context.signal)
  const known = await knowBase(context, project, baseSha, adapters).catch((error: unknown) => {
    const fault = toFault(error)
    if (!isOf('set_up', fault.code)) throw error
    throw new Fault(fault.code, `${fault.message}\nNothing was paid for.`, fault.details, error)
  })
  // A model is asked on the commit of the moment: while checks ran the branch may have moved.
  if (!known.wasKnown) base.forget()
  const failing = known.checks.filter(({ outcome }) => outcome !== 'passed').map(({ name }) => name)
  if (failing.length > 0) await context.note(`fails before any change: ${failing.join(', ')}`)
  const untold = known.checks.filter(failsUntold).map(({ name }) => name)
  if (untold.length > 0) await context.note(untoldWarning(untold))
  const checks = known.checks.map(({ name, outcome, failures }) => ({ name, outcome, failures }))
  return { baseSha, checks, wasKnown: known.wasKnown, told: await context.previousFailure() }
}

/** What the checks do on a base commit; they are run if that is not known in this home. @throws {Fault} as `BaseChecks.know` */
export function knowBase(
  { signal, output, note }: Pick<AttemptContext, 'signal' | 'output' | 'note'>,
  project: Project,
  sha: string,
  { bases }: Pick<Adapters, 'bases'>,
): Promise<KnownBase> {
  return bases.know({ project, sha, signal, onOutput: output, note })
}

/** Where the base branch stands; what was just fetched is taken once more without asking the repository again. */
export type AttemptBase = {
  /** @throws {Fault} those of `Workspaces.fetchBase` */
  fetch(project: Project, signal: AbortSignal): Promise<string>
  /** The commit `fetch` has just given; once, and otherwise as `fetch`. */
  latest(project: Project, signal: AbortSignal): Promise<string>
  forget(): void
}

/** What was fetched longer ago than this is fetched again. */
const FRESH_MS = 5_000

export function createAttemptBase({ workspaces }: Pick<Adapters, 'workspaces'>): AttemptBase {
  let fetched: { sha: string; at: number } | null = null
  const base: AttemptBase = {
    async fetch(project, signal) {
      const sha = await faultPoint('fetch_base', () => workspaces.fetchBase(project, signal))
      fetched = { sha, at: performance.now() }
      return sha
    },
    async latest(project, signal) {
      const last = fetched
      fetched = null
      if (last !== null && performance.now() - last.at < FRESH_MS) return last.sha
      return await base.fetch(project, signal).finally(() => base.forget())
    },
    forget() {
      fetched = null
    },
  }
  return base
}
