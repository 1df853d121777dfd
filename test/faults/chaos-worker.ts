import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Chance } from '../../src/manager/learned/seeded-chance.ts'
import type { ChaosSetting } from './chaos-setting.ts'

const MAIN = path.join(import.meta.dirname, '../../src/cli/main.ts')

/** What was done to a worker. */
export type Trouble = {
  worker: string
  kind: 'kill' | 'pause'
  pid: number
  /** When, in ms since the epoch. */
  at: number
  /** How long it was gone or stood still, in ms. */
  forMs: number
  /** Calls it had under way or was about to make: each may be made once more. */
  calls: number
}

/** A `moose worker` that is killed and started again, or paused, at random moments. */
export type ChaosWorker = AsyncDisposable & {
  /** Everything its processes have printed. */
  printed(): string
  /** Does one thing to it and puts it right again. */
  trouble(): Promise<Trouble>
}

export type ChaosWorkerOptions = { setting: ChaosSetting; name: string; chance: Chance; leaseMs: number }

export function startChaosWorker({ setting, name, chance, leaseMs }: ChaosWorkerOptions): ChaosWorker {
  let printed = ''
  const start = () => {
    const child = spawn(process.execPath, [MAIN, 'worker', '--json', '--port', '0'], {
      env: setting.environmentOf(name),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece: Buffer) => (printed += String(piece)))
    return { child, closed: once(child, 'close') }
  }
  let running = start()
  const between = (least: number, most: number) => leaseMs * (least + (most - least) * chance())

  async function kill(): Promise<Omit<Trouble, 'worker' | 'pid'>> {
    const forMs = between(0.1, 2.5)
    const at = Date.now()
    running.child.kill('SIGKILL')
    await running.closed
    const calls = await callsUnderWay(setting, running.child)
    await delay(forMs)
    running = start()
    return { kind: 'kill', at, forMs, calls }
  }

  async function stop(): Promise<Omit<Trouble, 'worker' | 'pid'>> {
    const forMs = between(1, 3)
    const at = Date.now()
    running.child.kill('SIGSTOP')
    const calls = await callsUnderWay(setting, running.child)
    await delay(forMs)
    running.child.kill('SIGCONT')
    return { kind: 'pause', at, forMs, calls }
  }

  return {
    printed: () => printed,
    async trouble() {
      const { child } = running
      if (child.exitCode !== null) throw new Error(`worker ${name} ended by itself:\n${printed}`)
      const pid = Number(child.pid)
      return { worker: name, pid, ...(await (chance() < 0.5 ? kill() : stop())) }
    },
    async [Symbol.asyncDispose]() {
      running.child.kill('SIGTERM')
      const patience = setTimeout(() => running.child.kill('SIGKILL'), 30_000)
      await running.closed
      clearTimeout(patience)
      if (running.child.exitCode !== 0) throw new Error(`worker ${name} ended badly:\n${printed}`)
    },
  }
}

async function callsUnderWay({ home }: ChaosSetting, { pid }: ChildProcess): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::integer as count from budget_open_reservations
    where not unresolved and holder in (select holder from workers where pid = ${pid})
  `.execute(home.database.db)
  return Number(rows[0]?.count)
}
