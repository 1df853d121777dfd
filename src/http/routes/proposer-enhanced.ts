import { createRoute } from '@hono/zod-openapi'
import type { Kysely } from 'kysely'
import { wantedAnswer } from '../../attempt/choose-executor.ts'
import { assertServing } from '../../attempt/drain.ts'
import { refuseMistakenScope } from '../../attempt/mistaken-scope.ts'
import { MOST_ANSWERS_OF_ONE } from '../../attempt/steps/propose.ts'
import { findProjectByName, projectOf } from '../../db/projects.ts'
import type { Database } from '../../db/schema.ts'
import { findWorkOrder } from '../../db/work-orders/work-orders.ts'
import { estimateComplexity } from '../../manager/complexity.ts'
import { ProposerEnvelope, ProposerRequest, type ProposerResponse } from '../../ports/proposal.ts'
import type { Project } from '../../work-order/project.ts'
import { ANY_FAULT, BODY_FAULT, CONFLICT, json, jsonBody, NO_SUCH_PROJECT, PEER_FAULT, UNWORKABLE } from '../answers.ts'
import type { HttpDeps } from '../http-deps.ts'
import { requestSignal } from '../http-env.ts'
import { newRoutes } from '../new-routes.ts'

const propose = createRoute({
  method: 'post',
  path: '/api/proposer-enhanced',
  operationId: 'proposeChange',
  summary: 'Have a change generated',
  description: 'Calls a model, several times when its answer has to be refined; takes up to minutes.',
  tags: ['Proposer'],
  request: { body: jsonBody(ProposerRequest, true) },
  responses: {
    200: json(ProposerEnvelope, 'The change, its cost and the model that made it'),
    ...BODY_FAULT,
    ...NO_SUCH_PROJECT,
    ...CONFLICT,
    ...UNWORKABLE,
    ...PEER_FAULT,
    ...ANY_FAULT,
  },
})

export const proposerRoutes = newRoutes().openapi(propose, async (c) => {
  assertServing({ requested: c.var.deps.orchestrator.stopping.aborted })
  const data = await proposeForApi(c.var.deps, c.req.valid('json'), requestSignal(c))
  return c.json({ success: true as const, data }, 200)
})

/**
 * Our Proposer for a caller without an attempt: the project, its base commit and the model are found where the request
 * leaves them open.
 *
 * @throws {Fault} `work_order_invalid` for a `context` that does not fit the base, and those of `Proposer.propose`
 */
async function proposeForApi(
  { db, manager, proposer: ownProposer, adapters }: HttpDeps,
  request: ProposerRequest,
  signal: AbortSignal,
): Promise<ProposerResponse> {
  const { metadata } = request
  const project = await namedProject(db, metadata.project)
  const fetched = await adapters.workspaces.fetchBase(project, signal)
  const proposer = metadata.proposer === undefined ? await choose(manager, request, signal) : metadata.proposer
  const base = adapters.workspaces.tree(project, metadata.base_sha === undefined ? fetched : metadata.base_sha)
  await refuseMistakenScope(base, request.context)
  const { context } = await adapters.bases.configOf(project, base.sha)
  return ownProposer.propose({
    workOrderId: metadata.work_order_id === undefined ? null : (await findWorkOrder(db, metadata.work_order_id)).id,
    attempt: metadata.attempt === undefined ? null : metadata.attempt,
    title: titleOf(request),
    request,
    proposer,
    base,
    contextFiles: context,
    wanted: await wantedAnswer(adapters.executors),
    previousFailure: null,
    mostCalls: MOST_ANSWERS_OF_ONE,
    repair: null,
    signal,
    onProgress: async () => undefined,
    onShown: async () => undefined,
  })
}

function namedProject(db: Kysely<Database>, name: string | undefined): Promise<Project> {
  return name === undefined ? projectOf(db, null) : findProjectByName(db, name)
}

async function choose(manager: HttpDeps['manager'], request: ProposerRequest, signal: AbortSignal): Promise<string> {
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

/** The first line of the specification's task description is `Work Order: {title}`. */
function titleOf({ task_description }: ProposerRequest): string {
  const [first] = task_description.split('\n', 1)
  return String(first).replace(/^Work Order:\s*/, '')
}
