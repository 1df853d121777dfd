import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Kysely, sql } from 'kysely'
import { reserve, settle } from '../../src/budget/ledger.ts'
import { setLimit } from '../../src/budget/limits.ts'
import { systemClock } from '../../src/clock.ts'
import type { Secrets } from '../../src/config.ts'
import { NewWorkOrder } from '../../src/contract/work-orders.ts'
import { wantProposer } from '../../src/db/escalations/order-escalations.ts'
import type { Database } from '../../src/db/schema.ts'
import { setEmergencyStop } from '../../src/db/system-config.ts'
import { addWorkOrders } from '../../src/db/work-orders/add-work-orders.ts'
import { createLog } from '../../src/log.ts'
import { createForeignManager } from '../../src/manager/foreign-manager.ts'
import { createManager } from '../../src/manager/manager.ts'
import { createModels } from '../../src/models/models.ts'
import { Usd } from '../../src/money.ts'
import { RoutingDecision, type RoutingRequest } from '../../src/ports/routing.ts'
import { DIRECTLY } from '../../src/remote/patient-fetch.ts'
import { createTestDatabase } from '../support/database.ts'
import { faultOf } from '../support/fault-of.ts'
import { startJsonServer } from '../support/json-server.ts'

const request: RoutingRequest = {
  work_order_id: 'b7c0',
  task_description: 'Fix a typo',
  complexity_score: 0.15,
  context_requirements: ['README.md'],
  approved_by_director: true,
}
const signal = new AbortController().signal
const bothKeys: Secrets = { ANTHROPIC_API_KEY: 'sk-a', OPENAI_API_KEY: 'sk-o' }

function managerOf(db: Kysely<Database>, secrets: Secrets) {
  const rest = { replayDir: '/nonexistent', modelTimeoutMs: 1_000, clock: systemClock, log: createLog('silent') }
  return createManager({
    db,
    models: createModels({ db, secrets, networkEnvironment: {}, maxCallsPerProvider: null, modelHosts: [], ...rest }),
    clock: systemClock,
    pauseAfter: async () => 5,
  })
}

test('what an attempt costs is compared for the same tokens: those it took, else those that one call is expected to take', async () => {
  await using database = await createTestDatabase()
  const manager = managerOf(database.db, bothKeys)
  const used = await manager.costsAlike(request, { input: 100_000, output: 10_000, calls: 2 })
  assert.deepEqual(Object.fromEntries(used), { 'gpt-4o-mini': 0.042, 'claude-sonnet-4-5': 0.9 })
  const expected = await manager.costsAlike(request, null)
  const { estimated_cost_usd: cost } = (await manager.route(request, signal)).routing_metadata
  assert.equal(expected.get('gpt-4o-mini'), cost)
  assert.ok(Number(expected.get('claude-sonnet-4-5')) > Number(cost))
})

test('a simple order goes to the cheapest proposer, with the reason and the facts behind it', async () => {
  await using database = await createTestDatabase()
  const decision = await managerOf(database.db, bothKeys).route(request, signal)
  assert.equal(decision.selected_proposer, 'gpt-4o-mini')
  assert.equal(decision.fallback_proposer, 'claude-sonnet-4-5')
  assert.match(decision.reason, /2 of 2 .* gpt-4o-mini is the cheapest/)
  const {
    estimated_cost_usd: cost,
    selection_timestamp: at,
    budget_reservation_id: id,
    candidates,
    ...metadata
  } = decision.routing_metadata
  assert.match(String(id), /^[0-9a-f-]{36}$/)
  assert.deepEqual(
    candidates?.map(({ proposer, able, similar_orders }) => [proposer, able, similar_orders]),
    [
      ['gpt-4o-mini', true, 0],
      ['claude-sonnet-4-5', true, 0],
    ],
  )
  assert.deepEqual(metadata, {
    complexity_score: 0.15,
    hard_stop_required: false,
    hard_stop_reasons: [],
    change_kind: 'docs',
    daily_spend: 0,
    budget_status: 'normal',
    excluded: [],
    available_proposers: ['gpt-4o-mini', 'claude-sonnet-4-5'],
    candidates_count: 2,
    routing_strategy: 'cheapest_able',
  })
  assert.ok(cost !== undefined && cost !== null && cost > 0.0005 && cost < 0.01, `${cost}`)
  assert.ok(!Number.isNaN(Date.parse(String(at))))
  assert.deepEqual(RoutingDecision.parse(decision), decision)
})

