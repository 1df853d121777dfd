import type { Kysely } from 'kysely'
import type { Config } from '../config.ts'
import { resolvedIn } from '../db/attempts/asked-before.ts'
import { noteGiven } from '../db/attempts/attempt-steps.ts'
import { type AttemptRun, commitsOf, findAttempt } from '../db/attempts/attempts.ts'
import { holdAttempt } from '../db/attempts/hold-attempt.ts'
import { followUpOf } from '../db/follow-ups.ts'
import { projectOf, protectionOf } from '../db/projects.ts'
import type { Database } from '../db/schema.ts'
import { type NewEvent, recordHeldEvent } from '../db/work-order-events.ts'
import { allowancesOf } from '../db/work-orders/allowed-changes.ts'
import { isStillApproved } from '../db/work-orders/order-conditions.ts'
import { findWorkOrder, shortIdOf } from '../db/work-orders/work-orders.ts'
import { createRisks } from '../director/order-risk.ts'
import type { Log } from '../log.ts'
import type { Sanitize } from '../redaction/sanitize-output.ts'
import { orderAddress } from '../work-order/naming.ts'
import type { Adapters, AttemptContext } from './context.ts'
import { createOutputLog } from './output-log.ts'
import { spentOnCommit } from './proposer-metadata.ts'
import type { StepName } from './steps.ts'
import { toldBefore } from './told-before.ts'
import { whatToVerify } from './verify-only/what-to-verify.ts'

/**
 * What an attempt starts from, read from its row: the same after a crash. Disposing it stores the last output.
 *
 * @param currentStep the step lines of the log belong to
 */
export async function openAttempt(
  { db, log, sanitize, published, config, adapters: { workspaces } }: OpeningDeps,
  run: AttemptRun,
  signal: AbortSignal,
  currentStep: () => StepName,
): Promise<{ context: AttemptContext } & AsyncDisposable> {
  const { epoch, ...key } = run
  const row = await findAttempt(db, key)
  const follows = row.follows === null ? null : await followUpOf(db, row.follows)
  const write = (type: NewEvent['type'], message: string) =>
    recordHeldEvent(db, run, { step: currentStep(), type, message })
  const output = createOutputLog((text) => write('output', text), { shown: sanitize, log })
  return {
    context: {
      ...key,
      epoch,
      hold: () => holdAttempt(db, run),
      published,
      content: row.content,
      claimedAt: row.claimed_at,
      signal,
      note: async (message) => {
        await output.flush()
        await write('progress', sanitize(message))
      },
      shows: (shown) => noteGiven(db, run, { name: 'propose', given: sanitize({ shown }) }),
      output: (text) => output.add(text),
      project: () => projectOf(db, row.project_id),
      address: orderAddress(config.pageUrl, key.workOrderId),
      shortId: () => shortIdOf(db, key.workOrderId),
      spent: () => spentOnCommit(db, key, row.verifies),
      previousFailure: async () => {
        const told = await toldBefore({ db, workspaces, published }, key)
        return told === null ? null : told.withChange
      },
      allowances: () => allowancesOf(db, key.workOrderId),
      protection: () => protectionOf(db, row.project_id),
      risk: async ({ checks, files }) => {
        const { id: project_id } = await projectOf(db, row.project_id)
        const change = { changed_files: files.map(({ path }) => path), checks: checks.length }
        return await createRisks(db)({ ...(await findWorkOrder(db, key.workOrderId)), project_id, ...change })
      },
      verifies: row.verifies,
      resolves: row.resolves,
      follows,
      resolvedIn: async (commits) => (follows?.isAllowed === true ? null : await resolvedIn(db, key, commits)),
      toVerify: (attempt) => whatToVerify(db, key.workOrderId, attempt),
      made: () => commitsOf(db, key.workOrderId),
      isStillApproved: () => isStillApproved(db, key),
    },
    [Symbol.asyncDispose]: () => output.flush(),
  }
}

type OpeningDeps = {
  db: Kysely<Database>
  log: Log
  sanitize: Sanitize
  published: Sanitize
  config: Pick<Config, 'pageUrl'>
  adapters: Pick<Adapters, 'workspaces'>
}
