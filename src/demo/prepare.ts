import { cp, readdir, realpath, rm } from 'node:fs/promises'
import path from 'node:path'
import pg from 'pg'
import { type Embedded, openEmbedded } from '../db/embedded/open-embedded.ts'
import { tryOwn } from '../db/lock.ts'
import { closeHome } from '../doctor/private-home.ts'
import { Fault } from '../faults/fault.ts'
import { Git } from '../git/git.ts'
import type { Log } from '../log.ts'
import { DEMO_CONTENT, type DemoPlaces } from './places.ts'

/** The database every cluster has; nothing of Moose is stored there. */
const MAINTENANCE = 'postgres'

/**
 * Makes the places of the demo this process's own and empties them: databases, mirrors and repositories of an earlier
 * demo are gone afterwards, its database server is kept and runs. Dispose it after the app that was opened in it.
 *
 * @param around the MOOSE_HOME they lie in; it is closed to other users
 * @throws {Fault} `home_owned` when another demo or a `moose up` is at work there; nothing was touched then
 */
export async function claimPlaces(places: DemoPlaces, around: string, log: Log): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack()
  const embedded = stack.use(await openEmbedded({ home: places.home, log }))
  const onLost = () => log.warn('the database of the demo went away')
  const owner = await tryOwn({ url: embedded.urlOf(MAINTENANCE), name: 'demo', onLost, log })
  if (owner === null) throw inUse(places, 'another demo')
  stack.use(owner)
  await dropDatabases(embedded, places)
  await removeFiles(places, embedded.dataDirectory)
  await closeHome(around)
  return stack.move()
}

/** Postgres drops no database that has connections: so it decides whether the demo is in use. */
async function dropDatabases(embedded: Embedded, places: DemoPlaces): Promise<void> {
  const client = new pg.Client({ connectionString: embedded.urlOf(MAINTENANCE) })
  await client.connect()
  try {
    const { rows } = await client.query<{ datname: string }>(
      'select datname from pg_database where not datistemplate and datname <> $1',
      [MAINTENANCE],
    )
    for (const { datname } of rows) await client.query(`drop database if exists ${pg.escapeIdentifier(datname)}`)
  } catch (error) {
    // 55006: object_in_use. See https://www.postgresql.org/docs/18/errcodes-appendix.html
    if (error instanceof pg.DatabaseError && error.code === '55006') throw inUse(places, 'a Moose or a psql', error)
    throw error
  } finally {
    await client.end()
  }
}

async function removeFiles({ home, checkout, remote }: DemoPlaces, dataDirectory: string): Promise<void> {
  for (const folder of [checkout, remote]) await rm(folder, { recursive: true, force: true })
  // As the database names its folder, so that its files are recognized and stay.
  const root = await realpath(home)
  for (const name of await readdir(root)) {
    const entry = path.join(root, name)
    if (!dataDirectory.startsWith(entry + path.sep)) await rm(entry, { recursive: true, force: true })
  }
}

function inUse({ home }: DemoPlaces, who: string, cause?: unknown): Fault {
  const message = `The last demo is in use: ${who} has ${home} open. End it (it may be a moose up), then start the demo again.`
  return new Fault('home_owned', message, { home }, cause)
}

const AUTHOR = {
  GIT_AUTHOR_NAME: 'Tally',
  GIT_AUTHOR_EMAIL: 'tally@localhost',
  GIT_COMMITTER_NAME: 'Tally',
  GIT_COMMITTER_EMAIL: 'tally@localhost',
}

/**
 * Makes the repository of the demo as a developer would: a checkout with one commit, pushed to a bare remote. Neither
 * folder may exist.
 *
 * @throws {Fault} `command_missing` without git, `command_failed`
 */
export async function makeRepository({ home, checkout, remote }: DemoPlaces, signal: AbortSignal): Promise<void> {
  await cp(path.join(DEMO_CONTENT, 'repository'), checkout, { recursive: true })
  const git = new Git(path.join(home, 'git-home'))
  const init = ['init', '--quiet', '--template=', '--initial-branch=main']
  await git.succeed([...init, '--bare', '--', remote], { signal })
  await git.succeed([...init, '--', checkout], { signal })
  const commands = [
    ['add', '--all'],
    ['commit', '--quiet', '--message=Work out and print small invoices'],
    ['remote', 'add', 'origin', remote],
    ['push', '--quiet', '--set-upstream', 'origin', 'main'],
  ]
  for (const args of commands) await git.succeed(args, { signal, cwd: checkout, env: AUTHOR })
}
