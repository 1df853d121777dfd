import { createRoute } from '@hono/zod-openapi'
import {
  ControlBody,
  ControlResponse,
  ExecuteBody,
  ExecuteResponse,
  OrchestratorStatusResponse,
  StartBody,
  StartResponse,
  StopResponse,
} from '../../contract/orchestrator.ts'
import { PlacesBody, PlacesResponse } from '../../contract/places.ts'
import { recordPolling } from '../../db/audit/audit-entries.ts'
import { setPlaces } from '../../db/system-config.ts'
import { findWorkOrder } from '../../db/work-orders/work-orders.ts'
import { ANY_FAULT, BODY_FAULT, CONFLICT, json, jsonBody, NO_SUCH_ORDER, PEER_FAULT, UNWORKABLE } from '../answers.ts'
import type { HttpDeps } from '../http-deps.ts'
import { requestSignal } from '../http-env.ts'
import { newRoutes } from '../new-routes.ts'

const tags = ['Orchestrator']

const status = createRoute({
  method: 'get',
  path: '/api/orchestrator',
  operationId: 'getOrchestrator',
  summary: 'What the orchestrator is doing',
  tags,
  responses: { 200: json(OrchestratorStatusResponse, 'Its status'), ...ANY_FAULT },
})

const start = createRoute({
  method: 'post',
  path: '/api/orchestrator/start',
  operationId: 'startOrchestrator',
  summary: 'Start polling for approved work orders, or change the interval',
  tags,
  request: { body: jsonBody(StartBody, false) },
  responses: { 200: json(StartResponse, 'Polling, at this interval'), ...BODY_FAULT, ...ANY_FAULT },
})

const stop = createRoute({
  method: 'post',
  path: '/api/orchestrator/stop',
  operationId: 'stopOrchestrator',
  summary: 'Stop polling, and take back that GitHub merges pull requests by itself; running attempts continue',
  tags,
  responses: { 200: json(StopResponse, 'No longer polling'), ...ANY_FAULT },
})

const control = createRoute({
  method: 'post',
  path: '/api/orchestrator',
  operationId: 'controlOrchestrator',
  summary: 'Start or stop polling, as the two routes below do',
  tags,
  request: { body: jsonBody(ControlBody, true) },
  responses: { 200: json(ControlResponse, 'Polling, or no longer'), ...BODY_FAULT, ...ANY_FAULT },
})

const places = createRoute({
  method: 'put',
  path: '/api/orchestrator/places',
  operationId: 'setPlaces',
  summary: 'Set how many attempts may run at once; what runs goes on',
  tags,
  request: { body: jsonBody(PlacesBody, true) },
  responses: { 200: json(PlacesResponse, 'In force now'), ...BODY_FAULT, ...ANY_FAULT },
})

const execute = createRoute({
  method: 'post',
  path: '/api/orchestrator/execute',
  operationId: 'executeWorkOrder',
  summary: 'Run one approved work order now and wait for its end',
  description: 'Takes as long as the attempt: minutes. To watch meanwhile, read `/api/work-orders/{id}/events`.',
  tags,
  request: { body: jsonBody(ExecuteBody, true) },
  responses: {
    200: json(ExecuteResponse, 'The attempt ended with an open pull request'),
    ...BODY_FAULT,
    ...NO_SUCH_ORDER,
    ...CONFLICT,
    ...UNWORKABLE,
    ...PEER_FAULT,
    ...ANY_FAULT,
  },
})

type Deps = Pick<HttpDeps, 'db' | 'orchestrator'>

async function startPolling({ db, orchestrator }: Deps, wanted: number | undefined) {
  const interval = await orchestrator.start(wanted === undefined ? null : wanted)
  await recordPolling(db, { intervalMs: interval })
  return { success: true as const, message: 'Orchestrator polling started', interval_ms: interval }
}

async function stopPolling({ db, orchestrator }: Deps) {
  const left = await orchestrator.stop()
  const mayStill = left.length === 0 ? {} : { may_still_merge: left }
  await recordPolling(db, 'stopped')
  return { success: true as const, message: 'Orchestrator polling stopped', ...mayStill }
}

/** The specification's section 5. */
export const orchestratorRoutes = newRoutes()
  .openapi(status, async (c) => {
    const { orchestrator, config } = c.var.deps
    return c.json({ success: true as const, status: { ...(await orchestrator.status()), auth: config.api.auth } }, 200)
  })
  .openapi(control, async (c) => {
    const { action, interval_ms } = c.req.valid('json')
    const { deps } = c.var
    return c.json(action === 'start' ? await startPolling(deps, interval_ms) : await stopPolling(deps), 200)
  })
  .openapi(start, async (c) => c.json(await startPolling(c.var.deps, c.req.valid('json').interval_ms), 200))
  .openapi(stop, async (c) => c.json(await stopPolling(c.var.deps), 200))
  .openapi(places, async (c) => {
    const { db, config } = c.var.deps
    const { maxConcurrent, maxPerRepository } = await setPlaces(db, c.req.valid('json'), config)
    const inForce = { max_concurrent: maxConcurrent, max_per_repository: maxPerRepository }
    return c.json({ success: true as const, places: inForce }, 200)
  })
  .openapi(execute, async (c) => {
    const { db, orchestrator } = c.var.deps
    const { id } = await findWorkOrder(db, c.req.valid('json').work_order_id)
    return c.json(
      { success: true as const, result: await orchestrator.execute(id, requestSignal(c), c.var.actor) },
      200,
    )
  })
