import { setTimeout as sleep } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import type { Database } from '../../src/db/schema.ts'
import type { TestDatabase } from '../support/database.ts'
import { fileOrder, type MooseHome, type RecordedAnswer } from '../support/moose-home.ts'

/** As many orders of these can run side by side: each has a file of its own. */
const KINDS = 16

const titleOf = (kind: number) => `Write note ${kind}`
const fileOf = (kind: number) => `notes/note-${kind}.md`

/** The repository the orders of a bench change. */
export const SAMPLE_FILES = { 'README.md': '# Sample\n' }

/** What the proposer says to each kind of order, at once. */
export const SAMPLE_ANSWERS: readonly RecordedAnswer[] = Array.from({ length: KINDS }, (_, kind) => ({
  task: titleOf(kind),
  turn: 1,
  text: `### write ${fileOf(kind)}\n\`\`\`\nNote ${kind}.\n\`\`\`\n`,
}))

/** Files the `number`th order of a bench, approved or not. @returns its id */
export function fileSampleOrder(database: TestDatabase, number: number, approved: boolean): Promise<string> {
  const kind = number % KINDS
  return fileOrder(database, { title: titleOf(kind), files: [fileOf(kind)], approved })
}

/** Approves an order as a Director with plain SQL does. */
export async function approve(db: Kysely<Database>, id: string): Promise<void> {
  const metadata = sql<string>`metadata || '{"approved_by_director": true}'::jsonb`
  await db.updateTable('work_orders').set({ metadata }).where('id', '=', id).execute()
}

/** How many orders stand where. */
export async function countOrders(db: Kysely<Database>): Promise<{ open: number; inReview: number; ended: number }> {
  const { rows } = await sql<{ open: number; inReview: number; ended: number }>`
    select count(*) filter (where status = 'pending' or phase <> 'in_review')::int as open,
           count(*) filter (where phase = 'in_review')::int as "inReview",
           count(*) filter (where status not in ('pending', 'in_progress'))::int as ended
    from work_orders`.execute(db)
  const [counts] = rows
  if (counts === undefined) throw new Error('the database counted nothing')
  return counts
}

/** Runs the `number`th order of a bench. @returns ms from its approval until the last step has ended, on the database's clock */
export async function runSampleOrder({ database }: MooseHome, number: number): Promise<number> {
  const id = await fileSampleOrder(database, number, false)
  const { rows: sent } = await database.pool.query<{ at: Date }>('select clock_timestamp() as at')
  await approve(database.db, id)
  while ((await countOrders(database.db)).open > 0) await sleep(20)
  // The last step's end comes after the order's, and then the workspace is put away.
  await sleep(200)
  const { rows } = await database.pool.query<{ ms: number }>(
    `select extract(epoch from max(ended_at) - $2::timestamptz)::float8 * 1000 as ms
     from attempt_steps where work_order_id = $1 having bool_and(status = 'succeeded') and count(*) >= 6`,
    [id, sent[0]?.at],
  )
  const [row] = rows
  if (row === undefined) throw new Error(`order ${id} was not carried out`)
  return row.ms
}
