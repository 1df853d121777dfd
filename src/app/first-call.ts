import type { Kysely } from 'kysely'
import { wantedAnswer } from '../attempt/choose-executor.ts'
import type { Adapters } from '../attempt/context.ts'
import { toldBefore } from '../attempt/told-before.ts'
import type { Asking, FirstCall, FirstCallOf } from '../client-manager/retry-room.ts'
import type { Config } from '../config.ts'
import { reasonOf } from '../db/database-fault.ts'
import { allProjects } from '../db/projects.ts'
import type { Database } from '../db/schema.ts'
import { Fault } from '../faults/fault.ts'
import { knownBase, projectOf } from '../http/verification.ts'
import type { Log } from '../log.ts'
import type { OwnManager } from '../manager/manager.ts'
import { MAX_OUTPUT_TOKENS } from '../models/model-answer.ts'
import type { Models } from '../models/models.ts'
import { Usd } from '../money.ts'
import { firstQuestion } from '../proposer/proposer.ts'
import { createPublishedSanitizer } from '../redaction/sanitize-output.ts'
import { contextFilesOf } from '../work-order/content.ts'

type Deps = {
  db: Kysely<Database>
  config: Config
  log: Log
  models: Models
  manager: OwnManager
  adapters: Adapters
}

type Order = Parameters<FirstCallOf>[0]

/** What route, prepare and propose of a new attempt would come to, without a call and without the network. */
export function createFirstCallOf(deps: Deps): FirstCallOf {
  const { config, log, manager, adapters } = deps
  return async (order, asking) => {
    // Whom a foreign one chooses is known when it is asked, and it is asked for attempts alone.
    if (config.managerUrl !== null) return null
    try {
      const { selected_proposer: proposer } = await manager.explain(
        adapters.buildRoutingRequest(order.id, order),
        asking.wanted,
      )
      if (config.proposerUrl === null) return await ofOwn(deps, order, { ...asking, proposer })
      return { proposer, provider: 'foreign', model: proposer, usd: new Usd(config.proposerMaxCostUsd) }
    } catch (error) {
      if (!(error instanceof Fault) || error.code.startsWith('database_')) throw error
      // What keeps it from a first call is said by its attempt.
      log.debug({ work_order_id: order.id, reason: reasonOf(error) }, 'what a first call would reserve is not known')
      return null
    }
  }
}

async function ofOwn(
  { db, config, models, adapters }: Deps,
  order: Order,
  { mode, proposer }: Asking & { proposer: string },
): Promise<FirstCall | null> {
  const { workspaces, bases, executors, buildProposerRequest } = adapters
  const project = projectOf(await allProjects(db), order)
  const sha = project === null ? null : await knownBase({ adapters }, project)
  if (project === null || sha === null) return null
  const key = { workOrderId: order.id, attempt: order.attempts + 1 }
  const published = createPublishedSanitizer(config)
  const before = mode === 'fresh' ? null : await toldBefore({ db, workspaces, published }, key)
  const question = await firstQuestion(
    { ...config, db },
    {
      proposer,
      request: buildProposerRequest(order),
      base: workspaces.tree(project, sha),
      contextFiles: contextFilesOf(await bases.configOf(project, sha), order),
      wanted: await wantedAnswer(executors),
      previousFailure: before === null ? null : before.withChange,
    },
  )
  const { config: asked, messages, offersTools } = question
  const memory = mode === 'fresh' ? NOTHING_REMEMBERED : await models.remember(key)
  const call = { ...key, proposer: asked, messages, offersTools, maxOutputTokens: MAX_OUTPUT_TOKENS, memory }
  const usd = await models.reservedBy(call)
  return usd === null ? null : { proposer, provider: asked.provider, model: asked.model, usd }
}

const NOTHING_REMEMBERED = { take: async () => null }
