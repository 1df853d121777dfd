import { type Kysely, sql } from 'kysely'
import type { Database } from '../schema.ts'
import { overFor } from '../work-orders/order-conditions.ts'
import { type AttemptKey, selectAttempt } from './attempts.ts'

type Db = Kysely<Database>

/** What an attempt has on the disk of a home is removed by the attempt itself within this time. */
const CLEANED_UP_WITHIN = '10 minutes'

/** Whether this database is the one whose orders this home runs: otherwise it says nothing about what lies there. */
export async function knowsHome(db: Db, homeId: string): Promise<boolean> {
  const query = db.selectFrom('attempts').select('number').where('executor_id', '=', homeId).limit(1)
  return (await query.executeTakeFirst()) !== undefined
}

/** Those that do not run and have not just ended; also those there is no record of. In the order they are given in. */
export async function attemptsAtRest<Key extends AttemptKey>(db: Db, keys: readonly Key[]): Promise<Key[]> {
  const atRest = sql<boolean>`(attempts.number is null or (
    attempts.status <> 'running' and attempts.ended_at < moose_now() - ${CLEANED_UP_WITHIN}::interval))`
  return pick(db, keys, atRest)
}

/** Those on record that do not run in this home: ended, suspended or carried out by another. In the order they are given in. */
export async function attemptsNotRunningIn<Key extends AttemptKey>(
  db: Db,
  homeId: string,
  keys: readonly Key[],
): Promise<Key[]> {
  return pick(db, keys, sql<boolean>`(attempts.status <> 'running' or attempts.executor_id <> ${homeId})`)
}

/**
 * Those whose commit is not needed: cancelled, without a record, or of an order that ended so many days ago. A commit of an
 * order that is in review, suspended or otherwise unfinished is needed, and of one that has failed: it can be verified again. Number
 * 0 is no attempt's, but what was seen on the branch of its pull request: as long as its order is kept, the next look needs it.
 */
export async function unreferencedAttempts<Key extends AttemptKey>(
  db: Db,
  keys: readonly Key[],
  days: number,
): Promise<Key[]> {
  const ended = sql<boolean>`((attempts.number is null and (key.number > 0 or work_orders.id is null or ${overFor(days)}))
    or (attempts.status = 'cancelled' and attempts.ended_at < moose_now() - ${CLEANED_UP_WITHIN}::interval)
    or (attempts.status <> 'running' and ${overFor(days)}))`
  return pick(db, keys, ended)
}

/** The commits that unfinished attempts began at in the project whose mirror has this id. */
export async function unfinishedBases(db: Db, mirrorId: string): Promise<string[]> {
  const { rows } = await sql<{ sha: string }>`
    select distinct base_sha as sha from attempts
    where project_id = (select id from projects where coalesce(mirror_id, id) = ${mirrorId}) and status in ('running', 'blocked') and base_sha ~ '^[0-9a-f]{40}$'
  `.execute(db)
  return rows.map(({ sha }) => sha)
}

async function pick<Key extends AttemptKey>(
  db: Db,
  keys: readonly Key[],
  which: ReturnType<typeof sql<boolean>>,
): Promise<Key[]> {
  if (keys.length === 0) return []
  const { rows } = await sql<{ place: string }>`
    select key.place
    from unnest(${keys.map(({ workOrderId }) => workOrderId)}::uuid[], ${keys.map(({ attempt }) => attempt)}::int[])
      with ordinality as key (id, number, place)
    left join attempts on attempts.work_order_id = key.id and attempts.number = key.number
    left join work_orders on work_orders.id = key.id
    where ${which} order by key.place
  `.execute(db)
  return rows.flatMap(({ place }) => keys.slice(Number(place) - 1, Number(place)))
}

/**
 * Does something while an attempt cannot begin to run, if it does not run now.
 *
 * @returns whether it was done
 */
export async function whileAtRest(db: Db, key: AttemptKey, act: () => Promise<void>): Promise<boolean> {
  return db.transaction().execute(async (transaction) => {
    await selectAttempt(transaction, key).select('number').forUpdate().execute()
    if ((await attemptsAtRest(transaction, [key])).length === 0) return false
    await act()
    return true
  })
}
