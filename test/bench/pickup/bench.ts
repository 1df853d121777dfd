import { setTimeout as sleep } from 'node:timers/promises'
import type { TestDatabase } from '../../support/database.ts'
import { createMooseHome } from '../../support/moose-home.ts'
import { mooseUp } from '../../support/service-process.ts'
import { asLaunched } from '../as-launched.ts'
import { median, numbersFrom, quantile } from '../numbers.ts'
import { type Figure, report } from '../report.ts'
import { SAMPLE_ANSWERS, SAMPLE_FILES } from '../sample-orders.ts'
import { STARTS, startContender } from './contender.ts'
import { graphileWay, mooseWay, pgBossWay, type Way } from './ways.ts'

const TARGET_MS = 20
/** The first rounds compile functions and plan queries. */
const WARM_UP = 5
const PATIENCE_MS = 20_000
/** Nothing polls: what is measured came by NOTIFY. */
const SETTINGS = { ORCHESTRATOR_POLLING_INTERVAL_MS: '3600000', MOOSE_TRACK_INTERVAL_MS: '3600000' }

/** From approval to the first step begun, side by side with two queues on the same Postgres. */
export async function benchPickup(args: readonly string[]): Promise<void> {
  const { rounds } = numbersFrom(args, { rounds: 60 })
  await using home = await createMooseHome(SAMPLE_FILES, SAMPLE_ANSWERS, SETTINGS)
  const { database } = home
  await database.pool.query(STARTS)
  await using _graphile = await startContender('graphile-worker', database.url)
  await using _boss = await startContender('pg-boss', database.url)
  await using _moose = await mooseUp({ ...home.environment, ...asLaunched() }, '--start')
  await using graphile = await graphileWay(database)
  await using boss = await pgBossWay(database)
  const ways = [mooseWay(database), graphile, boss]
  const samples: Samples = Object.fromEntries(ways.map(({ name }) => [name, []]))
  for (let round = -WARM_UP; round < rounds; round += 1) {
    for (const way of rotated(ways, round + WARM_UP)) {
      const took = await measure(database, way)
      if (round >= 0) samples[way.name]?.push(took)
    }
  }
  say(rounds, samples)
}

/** Milliseconds by way. */
type Samples = Record<string, number[]>

/** So that none is always the one who comes after another. */
function rotated(ways: readonly Way[], by: number): Way[] {
  const at = by % ways.length
  return [...ways.slice(at), ...ways.slice(0, at)]
}

/** On the database's clock, from just before the statement that hands over is sent. */
async function measure({ pool }: TestDatabase, way: Way): Promise<number> {
  // At no fixed distance from anybody's timer.
  await sleep(20 + Math.random() * 80)
  const prepared = await way.prepare()
  const { rows } = await pool.query<{ ms: number }>('select extract(epoch from clock_timestamp())::float8 * 1000 as ms')
  const id = await way.handOver(prepared)
  const deadline = Date.now() + PATIENCE_MS
  while (Date.now() < deadline) {
    await sleep(50)
    const beganAt = await way.beganAt(id)
    if (beganAt !== null) return beganAt - Number(rows[0]?.ms)
  }
  throw new Error(`${way.name} has not begun within ${PATIENCE_MS / 1000} s`)
}

function say(rounds: number, samples: Samples): void {
  const moose = samplesOf(samples, 'moose')
  const figures = Object.entries(samples).flatMap(([name, values]): Figure[] => [
    {
      what: `${name}, p50`,
      value: median(values),
      unit: 'ms',
      ...(name === 'moose' ? { target: { atMost: TARGET_MS } } : {}),
    },
    { what: `${name}, p95`, value: quantile(values, 0.95), unit: 'ms' },
    ...(name === 'moose' ? [] : [{ what: `moose / ${name}, p50`, value: median(moose) / median(values), unit: '×' }]),
  ])
  report({
    bench: 'pickup',
    settings: { rounds },
    figures,
    notes: [
      'From just before the approval (the job) is sent to the begin of the first step (of the job) as written down in the database.',
    ],
    samples,
  })
}

function samplesOf(samples: Samples, name: string): number[] {
  const found = samples[name]
  if (found === undefined) throw new Error(`nothing was measured of ${name}`)
  return found
}
