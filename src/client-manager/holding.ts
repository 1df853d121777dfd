import type { Kysely } from 'kysely'
import { holdAnswer } from '../db/escalations/order-escalations.ts'
import type { Database } from '../db/schema.ts'

/** Several fit into the time that an answer is held for. */
const AGAIN_AFTER_MS = 10_000

/** Carries out an answer, and holds it for as long as that takes: a forge may not answer for minutes, and no other is begun by then. */
export async function holding<Result>(
  db: Kysely<Database>,
  escalationId: string,
  act: () => Promise<Result>,
): Promise<Result> {
  // One that fails is followed by the next; without any, the answer is free as that of a process that is gone.
  const again = setInterval(() => void holdAnswer(db, escalationId).catch(() => undefined), AGAIN_AFTER_MS)
  try {
    return await act()
  } finally {
    clearInterval(again)
  }
}
