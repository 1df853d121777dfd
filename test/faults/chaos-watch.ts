import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { Usd } from '../../src/money.ts'
import { PRICE } from '../support/aider-bench.ts'
import type { ModelServer } from '../support/model-server.ts'
import { type ChaosSetting, LIMITS } from './chaos-setting.ts'

/** Looks again and again, until disposed, whether a limit is passed or the ledger knows less than the bill. */
export type Watch = AsyncDisposable & {
  readonly looks: number
  /** The most attempts that ran at once. */
  readonly most: { overall: number; perRepository: number }
  /** What must not be, in words. */
  readonly wrong: string[]
}

export function watchFleet(setting: ChaosSetting, everyMs = 100): Watch {
  let stopped = false
  let looks = 0
  const most = { overall: 0, perRepository: 0 }
  const wrong: string[] = []
  const watching = (async () => {
    for (; !stopped; await delay(everyMs)) {
      looks += 1
      const running = await runningPerRepository(setting)
      most.overall = Math.max(
        most.overall,
        running.reduce((sum, count) => sum + count, 0),
      )
      most.perRepository = Math.max(most.perRepository, ...running)
      // The bill first: a call is reserved before it is made.
      const billed = billOf(setting.provider)
      const committed = await committedUsd(setting)
      if (committed.lessThan(billed)) wrong.push(`the ledger knows ${committed.toFixed()} of ${billed.toFixed()}`)
    }
  })()
  return {
    most,
    wrong,
    get looks() {
      return looks
    },
    async [Symbol.asyncDispose]() {
      if (stopped) return
      stopped = true
      await watching
      if (most.overall > LIMITS.overall) wrong.push(`${most.overall} attempts at once`)
      if (most.perRepository > LIMITS.perRepository) wrong.push(`${most.perRepository} attempts in one repository`)
    },
  }
}

async function runningPerRepository({ home }: ChaosSetting): Promise<number[]> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::integer as count from attempts where status = 'running' group by project_id
  `.execute(home.database.db)
  return rows.map(({ count }) => count)
}

/** USD that are spent or set aside. */
async function committedUsd({ home }: ChaosSetting): Promise<Usd> {
  const { rows } = await sql<{ committed: string }>`
    select coalesce(sum(amount_usd), 0) as committed from budget_entries
  `.execute(home.database.db)
  return new Usd(String(rows[0]?.committed))
}

/** USD that the provider charges so far. */
export function billOf({ bill }: Pick<ModelServer, 'bill'>): Usd {
  return bill.reduce((sum, charge) => sum.plus(costOf(charge)), new Usd(0))
}

export function costOf({ input, output }: { input: number; output: number }): Usd {
  return new Usd(input * PRICE.input_per_million + output * PRICE.output_per_million).dividedBy(1_000_000)
}
