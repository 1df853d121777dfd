import type { Kysely } from 'kysely'
import type { CameOfReview, FollowUpTask } from '../../contract/evidence/follow-up.ts'
import type { AttemptRun } from '../../db/attempts/attempts.ts'
import { noteAttempt } from '../../db/attempts/hold-attempt.ts'
import type { Database } from '../../db/schema.ts'
import { notDoneIn } from '../../edits/not-done.ts'
import { Fault, toFault } from '../../faults/fault.ts'
import { contextFilesOf } from '../../work-order/content.ts'
import { isInScope } from '../../work-order/scope.ts'
import type { Adapters, AttemptContext } from '../context.ts'
import type { Run } from '../durable-step.ts'
import type { Evidence, PartialEvidence } from '../evidence.ts'
import type { ApplyOptions } from '../repair/apply-change.ts'
import { type Made, mendByModel, mendUntilVerified, type State, verifyOnce } from '../repair/mend.ts'
import { knowBase } from '../steps/prepare.ts'
import { MOST_ANSWERS } from '../steps/propose.ts'
import type { FoundCommit, RoutedToVerify } from './find-commit.ts'
import type { Resolved } from './resolve-conflict.ts'

type Following = {
  db: Kysely<Database>
  adapters: Adapters
  context: AttemptContext
  key: AttemptRun
  run: Run
  evidence: PartialEvidence
  repairMax: number
  routed: RoutedToVerify
  proposed: Evidence['proposed']
  applied: FoundCommit
  resolution: Resolved['resolution']
  /** What a model is to do on the branch; null: what git has made is verified. */
  task: FollowUpTask | null
  /** USD of the model calls until then. */
  spentUsd: number
  mayAsk: ApplyOptions['mayAsk']
}

/**
 * What Moose does by itself on the branch of an open pull request: a model does its task in a commit on top, and what comes of it
 * is verified, and mended where it fails, as any change is. Nothing is pushed.
 *
 * @throws {Fault} the failure of the commit; `change_out_of_scope` where the order allows none of the files that the task is about
 */
export async function follow(following: Following): Promise<Made & Pick<Evidence, 'review'>> {
  const { routed, applied, task, resolution, spentUsd } = following
  const before = [...routed.toVerify.repairs, ...resolution.map((one) => ({ ...one, mended: true }))]
  const making = makingOf(following)
  const answered = routed.toVerify.propose.response
  const tried = { asked: 0, told: [], fixed: [], answers: resolution.length }
  // What a model was asked for is on the branch already, and is not asked for on top of that.
  if (task === null || applied.isPushed === true) {
    const verified = await verifyOnce(making, applied, { before, made: [], spentUsd })
    const { repairs } = verified
    const began = { applied, verified, repairs, tried, answered, knownSha: applied.baseSha }
    return { ...(await mendUntilVerified(making, began)), ...noteReview(following, null) }
  }
  Object.assign(following.evidence, { repairs: before })
  const repairable = { checks: [task.check], fixable: [], failure: task.told, signature: task.told, by: null, most: 0 }
  const nothing = { headSha: applied.headSha, files: [], checks: [], unmatched: [], failure: null }
  const verified = { ...nothing, repairable, spentUsd, repairs: before }
  const began: State = { applied, verified, repairs: before, tried, answered, knownSha: applied.baseSha }
  const plan = { by: mendedBy(following), check: task.check, number: 1, reason: task.reason, mostCalls: MOST_ANSWERS }
  const comments = task.keys.length === 0 ? {} : { comments: task.keys.length }
  const first = await mendByModel(making, began, { ...plan, ...comments }).catch((error: unknown) => {
    const said = toFault(error).details['not_done']
    if (typeof said === 'string') noteReview(following, said)
    throw error
  })
  // What Aider answers stays with it.
  const review = noteReview(following, plan.by === 'aider' ? null : first.answered.content)
  return { ...(await mendUntilVerified(making, first)), ...review }
}

/**
 * Notes what an answer says it does not carry out of a review, also for an attempt that fails from then on.
 *
 * @param answer null: it is not known
 */
function noteReview(following: Following, answer: string | null): Pick<Evidence, 'review'> {
  const { context, evidence, routed, applied, task } = following
  if (task === null || task.keys.length === 0) return {}
  const { pull } = routed.toVerify
  // What the branch holds already was made on what it held when it was verified.
  const since = applied.isPushed === true && pull !== null ? pull.headSha : applied.headSha
  const not_done = answer === null ? [] : context.published(notDoneIn(answer, task.keys.length))
  const review = { since, came: { not_done, changes: null } }
  Object.assign(evidence, { review })
  return { review }
}

/** What the commit of a review changes, the files that its threads are on first. */
export async function changesOfReview(
  { project, task }: { project: RoutedToVerify['project']; task: FollowUpTask },
  { workspaces }: Pick<Adapters, 'workspaces'>,
  { since, headSha }: { since: string; headSha: string },
): Promise<NonNullable<CameOfReview['changes']>> {
  const changed = await workspaces.changedFiles(project, since, headSha)
  const named = new Set(task.threads.map(({ path }) => path))
  const paths = changed.map(({ path }) => path)
  const files = [...paths.filter((path) => named.has(path)), ...paths.filter((path) => !named.has(path))]
  return { files: files.slice(0, MOST_KEPT), count: files.length }
}

const MOST_KEPT = 100

function mendedBy({ routed, adapters }: Following): 'proposer' | 'aider' {
  return routed.toVerify.apply.executor === 'aider' && adapters.executors.wanted !== 'patch' ? 'aider' : 'proposer'
}

function makingOf(following: Following): ApplyOptions {
  const { db, adapters, context, key, run, evidence, repairMax, mayAsk, routed, proposed, applied, task } = following
  const known = routed.toVerify.repairs.length
  return {
    context,
    done: { routed, proposed },
    async asking() {
      const { config } = await knowBase(context, routed.project, applied.baseSha, adapters)
      const contextFiles = contextFilesOf(config, routed.order)
      const told = { contextFiles, wanted: 'edits', previousFailure: null } as const
      return task === null ? { told } : { told, surface: await surfaceOf(following, task) }
    },
    adapters,
    run,
    repairMax,
    mayAsk,
    onCommit: (headSha) => noteAttempt(db, key, { head_sha: headSha }),
    onEvidence(found) {
      const { repairs } = found
      Object.assign(evidence, found, repairs === undefined ? {} : { resolution: repairs.slice(known) })
    },
  }
}

/** The files that the task is about, as far as the order allows them. */
async function surfaceOf(
  { adapters, routed: { project, order }, applied }: Following,
  { surface }: FollowUpTask,
): Promise<string[]> {
  const changed = async () => {
    const files = await adapters.workspaces.changedFiles(project, applied.baseSha, applied.headSha)
    return files.map(({ path }) => path)
  }
  const wanted = surface === null ? await changed() : surface
  const allowed = wanted.filter((path) => isInScope(path, order.files_in_scope))
  if (allowed.length > 0) return allowed
  const message = `What is asked for is about ${wanted.slice(0, MOST_NAMED).join(', ')}, outside files_in_scope of the order.`
  throw new Fault('change_out_of_scope', message, { files: wanted.slice(0, MOST_NAMED).join(', ') })
}

const MOST_NAMED = 5
