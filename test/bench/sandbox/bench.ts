import { mkdir, mkdtempDisposable } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { listenInHome } from '../../../src/sandbox/reach/socket-folder.ts'
import type { Reached, Sandbox } from '../../../src/sandbox/sandbox.ts'
import { createMooseHome } from '../../support/moose-home.ts'
import { mooseUp } from '../../support/service-process.ts'
import { sandboxOf } from '../../support/usual-sandbox.ts'
import { median, numbersFrom } from '../numbers.ts'
import { report } from '../report.ts'
import { runSampleOrder, SAMPLE_ANSWERS, SAMPLE_FILES } from '../sample-orders.ts'

const WARM_UP = 3
/** What a child does: nothing, and about as much as the start of a small tool. */
const SCRIPTS = { 'sh -c :': ':', 'node -e 0': 'node -e 0' }

/** What the check of the whole orders runs. */
const CHECK = 'node -e 0'

/** What a sandbox adds to one child, and to a whole order with one check, in turns with the same without one. */
export async function benchSandbox(args: readonly string[]): Promise<void> {
  const { rounds } = numbersFrom(args, { rounds: 30 })
  await using home = await mkdtempDisposable(path.join(tmpdir(), 'moose-bench-'))
  const folder = path.join(home.path, 'workspaces', 'one')
  await mkdir(path.join(folder, 'tree'), { recursive: true })
  await using server = await listenInHome(createServer(), home.path)
  const [none, confined] = [sandboxOf('none', home.path), sandboxOf('bubblewrap', home.path)]
  const took: Record<string, number[]> = {}
  for (let round = -WARM_UP; round < rounds; round += 1) {
    for (const [name, script] of Object.entries(SCRIPTS)) {
      const measured = {
        [`${name}, none`]: await time(none, folder, script, []),
        [`${name}, bubblewrap`]: await time(confined, folder, script, []),
        [`${name}, bubblewrap that reaches a socket`]: await time(confined, folder, script, [
          { socket: server.socket, port: 4000 },
        ]),
      }
      if (round >= 0) for (const [what, ms] of Object.entries(measured)) took[what] = [...(took[what] ?? []), ms]
    }
  }
  Object.assign(took, await wholeOrders(rounds))
  const p50 = (what: string) => median(took[what] ?? [])
  report({
    bench: 'sandbox',
    settings: { rounds },
    figures: [...Object.keys(SCRIPTS), ORDER].flatMap((name) => [
      ...Object.keys(took)
        .filter((what) => what.startsWith(`${name}, `))
        .map((what) => ({ what: `${what}, p50`, value: p50(what), unit: 'ms' })),
      { what: `${name}, bubblewrap / none`, value: p50(`${name}, bubblewrap`) / p50(`${name}, none`), unit: '×' },
    ]),
    notes: ['From the call until the child has ended and its record is gone. The PATH is that of the bench.'],
    samples: took,
  })
}

const ORDER = `an order with the check ${CHECK}`

/** Two services, each with an order at a time in turn with the other. */
async function wholeOrders(rounds: number): Promise<Record<string, number[]>> {
  await using stack = new AsyncDisposableStack()
  const files = { ...SAMPLE_FILES, 'moose.yaml': `checks:\n  - { name: check, run: ${CHECK} }\n` }
  const took: Record<string, number[]> = {}
  const kinds = ['none', 'bubblewrap'] as const
  const homes = []
  for (const kind of kinds) {
    const home = stack.use(await createMooseHome(files, SAMPLE_ANSWERS))
    stack.use(await mooseUp({ ...home.environment, MOOSE_SANDBOX: kind }, '--start'))
    homes.push({ home, what: `${ORDER}, ${kind}` })
    took[`${ORDER}, ${kind}`] = []
  }
  for (let round = -WARM_UP; round < rounds; round += 1)
    for (const { home, what } of homes) {
      const ms = await runSampleOrder(home, round + WARM_UP)
      if (round >= 0) took[what]?.push(ms)
    }
  return took
}

async function time(sandbox: Sandbox, folder: string, script: string, reach: readonly Reached[]): Promise<number> {
  const env = { PATH: String(process.env['PATH']), HOME: folder }
  const places = { folder, writable: [folder], readable: [], reach, image: null }
  const limits = { timeoutMs: 60_000, maxOutputBytes: 1_000, signal: null }
  const startedAt = performance.now()
  const { exitCode, stderr } = await sandbox.run({
    what: 'check',
    command: '/bin/sh',
    args: ['-c', script],
    env,
    ...places,
    ...limits,
  })
  if (exitCode !== 0) throw new Error(`The child failed: ${stderr.text()}`)
  return performance.now() - startedAt
}
