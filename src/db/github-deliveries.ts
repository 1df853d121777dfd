import { type Kysely, sql } from 'kysely'
import type { Database } from './schema.ts'

/** GitHub redelivers within three days; what is older cannot come again. */
const KEPT = '7 days'

/**
 * Takes a webhook by its delivery id.
 *
 * @returns false when it was taken before
 */
export async function takeDelivery(db: Kysely<Database>, delivery: { id: string; event: string }): Promise<boolean> {
  await db
    .deleteFrom('github_deliveries')
    .where('received_at', '<', sql<Date>`clock_timestamp() - ${KEPT}::interval`)
    .execute()
  const taken = await db
    .insertInto('github_deliveries')
    .values(delivery)
    .onConflict((conflict) => conflict.column('id').doNothing())
    .returning('id')
    .executeTakeFirst()
  return taken !== undefined
}
