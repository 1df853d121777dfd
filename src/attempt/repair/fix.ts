import type { Repair } from '../../contract/evidence/repair.ts'
import { type FaultCode, toFault } from '../../faults/fault.ts'
import { faultPoint } from '../../faults/fault-point.ts'
import type { Check, ProjectConfig } from '../../ports/execution.ts'
import type { Workspace } from '../../ports/workspace.ts'
import { pullRequestTitle } from '../../work-order/naming.ts'
import type { Adapters, AttemptContext } from '../context.ts'
import { commitMessage } from '../steps/apply.ts'
import { openChecked } from '../steps/checked-workspace.ts'
import { knowBase } from '../steps/prepare.ts'
import type { Proposed } from '../steps/propose.ts'
import type { Routed } from '../steps/route.ts'

/** What the `fix` commands of checks have done to a commit. */
export type Fixed = {
  /** One commit for all of them, on top of the one that failed; null: nothing within the scope has changed. */
  headSha: string | null
  executor: 'fix'
  reason: string
  /** In the order they ran; those that changed something have the same commit. */
  fixes: { check: Repair['check']; head_sha: Repair['head_sha']; outside: string[] }[]
}

type Done = { routed: Routed; proposed: Pick<Proposed, 'baseSha'>; headSha: string }
type Parts = Pick<Adapters, 'workspaces' | 'checkRunner' | 'setUp' | 'bases'>

const MOST_NAMED = 5

/**
 * Runs the `fix` of checks on a commit that failed them, where checks are run, and commits what they have changed within the
 * scope. Everything else that they change is put back. It is one commit, because only the last one is verified, and each that
 * is pushed has to be.
 *
 * @throws {Fault} those of `verify`
 */
export async function fix(
  context: AttemptContext,
  done: Done,
  adapters: Parts,
  names: readonly string[],
): Promise<Fixed> {
  const { project } = done.routed
  const base = await knowBase(context, project, done.proposed.baseSha, adapters)
  await using opened = await openChecked(context, done, adapters, base)
  const { workspace, setUpAgain } = opened
  const isReady = setUpAgain === null || setUpAgain.outcome === 'passed'
  const fixes: Fixed['fixes'] = []
  for (const check of isReady ? base.config.checks : []) {
    if (check.fix === null || !names.includes(check.name)) continue
    const running = { check: { ...check, fix: check.fix }, workspace, config: base.config }
    const ran = await fixOne(context, done, adapters, running)
    fixes.push({ check: check.name, head_sha: ran === null ? null : ran.sha, outside: ran === null ? [] : ran.outside })
    // The tree is of no more use.
    if (ran === null) break
    await context.note(noteOf(check.name, ran))
  }
  const last = fixes.findLast(({ head_sha: sha }) => sha !== null)
  const headSha = last === undefined ? null : last.head_sha
  const made = fixes.map((one) => ({ ...one, head_sha: one.head_sha === null ? null : headSha }))
  return { headSha, executor: 'fix', reason: `check ${names.join(', ')} failed`, fixes: made }
}

type Running = { check: Check & { fix: string }; workspace: Workspace; config: ProjectConfig }

/** @returns null: the script has left in the tree what cannot be committed, or taken the tree away, and nothing of it is taken over */
async function fixOne(
  { signal, output, claimedAt, ...context }: AttemptContext,
  { routed: { project, order, shortId } }: Done,
  { checkRunner }: Parts,
  { check, workspace, config }: Running,
): Promise<Ran | null> {
  const options = { workspace, project, config, signal, onOutput: output }
  const outcome = await faultPoint('fix', () => checkRunner.fix(check, options))
  const message = commitMessage(context, pullRequestTitle(shortId, order.title), 'Made by the fix commands of checks.')
  try {
    if (outcome === 'passed' || outcome === 'failed') {
      const commit = () => workspace.commitWithin(order.files_in_scope, { message, when: claimedAt })
      return await faultPoint('commit', commit)
    }
    // What was cut short may have left half a file.
    await workspace.restore()
    return { sha: null, outside: [] }
  } catch (error) {
    const { code, message: why } = toFault(error)
    if (!OF_TREE.has(code)) throw error
    output(`\n${why}\n`)
    return null
  }
}

/** Why a tree cannot be committed, or be put back: the last is what git says of a pipe or a socket. */
const OF_TREE: ReadonlySet<FaultCode> = new Set(['change_out_of_scope', 'check_failed', 'command_failed'])

type Ran = Awaited<ReturnType<Workspace['commitWithin']>>

function noteOf(check: string, { sha, outside }: Ran): string {
  const made = sha === null ? 'changed nothing within the scope' : `committed ${sha.slice(0, 12)}`
  if (outside.length === 0) return `fix of check ${check} ${made}`
  const more = outside.length > MOST_NAMED ? ` and ${outside.length - MOST_NAMED} more` : ''
  const told = `${outside.slice(0, MOST_NAMED).join(', ')}${more}`
  return `fix of check ${check} ${made}; put back, because outside of the scope: ${told}`
}
