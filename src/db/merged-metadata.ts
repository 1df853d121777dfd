import { sql } from 'kysely'

/** `metadata || patch` in one statement: two writers never lose each other's keys. */
export function mergedMetadata(patch: Record<string, unknown>) {
  return sql<string>`${METADATA} || ${JSON.stringify(patch)}::jsonb`
}

/** The same without what an order was let go on for (released-orders.ts), unless the patch says so anew. */
export function metadataOfNextStatus(patch: Record<string, unknown>) {
  return sql<string>`${METADATA} - 'released_for' || ${JSON.stringify(patch)}::jsonb`
}

/** A row from before the check on the column may hold any JSON. */
const METADATA = sql`(case when jsonb_typeof(work_orders.metadata) = 'object' then work_orders.metadata else '{}' end)`
