import { createRoute } from '@hono/zod-openapi'
import { type ModelTryDetail, TriesQuery, TriesResponse, TryParams, TryResponse } from '../../contract/tries.ts'
import { WorkOrderParams } from '../../contract/work-orders.ts'
import { type FoundTry, findTry, listTries } from '../../db/attempts/model-tries.ts'
import { findWorkOrder } from '../../db/work-orders/work-orders.ts'
import { Fault } from '../../faults/fault.ts'
import { answerTextOf } from '../../models/remembered-answers.ts'
import { ANY_FAULT, json, NO_SUCH_ORDER, NO_SUCH_TRY, QUERY_FAULT } from '../answers.ts'
import type { HttpDeps } from '../http-deps.ts'
import { newRoutes } from '../new-routes.ts'
import { createTextShower } from '../tries/shown-text.ts'
import { type Told, toldPrompt } from '../tries/told-prompt.ts'

const tags = ['Work orders']

const list = createRoute({
  method: 'get',
  path: '/api/work-orders/{id}/tries',
  operationId: 'listTries',
  summary: 'The calls to models that were made for an order',
  tags,
  request: { params: WorkOrderParams, query: TriesQuery },
  responses: {
    200: json(TriesResponse, 'Oldest first; of more than 500, the newest. One that is under way is not among them'),
    ...QUERY_FAULT,
    ...NO_SUCH_ORDER,
    ...ANY_FAULT,
  },
})

const show = createRoute({
  method: 'get',
  path: '/api/work-orders/{id}/attempts/{attempt}/tries/{number}',
  operationId: 'getTry',
  summary: 'What a model was told in a try, and what it said',
  description:
    'Without the secrets Moose knows and what looks like a key. A prompt is made again of the order, the base commit and the ' +
    'answers before it, and shown only where its SHA-256 is that of what was sent. Of what Aider told a model only that is kept. ' +
    'Of a prompt at most 2,000,000 characters are shown, of an answer 1,000,000; `left_out` says how many more there are.',
  tags,
  request: { params: TryParams },
  responses: { 200: json(TryResponse, 'The try'), ...NO_SUCH_TRY, ...ANY_FAULT },
})

export const tryRoutes = newRoutes()
  .openapi(list, async (c) => {
    const { db } = c.var.deps
    const { id } = await findWorkOrder(db, c.req.valid('param').id)
    const { attempt } = c.req.valid('query')
    const { tries, leftOut } = await listTries(db, id, attempt === undefined ? null : attempt)
    return c.json({ success: true as const, work_order_id: id, tries, left_out: leftOut }, 200)
  })
  .openapi(show, async (c) => {
    const { deps } = c.var
    const { id: idOrPrefix, attempt, number } = c.req.valid('param')
    const { id } = await findWorkOrder(deps.db, idOrPrefix)
    const found = await findTry(deps.db, { workOrderId: id, attempt: attempt === 0 ? null : attempt, number })
    if (found === null) throw noSuchTry(id, attempt, number)
    return c.json({ success: true as const, work_order_id: id, try: await detailOf(deps, found) }, 200)
  })

function noSuchTry(id: string, attempt: number, number: number): Fault {
  const where = attempt === 0 ? 'outside of an attempt' : `in attempt ${attempt}`
  const message = `Work order ${id} has no try ${number} ${where}. See them with: moose show ${id.slice(0, 8)} --tries`
  return new Fault('not_found', message, { id, attempt, number })
}

/** Characters of all messages of a prompt, and of an answer. */
const MOST_OF_PROMPT = 2_000_000
const MOST_OF_ANSWER = 1_000_000

async function detailOf(deps: HttpDeps, found: FoundTry): Promise<ModelTryDetail> {
  const { id, workOrderId: _order, requestKey: _key, ...view } = found
  const shown = createTextShower(deps.config)
  const text = await answerTextOf(deps.db, id)
  const said = text === null ? null : await shown(text, MOST_OF_ANSWER)
  return {
    ...view,
    prompt: await promptOf(await toldPrompt(deps, found), shown),
    answer: said === null ? { text: null, left_out: 0, reason: whyNoAnswer(found) } : { ...said, reason: null },
  }
}

async function promptOf(told: Told, shown: ReturnType<typeof createTextShower>): Promise<ModelTryDetail['prompt']> {
  if ('reason' in told) return { messages: null, reason: told.reason }
  const messages: ModelTryDetail['prompt']['messages'] = []
  let room = MOST_OF_PROMPT
  for (const { role, content } of told.messages) {
    messages.push({ role, ...(await shown(content, room)) })
    room -= Math.min(room, content.length)
  }
  return { messages, reason: null }
}

function whyNoAnswer({ error_code: code, finish_reason: reason }: FoundTry): string {
  if (code !== null) return `The call ended with ${code}. Of an answer that is of no use no text is kept.`
  if (reason === null) return 'The process ended before the answer came, or a foreign Proposer was asked.'
  return 'The answer was forgotten: answers are kept for MOOSE_KEEP_ANSWERS_DAYS after their order has ended.'
}
