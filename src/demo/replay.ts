import path from 'node:path'
import type { Kysely } from 'kysely'
import type { Database } from '../db/schema.ts'
import { DEMO_CONTENT } from './places.ts'

/** Said wherever answers of the demo show. */
export const REPLAY_NOTE = 'replay: scripted answers, no model was called'

/** The folder of the scripted answers. */
export const REPLAY_DIR = path.join(DEMO_CONTENT, 'recordings')

/** Leaves one proposer to choose: the one that reads scripted answers and cannot reach a model. */
export async function replayOnly(db: Kysely<Database>): Promise<void> {
  await db.updateTable('proposer_configs').set({ active: false }).execute()
  await db
    .insertInto('proposer_configs')
    .values({
      name: 'demo-replay',
      provider: 'replay',
      model: 'scripted answers',
      complexity_threshold: 1,
      active: true,
    })
    .execute()
}

/** How many answers each order was given, by its id; orders without one are left out. */
export async function countAnswers(db: Kysely<Database>): Promise<Map<string, number>> {
  const rows = await db
    .selectFrom('model_calls')
    .select(({ fn }) => ['work_order_id', fn.countAll<string>().as('calls')])
    .where('replayed', '=', true)
    .groupBy('work_order_id')
    .execute()
  return new Map(rows.flatMap(({ work_order_id: id, calls }) => (id === null ? [] : [[id, Number(calls)]])))
}
