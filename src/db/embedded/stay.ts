import { setTimeout as sleep } from 'node:timers/promises'
import { reasonOf } from '../database-fault.ts'
import type { Cluster } from './cluster.ts'
import { type Entry, enter } from './enter.ts'
import { stopPostmaster } from './postmaster.ts'
import { leave, type Presence } from './presence.ts'

const LONGEST_PAUSE_MS = 10_000

/** The use of a cluster by this process; disposing it stops the server when no other process uses it. */
export type Stay = AsyncDisposable & {
  /** From now on the stay alone does not keep the process alive. */
  unref(): void
}

/** Remains present until disposed: when the server goes away under us it is entered again, which starts it. */
export function stay(cluster: Cluster, entry: Entry): Stay {
  const stop = new AbortController()
  let { presence } = entry
  let referenced = true
  const use = (next: Presence) => {
    presence = next
    if (!referenced) presence.socket.unref()
    presence.client.once('end', () => {
      if (!stop.signal.aborted) returning = comeBack(cluster, stop.signal, use)
    })
  }
  let returning = Promise.resolve()
  use(presence)
  const end = async () => {
    stop.abort()
    await returning
    await leaveAndStop(cluster, presence)
  }
  return {
    unref: () => {
      referenced = false
      presence.socket.unref()
    },
    [Symbol.asyncDispose]: end,
  }
}

async function comeBack(cluster: Cluster, stop: AbortSignal, use: (next: Presence) => void): Promise<void> {
  cluster.log.warn('the embedded database went away; starting it again')
  for (let pauseMs = 100; !stop.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      const { presence } = await enter(cluster)
      use(presence)
      return
    } catch (error) {
      cluster.log.error({ reason: reasonOf(error) }, 'the embedded database does not come back; trying again')
      // Rejects only when stopped, and then the loop ends.
      await sleep(pauseMs, undefined, { signal: stop }).catch(() => undefined)
    }
  }
}

async function leaveAndStop(cluster: Cluster, { client, socket }: Presence): Promise<void> {
  socket.ref()
  try {
    const pid = await leave(client)
    if (pid !== null) await stopPostmaster(cluster, pid)
  } catch (error) {
    cluster.log.warn({ reason: reasonOf(error) }, 'the embedded database was not left in order')
  } finally {
    await client.end()
  }
}