test('complexity and risky words decide as the reason says', async () => {
  await using database = await createTestDatabase()
  const manager = managerOf(database.db, bothKeys)
  const complex = await manager.route({ ...request, complexity_score: 0.31 }, signal)
  assert.equal(complex.selected_proposer, 'claude-sonnet-4-5')
  const risky = await manager.route({ ...request, task_description: 'Rotate the API keys' }, signal)
  assert.equal(risky.selected_proposer, 'claude-sonnet-4-5')
  assert.equal(risky.routing_metadata.routing_strategy, 'hard_stop_override')
  assert.deepEqual(risky.routing_metadata.hard_stop_reasons, ['api key'])
})

test('a complexity of 0 is a value', async () => {
  await using database = await createTestDatabase()
  const decision = await managerOf(database.db, bothKeys).route({ ...request, complexity_score: 0 }, signal)
  assert.equal(decision.selected_proposer, 'gpt-4o-mini')
})

test('a change of proposer_configs counts for the next order', async () => {
  await using database = await createTestDatabase()
  const manager = managerOf(database.db, bothKeys)
  await database.db.updateTable('proposer_configs').set({ active: false }).where('name', '=', 'gpt-4o-mini').execute()
  const first = await manager.route(request, signal)
  assert.deepEqual(first.routing_metadata.available_proposers, ['claude-sonnet-4-5'])
  const price = JSON.stringify({ input_per_million: 0.001, output_per_million: 0.001 })
  await database.db.updateTable('proposer_configs').set({ active: true, cost_profile: price }).execute()
  const second = await manager.route(request, signal)
  assert.equal(second.selected_proposer, 'claude-sonnet-4-5', 'equal prices: the more able one')
})

test('without any key nobody is able, and the fault says why for each', async () => {
  await using database = await createTestDatabase()
  await database.db.updateTable('proposer_configs').set({ active: false }).where('name', '=', 'gpt-4o-mini').execute()
  const manager = managerOf(database.db, {})
  const fault = await faultOf(manager.route(request, signal))
  assert.equal(fault.code, 'no_able_proposer')
  assert.match(
    fault.message,
    /claude-sonnet-4-5 is not available: ANTHROPIC_API_KEY is not set; gpt-4o-mini is not active/,
  )
})

test('a proposer that a human wants and that cannot be called is named, with the command that decides anew', async () => {
  await using database = await createTestDatabase()
  const [order] = await addWorkOrders(database.db, [NewWorkOrder.parse({ title: 'Greet', approved: true })])
  const id = String(order?.id)
  await wantProposer(database.db, id, 'gone')
  const fault = await faultOf(managerOf(database.db, bothKeys).route({ ...request, work_order_id: id }, signal))
  assert.equal(fault.code, 'no_able_proposer')
  assert.match(fault.message, new RegExp(`given to gone, which is not there\\. .*: moose decide ${id.slice(0, 8)}$`))
})

test('an order that is not approved is refused', async () => {
  await using database = await createTestDatabase()
  const manager = managerOf(database.db, bothKeys)
  const fault = await faultOf(manager.route({ ...request, approved_by_director: false }, signal))
  assert.equal(fault.code, 'work_order_not_approved')
})

