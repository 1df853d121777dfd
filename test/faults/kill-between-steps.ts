import { setTimeout as delay } from 'node:timers/promises'
import type { TroubledHome } from './troubled-home.ts'

/**
 * Ends every connection of Moose to the database whenever a step of an order begins or ends, once for each, until
 * disposed.
 */
export function killBetweenSteps(troubled: TroubledHome): AsyncDisposable & { readonly count: number } {
  const { database } = troubled.home
  const seen = new Set<string>()
  let stopped = false
  async function look(): Promise<void> {
    const events = await database.db
      .selectFrom('work_order_events')
      .select(['work_order_id', 'type', 'step'])
      .where('type', 'in', ['step_started', 'step_succeeded'])
      .execute()
    const unseen = events.map((one) => JSON.stringify(one)).filter((one) => !seen.has(one))
    if (unseen.length === 0) return
    for (const one of unseen) seen.add(one)
    await killAll(troubled)
  }
  const killing = (async () => {
    while (!stopped) {
      await look()
      await delay(3)
    }
  })()
  return {
    get count() {
      return seen.size
    },
    async [Symbol.asyncDispose]() {
      stopped = true
      await killing
    },
  }
}

/** Ends all connections but the test's own. */
export async function killAll({ home: { database } }: TroubledHome): Promise<void> {
  await database.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name <> 'test'`,
  )
}
