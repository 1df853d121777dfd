/**
 * A program that calls a model and is killed before it books what that cost: without a reservation, as `naive` does it, or with
 * one. Arguments: which of them, the database, the address of the model. Says `called` and then waits to be killed.
 */
import { Kysely, PostgresDialect } from 'kysely'
import { reserve } from '../../src/budget/ledger.ts'
import { createPool } from '../../src/db/pool.ts'
import type { Database } from '../../src/db/schema.ts'
import { createLog } from '../../src/log.ts'
import { Usd } from '../../src/money.ts'
import { CALL, NOBODY } from './ledger-rows.ts'

const [way, url = '', model = ''] = process.argv.slice(2)
const pool = createPool(url, createLog('silent'))
if (way === 'reserved') {
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
  await reserve(db, { ...CALL, ...NOBODY }, new Usd('0.5'))
}
await fetch(model, { method: 'POST', body: '{}' })
process.stdout.write('called\n')
setTimeout(() => void pool.query('insert into naive values (0.5)'), 60_000)
