import { createRoute } from '@hono/zod-openapi'
import type { z } from 'zod'
import { DoctorEvent, type DoctorFinding, DoctorResponse } from '../../contract/doctor.ts'
import { StreamEnd } from '../../contract/events.ts'
import { Fault } from '../../faults/fault.ts'
import { ANY_FAULT, json, TOO_MANY_STREAMS } from '../answers.ts'
import { answerStream } from '../event-stream.ts'
import { requestSignal } from '../http-env.ts'
import { newRoutes } from '../new-routes.ts'
import { withHeartbeats } from '../with-heartbeats.ts'

const look = createRoute({
  method: 'get',
  path: '/api/doctor',
  operationId: 'doctor',
  summary: 'What `moose doctor` finds for the machine and the environment of the service',
  description: [
    'Nothing is changed and nothing spent. It takes some seconds, a minute at most; who asks while it looks joins in. With',
    '`Accept: text/event-stream` server-sent events as it goes: `event` is the type of a DoctorEvent, `data` the event; the',
    'last but one is `result`, the last `end`.',
  ].join(' '),
  tags: ['Service'],
  responses: {
    200: {
      description: 'What was found, in the order of `moose doctor`',
      content: { ...json(DoctorResponse, '').content, 'text/event-stream': { schema: DoctorEvent.or(StreamEnd) } },
    },
    ...TOO_MANY_STREAMS,
    ...ANY_FAULT,
  },
})

export const doctorRoutes = newRoutes().openapi(look, async (c) => {
  const { deps, limits, sanitize } = c.var
  if (c.req.header('accept')?.includes('text/event-stream') === true) {
    return answerStream(
      c,
      (signal) => withHeartbeats(deps.examine, limits.heartbeatMs, signal, deps.orchestrator.stopping),
      (event) => `event: ${event.type}\ndata: ${JSON.stringify(sanitize(event))}\n\n`,
    )
  }
  return c.json(sanitize(await whole(deps.examine(requestSignal(c)))), 200)
})

/** @throws {Fault} `service_unreachable` when the service stops meanwhile */
async function whole(events: AsyncIterable<DoctorEvent>): Promise<z.infer<typeof DoctorResponse>> {
  const findings: DoctorFinding[] = []
  for await (const event of events) {
    if (event.type === 'finding') findings.push(event.finding)
    if (event.type !== 'result') continue
    const { type: _, ...looked } = event
    return { success: true, ...looked, findings }
  }
  throw new Fault('service_unreachable', 'The service stops, and has not looked to the end. Ask again when it is back.')
}
