import type { Kysely } from 'kysely'
import { wantedAnswer } from '../attempt/choose-executor.ts'
import { refuseMistakenScope } from '../attempt/mistaken-scope.ts'
import { findProjectByName, projectOf } from '../db/projects.ts'
import type { Database } from '../db/schema.ts'
import { findWorkOrder } from '../db/work-orders/work-orders.ts'
import { estimateComplexity } from '../manager/complexity.ts'
import type { ProposerRequest, ProposerResponse } from '../ports/proposal.ts'
import type { Project } from '../work-order/project.ts'
import type { Parts } from './adapters.ts'

/**
 * Our Proposer for a caller who has no attempt: the project, its base commit and the model are found where the request
 * leaves them open.
 *
 * @throws {Fault} `work_order_invalid` for a `context` that does not fit the base, and those of `Proposer.propose`
 */
export async function proposeForApi(
  db: Kysely<Database>,
  { ownManager, ownProposer, adapters }: Parts,
  request: ProposerRequest,
  signal: AbortSignal,
): Promise<ProposerResponse> {
  const { metadata } = request
  const project = await namedProject(db, metadata.project)
  const fetched = await adapters.workspaces.fetchBase(project, signal)
  const proposer = metadata.proposer === undefined ? await choose(ownManager, request, signal) : metadata.proposer
  const base = adapters.workspaces.tree(project, metadata.base_sha === undefined ? fetched : metadata.base_sha)
  await refuseMistakenScope(base, request.context)
  return ownProposer.propose({
    workOrderId: metadata.work_order_id === undefined ? null : (await findWorkOrder(db, metadata.work_order_id)).id,
    attempt: metadata.attempt === undefined ? null : metadata.attempt,
    title: titleOf(request),
    request,
    proposer,
    base,
    wanted: await wantedAnswer(adapters.executors),
    previousFailure: null,
    signal,
    onProgress: async () => undefined,
  })
}

function namedProject(db: Kysely<Database>, name: string | undefined): Promise<Project> {
  return name === undefined ? projectOf(db, null) : findProjectByName(db, name)
}

async function choose(manager: Parts['ownManager'], request: ProposerRequest, signal: AbortSignal): Promise<string> {
  const decision = await manager.route(
    {
      work_order_id: 'none',
      task_description: request.task_description,
      complexity_score: estimateComplexity({ criteria: 1, files: request.context.length }),
      context_requirements: request.context,
      approved_by_director: true,
    },
    signal,
  )
  return decision.selected_proposer
}

/** The first line of the seed's task description is `Work Order: {title}`. */
function titleOf({ task_description }: ProposerRequest): string {
  const [first] = task_description.split('\n', 1)
  return String(first).replace(/^Work Order:\s*/, '')
}
