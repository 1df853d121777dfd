import { randomBytes } from 'node:crypto'
import { createRoute } from '@hono/zod-openapi'
import { actorText } from '../../contract/actor.ts'
import {
  EndpointParams,
  EndpointResponse,
  EndpointsResponse,
  NewEndpoint,
  NewEndpointResponse,
  TestedEndpointResponse,
} from '../../contract/notifications/endpoints.ts'
import { addEndpoint, listEndpoints, removeEndpoint } from '../../db/notifications/endpoints.ts'
import { testEndpoint } from '../../notifications/sender.ts'
import { ANY_FAULT, BODY_FAULT, json, jsonBody, NO_SUCH_ENDPOINT, NO_SUCH_PROJECT } from '../answers.ts'
import { newRoutes } from '../new-routes.ts'

const tags = ['Notifications']
/** As many as Standard Webhooks recommends at least. */
const SECRET_BYTES = 32

const list = createRoute({
  method: 'get',
  path: '/api/notifications',
  operationId: 'listNotificationEndpoints',
  summary: 'Where events are sent, and what became of them',
  tags,
  responses: { 200: json(EndpointsResponse, 'By name; no secret is in it'), ...ANY_FAULT },
})

const add = createRoute({
  method: 'post',
  path: '/api/notifications',
  operationId: 'addNotificationEndpoint',
  summary: 'Have events sent to an address from now on',
  description:
    'With the format `standard` each is signed as Standard Webhooks says: the headers `webhook-id`, which stays the same when it ' +
    'is sent again, `webhook-timestamp` and `webhook-signature`. What is not taken (2xx within 15 s) is tried again, eight times ' +
    'in eight hours or more. No order waits for that. With the format `github` there is no address: each event brings the one ' +
    'comment of Moose on the pull request of its order up to date.',
  tags,
  request: { body: jsonBody(NewEndpoint, true) },
  responses: {
    201: json(NewEndpointResponse, 'With its secret, which is shown this once'),
    ...NO_SUCH_PROJECT,
    ...BODY_FAULT,
    ...ANY_FAULT,
  },
})

const remove = createRoute({
  method: 'delete',
  path: '/api/notifications/{name}',
  operationId: 'removeNotificationEndpoint',
  summary: 'Send nothing to an address any more; what was to be sent is dropped',
  tags,
  request: { params: EndpointParams },
  responses: { 200: json(EndpointResponse, 'As it was'), ...NO_SUCH_ENDPOINT, ...ANY_FAULT },
})

const test = createRoute({
  method: 'post',
  path: '/api/notifications/{name}/test',
  operationId: 'testNotificationEndpoint',
  summary: 'Send an event `test` to an address now; where it is taken, what was given up is tried again',
  tags,
  request: { params: EndpointParams },
  responses: { 200: json(TestedEndpointResponse, 'It was taken'), ...NO_SUCH_ENDPOINT, ...ANY_FAULT },
})

export const notificationRoutes = newRoutes()
  .openapi(list, async (c) => c.json({ success: true as const, endpoints: await listEndpoints(c.var.deps.db) }, 200))
  .openapi(add, async (c) => {
    const wanted = c.req.valid('json')
    const secret = wanted.format !== 'standard' ? null : `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`
    const createdBy = actorText(c.var.actor)
    const endpoint = await addEndpoint(c.var.deps.db, { ...wanted, secret, createdBy })
    return c.json({ success: true as const, endpoint, secret }, 201)
  })
  .openapi(remove, async (c) => {
    const endpoint = await removeEndpoint(c.var.deps.db, c.req.valid('param').name)
    return c.json({ success: true as const, endpoint }, 200)
  })
  .openapi(test, async (c) => {
    const { db, sending } = c.var.deps
    return c.json(
      { success: true as const, status: await testEndpoint({ ...sending, db }, c.req.valid('param').name) },
      200,
    )
  })
