import path from 'node:path'
import type { Log } from '../../log.ts'
import type { RunAs } from '../../process/daemon.ts'
import { type Binaries, findBinaries } from './binaries.ts'
import { locate } from './location.ts'
import { makeSocketDirectory } from './socket-directory.ts'

/** One embedded Postgres on disk: everything needed to make it, start it, find it. All paths are absolute. */
export type Cluster = {
  dataDirectory: string
  /** Where it is started; one that runs already says its own in `postmaster.pid`. */
  socketDirectory: string
  logFile: string
  binaries: Binaries
  runAs: RunAs
  /** Server settings over the usual ones, e.g. `fsync`. They are used by the process that starts the server. */
  settings: Readonly<Record<string, string>>
  log: Log
}

export type ClusterOptions = { home: string; log: Log; settings?: Readonly<Record<string, string>> }

/** Finds or makes the folders of a home's cluster; starts nothing. */
export async function describeCluster({ home, log, settings = {} }: ClusterOptions): Promise<Cluster> {
  const location = await locate(home)
  return {
    dataDirectory: path.join(location.directory, 'data'),
    socketDirectory: await makeSocketDirectory(location),
    logFile: path.join(location.directory, 'postgres.log'),
    binaries: await findBinaries(location),
    runAs: location.runAs,
    settings,
    log,
  }
}
