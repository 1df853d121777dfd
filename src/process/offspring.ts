import { setTimeout as sleep } from 'node:timers/promises'
import { signalProcess } from './process-group.ts'
import { environmentHolds, lookAtProcess, type ProcessEntry, processesSince } from './process-table.ts'

export const END_WITHIN_MS = 2_000
export const LOOK_AGAIN_MS = 10

/** A child, and the text that it and whatever it starts have in their environment. */
export type Origin = {
  marker: string
  /** Leads its own session; null when nothing but the marker is known of it. */
  leader: Pick<ProcessEntry, 'pid' | 'startTime'> | null
}

/**
 * The processes that came from one child, wherever they went: those with its marker, those of its session, and
 * whatever came from these. What escapes is a process that started a session of its own, has an empty environment, and
 * whose parents had ended before the look; only a PID namespace holds that one. Linux only.
 */
export class Offspring {
  readonly #origin: Origin
  /** Start times of what was seen, by pid. */
  readonly #seen = new Map<number, number>()

  constructor(origin: Origin) {
    this.#origin = origin
  }

  /** Those that live now. What was seen once is known later too, when its parents are gone. */
  look(): ProcessEntry[] {
    const { marker, leader } = this.#origin
    const candidates = processesSince(leader === null ? 0 : leader.startTime)
    const sessions = new Set(leader === null ? [] : [leader.pid])
    const found = new Set(candidates.filter((entry) => this.#isKnown(entry) || environmentHolds(entry.pid, marker)))
    const pids = new Set([...found].map(({ pid }) => pid))
    for (let size = -1; size < found.size; ) {
      size = found.size
      for (const entry of candidates) {
        if (!found.has(entry) && !pids.has(entry.parent) && !sessions.has(entry.session)) continue
        found.add(entry)
        pids.add(entry.pid)
        sessions.add(entry.session)
      }
    }
    for (const { pid, startTime } of found) this.#seen.set(pid, startTime)
    return [...found]
  }

  /** Kills those that live now. @returns how many there were */
  kill(): number {
    const living = this.look()
    for (const { pid, startTime } of living) {
      if (lookAtProcess(pid)?.startTime === startTime) signalProcess(pid, 'SIGKILL')
    }
    return living.length
  }

  /** Kills until none lives. @returns false when some still do after two seconds, such as another user's */
  async end(): Promise<boolean> {
    const until = performance.now() + END_WITHIN_MS
    while (this.kill() > 0) {
      if (performance.now() > until) return false
      await sleep(LOOK_AGAIN_MS)
    }
    return true
  }

  #isKnown({ pid, startTime }: ProcessEntry): boolean {
    return this.#seen.get(pid) === startTime
  }
}
