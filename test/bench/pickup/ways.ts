import { makeWorkerUtils } from 'graphile-worker'
import { sql } from 'kysely'
import { PgBoss } from 'pg-boss'
import type { TestDatabase } from '../../support/database.ts'
import { approve, countOrders, fileSampleOrder } from '../sample-orders.ts'
import { QUEUE } from './contender.ts'

/** One way from "may start" to "has begun". */
export type Way = {
  name: string
  /** What is done before the clock runs. @returns what to hand over */
  prepare(): Promise<string>
  /** @returns what to ask for */
  handOver(prepared: string): Promise<string>
  /** When it began on the database's clock, ms since 1970; null: not yet, or whoever carries it out is not idle yet. */
  beganAt(id: string): Promise<number | null>
}

/** A Director approves an order that is there already; it has begun when its first step is written down as begun. */
export function mooseWay(database: TestDatabase): Way {
  const { db } = database
  let number = 0
  return {
    name: 'moose',
    prepare() {
      number += 1
      return fileSampleOrder(database, number, false)
    },
    async handOver(id) {
      await approve(db, id)
      return id
    },
    async beganAt(id) {
      if ((await countOrders(db)).open > 0) return null
      const step = await db
        .selectFrom('attempt_steps')
        .select(sql<number>`extract(epoch from started_at)::float8 * 1000`.as('ms'))
        .where('work_order_id', '=', id)
        .where('name', '=', 'route')
        .executeTakeFirstOrThrow()
      return step.ms
    },
  }
}

/** A job is added; it has begun when it has written that down. */
export async function graphileWay({ pool }: TestDatabase): Promise<Way & AsyncDisposable> {
  const utils = await makeWorkerUtils({ pgPool: pool })
  return {
    name: 'graphile-worker',
    prepare: async () => '',
    handOver: async () => (await utils.addJob(QUEUE, {})).id,
    beganAt: (id) => startOf(pool, `graphile-worker ${id}`),
    async [Symbol.asyncDispose]() {
      await utils.release()
    },
  }
}

/** A job is sent; it has begun when it has written that down. */
export async function pgBossWay({ pool, url }: TestDatabase): Promise<Way & AsyncDisposable> {
  const boss = new PgBoss({ connectionString: url, supervise: false, schedule: false })
  await boss.start()
  return {
    name: 'pg-boss',
    prepare: async () => '',
    handOver: async () => String(await boss.send(QUEUE, {})),
    beganAt: (id) => startOf(pool, `pg-boss ${id}`),
    [Symbol.asyncDispose]: () => boss.stop(),
  }
}

async function startOf(pool: TestDatabase['pool'], job: string): Promise<number | null> {
  const { rows } = await pool.query<{ ms: number }>(
    'select extract(epoch from at)::float8 * 1000 as ms from bench_starts where job = $1',
    [job],
  )
  const [row] = rows
  return row === undefined ? null : row.ms
}
