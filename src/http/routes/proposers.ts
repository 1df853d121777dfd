import { createRoute } from '@hono/zod-openapi'
import { ProposerParams } from '../../contract/budget-changes.ts'
import {
  EndedPauseResponse,
  type ListedProposers,
  NewProposer,
  ProposerChange,
  ProposerResponse,
  ProposersResponse,
  type ProposerTest,
  ProposerTestResponse,
  type ProposerView,
  RemovedProposerResponse,
} from '../../contract/proposers.ts'
import { pricesStatedAt } from '../../db/audit/audit-entries.ts'
import { addProposer, changeProposer, removeProposer, setPriceOfProposer } from '../../db/proposer-changes.ts'
import { findProposer, getProposerConfig, listProposers, type ProposerConfig } from '../../db/proposer-configs.ts'
import { endPause, listPauses } from '../../db/provider-pauses.ts'
import { resumeProposer } from '../../db/work-orders/failure-rows.ts'
import { Fault } from '../../faults/fault.ts'
import { priceOf } from '../../models/price.ts'
import { providerKey } from '../../models/provider-pause.ts'
import type { TestedCall } from '../../models/test-call.ts'
import {
  ANY_FAULT,
  BODY_FAULT,
  BUSY_PROPOSER,
  json,
  jsonBody,
  NO_SUCH_PROPOSER,
  PEER_FAULT,
  UNCALLABLE,
  UNPRICED,
  UNWORKABLE,
} from '../answers.ts'
import type { HttpDeps } from '../http-deps.ts'
import { requestSignal } from '../http-env.ts'
import { newRoutes } from '../new-routes.ts'
import { costProfileOf, type KnownOfProposers, proposerView } from '../proposer-view.ts'

const tags = ['Proposers']
const request = { params: ProposerParams }

const list = createRoute({
  method: 'get',
  path: '/api/proposers',
  operationId: 'listProposers',
  summary: 'The models that orders can be given to, and whether they can be called on this machine',
  tags,
  responses: { 200: json(ProposersResponse, 'By name'), ...ANY_FAULT },
})

const add = createRoute({
  method: 'post',
  path: '/api/proposers',
  operationId: 'addProposer',
  summary: 'Add a proposer',
  tags,
  request: { body: jsonBody(NewProposer, true) },
  responses: { 201: json(ProposerResponse, 'Added'), ...BODY_FAULT, ...UNPRICED, ...ANY_FAULT },
})

const show = createRoute({
  method: 'get',
  path: '/api/proposers/{name}',
  operationId: 'getProposer',
  summary: 'One proposer',
  tags,
  request,
  responses: { 200: json(ProposerResponse, 'The proposer'), ...NO_SUCH_PROPOSER, ...ANY_FAULT },
})

const edit = createRoute({
  method: 'patch',
  path: '/api/proposers/{name}',
  operationId: 'editProposer',
  summary: 'Change what is named; it counts from the next call on',
  tags,
  request: { ...request, body: jsonBody(ProposerChange, true) },
  responses: {
    200: json(ProposerResponse, 'As it is now'),
    ...BODY_FAULT,
    ...NO_SUCH_PROPOSER,
    ...UNPRICED,
    ...ANY_FAULT,
  },
})

const remove = createRoute({
  method: 'delete',
  path: '/api/proposers/{name}',
  operationId: 'removeProposer',
  summary: 'Remove a proposer; what it has done keeps its name',
  tags,
  request,
  responses: { 200: json(RemovedProposerResponse, 'Removed'), ...NO_SUCH_PROPOSER, ...BUSY_PROPOSER, ...ANY_FAULT },
})

const end = createRoute({
  method: 'delete',
  path: '/api/proposers/{name}/provider-pause',
  operationId: 'endProviderPause',
  summary: 'End the pause of its provider after an outage; orders that wait for it go on',
  tags,
  request,
  responses: { 200: json(EndedPauseResponse, 'The provider is called again'), ...NO_SUCH_PROPOSER, ...ANY_FAULT },
})

const test = createRoute({
  method: 'post',
  path: '/api/proposers/{name}/test',
  operationId: 'testProposer',
  summary: 'Make the smallest real call, and say what came back and what it cost',
  tags,
  request,
  responses: {
    200: json(ProposerTestResponse, 'It answered'),
    400: UNCALLABLE,
    ...NO_SUCH_PROPOSER,
    ...UNPRICED,
    ...UNWORKABLE,
    ...PEER_FAULT,
    ...ANY_FAULT,
  },
})

