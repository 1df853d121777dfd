import type { Kysely } from 'kysely'
import type { Config } from '../config.ts'
import { announce } from '../db/notifications/outbox.ts'
import { listProjects } from '../db/projects.ts'
import type { Database } from '../db/schema.ts'
import { readPauseAfter } from '../db/system-config.ts'
import { type FailureRow, readPausing } from '../db/work-orders/failure-rows.ts'

const MOST_OF_REASON = 500
const MOST_OF_NAME = 80

/**
 * Puts projects and proposers that failures in a row have paused into the outbox, each pause once. No trigger does that: how many
 * failures pause is a setting, which may stand in the environment.
 */
export async function announcePauses({
  db,
  config,
}: {
  db: Kysely<Database>
  config: Pick<Config, 'pauseAfterFailures'>
}): Promise<void> {
  const { projects, proposers } = await readPausing(db, await readPauseAfter(db, config))
  const names = new Map(projects.size === 0 ? [] : (await listProjects(db)).map(({ id, name }) => [id, name]))
  for (const [id, row] of projects) {
    const facts = { project: names.get(id), ...factsOf(row) }
    await announce(db, 'project.paused', { key: keyOf(row), projectId: id, facts })
  }
  for (const [proposer, row] of proposers) {
    const facts = { proposer, ...factsOf(row) }
    await announce(db, 'proposer.paused', { key: keyOf(row), projectId: null, facts })
  }
}

function keyOf({ subject, code, since }: FailureRow): string {
  return `${subject.slice(0, MOST_OF_NAME)}:${code.slice(0, MOST_OF_NAME)}:${since.getTime()}`
}

function factsOf({ code, message, orders, since }: FailureRow) {
  const reason = message.slice(0, MOST_OF_REASON).toWellFormed()
  return { code, reason, failures: orders.length, since: since.toISOString() }
}
