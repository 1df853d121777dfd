import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgedBy } from '../support/gate.ts'

const look = (files: Readonly<Record<string, string>>) => judgedBy(['scripts/sql-in-db.ts'], files)

const query = (how: string) => `export const planted = (db: any) => ${how}\n`

test('queries in src/db, types of the libraries and transactions elsewhere pass, and the modules are really seen', async () => {
  const { passed, said } = await look({
    'src/db/a.ts': `import { sql } from 'kysely'\nimport pg from 'pg'\n${query("db.selectFrom('attempts')")}`,
    'src/budget/b.ts': "import type { Kysely } from 'kysely'\nimport { type Pool } from 'pg'\n",
    'src/models/c.ts': query('db.transaction().execute(async () => undefined)'),
  })
  assert.ok(passed, said)
  assert.equal(said, '2 modules outside of src/db\n')
})

for (const [name, planted] of [
  ['a query that is built', "db\n  .selectFrom('attempts').selectAll()"],
  ['an insert', "db.insertInto('attempts')"],
  ['an update', "db.updateTable('attempts')"],
  ['a deletion', "db.deleteFrom('attempts')"],
  ['a query as text', "db.query('select 1')"],
  ['a query by the name of its method', "db['selectFrom']('attempts')"],
  ['a query that is executed', 'db.executeQuery(compiled)'],
  ['a query as text with the type of its rows', "db.query<{ one: number }>('select 1')"],
] as const) {
  test(`${name} outside of src/db is refused with its place`, async () => {
    const { passed, said } = await look({ 'src/budget/planted.ts': query(planted) })
    assert.ok(!passed)
    assert.match(said, /^src\/budget\/planted\.ts:\d: calls \.\w+\(\); move the query into src\/db$/m)
  })
}

test('more than the types of a library that makes queries is refused with its place', async () => {
  for (const planted of [
    "import { type Kysely, sql } from 'kysely'",
    "import { sql as text } from 'kysely'",
    "import * as kysely from 'kysely'",
    "import pg from 'pg'",
    "export const later = async () => (await import('kysely')).sql",
    "import { Pool } from 'pg'",
  ]) {
    const { passed, said } = await look({ 'src/orchestrator/planted.ts': `${planted}\n` })
    assert.ok(!passed, planted)
    assert.match(said, /^src\/orchestrator\/planted\.ts:1: imports more than types of '(kysely|pg)'; /)
  }
})

test('a file that reads the displayed steps, and a re-export that could hide one, are refused', async () => {
  const { passed, said } = await look({
    'src/db/planted.ts': "export const query = 'select output from attempt_steps'\n",
    'src/db/past.ts': "export {\n  query,\n} from './planted.ts'\n",
  })
  assert.ok(!passed)
  assert.match(said, /^src\/db\/planted\.ts:1: reads attempt_steps, which is for display/m)
  assert.match(said, /^src\/db\/past\.ts:1: exports again what another file exports/m)
})
