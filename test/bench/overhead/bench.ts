import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import type { TestDatabase } from '../../support/database.ts'
import { createMooseHome, type MooseHome } from '../../support/moose-home.ts'
import { mooseUp } from '../../support/service-process.ts'
import { asLaunched } from '../as-launched.ts'
import { median, numbersFrom, quantile } from '../numbers.ts'
import { report } from '../report.ts'
import { runSampleOrder, SAMPLE_ANSWERS, SAMPLE_FILES } from '../sample-orders.ts'

const TARGET_RATIO = 1.5
const WARM_UP = 3
const SCRIPT = path.join(import.meta.dirname, 'bare-script.sh')
const RECORDER = path.join(import.meta.dirname, 'record-spawns.ts')

const Spawned = z.object({
  command: z.string(),
  verb: z.string().optional(),
  blockedMs: z.number(),
  tookMs: z.number(),
})

/** One order after the other through Moose, and through a shell script that does the same with bare git, in turns. */
export async function benchOverhead(args: readonly string[]): Promise<void> {
  const { rounds } = numbersFrom(args, { rounds: 30 })
  await using home = await createMooseHome(SAMPLE_FILES, SAMPLE_ANSWERS, {
    ORCHESTRATOR_POLLING_INTERVAL_MS: '3600000',
  })
  const record = path.join(home.remote.folder, 'spawns')
  await using _moose = await mooseUp(
    { ...home.environment, NODE_OPTIONS: `${asLaunched().NODE_OPTIONS} --import=${RECORDER}`, BENCH_SPAWNS: record },
    '--start',
  )
  const samples: Samples = { moose: [], script: [] }
  for (let round = -WARM_UP; round < rounds; round += 1) {
    const took = {
      moose: await runSampleOrder(home, round + WARM_UP),
      script: await throughScript(home, round + WARM_UP),
    }
    if (round < 0) continue
    samples.moose.push(took.moose)
    samples.script.push(took.script)
  }
  const recorded = (await readFile(record, 'utf8')).trim().split('\n')
  const spawned = recorded.map((line) => Spawned.parse(JSON.parse(line)))
  say({ rounds, samples, spawned, orders: rounds + WARM_UP, steps: await stepTimes(home.database) })
}

type Samples = { moose: number[]; script: number[] }

type Found = {
  rounds: number
  samples: Samples
  /** Programs Moose has started in all orders. */
  spawned: z.infer<typeof Spawned>[]
  orders: number
  steps: { name: string; ms: number }[]
}

function say({ rounds, samples, spawned, orders, steps }: Found): void {
  const perOrder = (of: (one: z.infer<typeof Spawned>) => number) =>
    spawned.reduce((sum, one) => sum + of(one), 0) / orders
  const ratio = median(samples.moose) / median(samples.script)
  report({
    bench: 'overhead',
    settings: { rounds },
    figures: [
      { what: 'an order through Moose, p50', value: median(samples.moose), unit: 'ms' },
      { what: 'bare git in a shell script, p50', value: median(samples.script), unit: 'ms' },
      { what: 'Moose, p95', value: quantile(samples.moose, 0.95), unit: 'ms' },
      { what: 'script, p95', value: quantile(samples.script, 0.95), unit: 'ms' },
      { what: 'Moose / script, p50', value: ratio, unit: '×', target: { atMost: TARGET_RATIO } },
      { what: 'programs started per order', value: perOrder(() => 1), unit: '' },
      { what: 'time they ran, summed', value: perOrder((one) => one.tookMs), unit: 'ms' },
      { what: 'of it blocked in starting them', value: perOrder((one) => one.blockedMs), unit: 'ms' },
      ...steps.map(({ name, ms }) => ({ what: `step ${name}, p50`, value: ms, unit: 'ms' })),
    ],
    notes: [
      'Patch executor, local forge, an answer that takes no time, no checks. The script: fetch, clone --shared, write the file, add, commit, push, remove.',
    ],
    samples: { ...samples, programs: countOf(spawned.map(({ command, verb }) => `${command} ${verb}`)) },
  })
}

/** How often each occurs. */
function countOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

async function throughScript({ remote }: MooseHome, number: number): Promise<number> {
  const mirror = path.join(remote.folder, 'script-mirror.git')
  const workspace = path.join(remote.folder, `script-workspace-${number}`)
  const args = [SCRIPT, mirror, remote.path, workspace, `script/note-${number}`, 'notes/note.md']
  const identity = { GIT_AUTHOR_NAME: 'Ada', GIT_AUTHOR_EMAIL: 'ada@example.org' }
  const committer = { GIT_COMMITTER_NAME: 'Ada', GIT_COMMITTER_EMAIL: 'ada@example.org' }
  const env = { PATH: String(process.env['PATH']), HOME: remote.folder, ...identity, ...committer }
  const before = performance.now()
  await promisify(execFile)('sh', args, { env })
  return performance.now() - before
}

async function stepTimes({ pool }: TestDatabase): Promise<{ name: string; ms: number }[]> {
  const { rows } = await pool.query<{ name: string; ms: number }>(
    `select name, percentile_cont(0.5) within group (order by extract(epoch from ended_at - started_at) * 1000) as ms
     from attempt_steps group by name order by min(started_at)`,
  )
  return rows
}
