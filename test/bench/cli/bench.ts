import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { createMooseHome, fileOrder } from '../../support/moose-home.ts'
import { mooseUp } from '../../support/service-process.ts'
import { lacking } from '../../support/tool-or-skip.ts'
import { asLaunched } from '../as-launched.ts'
import { median, numbersFrom } from '../numbers.ts'
import { type Figure, report } from '../report.ts'
import { SAMPLE_ANSWERS, SAMPLE_FILES } from '../sample-orders.ts'

const LAUNCHER = path.join(import.meta.dirname, '../../../moose')
const WARM_UP = 3
const ORDERS = 20
const HELP_TARGET_MS = 150
const SERVED_TARGET_MS = 250

type Contender = { what: string; words: readonly [string, ...string[]]; target?: { atMost: number } }

/** What commands take from the shell and back, through the launcher and with a service up, in turns. */
export async function benchCli(args: readonly string[]): Promise<void> {
  const { rounds } = numbersFrom(args, { rounds: 20 })
  await using home = await createMooseHome(SAMPLE_FILES, SAMPLE_ANSWERS)
  await using _moose = await mooseUp({ ...home.environment, ...asLaunched() })
  const ids: string[] = []
  for (let number = 0; number < ORDERS; number += 1)
    ids.push(await fileOrder(home.database, { title: `Order ${number}`, files: ['README.md'] }))
  const contenders = contendersFor(String(ids[0]))
  const samples = contenders.map((): number[] => [])
  for (let round = -WARM_UP; round < rounds; round += 1) {
    for (const [index, { words }] of contenders.entries()) {
      const took = timed(words, home.environment)
      if (round >= 0) samples[index]?.push(took)
    }
  }
  const medians = samples.map(median)
  const ratiosTo = (name: string): Figure[] => {
    const other = medians[contenders.findIndex(({ what }) => what === name)]
    if (other === undefined) return []
    return contenders.flatMap(({ what, target }, index) =>
      target === undefined ? [] : [{ what: `${what} / ${name}`, value: Number(medians[index]) / other, unit: '×' }],
    )
  }
  report({
    bench: 'cli',
    settings: { rounds, orders: ORDERS },
    figures: [
      ...contenders.map((one, index): Figure => ({ ...one, value: Number(medians[index]), unit: 'ms' })),
      ...ratiosTo('gh --version'),
      ...ratiosTo('node -e 0'),
    ],
    notes: ['Medians, from before the program is started until it has ended and been read; one after the other.'],
    samples: Object.fromEntries(contenders.map(({ what }, index) => [what, samples[index]])),
  })
}

function contendersFor(id: string): Contender[] {
  const gh = lacking('gh') === false
  if (!gh) console.log('gh is not installed: nothing to compare with but node.')
  const served = { target: { atMost: SERVED_TARGET_MS } }
  return [
    { what: 'node -e 0', words: [process.execPath, '-e', '0'] },
    ...(gh ? [{ what: 'gh --version', words: ['gh', '--version'] } as const] : []),
    { what: 'moose --help', words: [LAUNCHER, '--help'], target: { atMost: HELP_TARGET_MS } },
    { what: 'moose list', words: [LAUNCHER, 'list'], ...served },
    { what: 'moose show', words: [LAUNCHER, 'show', id], ...served },
    { what: 'moose status', words: [LAUNCHER, 'status'], ...served },
    { what: 'moose complete -- show', words: [LAUNCHER, 'complete', '--', 'show', ''], ...served },
  ]
}

function timed([program, ...args]: Contender['words'], env: Record<string, string>): number {
  const before = performance.now()
  const { status, stderr } = spawnSync(program, args, { env, encoding: 'utf8' })
  const took = performance.now() - before
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${stderr}`)
  return took
}
