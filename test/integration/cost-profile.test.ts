import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { getProposerConfig, type ProposerConfig } from '../../src/db/proposer-configs.ts'
import { createTestDatabase } from '../support/database.ts'
import { faultOf } from '../support/fault-of.ts'

const database = await createTestDatabase()
after(() => database[Symbol.asyncDispose]())
await database.db
  .insertInto('proposer_configs')
  .values({ name: 'local', provider: 'openai-compatible', model: 'm', complexity_threshold: 1, cost_profile: '{}' })
  .execute()

async function stateAs(profile: object): Promise<void> {
  const row = { cost_profile: JSON.stringify(profile) }
  await database.db.updateTable('proposer_configs').set(row).where('name', '=', 'local').execute()
}

async function priceFor(profile: object): Promise<ProposerConfig['price']> {
  await stateAs(profile)
  return (await getProposerConfig(database.db, 'local')).price
}

test('rates are numbers or decimal strings, and are kept exactly', async () => {
  const rates = {
    input_per_million: 0.1,
    output_per_million: '0.30000000000000000001',
    cache_read_per_million: 1e-7,
    cache_write_per_million: '00.50',
  }
  assert.deepEqual(await priceFor(rates), {
    inputPerMillion: '0.1',
    outputPerMillion: '0.30000000000000000001',
    cacheReadPerMillion: '0.0000001',
    cacheWritePerMillion: '0.5',
  })
})

test('nothing stated, or what the first Moose kept here, leaves the price to the library', async () => {
  for (const profile of [{}, { free: false }, { inputPer1kTokens: 0.003, note: 'old' }]) {
    assert.equal(await priceFor(profile), null)
  }
})

test('a model can be declared free', async () => {
  assert.equal(await priceFor({ free: true }), 'free')
})

test('what cannot be a price is malformed and says why', async () => {
  const both = { input_per_million: 1, output_per_million: 2 }
  const malformed: [object, RegExp][] = [
    [{ ...both, input_per_million: -1 }, /input_per_million: .*is not an amount of USD, 0 or more/],
    [{ ...both, output_per_million: '-1' }, /output_per_million: .*is not an amount of USD/],
    [{ ...both, output_per_million: 'NaN' }, /is not an amount of USD/],
    [{ ...both, output_per_million: 'Infinity' }, /is not an amount of USD/],
    [{ ...both, output_per_million: '$2' }, /is not an amount of USD/],
    [{ ...both, output_per_million: '1e3' }, /is not an amount of USD/],
    [{ ...both, output_per_million: 1e300 }, /is not an amount of USD/],
    [{ ...both, output_per_million: '9'.repeat(400) }, /is not an amount of USD/],
    [{ ...both, cache_read_per_million: null }, /cache_read_per_million: .*is not an amount of USD/],
    [{ input_per_million: 1 }, /states only one of input_per_million and output_per_million/],
    [{ output_per_million: 0 }, /states only one of/],
    [{ cache_write_per_million: 1 }, /states rates of the cache without/],
    [{ free: true, ...both }, /says that the model is free and states rates/],
    [{ free: true, cache_read_per_million: 0 }, /says that the model is free and states rates/],
    [{ free: 'yes' }, /cost_profile\.free/],
  ]
  for (const [profile, says] of malformed) {
    await stateAs(profile)
    const fault = await faultOf(getProposerConfig(database.db, 'local'))
    assert.equal(fault.code, 'config_invalid')
    assert.match(fault.message, says, JSON.stringify(profile))
  }
  // Larger than any number here: it is read as infinite.
  await database.pool.query(
    `update proposer_configs set cost_profile = '{"input_per_million": 1e999, "output_per_million": 1}' where name = 'local'`,
  )
  const infinite = await faultOf(getProposerConfig(database.db, 'local'))
  assert.match(infinite.message, /input_per_million: .*is not an amount of USD/)
  await database.pool.query(`update proposer_configs set complexity_threshold = 'NaN' where name = 'local'`)
  assert.match((await faultOf(getProposerConfig(database.db, 'local'))).message, /complexity_threshold/)
})
