import { chown, lstat, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { errorCode } from '../../faults/error-code.ts'
import { Fault } from '../../faults/fault.ts'
import { homeKey, type Location } from './location.ts'
import { canReach } from './traversal.ts'

/** The port is only part of the socket's name: nothing listens on TCP. */
export const PORT = 5432

/** `sun_path` holds 108 bytes on Linux and 104 elsewhere, with the closing NUL. */
const MAX_SOCKET_PATH_BYTES = 103

/**
 * Makes the private folder of the socket: beside the data, or under a temporary folder when that path is too long for a
 * socket.
 *
 * @throws {Fault} `database_refused` when a folder of another user has the name, or no path is short enough
 */
export async function makeSocketDirectory(location: Location): Promise<string> {
  const { runAs } = location
  const folder = await shortFolder(location)
  try {
    await mkdir(folder, { mode: 0o700 })
    if (runAs !== null) await chown(folder, runAs.uid, runAs.gid)
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error
    await refuseForeign(folder, runAs)
  }
  return folder
}

async function shortFolder({ directory, runAs }: Location): Promise<string> {
  const beside = path.join(directory, 'socket')
  if (fits(beside)) return beside
  for (const root of [tmpdir(), '/tmp']) {
    const folder = path.join(root, `moose-${homeKey(directory)}`)
    if (fits(folder) && (runAs === null || (await canReach(root, runAs)))) return folder
  }
  throw new Fault(
    'database_refused',
    `The paths of the home (${directory}) and of the temporary folder (${tmpdir()}) are too long for the socket of the database, ` +
      'and /tmp cannot be used. Set MOOSE_HOME or TMPDIR to a shorter path, or DATABASE_URL to a Postgres server.',
    { folder: beside },
  )
}

function fits(folder: string): boolean {
  return Buffer.byteLength(path.join(folder, `.s.PGSQL.${PORT}`)) <= MAX_SOCKET_PATH_BYTES
}

/** The temporary folder is open to every user: the owner of the folder could pose as our database. */
async function refuseForeign(folder: string, runAs: Location['runAs']): Promise<void> {
  const found = await lstat(folder)
  const ours = found.uid === runAs?.uid || found.uid === process.getuid?.()
  if (found.isDirectory() && ours && (found.mode & 0o077) === 0) return
  throw new Fault(
    'database_refused',
    `The folder ${folder} for the database's socket belongs to another user or is open to others. Remove it.`,
    { folder },
  )
}
