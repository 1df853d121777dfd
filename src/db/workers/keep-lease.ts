import { once } from 'node:events'
import { getCompileCacheDir } from 'node:module'
import path from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Clock } from '../../clock.ts'
import type { Log } from '../../log.ts'
import { processId } from '../../process/process-id.ts'
import { reasonOf } from '../database-fault.ts'
import { connectionConfig } from '../pool.ts'
import type { LeaseNews, LeaseOrders } from './lease-thread.ts'

/** Compiled, it ends in .js as this file does. */
const PROGRAM = new URL(`lease-thread${path.extname(import.meta.filename)}`, import.meta.url)
/** One connection and one statement: more than this it never needs, and what it has it keeps. */
const MEMORY = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 }

/** The lease of this process, which a thread of its own renews. */
export type Lease = AsyncDisposable & {
  /**
   * Says that the main thread works; the first time it begins the renewing. Without it the lease is renewed for
   * `longestSilenceMs`, and then runs out.
   */
  signOfLife(): void
}

export type LeaseOptions = Pick<LeaseOrders, 'homeId' | 'leaseMs' | 'beatMs' | 'longestSilenceMs'> & {
  url: string
  clock: Pick<Clock, 'sleep'>
  log: Log
  /** Told at every renewal that found another process standing for this home, or nothing. */
  onReplaced: () => void
}

/**
 * Has the lease of this process renewed outside of the main thread, on a connection of its own: a main thread that is busy
 * for longer than a lease is not taken for a dead one. A process that is paused renews nothing. The thread keeps no process
 * alive and ends with it; one that ends by itself is begun anew after a beat.
 *
 * @throws what the thread threw before it was ready
 */
export async function keepLease(options: LeaseOptions): Promise<Lease> {
  const { clock, log, beatMs } = options
  const stopped = new AbortController()
  let thread = begin(options)
  await thread.ready
  thread.worker.unref()
  const again = async () => {
    thread = begin(options)
    thread.worker.unref()
    // It was beating before, so it need not be told by a sign of life.
    thread.worker.postMessage('begin')
    return thread.ended
  }
  const keeping = (async () => {
    for (let ended = thread.ended; ; ended = again().catch((error: unknown) => error)) {
      const reason = await ended
      if (stopped.signal.aborted) return
      log.error(
        { reason: reasonOf(reason) },
        'the thread that renews the lease of this worker ended; beginning it anew',
      )
      await clock.sleep(beatMs, stopped.signal).catch(() => undefined)
      if (stopped.signal.aborted) return
    }
  })()
  return {
    signOfLife: () => thread.worker.postMessage('alive'),
    async [Symbol.asyncDispose]() {
      stopped.abort()
      await thread.worker.terminate()
      await keeping
    },
  }
}

type Thread = {
  worker: Worker
  ready: Promise<unknown>
  /** Why it has ended. */
  ended: Promise<unknown>
}

function begin({ url, log, onReplaced, homeId, leaseMs, beatMs, longestSilenceMs }: LeaseOptions): Thread {
  const connection = connectionConfig(url, 'moose lease')
  const orders: LeaseOrders = { connection, homeId, holder: processId, leaseMs, beatMs, longestSilenceMs }
  const worker = new Worker(PROGRAM, { workerData: orders, resourceLimits: MEMORY, env: environment() })
  const ready = once(worker, 'message')
  // Waited for at the first time only; later, why it ended is what counts.
  ready.catch(() => undefined)
  worker.on('message', (news: LeaseNews) => {
    if (news.kind === 'replaced') onReplaced()
    if (news.kind === 'failed')
      log.warn({ reason: news.reason }, 'the lease of this worker could not be renewed; trying again')
  })
  const ended = new Promise<unknown>((resolve) => {
    worker.on('error', resolve)
    worker.once('exit', (code) => resolve(new Error(`it ended with ${code}`)))
  })
  return { worker, ready, ended }
}

/**
 * This process's, because `pg` reads it for every connection, and where Node keeps what it has compiled: a thread that had
 * to take the types out of its program by itself would need 10 MB more.
 */
function environment(): NodeJS.Dict<string> {
  const compiled = getCompileCacheDir()
  const kept = compiled === undefined ? {} : { NODE_COMPILE_CACHE: path.dirname(compiled) }
  // oxlint-disable-next-line node/no-process-env -- handed on as it is; nothing is read here
  return { ...process.env, ...kept }
}