export const proposerConfigRoutes = newRoutes()
  .openapi(list, async (c) => c.json({ success: true as const, ...(await listViews(c.var.deps)) }, 200))
  .openapi(add, async (c) => {
    const proposer = await addChecked(c.var.deps, c.req.valid('json'))
    return c.json({ success: true as const, proposer }, 201)
  })
  .openapi(show, async (c) => {
    const config = await findProposer(c.var.deps.db, c.req.valid('param').name)
    return c.json({ success: true as const, proposer: await viewOf(c.var.deps, config) }, 200)
  })
  .openapi(edit, async (c) => {
    const proposer = await changeChecked(c.var.deps, c.req.valid('param').name, c.req.valid('json'))
    return c.json({ success: true as const, proposer }, 200)
  })
  .openapi(remove, async (c) => {
    const { name } = c.req.valid('param')
    await removeProposer(c.var.deps.db, name)
    return c.json({ success: true as const, removed: name }, 200)
  })
  .openapi(end, async (c) => {
    const { db } = c.var.deps
    const config = await findProposer(db, c.req.valid('param').name)
    const before = await viewOf(c.var.deps, config)
    await endPause(db, providerKey(config))
    const proposer = await viewOf(c.var.deps, config)
    return c.json({ success: true as const, proposer, ended: before.provider_pause !== null }, 200)
  })
  .openapi(test, async (c) => {
    const config = await findProposer(c.var.deps.db, c.req.valid('param').name)
    const tested = await c.var.deps.models.test(config, requestSignal(c))
    return c.json({ success: true as const, test: shownTest(config, tested) }, 200)
  })

async function listViews(deps: HttpDeps): Promise<ListedProposers> {
  const known = await knownOf(deps)
  const { proposers, malformed, malformedInactive } = await listProposers(deps.db)
  return {
    proposers: proposers.map((config) => proposerView(config, deps, known)),
    malformed: [...malformed, ...malformedInactive].map(({ details }) => ({
      name: String(details['proposer']),
      problem: String(details['problems']),
      command: String(details['command']),
    })),
  }
}

async function viewOf(deps: HttpDeps, config: ProposerConfig): Promise<ProposerView> {
  return proposerView(config, deps, await knownOf(deps))
}

async function knownOf({ db }: HttpDeps): Promise<KnownOfProposers> {
  return { pauses: await listPauses(db), statedAt: await pricesStatedAt(db) }
}

/** @throws {Fault} `request_invalid`, `price_unknown` */
async function addChecked(deps: HttpDeps, { price, ...given }: NewProposer): Promise<ProposerView> {
  const added = await deps.db.transaction().execute(async (db) => {
    await addProposer(db, given, price === undefined ? {} : costProfileOf(price))
    const config = await getProposerConfig(db, given.name)
    refuseContradiction(config)
    refuseUnpriced(deps, config)
    return config
  })
  return viewOf(deps, added)
}

/**
 * A price that was unknown before is no obstacle to changing something else.
 *
 * @throws {Fault} `not_found`, `request_invalid`, `price_unknown`; `config_invalid` where what is not changed makes the row malformed
 */
async function changeChecked(
  deps: HttpDeps,
  name: string,
  { price, ...change }: ProposerChange,
): Promise<ProposerView> {
  const changed = await deps.db.transaction().execute(async (db) => {
    await changeProposer(db, name, change)
    if (change.active === true) await resumeProposer(db, name)
    if (price !== undefined) await setPriceOfProposer(db, name, costProfileOf(price))
    const config = await getProposerConfig(db, name)
    refuseContradiction(config)
    const isPriceConcerned = [price, change.kind, change.model, change.base_url].some((field) => field !== undefined)
    if (isPriceConcerned) refuseUnpriced(deps, config)
    return config
  })
  return viewOf(deps, changed)
}

/** What goes together only where the whole row is known. */
function refuseContradiction({ provider, baseUrl, outputLimitParameter, extraBody }: ProposerConfig): void {
  const isCompatible = provider === 'openai-compatible'
  if (isCompatible && baseUrl === null)
    throw refused('base_url is missing: an openai-compatible server has no address of its own (--base-url URL)')
  if (!isCompatible && outputLimitParameter !== null)
    throw refused(
      'output_limit_parameter is only for the kind openai-compatible: the other protocols have one name for it',
    )
  if (outputLimitParameter !== null && Object.hasOwn(extraBody, outputLimitParameter))
    throw refused(
      `extra_body.${outputLimitParameter} is set by Moose and cannot be replaced: it is the limit of the answer`,
    )
}

function refused(problem: string): Fault {
  return new Fault('request_invalid', `The body was refused: ${problem}.`, { fields: String(problem.split(/[ .]/)[0]) })
}

function refuseUnpriced({ clock }: Pick<HttpDeps, 'clock'>, config: ProposerConfig): void {
  if (priceOf(config, clock.now()) !== null) return
  const { name, provider, model } = config
  const message =
    `No price is known for the model ${model} of ${provider}, and without one no cap can be kept. State it in USD per ` +
    'million tokens with: --input USD --output USD   or, if it costs nothing: --free'
  throw new Fault('price_unknown', message, {
    proposer: name,
    provider,
    model,
    reason: `no price is known for its model ${model}`,
  })
}

/** Characters of an answer that are handed on. */
const MOST_TEXT = 500

function shownTest({ name, model }: ProposerConfig, tested: TestedCall): ProposerTest {
  const { usage } = tested
  return {
    proposer: name,
    model,
    text: tested.text.slice(0, MOST_TEXT).toWellFormed(),
    duration_ms: tested.durationMs,
    cost_usd: tested.costUsd.toNumber(),
    usage: usage === null ? null : { input_tokens: usage.input, output_tokens: usage.output },
    streamed: tested.streamed,
    stop_reason: tested.stopReason === null ? null : tested.stopReason.slice(0, MOST_TEXT).toWellFormed(),
    finish: tested.finish,
    output_limit_parameter: tested.outputLimitParameter,
    pause_ended: tested.pauseEnded,
  }
}