test('a malformed row is named where nobody else is active, and in nobody’s way otherwise', async () => {
  await using database = await createTestDatabase()
  const broken: [Record<string, unknown>, RegExp][] = [
    [{ provider: 'nobody' }, /gpt-4o-mini.*provider/],
    [{ model: null }, /gpt-4o-mini.*model/],
    [{ complexity_threshold: 1.5 }, /gpt-4o-mini.*complexity_threshold/],
    [{ base_url: 'http://%zz:s3cret@x' }, /gpt-4o-mini.*base_url.*a % that begins no percent-encoded character/],
    [{ base_url: 'ftp://x' }, /gpt-4o-mini.*base_url is not|gpt-4o-mini.*base_url: is not/],
    [{ cost_profile: JSON.stringify({ input_per_million: 1 }) }, /gpt-4o-mini.*only one of/],
  ]
  const intact = await database.db
    .selectFrom('proposer_configs')
    .select(['provider', 'model', 'complexity_threshold', 'base_url'])
    .where('name', '=', 'gpt-4o-mini')
    .executeTakeFirstOrThrow()
  for (const [columns, message] of broken) {
    const row = { ...intact, active: true, cost_profile: '{}', ...columns }
    await database.db.updateTable('proposer_configs').set({ active: true }).execute()
    await database.db.updateTable('proposer_configs').set(row).where('name', '=', 'gpt-4o-mini').execute()
    assert.equal((await managerOf(database.db, bothKeys).route(request, signal)).selected_proposer, 'claude-sonnet-4-5')
    await database.db
      .updateTable('proposer_configs')
      .set({ active: false })
      .where('name', '<>', 'gpt-4o-mini')
      .execute()
    const fault = await faultOf(managerOf(database.db, bothKeys).route(request, signal))
    assert.equal(fault.code, 'config_invalid')
    assert.match(fault.message, message)
  }
})

const decision = {
  selected_proposer: 'claude-sonnet-4-5',
  reason: 'because',
  confidence: 0.8,
  routing_metadata: { complexity_score: 0.15, hard_stop_required: false, budget_status: 'normal' },
}

test('a foreign Manager gets the request of the specification and its decision is taken over, own fields included', async () => {
  await using server = await startJsonServer({ status: 200, body: { success: true, routing_decision: decision } })
  assert.deepEqual(await createForeignManager({ url: server.url, network: DIRECTLY }).route(request, signal), decision)
  assert.deepEqual(server.received, [request])
})

/** A decision that says of so many proposers that they are excluded, and neither which nor why. */
const withExcluded = (count: number) => ({
  ...decision,
  routing_metadata: { ...decision.routing_metadata, excluded: Array.from({ length: count }, () => ({})) },
})
/** Text, because no program could write it otherwise. */
const nested = JSON.stringify({ success: true, routing_decision: { ...decision, deep: [] } }).replace(
  '[]',
  '['.repeat(50_000) + ']'.repeat(50_000),
)

test('a foreign Manager that cannot be asked right now is told from one whose answer is of no use', async () => {
  const cases: [number, unknown, string, RegExp][] = [
    [500, {}, 'manager_unreachable', /HTTP 500/],
    [429, {}, 'manager_unreachable', /HTTP 429/],
    [403, { error: 'not approved' }, 'manager_refused', /HTTP 403: .*not approved/],
    [302, '', 'manager_refused', /HTTP 302/],
    [200, '<html>', 'manager_refused', /not JSON: <html>/],
    [200, { success: true, routing_decision: { ...decision, confidence: 7 } }, 'manager_refused', /confidence/],
    [200, { success: false }, 'manager_refused', /success/],
    [200, { success: true, routing_decision: withExcluded(2_000) }, 'manager_refused', /excluded Too big/],
    [200, { success: true, routing_decision: withExcluded(1_000) }, 'manager_refused', /excluded\.0\.proposer/],
    [200, nested, 'manager_refused', /nested deeper than 100 levels/],
    [200, 'x'.repeat(1_000_001), 'manager_refused', /longer than 1000000 bytes/],
  ]
  for (const [status, body, code, message] of cases) {
    await using server = await startJsonServer({ status, body })
    const fault = await faultOf(createForeignManager({ url: server.url, network: DIRECTLY }).route(request, signal))
    assert.equal(fault.code, code, fault.message)
    assert.match(fault.message, message)
  }
})

