import type { KnownBase } from '../../ports/base-checks.ts'
import type { CheckResult } from '../../ports/execution.ts'
import type { Prepared, Workspace } from '../../ports/workspace.ts'
import type { Adapters, AttemptContext } from '../context.ts'
import type { Proposed } from './propose.ts'
import type { Routed } from './route.ts'

type Done = { routed: Routed; proposed: Pick<Proposed, 'baseSha'> }
type Parts = Pick<Adapters, 'workspaces' | 'setUp'>

/** A workspace as checks are run in it; disposing it removes it. */
export type CheckedWorkspace = AsyncDisposable & {
  workspace: Workspace
  /** What set-up on top of the change came to; null: the change needs no other one than its base. */
  setUpAgain: CheckResult | null
}

/** Opens a commit of the attempt with what set-up has left for its base, and sets it up again where the change needs that. */
export async function openChecked(
  context: AttemptContext,
  done: Done & { headSha: string },
  adapters: Parts,
  base: KnownBase,
): Promise<CheckedWorkspace> {
  const { workOrderId, attempt, signal, output } = context
  const { project } = done.routed
  const { baseSha } = done.proposed
  const isSetUpAgain = await needsOther(done, adapters, base)
  const prepared = await prepareBase(context, done, adapters, base)
  const place = { project, workOrderId, attempt, sha: done.headSha, base: baseSha, signal, prepared }
  await using stack = new AsyncDisposableStack()
  const workspace = stack.use(await adapters.workspaces.open(place))
  const again = { workspace, project, config: base.config, signal, onOutput: output }
  const setUpAgain = isSetUpAgain ? await adapters.setUp.again(again) : null
  const owned = stack.move()
  return { workspace, setUpAgain, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** What set-up has left for the base commit; null: there is nothing to set up. */
async function prepareBase(
  { signal, output }: AttemptContext,
  { routed: { project }, proposed }: Done,
  { setUp }: Pick<Adapters, 'setUp'>,
  { config }: KnownBase,
): Promise<Prepared | null> {
  if (config.setup === null) return null
  return await setUp.prepare({ project, sha: proposed.baseSha, config, signal, onOutput: output })
}

/** Whether the change alters what decides what set-up leaves, such as a lock file. */
async function needsOther(
  { routed: { project }, proposed, headSha }: Done & { headSha: string },
  { setUp }: Pick<Adapters, 'setUp'>,
  { config }: KnownBase,
): Promise<boolean> {
  if (config.setup === null) return false
  const keys = [proposed.baseSha, headSha].map((sha) => setUp.keyOf({ project, sha, config }))
  const [ofBase, ofCommit] = await Promise.all(keys)
  return ofBase !== ofCommit
}
