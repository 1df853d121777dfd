import type { Kysely } from 'kysely'
import type { FollowUpTask } from '../../contract/evidence/follow-up.ts'
import type { AttemptRun } from '../../db/attempts/attempts.ts'
import { noteAttempt } from '../../db/attempts/hold-attempt.ts'
import type { Database } from '../../db/schema.ts'
import { Fault } from '../../faults/fault.ts'
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
}

/**
 * What Moose does by itself on the branch of an open pull request: a model does its task in a commit on top, and what comes of it
 * is verified, and mended where it fails, as any change is. Nothing is pushed.
 *
 * @throws {Fault} the failure of the commit; `change_out_of_scope` where the order allows none of the files that the task is about
 */
export async function follow(following: Following): Promise<Made> {
  const { routed, applied, task, resolution, spentUsd, evidence } = following
  const before = [...routed.toVerify.repairs, ...resolution.map((one) => ({ ...one, mended: true }))]
  const making = makingOf(following)
  const answered = routed.toVerify.propose.response
  const tried = { asked: 0, told: [], fixed: [], answers: resolution.length }
  // What a model was asked for is on the branch already, and is not asked for on top of that.
  if (task === null || applied.isPushed === true) {
    const verified = await verifyOnce(making, applied, { before, made: [], spentUsd })
    const { repairs } = verified
    return await mendUntilVerified(making, { applied, verified, repairs, tried, answered, knownSha: applied.baseSha })
  }
  Object.assign(evidence, { repairs: before })
  const repairable = { checks: [task.check], fixable: [], failure: task.told, signature: task.told, by: null, most: 0 }
  const nothing = { headSha: applied.headSha, files: [], checks: [], unmatched: [], failure: null }
  const verified = { ...nothing, repairable, spentUsd, repairs: before }
  const began: State = { applied, verified, repairs: before, tried, answered, knownSha: applied.baseSha }
  const plan = { by: mendedBy(following), check: task.check, number: 1, reason: task.reason, mostCalls: MOST_ANSWERS }
  const review = task.threads.length + task.keys.length > 0 ? { review: true as const } : {}
  return await mendUntilVerified(making, await mendByModel(making, began, { ...plan, ...review }))
}

function mendedBy({ routed, adapters }: Following): 'proposer' | 'aider' {
  return routed.toVerify.apply.executor === 'aider' && adapters.executors.wanted !== 'patch' ? 'aider' : 'proposer'
}

function makingOf(following: Following): ApplyOptions {
  const { db, adapters, context, key, run, evidence, repairMax, routed, proposed, applied, task } = following
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