test('a foreign Manager that names a proposer no row can have is refused', async () => {
  const named = { ...decision, selected_proposer: 'sonnet\0' }
  await using server = await startJsonServer({ status: 200, body: { success: true, routing_decision: named } })
  const fault = await faultOf(createForeignManager({ url: server.url, network: DIRECTLY }).route(request, signal))
  assert.equal(fault.code, 'manager_refused')
  assert.match(fault.message, /selected_proposer holds a NUL/)
})

test('a password in the address of a foreign Manager is used, and never shown', async () => {
  await using server = await startJsonServer({ status: 200, body: { success: true, routing_decision: decision } })
  const url = server.url.replace('http://', 'http://moose:s%2Fecret@')
  assert.deepEqual(await createForeignManager({ url, network: DIRECTLY }).route(request, signal), decision)
  assert.equal(server.headers[0]?.authorization, `Basic ${Buffer.from('moose:s/ecret').toString('base64')}`)
  await server[Symbol.asyncDispose]()
  const fault = await faultOf(createForeignManager({ url, network: DIRECTLY }).route(request, signal))
  assert.doesNotMatch(JSON.stringify([fault.toRecord(), String(fault.cause)]), /ecret/)
})

test('a foreign Manager that is not there, and one that is being waited for when the order is cancelled', async () => {
  const gone = await startJsonServer('silent')
  await gone[Symbol.asyncDispose]()
  const fault = await faultOf(createForeignManager({ url: gone.url, network: DIRECTLY }).route(request, signal))
  assert.equal(fault.code, 'manager_unreachable')
  assert.match(fault.message, /ECONNREFUSED/)

  await using silent = await startJsonServer('silent')
  const cancelled = AbortSignal.timeout(100)
  const stopped = await faultOf(createForeignManager({ url: silent.url, network: DIRECTLY }).route(request, cancelled))
  assert.equal(stopped.code, 'attempt_cancelled')
})

const failed = { work_order_id: 'an-id', current_proposer: 'small', attempt: 1, failure_reason: 'proposal_rejected' }
const retry = {
  should_retry: true,
  attempt_number: 2,
  max_attempts: 3,
  next_proposer: 'large',
  strategy: 'switch_model',
  reasoning: 'because',
}

test('a foreign Manager decides about retries too, asked with GET', async () => {
  await using server = await startJsonServer({ status: 200, body: retry })
  const url = `${server.url}?team=a`
  assert.deepEqual(await createForeignManager({ url, network: DIRECTLY }).decideRetry(failed, signal), retry)
  assert.deepEqual(server.received, [{ team: 'a', ...failed, attempt: '1' }])
})

test('a foreign Manager that knows no retries leaves the order to a human; a broken one is said', async () => {
  for (const status of [404, 405, 501]) {
    await using server = await startJsonServer({ status, body: {} })
    const decision = await createForeignManager({ url: server.url, network: DIRECTLY }).decideRetry(failed, signal)
    assert.deepEqual([decision.should_retry, decision.strategy], [false, 'escalate'])
  }
  for (const [status, code] of [
    [503, 'manager_unreachable'],
    [400, 'manager_refused'],
  ] as const) {
    await using server = await startJsonServer({ status, body: {} })
    assert.equal(
      (await faultOf(createForeignManager({ url: server.url, network: DIRECTLY }).decideRetry(failed, signal))).code,
      code,
    )
  }
})

const nobody = { workOrderId: null, attempt: null, proposer: 'p', provider: 'openai', model: 'm' }

