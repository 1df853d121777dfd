import { cp, readdir, realpath, rm } from 'node:fs/promises'
import path from 'node:path'
import { RECORDINGS } from '../config.ts'
import { isSqlState } from '../db/database-fault.ts'
import { dropDatabases, type Embedded, MAINTENANCE_DATABASE, openEmbedded } from '../db/embedded/open-embedded.ts'
import { tryOwn } from '../db/lock.ts'
import { closeHome } from '../doctor/private-home.ts'
import { Fault } from '../faults/fault.ts'
import { Git } from '../git/git.ts'
import type { Log } from '../log.ts'
import { DEMO_CONTENT, type DemoPlaces } from './places.ts'
import { REPLAY_DIR } from './replay.ts'

/** @see https://www.postgresql.org/docs/18/errcodes-appendix.html */
const OBJECT_IN_USE = '55006'

/**
 * Makes the places of the demo this process's own and empties them: databases, mirrors and repositories of an earlier
 * demo are gone afterwards, its database server is kept and runs. The scripted answers are copied into its home, so that its
 * orders can be tried again later. Dispose it after the app that was opened in it.
 *
 * @param around the MOOSE_HOME they lie in; it is closed to other users
 * @throws {Fault} `home_owned` when another demo or a `moose up` is at work there; nothing was touched then
 */
export async function claimPlaces(places: DemoPlaces, around: string, log: Log): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack()
  const embedded = stack.use(await openEmbedded({ home: places.home, log }))
  const onLost = () => log.warn('the database of the demo went away')
  const owner = await tryOwn({ url: embedded.urlOf(MAINTENANCE_DATABASE), name: 'demo', onLost, log })
  if (owner === null) throw inUse(places, 'another demo')
  stack.use(owner)
  await emptyCluster(embedded, places)
  await removeFiles(places, embedded.dataDirectory)
  await cp(REPLAY_DIR, path.join(places.home, RECORDINGS), { recursive: true })
  await closeHome(around)
  return stack.move()
}

/** A database that is in use cannot be dropped: Postgres itself decides whether the demo is in use. */
async function emptyCluster(embedded: Embedded, places: DemoPlaces): Promise<void> {
  try {
    await dropDatabases(embedded.urlOf(MAINTENANCE_DATABASE))
  } catch (error) {
    if (isSqlState(error, OBJECT_IN_USE)) throw inUse(places, 'a Moose or a psql', error)
    throw error
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
