import { z } from 'zod'
import type { ChaosSetting } from './chaos-setting.ts'
import type { Trouble } from './chaos-worker.ts'

const Taken = z.object({ pid: z.number(), silent_ms: z.number() })

export type Takeovers = {
  /** From a kill to the takeover of each attempt it left, in ms, sorted. */
  killed: number[]
  /** From the begin of a pause. */
  paused: number[]
  /** From the end of the lease to the takeover. */
  silent: number[]
  /** Of workers that were there, only too slow to say so. */
  spurious: number
}

/** How long it took until attempts of workers that were gone were gone on with elsewhere. */
export async function readTakeovers({ home }: ChaosSetting, troubles: readonly Trouble[], leaseMs: number) {
  const events = await home.database.db
    .selectFrom('work_order_events')
    .select(['at', 'data'])
    .where('type', '=', 'taken_over')
    .execute()
  const found: Takeovers = { killed: [], paused: [], silent: [], spurious: 0 }
  for (const { at, data } of events) {
    const { pid, silent_ms: silentMs } = Taken.parse(data)
    found.silent.push(silentMs)
    const cause = troubles.findLast((trouble) => trouble.pid === pid && trouble.at < at.getTime())
    if (cause === undefined || at.getTime() > cause.at + leaseMs + cause.forMs + leaseMs) found.spurious += 1
    else found[cause.kind === 'kill' ? 'killed' : 'paused'].push(at.getTime() - cause.at)
  }
  for (const times of [found.killed, found.paused, found.silent]) times.sort((one, other) => one - other)
  return found
}

/** e.g. `12 takeovers, p50 2.10 s, max 3.40 s`. */
export function described(times: readonly number[]): string {
  if (times.length === 0) return 'none'
  const seconds = (ms: number | undefined) => `${(Number(ms) / 1000).toFixed(2)} s`
  return `${times.length}, p50 ${seconds(times[Math.floor(times.length / 2)])}, max ${seconds(times.at(-1))}`
}
