import path from 'node:path'
import type { Kysely } from 'kysely'
import type { Actor } from '../contract/actor.ts'
import { actingAs } from '../db/audit/acting-as.ts'
import { countReplayedAnswers } from '../db/model-calls.ts'
import { useOnlyRecordings } from '../db/proposer-configs.ts'
import type { Database } from '../db/schema.ts'
import { DEMO_CONTENT } from './places.ts'

/** Said wherever answers of the demo show. */
export const REPLAY_NOTE = 'replay: scripted answers, no model was called'

/** The folder of the scripted answers. */
export const REPLAY_DIR = path.join(DEMO_CONTENT, 'recordings')

/** Leaves one proposer to choose: the one that reads scripted answers and cannot reach a model. @param by who wants that */
export async function replayOnly(db: Kysely<Database>, by: Actor): Promise<void> {
  await useOnlyRecordings(actingAs(db, by), { name: 'demo-replay', model: 'scripted answers' })
}

/** How many answers each order was given, by its id; orders without one are left out. */
export async function countAnswers(db: Kysely<Database>): Promise<Map<string, number>> {
  return countReplayedAnswers(db)
}
