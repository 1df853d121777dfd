import path from 'node:path'
import type { Kysely } from 'kysely'
import { countReplayedAnswers } from '../db/model-calls.ts'
import { useOnlyRecordings } from '../db/proposer-configs.ts'
import type { Database } from '../db/schema.ts'
import { DEMO_CONTENT } from './places.ts'

/** Said wherever answers of the demo show. */
export const REPLAY_NOTE = 'replay: scripted answers, no model was called'

/** The folder of the scripted answers. */
export const REPLAY_DIR = path.join(DEMO_CONTENT, 'recordings')

/** Leaves one proposer to choose: the one that reads scripted answers and cannot reach a model. */
export async function replayOnly(db: Kysely<Database>): Promise<void> {
  await useOnlyRecordings(db, { name: 'demo-replay', model: 'scripted answers' })
}

/** How many answers each order was given, by its id; orders without one are left out. */
export async function countAnswers(db: Kysely<Database>): Promise<Map<string, number>> {
  return countReplayedAnswers(db)
}
