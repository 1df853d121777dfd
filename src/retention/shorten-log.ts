import { constants } from 'node:fs'
import { type FileHandle, open, rm } from 'node:fs/promises'
import path from 'node:path'
import { openPlainFile } from '../process/plain-file.ts'

const LONGEST_BYTES = 10_000_000
const CHUNK_BYTES = 1_000_000

/**
 * Bounds the log of the embedded Postgres: one that has grown too long becomes `postgres.log.1`, in place of an earlier
 * one. The server has it open for appending and goes on in the emptied file; a line it writes at that moment can be lost.
 * The folder may belong to a lesser user than ours: neither file is reached through a link, and no other name leads to the
 * log.
 *
 * @param dataDirectory of the embedded Postgres
 * @returns whether it was too long
 */
export async function shortenPostgresLog(dataDirectory: string): Promise<boolean> {
  const file = path.join(path.dirname(dataDirectory), 'postgres.log')
  await using log = await openPlainFile(file, constants.O_RDWR)
  if (log === null) return false
  const { size, nlink } = await log.stat()
  if (size <= LONGEST_BYTES || nlink !== 1) return false
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants
  await rm(`${file}.1`, { force: true })
  await using kept = await open(`${file}.1`, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0o600)
  await copy(log, kept)
  await log.truncate()
  return true
}

async function copy(from: FileHandle, to: FileHandle): Promise<void> {
  const chunk = Buffer.alloc(CHUNK_BYTES)
  for (;;) {
    const { bytesRead } = await from.read(chunk, 0, CHUNK_BYTES, null)
    if (bytesRead === 0) return
    await to.writeFile(chunk.subarray(0, bytesRead))
  }
}
