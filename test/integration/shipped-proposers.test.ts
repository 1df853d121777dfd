import assert from 'node:assert/strict'
import { test } from 'node:test'
import { migrate } from '../../src/db/migrate.ts'
import { listProposers } from '../../src/db/proposer-configs.ts'
import { priceOf } from '../../src/models/price.ts'
import { createEmptyTestDatabase, type TestDatabase } from '../support/database.ts'
import { olderDatabase } from '../support/older-database.ts'

const FIRST = ['claude-sonnet-4-5', 'gpt-4o-mini']
const TODAY = ['claude-haiku-4-5', 'claude-opus-5-5', 'claude-sonnet-5', 'gemini-3.8-flash', 'gpt-6-luna', 'gpt-6-sol']
/** The migration before. */
const BEFORE = 13

async function namesIn({ db }: TestDatabase): Promise<string[]> {
  return (await listProposers(db)).proposers.filter(({ active }) => active).map(({ name }) => name)
}

test('a fresh database has the models of today, each with a price that is known', async () => {
  await using database = await createEmptyTestDatabase()
  await migrate(database.pool)
  assert.deepEqual(await namesIn(database), [...FIRST, ...TODAY].toSorted())
  const { proposers, malformed, malformedInactive } = await listProposers(database.db)
  assert.deepEqual([...malformed, ...malformedInactive], [])
  for (const proposer of proposers) assert.equal(priceOf(proposer, new Date())?.source, 'library', proposer.name)
})

test('for each first model there is one of today of the same provider that is as able and not dearer', async () => {
  await using database = await createEmptyTestDatabase()
  await migrate(database.pool)
  const { proposers } = await listProposers(database.db)
  const rated = proposers.map((proposer) => ({ proposer, price: priceOf(proposer, new Date()) }))
  const costOf = (price: (typeof rated)[number]['price']) => Number(price?.rates.input) + Number(price?.rates.output)
  for (const first of rated.filter(({ proposer }) => FIRST.includes(proposer.name))) {
    const better = rated.filter(
      ({ proposer, price }) =>
        TODAY.includes(proposer.name) &&
        proposer.complexityThreshold >= first.proposer.complexityThreshold &&
        costOf(price) < costOf(first.price),
    )
    assert.ok(better.length > 0, first.proposer.name)
  }
})

const USED: Record<string, string> = {
  'an order': `insert into work_orders (title, risk_level) values ('a', 'low')`,
  'a changed row': `update proposer_configs set complexity_threshold = 0.31 where name = 'gpt-4o-mini'`,
  'a price of its own': `update proposer_configs set cost_profile = '{"free":true}' where name = 'gpt-4o-mini'`,
  'a row taken away': `delete from proposer_configs where name = 'gpt-4o-mini'`,
  'a row of its own': `insert into proposer_configs (name, provider, model) values ('own', 'openai', 'm')`,
  'a paused row': `update proposer_configs set active = false where name = 'gpt-4o-mini'`,
}
for (const [what, statement] of Object.entries(USED)) {
  test(`an upgrade changes nothing about the proposers of a database with ${what}`, async () => {
    await using database = await olderDatabase(BEFORE)
    await database.pool.query(statement)
    const all = () => database.pool.query('select * from proposer_configs order by name').then(({ rows }) => rows)
    const before = await all()
    await migrate(database.pool)
    assert.partialDeepStrictEqual(await all(), before)
    assert.equal((await all()).length, before.length)
  })
}
