import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { Log } from '../log.ts'
import { databaseFault, reasonOf } from './database-fault.ts'
import { connectionConfig } from './pool.ts'

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 10_000

export type ListenOptions = {
  /** Must lead to a server or a session pooler: behind a transaction pooler nothing is ever heard. */
  url: string
  channels: readonly string[]
  onNotify(channel: string, payload: string): void
  /** The connection was lost and is back: look for missed notifications. */
  onReconnect(): void
  log: Log
}

type Listener = { client: pg.Client; closed: Promise<unknown> }

/**
 * Listens to channels on a connection of its own until disposed. A lost connection is opened again for as long as it
 * takes; whatever a handler throws is logged and changes nothing.
 *
 * @throws {Fault} `database_unreachable`, `database_refused` when the first connection fails
 * @see https://www.postgresql.org/docs/current/sql-notify.html
 */
export async function listen(options: ListenOptions): Promise<AsyncDisposable> {
  const stop = new AbortController()
  let listener: Listener
  try {
    listener = await openListener(options)
  } catch (error) {
    throw databaseFault(error, options.url)
  }
  const listening = keepListening(options, listener, stop.signal)
  return {
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await listening
    },
  }
}

async function keepListening(options: ListenOptions, first: Listener, stop: AbortSignal): Promise<void> {
  const stopped = new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }))
  for (let listener: Listener | null = first; listener !== null; listener = await reopenListener(options, stop)) {
    if (listener !== first) safely(options, () => options.onReconnect())
    await Promise.race([listener.closed, stopped])
    await listener.client.end()
  }
}

/** Null when stopped before it succeeded. */
async function reopenListener(options: ListenOptions, stop: AbortSignal): Promise<Listener | null> {
  for (let pauseMs = FIRST_PAUSE_MS; !stop.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      await delay(pauseMs, undefined, { signal: stop })
      return await openListener(options)
    } catch (error) {
      if (!stop.aborted)
        options.log.warn({ reason: reasonOf(error) }, 'notifications of the database are not heard; trying again')
    }
  }
  return null
}

async function openListener(options: ListenOptions): Promise<Listener> {
  const client = new pg.Client(connectionConfig(options.url, 'moose listen'))
  const closed = new Promise((resolve) => client.once('end', resolve))
  client.on('error', (error) => options.log.warn({ reason: reasonOf(error) }, 'the connection for notifications broke'))
  client.on('notification', ({ channel, payload }) =>
    safely(options, () => options.onNotify(channel, payload === undefined ? '' : payload)),
  )
  try {
    await client.connect()
    for (const channel of options.channels) await client.query(`listen ${pg.escapeIdentifier(channel)}`)
    return { client, closed }
  } catch (error) {
    await client.end()
    throw error
  }
}

function safely({ log }: ListenOptions, handle: () => void): void {
  try {
    handle()
  } catch (error) {
    log.error({ err: error }, 'handling a notification failed')
  }
}
