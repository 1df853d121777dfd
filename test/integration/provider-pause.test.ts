import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import type { ProposerConfig } from '../../src/db/proposer-configs.ts'
import { listPauses } from '../../src/db/provider-pauses.ts'
import type { Database } from '../../src/db/schema.ts'
import { Fault, type FaultCode, toFault } from '../../src/faults/fault.ts'
import {
  assertNotPaused,
  noteOutage,
  noteRecovery,
  providerKey,
  unlessPaused,
  whyPaused,
} from '../../src/models/provider-pause.ts'
import { createTestDatabase } from '../support/database.ts'
import { faultOf } from '../support/fault-of.ts'
import { USUAL_CALL } from '../support/proposer-call.ts'
import { shiftTime } from '../support/shifted-time.ts'

const MINUTE = 60_000
const LONGEST_CALL = 5 * MINUTE
const proposer: ProposerConfig = {
  ...USUAL_CALL,
  name: 'sonnet',
  provider: 'anthropic',
  model: 'claude-sonnet-4-5',
  complexityThreshold: 1,
  baseUrl: null,
  price: null,
  active: true,
}
const busy = (details: Record<string, number | string> = {}) =>
  new Fault('model_overloaded', 'The provider of sonnet could not answer right now.', {
    status: 529,
    reason: 'Overloaded.',
    ...details,
  })

/** A database with a clock of its own, and what is told of a pause in minutes from its start. */
async function setUp() {
  const database = await createTestDatabase()
  const { db } = database
  let at = 0
  const startedAt = Date.now()
  return {
    db,
    url: database.url,
    /** Minutes since the start. */
    async go(minutes: number) {
      at = minutes
      await shiftTime(db, at * MINUTE)
    },
    fail: (passage: 'open' | 'probe', outage = busy(), random = () => 0) =>
      noteOutage(db, proposer, { passage, outage, keyMark: 'ours' }, random),
    ask: () => assertNotPaused(db, proposer, LONGEST_CALL),
    /** Minutes from the start to its end, and how many outages; null: no pause. */
    async pause() {
      const [pause] = await listPauses(db)
      if (pause === undefined) return null
      return { minutes: Math.round((pause.until.getTime() - startedAt) / MINUTE), failures: pause.failures }
    },
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  }
}

test('an outage pauses the provider for everyone, and says why, until when and that nothing is to be done', async () => {
  await using setup = await setUp()
  assert.equal(await setup.ask(), 'open')
  await setup.fail('open')
  const fault = await faultOf(setup.ask())
  assert.equal(fault.code, 'provider_paused')
  assert.match(fault.message, /^The provider of sonnet \(anthropic\) is paused until \d{4}-.*Z/)
  assert.match(fault.message, /it had an outage: HTTP 529, Overloaded\. The order is resumed/)
  const { until, ...details } = fault.details
  assert.deepEqual(details, { provider: 'anthropic', proposer: 'sonnet', reason: 'HTTP 529, Overloaded.', failures: 1 })
  assert.ok(Date.parse(String(until)) > Date.now())
  assert.deepEqual((await whyPaused(setup.db, { ...proposer, name: 'haiku' }))?.code, 'provider_paused')
  const elsewhere = { ...proposer, baseUrl: 'http://127.0.0.1:9/v1' }
  assert.equal(await assertNotPaused(setup.db, elsewhere, LONGEST_CALL), 'open', 'another endpoint is another provider')
})

test('the key of a provider carries no secret of its address', () => {
  const baseUrl = 'https://user:secret@models.example:8443/v1/?key=hidden#x'
  assert.equal(providerKey({ provider: 'openai', baseUrl, keyVariable: null }), 'openai https://models.example:8443/v1')
  assert.equal(providerKey({ provider: 'anthropic', baseUrl: null, keyVariable: null }), 'anthropic')
})

test('every further outage in a row doubles the pause, up to a quarter of an hour', async () => {
  await using setup = await setUp()
  await setup.fail('open')
  const ends = [(await setup.pause())?.minutes]
  for (let round = 0; round < 6; round += 1) {
    await setup.go(Number(ends.at(-1)) + 0.1)
    assert.equal(await setup.ask(), 'probe')
    await setup.fail('probe')
    ends.push((await setup.pause())?.minutes)
  }
  assert.deepEqual(ends, [1, 3, 7, 15, 30, 45, 60])
  assert.equal((await setup.pause())?.failures, 7)
})

test('chance makes a pause longer by up to a quarter, and a thousand outages do not overflow it', async () => {
  await using setup = await setUp()
  await setup.fail('open', busy(), () => 0.999)
  const [pause] = await listPauses(setup.db)
  const ms = Number(pause?.until.getTime()) - Number(pause?.since.getTime())
  assert.ok(ms > 74_000 && ms <= 75_000, `${ms}`)
  await setup.db.updateTable('provider_pauses').set({ failures: 1_000 }).execute()
  await setup.fail('probe')
  assert.equal((await setup.pause())?.minutes, 15)
})

