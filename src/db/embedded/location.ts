import { createHash } from 'node:crypto'
import { chmod, chown, mkdir, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { isMissing } from '../../faults/error-code.ts'
import { closeToOthers } from '../../files/close-to-others.ts'
import type { RunAs } from '../../process/daemon.ts'
import { canReach } from './traversal.ts'

/** Where root keeps what an unprivileged user must be able to reach. */
const SHARED_ROOT = '/var/lib/moose'

/** Postgres refuses to run as root; this is `nobody` on Linux. */
const UNPRIVILEGED = { uid: 65_534, gid: 65_534 }

export type Location = {
  /** Ours, mode 0700, owned by the user Postgres runs as. Holds `data/`, the log and mostly the socket. */
  directory: string
  /** Null: Postgres runs as we do. */
  runAs: RunAs
}

/**
 * Decides where a home's database lives and as which user it runs, and makes that folder. What exists already wins, so
 * that a changed mode of some folder never lets a database seem lost.
 */
export async function locate(home: string): Promise<Location> {
  // Root's database runs as another user, which has to pass through.
  await mkdir(home, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 })
  const inHome = path.join(await realpath(home), 'postgres')
  if (process.getuid?.() !== 0) return make({ directory: inHome, runAs: null })
  const apart = path.join(SHARED_ROOT, homeKey(home))
  for (const directory of [inHome, apart]) {
    const owner = await ownerOf(path.join(directory, 'data'))
    if (owner !== null) return make({ directory, runAs: owner.uid === 0 ? UNPRIVILEGED : owner })
  }
  if (await canReach(path.dirname(inHome), UNPRIVILEGED)) return make({ directory: inHome, runAs: UNPRIVILEGED })
  await makeSharedRoot()
  return make({ directory: apart, runAs: UNPRIVILEGED })
}

/** The folder for what root shares with unprivileged users, made when it is missing. */
export async function makeSharedRoot(): Promise<string> {
  const made = await mkdir(SHARED_ROOT, { recursive: true })
  if (made !== undefined) await chmod(SHARED_ROOT, 0o755)
  return SHARED_ROOT
}

/** Twelve hexadecimal digits that stand for a home in a path that must stay short. */
export function homeKey(home: string): string {
  return createHash('sha256').update(home).digest('hex').slice(0, 12)
}

async function make(location: Location): Promise<Location> {
  await mkdir(location.directory, { recursive: true, mode: 0o700 })
  await closeToOthers(location.directory, 0o700)
  if (location.runAs !== null) await chown(location.directory, location.runAs.uid, location.runAs.gid)
  return location
}

async function ownerOf(folder: string): Promise<RunAs> {
  try {
    const { uid, gid } = await stat(folder)
    return { uid, gid }
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}
