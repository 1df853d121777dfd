import { sql } from 'kysely'

/** Characters of JSON of one key; the database takes no more of a key of ours. */
const MOST_OF_KEY = 100_000

/** `metadata || patch` in one statement: two writers never lose each other's keys. */
export function mergedMetadata(patch: Record<string, unknown>) {
  return sql<string>`${METADATA} || ${bounded(patch)}::jsonb`
}

/** A foreign Manager's decision may be of any size. */
function bounded(patch: Record<string, unknown>): string {
  const entries = Object.entries(patch).map(([key, value]) => {
    const json = JSON.stringify(value)
    return [key, json !== undefined && json.length > MOST_OF_KEY ? { left_out_characters: json.length } : value]
  })
  return JSON.stringify(Object.fromEntries(entries))
}

/** The same without what an order was let go on for (released-orders.ts), unless the patch says so anew. */
export function metadataOfNextStatus(patch: Record<string, unknown>) {
  return sql<string>`${METADATA} - 'released_for' || ${bounded(patch)}::jsonb`
}

/** A row from before the check on the column may hold any JSON. */
const METADATA = sql`(case when jsonb_typeof(work_orders.metadata) = 'object' then work_orders.metadata else '{}' end)`
