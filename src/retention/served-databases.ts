import { randomUUID } from 'node:crypto'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { shownDatabaseUrl } from '../config.ts'
import { databaseIdentity } from '../db/database-identity.ts'
import { lstatOrNull } from '../files/lstat-or-null.ts'
import { namesIn } from '../files/names-in.ts'
import { readPlainFile } from '../files/plain-file.ts'
import type { RetentionDeps } from './retention-deps.ts'

const NAME = /^\d{1,20}-\d{1,20}$/
const LONGEST_BYTES = 4_096
const DAY_MS = 24 * 60 * 60_000

/** Another database whose orders this home has carried out lately. */
export type OtherDatabase = {
  /** Without a password. */
  url: string
  /** What to remove when it is not used any more. */
  file: string
}

const folderOf = (home: string): string => path.join(home, 'databases')

/**
 * Notes in the home that it carries out orders of this database, now. Before anything of them lies in it: what one
 * database knows says nothing about what the home holds of another.
 *
 * @param at.url of the database
 */
export async function noteDatabase(db: RetentionDeps['db'], at: { home: string; url: string }): Promise<void> {
  const file = path.join(folderOf(at.home), await databaseIdentity(db))
  const draft = `${file}.${randomUUID()}`
  await mkdir(folderOf(at.home), { recursive: true, mode: 0o700 })
  await writeFile(draft, `${shownDatabaseUrl(at.url)}\n`, { mode: 0o600 })
  await rename(draft, file)
}

/**
 * The others it serves too.
 *
 * @param days one that was noted longer ago counts no more
 */
export async function otherDatabases(
  { db, config: { home }, clock }: RetentionDeps,
  days: number,
): Promise<OtherDatabase[]> {
  const ours = await databaseIdentity(db)
  const others: OtherDatabase[] = []
  for (const name of await namesIn(folderOf(home))) {
    const file = path.join(folderOf(home), name)
    const found = name === ours || !NAME.test(name) ? null : await lstatOrNull(file)
    if (found === null || clock.now().getTime() - found.mtimeMs > days * DAY_MS) continue
    const url = await readPlainFile(file, LONGEST_BYTES)
    others.push({ url: url === null ? 'another database' : url.trim(), file })
  }
  return others
}
