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
 * Makes the private folder of the socket: beside the data, or under the system's temporary folder when that path is
 * too long for a socket.
 *
 * @throws {Fault} `database_refused` when a folder of another user has the name
 */
export async function makeSocketDirectory({ directory, runAs }: Location): Promise<string> {
  const beside = path.join(directory, 'socket')
  const socket = path.join(beside, `.s.PGSQL.${PORT}`)
  const folder =
    Buffer.byteLength(socket) <= MAX_SOCKET_PATH_BYTES
      ? beside
      : path.join(await temporaryRoot(runAs), `moose-${homeKey(directory)}`)
  try {
    await mkdir(folder, { mode: 0o700 })
    if (runAs !== null) await chown(folder, runAs.uid, runAs.gid)
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error
    await refuseForeign(folder, runAs)
  }
  return folder
}

async function temporaryRoot(runAs: Location['runAs']): Promise<string> {
  return runAs === null || (await canReach(tmpdir(), runAs)) ? tmpdir() : '/tmp'
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
