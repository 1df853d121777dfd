import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startJsonServer } from '../support/json-server.ts'
import { type ModelServer, type Scripted, startModelServer } from '../support/model-server.ts'
import { createMooseHome, fileOrder, type MooseHome, settled } from '../support/moose-home.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'
import { until } from '../support/until.ts'

const FILES = { 'greeting.txt': 'hello\n' }
const KEY = { OPENAI_COMPATIBLE_API_KEY: 'sk-real', ORCHESTRATOR_EXECUTOR: 'patch' }
const GOOD: Scripted = { kind: 'text', text: '### write greeting.txt\n```\nhello, world\n```\n' }
/** Goes back to the model: the file has no such line. */
const BAD: Scripted = {
  kind: 'text',
  text: '### edit greeting.txt\n<<<<<<< SEARCH\nno such line\n=======\nx\n>>>>>>> REPLACE\n',
  headersAfterMs: 1_500,
}
/** Longer than a test may take: a stop that waited for it would be noticed. */
const LONG_GRACE_MS = 300_000

/** Has an order reach its first call, and then the service stopped. */
async function stopAtTheFirstCall(home: MooseHome, server: ModelServer): Promise<string> {
  await useStandIn(home, 'small', { url: server.url, threshold: 1 })
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: 'Greet the world', files: ['greeting.txt'] })
  await until('the first call', () => server.calls.length === 1)
  await moose.orchestrator.drain(LONG_GRACE_MS)
  return id
}

const followUps: readonly (readonly [string, Scripted])[] = [
  ['a refinement', BAD],
  ['another try of a call that failed', { kind: 'status', status: 503, message: 'Overloaded' }],
  [
    'another try as the provider asks for it',
    { kind: 'status', status: 429, message: 'Slow', headers: { 'retry-after': '2' } },
  ],
]
for (const [what, first] of followUps) {
  test(`life G4: no call is begun while the service stops: ${what}`, { timeout: 120_000 }, async () => {
    await using home = await createMooseHome(FILES, [], KEY)
    await using server = await startModelServer(first, GOOD)
    const id = await stopAtTheFirstCall(home, server)
    assert.equal(server.calls.length, 1)

    await using again = await home.open()
    await again.orchestrator.start(null)
    const order = await settled(again, id)
    assert.equal(order.phase, 'in_review', JSON.stringify(order.status_reason))
    // What was answered before is not asked, and not paid, again.
    assert.deepEqual([order.attempts, server.calls.length], [1, 2])
    assert.deepEqual(await home.database.db.selectFrom('budget_open_reservations').selectAll().execute(), [])
  })
}

test('life G4: a call that is under way when the service stops is heard to its end', async () => {
  await using home = await createMooseHome(FILES, [], KEY)
  await using server = await startModelServer({ ...GOOD, headersAfterMs: 1_500 })
  const id = await stopAtTheFirstCall(home, server)
  const booked = await home.database.db.selectFrom('model_calls').select('error_code').execute()
  assert.deepEqual(booked, [{ error_code: null }])
  await using again = await home.open()
  await again.orchestrator.start(null)
  assert.equal((await settled(again, id)).phase, 'in_review')
  assert.equal(server.calls.length, 1)
})

test('life G4: a foreign Proposer is not asked again either', { timeout: 120_000 }, async () => {
  await using foreign = await startJsonServer({ status: 503, body: { error: 'later' } })
  await using home = await createMooseHome(FILES, [], { ...KEY, MOOSE_PROPOSER_URL: foreign.url })
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  await fileOrder(home.database, { title: 'Greet the world', files: ['greeting.txt'] })
  await until('the first question', () => foreign.received.length === 1)
  await moose.orchestrator.drain(LONG_GRACE_MS)
  assert.equal(foreign.received.length, 1)
})
