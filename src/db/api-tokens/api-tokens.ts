import { type Kysely, type Selectable, sql } from 'kysely'
import { isoTime } from '../../clock.ts'
import type { NewToken, TokenView } from '../../contract/api-token.ts'
import { Fault } from '../../faults/fault.ts'
import { isSqlState } from '../database-fault.ts'
import type { Database } from '../schema.ts'

type Db = Kysely<Database>

const UNIQUE_VIOLATION = '23505'

/** A token as it is looked up by its hash. */
export type KnownToken = Pick<Selectable<Database['api_tokens']>, 'name' | 'scopes' | 'hash' | 'expires_at'>

/**
 * The token of this hash that counts now; null: there is none, or it is expired or revoked. That it was used is noted, to the
 * hour.
 */
export async function findToken(db: Db, hash: Buffer): Promise<KnownToken | null> {
  const token = await db
    .selectFrom('api_tokens')
    .select(['id', 'name', 'scopes', 'hash', 'expires_at'])
    .select(sql<boolean>`last_used_at is null or last_used_at < moose_now() - interval '1 hour'`.as('is_stale'))
    .where('hash', '=', hash)
    .where('revoked_at', 'is', null)
    .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', sql<Date>`moose_now()`)]))
    .executeTakeFirst()
  if (token === undefined) return null
  if (token.is_stale) {
    const used = { last_used_at: sql<Date>`date_trunc('hour', moose_now())` }
    await db.updateTable('api_tokens').set(used).where('id', '=', token.id).execute()
  }
  return token
}

/** All tokens, those that count first, then by name. */
export async function listTokens(db: Db): Promise<TokenView[]> {
  const rows = await shown(db).orderBy(sql`revoked_at is not null`).orderBy('name').orderBy('created_at').execute()
  return rows.map(toView)
}

export type TokenToStore = Pick<NewToken, 'name' | 'scopes' | 'expires_in_days'> & {
  hash: Buffer
  /** As `kind:name`. */
  createdBy: string
}

/** @throws {Fault} `token_exists` when another of this name counts */
export async function addToken(db: Db, token: TokenToStore): Promise<TokenView> {
  const { name, scopes, expires_in_days: days, hash, createdBy: created_by } = token
  const expires_at = days === null ? null : sql<Date>`moose_now() + make_interval(days => ${days})`
  try {
    await db
      .insertInto('api_tokens')
      .values({ name, scopes: [...new Set(scopes)], hash, created_by, expires_at })
      .execute()
  } catch (error) {
    if (!isSqlState(error, UNIQUE_VIOLATION)) throw error
    const message = `There is a token "${name}" already. Choose another name, or revoke that one with: moose token revoke ${name}`
    throw new Fault('token_exists', message, { name }, error)
  }
  return await byName(db, name)
}

/** From now on the token is refused. @throws {Fault} `not_found` when none of this name counts */
export async function revokeToken(db: Db, name: string): Promise<TokenView> {
  const revoked = await db
    .updateTable('api_tokens')
    .set({ revoked_at: sql<Date>`moose_now()` })
    .where('name', '=', name)
    .where('revoked_at', 'is', null)
    .returning('id')
    .executeTakeFirst()
  if (revoked === undefined) {
    throw new Fault('not_found', `There is no token "${name}" that counts. See them with: moose token list`, { name })
  }
  return toView(await shown(db).where('id', '=', revoked.id).executeTakeFirstOrThrow())
}

/** How a hash stands: whether its token counts, is expired or revoked (`over`), or is none of this database. */
export async function standingOf(db: Db, hash: Buffer): Promise<'counts' | 'over' | 'unknown'> {
  const found = await db
    .selectFrom('api_tokens')
    .select(sql<boolean>`revoked_at is null and coalesce(expires_at > moose_now(), true)`.as('counts'))
    .where('hash', '=', hash)
    .executeTakeFirst()
  if (found === undefined) return 'unknown'
  return found.counts ? 'counts' : 'over'
}

/** Enters a token in place of the one that has its name; where it is entered already, nothing happens. */
export async function replaceToken(db: Db, token: TokenToStore): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    // Two processes of one home may be about to do the same.
    await sql`select pg_advisory_xact_lock(hashtext(${`api_token:${token.name}`}))`.execute(transaction)
    if ((await standingOf(transaction, token.hash)) !== 'unknown') return
    const named = transaction.updateTable('api_tokens').where('name', '=', token.name).where('revoked_at', 'is', null)
    await named.set({ revoked_at: sql<Date>`moose_now()` }).execute()
    await addToken(transaction, token)
  })
}

async function byName(db: Db, name: string): Promise<TokenView> {
  return toView(await shown(db).where('name', '=', name).where('revoked_at', 'is', null).executeTakeFirstOrThrow())
}

const SHOWN = ['name', 'scopes', 'created_at', 'created_by', 'last_used_at', 'expires_at', 'revoked_at'] as const
type ShownRow = Pick<Selectable<Database['api_tokens']>, (typeof SHOWN)[number]>

function shown(db: Db) {
  return db.selectFrom('api_tokens').select(SHOWN)
}

function toView({ name, scopes, created_by, ...row }: ShownRow): TokenView {
  const time = (at: Date | null) => (at === null ? null : isoTime(at))
  return {
    name,
    scopes,
    created_at: isoTime(row.created_at),
    created_by,
    last_used_at: time(row.last_used_at),
    expires_at: time(row.expires_at),
    revoked_at: time(row.revoked_at),
  }
}
