import { setTimeout as sleep } from 'node:timers/promises'
import type { TestDatabase } from '../../support/database.ts'
import { createMooseHome } from '../../support/moose-home.ts'
import { mooseUp } from '../../support/service-process.ts'
import { asLaunched } from '../as-launched.ts'
import { numbersFrom } from '../numbers.ts'
import { usageOf } from '../process-usage.ts'
import { report } from '../report.ts'
import { SAMPLE_ANSWERS, SAMPLE_FILES } from '../sample-orders.ts'

const CPU_TARGET = 1
const RSS_TARGET_MB = 200

/** What `moose up --start` uses while it has nothing to do, with every setting at its default. */
export async function benchIdle(args: readonly string[]): Promise<void> {
  const { seconds, settle } = numbersFrom(args, { seconds: 60, settle: 10 })
  await using home = await createMooseHome(SAMPLE_FILES, SAMPLE_ANSWERS)
  await using moose = await mooseUp({ ...home.environment, ...asLaunched() }, '--start')
  const pid = Number(moose.child.pid)
  await sleep(settle * 1_000)
  const before = { usage: usageOf(pid), transactions: await transactions(home.database), at: performance.now() }
  const rss: number[] = []
  for (let second = 0; second < seconds; second += 1) {
    await sleep(1_000)
    rss.push(usageOf(pid).rssMb)
  }
  const passedS = (performance.now() - before.at) / 1_000
  const after = usageOf(pid)
  const cpuS = after.cpuS - before.usage.cpuS
  const asked = (await transactions(home.database)) - before.transactions
  report({
    bench: 'idle',
    settings: { seconds, settle },
    figures: [
      { what: 'processor', value: (cpuS / passedS) * 100, unit: '%', target: { atMost: CPU_TARGET } },
      { what: 'memory (RSS), most', value: Math.max(...rss), unit: 'MB', target: { atMost: RSS_TARGET_MB } },
      { what: 'memory at the end', value: after.rssMb, unit: 'MB' },
      { what: 'transactions', value: (asked / passedS) * 60, unit: '/min' },
      { what: 'open files', value: after.fds, unit: '' },
    ],
    notes: ['The process of moose up --start alone, polling at its default interval; of one processor.'],
    samples: { rss },
  })
}

/** Of this database since it was made. A statement outside of a transaction counts as one. */
async function transactions({ pool }: TestDatabase): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `select (xact_commit + xact_rollback)::float8 as count from pg_stat_database where datname = current_database()`,
  )
  return Number(rows[0]?.count)
}
