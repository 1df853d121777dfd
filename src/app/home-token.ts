import { randomBytes } from 'node:crypto'
import { userInfo } from 'node:os'
import type { Kysely } from 'kysely'
import { SCOPES } from '../config/scopes.ts'
import type { Config } from '../config.ts'
import { type Actor, actorText } from '../contract/actor.ts'
import { replaceToken, standingOf } from '../db/api-tokens/api-tokens.ts'
import { actingAs } from '../db/audit/acting-as.ts'
import type { Database } from '../db/schema.ts'
import { readTokenFile, writeTokenFile } from '../files/api-token-file.ts'
import { TOKEN_BYTES, tokenHash, tokenOf } from '../redaction/token-form.ts'

export type TokenHome = { db: Kysely<Database>; config: Pick<Config, 'home'>; homeId: string; osUser: Actor }

/**
 * The token of a home, in its file and by its hash in the database, which may be shared: each home has its own. One that is not
 * in the file is made, one that was revoked or has expired is replaced, and one of another database is entered in this one.
 */
export async function ensureHomeToken({ db, config: { home }, homeId, osUser }: TokenHome): Promise<string> {
  const found = await readTokenFile(home)
  const standing = found === null ? null : await standingOf(db, tokenHash(found))
  if (found !== null && standing === 'counts') return found
  const made = tokenOf(randomBytes(TOKEN_BYTES))
  const token = found === null || standing === 'over' ? await writeTokenFile(home, made, found) : found
  const name = `home-${homeId.slice(0, 12)}`
  const entry = { name, hash: tokenHash(token), scopes: [...SCOPES], expires_in_days: null }
  await replaceToken(actingAs(db, osUser), { ...entry, createdBy: actorText(osUser) })
  return token
}

/** Who runs this process; a number where the system has no name for the user, as in some containers. */
export function osUser(): Actor {
  try {
    return { kind: 'os_user', name: userInfo().username }
  } catch {
    return { kind: 'os_user', name: `uid ${process.getuid?.()}` }
  }
}
