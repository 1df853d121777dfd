import { lstatSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createMooseHome, type MooseHome } from '../../support/moose-home.ts'
import { mooseUp } from '../../support/service-process.ts'
import { asLaunched } from '../as-launched.ts'
import { numbersFrom } from '../numbers.ts'
import { usageOf } from '../process-usage.ts'
import { type Figure, report } from '../report.ts'
import { countOrders, fileSampleOrder, SAMPLE_ANSWERS, SAMPLE_FILES } from '../sample-orders.ts'

/** What a process holds must not grow; what it stores may, but for each order the same. */
const FLAT = { atMost: 1.2 }
/** Until the last order's workspace is put away and nothing runs any more. */
const SETTLE_MS = 1_500

type Sample = {
  orders: number
  seconds: number
  rssMb: number
  fds: number
  children: number
  diskMb: number
  workspaces: number
  databaseMb: number
}

/** Many small orders through one `moose up --start`, which is looked at whenever it has nothing to do for a moment. */
export async function benchSoak(args: readonly string[]): Promise<void> {
  const { orders, every } = numbersFrom(args, { orders: 1_000, every: 50 })
  await using home = await createMooseHome(SAMPLE_FILES, SAMPLE_ANSWERS)
  await using moose = await mooseUp({ ...home.environment, ...asLaunched() }, '--start')
  const samples: Sample[] = []
  const begin = performance.now()
  for (let done = 0; done < orders; done += every) {
    await carryOut(home, done, Math.min(every, orders - done))
    await sleep(SETTLE_MS)
    const sample = await look(home, Number(moose.child.pid))
    samples.push({ orders: Math.min(done + every, orders), seconds: (performance.now() - begin) / 1_000, ...sample })
    console.log(lineOf(samples))
  }
  console.log('')
  report({ bench: 'soak', settings: { orders, every }, figures: figuresOf(samples), notes: NOTES, samples })
}

const NOTES = [
  'Means of the samples in the first and in the last quarter of the run. Growth: per order, within each quarter.',
  'Pull requests stay open and rows stay, so that disk and database grow with every order; what must not grow is how much.',
]

async function carryOut({ database }: MooseHome, from: number, count: number): Promise<void> {
  for (let number = from; number < from + count; number += 1) await fileSampleOrder(database, number, true)
  for (;;) {
    const { open, inReview, ended } = await countOrders(database.db)
    if (ended > 0) throw new Error(`${ended} orders did not succeed`)
    if (open === 0 && inReview === from + count) return
    await sleep(100)
  }
}

async function look({ config, database }: MooseHome, pid: number): Promise<Omit<Sample, 'orders' | 'seconds'>> {
  const { rows } = await database.pool.query<{ bytes: number }>(
    'select pg_database_size(current_database())::float8 as bytes',
  )
  const { rssMb, fds, children } = usageOf(pid)
  const workspaces = namesIn(path.join(config.home, 'workspaces')).length
  const sizes = { diskMb: bytesBelow(config.home) / 1e6, databaseMb: Number(rows[0]?.bytes) / 1e6 }
  return { rssMb, fds, children, workspaces, ...sizes }
}

function namesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).map(({ name }) => name)
}

/** On disk, in whole blocks. */
function bytesBelow(folder: string): number {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return entries.reduce((sum, entry) => {
    const found = lstatSync(path.join(entry.parentPath, entry.name), { throwIfNoEntry: false })
    return found === undefined ? sum : sum + found.blocks * 512
  }, 0)
}

function lineOf(samples: readonly Sample[]): string {
  const sample = samples.at(-1)
  if (sample === undefined) return ''
  const { orders, seconds, rssMb, fds, children, diskMb, workspaces, databaseMb } = sample
  const sizes = `disk ${diskMb.toFixed(1)} MB, database ${databaseMb.toFixed(1)} MB`
  return `${orders} orders, ${seconds.toFixed(0)} s: ${rssMb.toFixed(0)} MB, ${fds} files, ${children} children, ${workspaces} workspaces, ${sizes}`
}

function figuresOf(samples: readonly Sample[]): Figure[] {
  const quarter = Math.ceil(samples.length / 4)
  const [first, last] = [samples.slice(0, quarter), samples.slice(-quarter)]
  const held = (what: string, unit: string, figure: 'rssMb' | 'fds' | 'children' | 'workspaces'): Figure[] => {
    const [before, after] = [mean(first, figure), mean(last, figure)]
    // Nothing at both ends is as flat as can be.
    const ratio = after === before ? 1 : after / before
    return [
      { what: `${what}, first quarter`, value: before, unit },
      { what: `${what}, last quarter`, value: after, unit },
      { what: `${what}, last / first`, value: ratio, unit: '×', target: FLAT },
    ]
  }
  const stored = (what: string, figure: 'diskMb' | 'databaseMb'): Figure[] => {
    const [before, after] = [growth(first, figure), growth(last, figure)]
    return [
      { what: `${what}, first quarter`, value: before, unit: 'kB/order' },
      { what: `${what}, last quarter`, value: after, unit: 'kB/order' },
      { what: `${what}, last / first`, value: after / before, unit: '×', target: FLAT },
    ]
  }
  return [
    ...held('memory (RSS)', 'MB', 'rssMb'),
    ...held('open files', '', 'fds'),
    ...held('child processes', '', 'children'),
    ...held('workspaces', '', 'workspaces'),
    ...stored('growth of the home', 'diskMb'),
    ...stored('growth of the database', 'databaseMb'),
    { what: 'orders per second, all in all', value: perSecond(samples), unit: '/s' },
  ]
}

function mean(samples: readonly Sample[], figure: keyof Sample): number {
  return samples.reduce((sum, sample) => sum + sample[figure], 0) / samples.length
}

/** Between the first and the last of these samples, kB for each order. */
function growth(samples: readonly Sample[], figure: 'diskMb' | 'databaseMb'): number {
  const [first, last] = [samples[0], samples.at(-1)]
  if (first === undefined || last === undefined) return 0
  return ((last[figure] - first[figure]) * 1_000) / (last.orders - first.orders)
}

function perSecond(samples: readonly Sample[]): number {
  const last = samples.at(-1)
  return last === undefined ? 0 : last.orders / last.seconds
}
