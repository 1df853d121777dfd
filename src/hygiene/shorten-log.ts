import { copyFile, truncate } from 'node:fs/promises'
import path from 'node:path'
import { lookedAt } from '../process/looked-at.ts'

const LONGEST_BYTES = 10_000_000

/**
 * Bounds the log of the embedded Postgres: one that has grown too long becomes `postgres.log.1`, in place of an earlier
 * one. The server has it open for appending and goes on in the emptied file; a line it writes at that moment can be lost.
 *
 * @param dataDirectory of the embedded Postgres
 * @returns whether it was too long
 */
export async function shortenPostgresLog(dataDirectory: string): Promise<boolean> {
  const file = path.join(path.dirname(dataDirectory), 'postgres.log')
  const found = await lookedAt(file)
  if (found === null || !found.isFile() || found.size <= LONGEST_BYTES) return false
  await copyFile(file, `${file}.1`)
  await truncate(file)
  return true
}
