import pg from 'pg'
import type { Log } from '../log.ts'
import { databaseFault, reasonOf } from './database-fault.ts'
import { connectionConfig } from './pool.ts'

export type OwnOptions = {
  /** Must lead to a server or a session pooler: a transaction pooler would not keep the lock. */
  url: string
  /** What is owned, e.g. `home:/home/ada/.local/share/moose`. Owned once per database. */
  name: string
  /** The connection broke: somebody else may own it from now on. Called at most once, never after disposal. */
  onLost(): void
  log: Log
}

/**
 * Takes sole ownership of a name until disposed, lost or the process ends, however it ends.
 *
 * @returns null when somebody else owns it
 * @throws {Fault} `database_unreachable`, `database_refused`
 */
export async function tryOwn({ url, name, onLost, log }: OwnOptions): Promise<AsyncDisposable | null> {
  const client = new pg.Client(connectionConfig(url, 'moose owner'))
  client.on('error', (error) =>
    log.warn({ reason: reasonOf(error), name }, 'the connection that proves ownership broke'),
  )
  let owned: boolean
  try {
    await client.connect()
    owned = await lock(client, name)
  } catch (error) {
    await client.end()
    throw databaseFault(error, url)
  }
  if (!owned) {
    await client.end()
    return null
  }
  client.once('end', onLost)
  return {
    [Symbol.asyncDispose]: async () => {
      client.off('end', onLost)
      await client.end()
    },
  }
}

async function lock(client: pg.Client, name: string): Promise<boolean> {
  const { rows } = await client.query<{ owned: boolean }>(
    'select pg_try_advisory_lock(hashtextextended($1, 0)) as owned',
    [name],
  )
  return rows[0]?.owned === true
}
