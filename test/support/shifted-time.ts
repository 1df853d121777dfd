import { type Kysely, sql } from 'kysely'
import type { Database } from '../../src/db/schema.ts'

/** Has `moose_now()` of a test's own database run ahead of the real time by so many ms. */
export async function shiftTime(db: Kysely<Database>, byMs: number): Promise<void> {
  await sql`create or replace function moose_now() returns timestamptz language sql volatile as
    ${sql.lit(`select clock_timestamp() + interval '${byMs} milliseconds'`)}`.execute(db)
}
