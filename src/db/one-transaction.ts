import type { Kysely, Transaction } from 'kysely'
import type { Database } from './schema.ts'

/** Carries out in one transaction what belongs together: in that of the caller, where there is one. */
export async function inOneTransaction<Result>(
  db: Kysely<Database> | Transaction<Database>,
  work: (transaction: Kysely<Database>) => Promise<Result>,
): Promise<Result> {
  return db.isTransaction ? await work(db) : await db.transaction().execute(work)
}