test('with little left below a hard cap the cheapest that may do the order does it, and nobody less able', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const manager = managerOf(db, bothKeys)
  const complex = { ...request, complexity_score: 0.9 }
  await db
    .insertInto('proposer_configs')
    .values({ name: 'haiku', provider: 'anthropic', model: 'claude-haiku-4-5', complexity_threshold: 1 })
    .execute()
  await db.updateTable('proposer_configs').set({ active: false }).where('name', '=', 'haiku').execute()
  assert.equal((await manager.route(complex, signal)).selected_proposer, 'claude-sonnet-4-5')
  await setLimit(db, 'daily_hard_cap', new Usd('0.2'))
  const stuck = await manager.route(complex, signal)
  assert.equal(stuck.selected_proposer, 'claude-sonnet-4-5', 'the cheap one is not able: the order waits for money')
  await db
    .updateTable('proposer_configs')
    .set({ active: true, cost_profile: JSON.stringify({ input_per_million: 9, output_per_million: 1 }) })
    .where('name', '=', 'haiku')
    .execute()
  const forced = await manager.route({ ...complex, task_description: 'Authentication' }, signal)
  assert.equal(forced.selected_proposer, 'haiku')
  assert.equal(forced.routing_metadata.routing_strategy, 'budget_forced_optimization')
  assert.match(forced.reason, /Only \$0\.20 are left below a hard cap, less than a call to claude-sonnet-4-5 may cost/)
})

test('the budget stands in the decision: a soft cap warns, a hard cap is named, the kill refuses', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const manager = managerOf(db, bothKeys)
  const status = async () => (await manager.route(request, signal)).routing_metadata
  await settle(db, await reserve(db, nobody, new Usd(50)), new Usd(50))
  assert.deepEqual([(await status()).budget_status, (await status()).daily_spend], ['warning', 50])
  await reserve(db, nobody, new Usd(50))
  assert.equal((await status()).budget_status, 'hard_cap_exceeded')
  await setEmergencyStop(db, true)
  assert.equal((await faultOf(manager.route(request, signal))).code, 'emergency_stop')
})

test('with enough outcomes the policy learns from them, and the static rule decides below that', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const manager = managerOf(db, bothKeys)
  await insertOutcomes(db, 'gpt-4o-mini', { merged: 2, failed: 38 })
  const before = await manager.route(request, signal)
  assert.equal(before.routing_metadata.routing_strategy, 'cheapest_able')
  await insertOutcomes(db, 'claude-sonnet-4-5', { merged: 38, failed: 2 })
  await setPolicy(db, { success_floor: 0.8, explore: false })
  const after = await manager.route(request, signal)
  assert.equal(after.selected_proposer, 'claude-sonnet-4-5')
  assert.match(String(after.routing_metadata.routing_strategy), /^learned_/)
  assert.equal(after.routing_metadata.candidates?.find(({ proposer }) => proposer === 'gpt-4o-mini')?.able, true)
  await setPolicy(db, { mode: 'static' })
  assert.equal((await manager.route(request, signal)).selected_proposer, 'gpt-4o-mini')
  await setPolicy(db, { mode: 'sometimes' })
  assert.match((await faultOf(manager.route(request, signal))).message, /routing_policy.*mode is none of/)
})

async function setPolicy(db: Kysely<Database>, policy: object): Promise<void> {
  await sql`insert into system_config (key, value) values ('routing_policy', ${JSON.stringify(policy)})
    on conflict (key) do update set value = excluded.value`.execute(db)
}

/** Ends of past attempts, as `results/` records them. */
async function insertOutcomes(db: Kysely<Database>, proposer: string, ends: { merged: number; failed: number }) {
  const metadata = JSON.stringify({ complexity_score: 0.15, change_kind: 'docs' })
  for (let index = 0; index < ends.merged + ends.failed; index += 1) {
    const key = { work_order_id: crypto.randomUUID(), attempt: 1, model_used: proposer, cost: '0.01', metadata }
    const isMerged = index < ends.merged
    const end = isMerged
      ? { success: true, outcome: 'pull_request_opened' }
      : { success: false, outcome: 'failed', error_context: JSON.stringify({ code: 'check_failed' }) }
    await db
      .insertInto('outcome_vectors')
      .values({ ...key, ...end, operation_type: 'work_order_execution', execution_time_ms: 1_000 })
      .execute()
    if (!isMerged) continue
    await db
      .insertInto('outcome_vectors')
      .values({ ...key, operation_type: 'pull_request_end', success: true, outcome: 'merged' })
      .execute()
  }
}
