import { createRoute } from '@hono/zod-openapi'
import { assertServing } from '../../attempt/drain.ts'
import { ProposerEnvelope, ProposerRequest } from '../../ports/proposal.ts'
import { ANY_FAULT, BODY_FAULT, CONFLICT, json, jsonBody, NO_SUCH_PROJECT, PEER_FAULT, UNWORKABLE } from '../answers.ts'
import { newRoutes } from '../new-routes.ts'
import { requestSignal } from '../request-signal.ts'

const propose = createRoute({
  method: 'post',
  path: '/api/proposer-enhanced',
  operationId: 'proposeChange',
  summary: 'Have a change generated',
  description: 'Calls a model, several times when its answer has to be refined; takes up to minutes.',
  tags: ['Proposer'],
  request: { body: jsonBody(ProposerRequest, true) },
  responses: {
    200: json(ProposerEnvelope, 'The change, what it cost and who made it'),
    ...BODY_FAULT,
    ...NO_SUCH_PROJECT,
    ...CONFLICT,
    ...UNWORKABLE,
    ...PEER_FAULT,
    ...ANY_FAULT,
  },
})

export const proposerRoutes = newRoutes().openapi(propose, async (c) => {
  assertServing({ requested: c.var.services.orchestrator.stopping.aborted })
  const data = await c.var.services.proposeForApi(c.req.valid('json'), requestSignal(c))
  return c.json({ success: true as const, data }, 200)
})