test('a longer pause the provider asks for wins, up to an hour', async () => {
  await using setup = await setUp()
  await setup.fail('open', busy({ retry_after_ms: 20 * MINUTE }))
  assert.equal((await setup.pause())?.minutes, 20)
  await setup.fail('open', busy({ retry_after_ms: 48 * 60 * MINUTE }))
  assert.deepEqual(await setup.pause(), { minutes: 60, failures: 1 })
  await setup.fail('open', busy({ retry_after_ms: 1 }))
  assert.deepEqual(await setup.pause(), { minutes: 60, failures: 1 }, 'a shorter one shortens nothing')
})

test('calls that were under way together count as one outage', async () => {
  await using setup = await setUp()
  await Promise.all(Array.from({ length: 50 }, () => setup.fail('open')))
  assert.deepEqual(await setup.pause(), { minutes: 1, failures: 1 })
  await setup.go(2)
  await setup.fail('open')
  assert.deepEqual(await setup.pause(), { minutes: 4, failures: 2 }, 'one seen after the pause is news')
})

test('when a pause has run out one caller of all tests the provider', async () => {
  await using setup = await setUp()
  await setup.fail('open')
  await setup.go(2)
  assert.equal(await whyPaused(setup.db, proposer), null, 'whoever waits may try')
  const passages = await Promise.all(
    Array.from({ length: 6 }, async () => {
      await using other = await anotherProcess(setup.url)
      return await Promise.all(
        Array.from({ length: 5 }, () =>
          assertNotPaused(other.db, proposer, LONGEST_CALL).catch((error: unknown) => toFault(error).code),
        ),
      )
    }),
  )
  const counted = passages.flat().toSorted()
  assert.deepEqual(counted, ['probe', ...Array<FaultCode>(29).fill('provider_paused')])
  assert.equal((await faultOf(setup.ask())).code, 'provider_paused', 'until the result is known')
  await noteRecovery(setup.db, proposer, 'probe')
  assert.equal(await setup.ask(), 'open')
})

async function anotherProcess(url: string) {
  const pool = new pg.Pool({ connectionString: url, max: 5 })
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
  return { db, [Symbol.asyncDispose]: () => db.destroy() }
}

test('a test nobody hears of again is made by somebody else when its time is over', async () => {
  await using setup = await setUp()
  await setup.fail('open')
  await setup.go(2)
  assert.equal(await setup.ask(), 'probe')
  await setup.go(7)
  assert.equal((await faultOf(setup.ask())).code, 'provider_paused')
  await setup.go(8)
  assert.equal(await setup.ask(), 'probe')
})

test('an answer to a call from before the pause says nothing; the answer to the test ends it, and who waits hears of it', async () => {
  await using setup = await setUp()
  const client = new pg.Client({ connectionString: setup.url })
  await client.connect()
  await using _closed = { [Symbol.asyncDispose]: () => client.end() }
  await client.query('listen moose_config')
  const heard = new Promise((resolve) => client.once('notification', ({ channel }) => resolve(channel)))
  await setup.fail('open')
  await noteRecovery(setup.db, proposer, 'open')
  assert.notEqual(await setup.pause(), null)
  await noteRecovery(setup.db, proposer, 'probe')
  assert.equal(await setup.pause(), null)
  assert.equal(await heard, 'moose_config')
})

const OUTAGES: ReadonlySet<string> = new Set(['model_overloaded', 'model_timed_out', 'model_key_rejected'])

test('what a call ends with decides about its provider', async () => {
  const after = async (passage: 'open' | 'probe', ending: Fault | null) => {
    await using setup = await setUp()
    if (passage === 'probe') {
      await setup.fail('open')
      await setup.go(2)
    }
    const seen: string[] = []
    const deps = { db: setup.db, random: () => 0, keyMark: null }
    const call = unlessPaused(deps, proposer, LONGEST_CALL, async (given) => {
      seen.push(given)
      if (ending !== null) throw ending
      return 'answer'
    })
    const ended: unknown = await call.catch((error: unknown) => error)
    if (ended instanceof Fault) assert.deepEqual([ended.code, ended.message], [ending?.code, ending?.message])
    else assert.deepEqual([ended, ending], ['answer', null])
    assert.equal(ended instanceof Fault && ended.details['provider'] === 'anthropic', OUTAGES.has(String(ending?.code)))
    assert.deepEqual(seen, [passage])
    return { pause: await setup.pause(), next: await setup.ask().catch(() => 'paused') }
  }
  const fault = (code: FaultCode) => new Fault(code, 'it says no')
  assert.deepEqual(await after('open', null), { pause: null, next: 'open' })
  assert.deepEqual(await after('open', fault('model_key_rejected')), {
    pause: { minutes: 5, failures: 1 },
    next: 'paused',
  })
  assert.deepEqual(await after('open', fault('budget_exceeded')), { pause: null, next: 'open' })
  assert.deepEqual(await after('open', fault('model_timed_out')), {
    pause: { minutes: 1, failures: 1 },
    next: 'paused',
  })
  assert.deepEqual(await after('probe', busy()), { pause: { minutes: 4, failures: 2 }, next: 'paused' })
  for (const code of ['model_call_rejected', 'model_answer_truncated'] as const) {
    assert.deepEqual(await after('probe', fault(code)), { pause: null, next: 'open' }, code)
  }
  for (const code of ['budget_exceeded', 'attempt_cancelled'] as const) {
    const given = { pause: { minutes: 2, failures: 1 }, next: 'probe' }
    assert.deepEqual(await after('probe', fault(code)), given, `${code} says nothing of the provider`)
  }
})
