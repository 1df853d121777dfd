import { timingSafeEqual } from 'node:crypto'
import type { Kysely } from 'kysely'
import { withinTime } from '../async/deadline.ts'
import type { Clock } from '../clock.ts'
import type { ApiAccess } from '../config/api-settings.ts'
import { SCOPES } from '../config/scopes.ts'
import type { Actor } from '../contract/actor.ts'
import type { Scope } from '../contract/api-token.ts'
import { findToken, type KnownToken } from '../db/api-tokens/api-tokens.ts'
import type { Database } from '../db/schema.ts'
import { Fault } from '../faults/fault.ts'
import { isToken, tokenHash } from '../redaction/token-form.ts'
import { createRateLimit, type RateLimit } from './rate-limit.ts'
import type { Session, Sessions } from './sessions.ts'

/** How long a token counts without another look: a revoked one is refused after it. */
const FRESH_MS = 2_000
/** While the database is away, a token that counted this long ago still does: metrics are wanted then. */
const STALE_MS = 3_600_000
/** Tokens of one address that were not known before. */
const UNKNOWN_TOKENS = { perSecond: 1, burst: 20 }
/** What may be used at once is this many seconds' worth. */
const BURST_S = 10
/** Metrics and readiness are told within about a second, also while the database hangs. */
export const LOOKED_UP_WITHIN_MS = 500

/** Who calls, and what that allows. */
export type Caller = {
  actor: Actor
  scopes: readonly Scope[]
  /** SHA-256 of the token that was shown, or that the session is of; null: there is none. */
  token: Buffer | null
  /** Null: it is no browser that was logged in. */
  session: Session | null
}

/** What a request says of who sends it. */
export type Presented = {
  /** The header `Authorization`; undefined: there is none. */
  authorization: string | undefined
  /** The header a trusted proxy sets; undefined: there is none, or none is trusted. */
  user: string | undefined
  /** The cookie of a session, of a request that the page itself has sent; undefined: there is none. */
  cookie: string | undefined
  /** Address of the other end; null: the app is called without a socket. */
  peer: string | null
}

export type Authenticator = {
  /** @throws {Fault} `unauthenticated`, `too_many_requests`; what a database throws that cannot be asked */
  identify(presented: Presented): Promise<Caller>
  /** Who a session acts as. @throws {Fault} `unauthenticated` when its token no longer counts */
  ofSession(session: Session): Promise<Caller>
  /** Takes one request off what is left to a caller, or to an address. @throws {Fault} `too_many_requests` */
  admit(key: string): void
  /** From now on every token is looked up again: one was revoked. */
  forget(): void
}

type Sources = {
  db: Kysely<Database>
  config: { api: ApiAccess }
  clock: Clock
  osUser: Actor
  sessions: Pick<Sessions, 'read'>
}
type Remembered = { caller: Caller; expiresAt: Date | null; seenAt: number }

export function createAuthenticator({ db, config: { api }, clock, osUser, sessions }: Sources): Authenticator {
  const known = new Map<string, Remembered>()
  const asking = new Map<string, Promise<KnownToken | null>>()
  const requests = createRateLimit({ perSecond: api.ratePerSecond, burst: api.ratePerSecond * BURST_S })
  const unknownTokens = createRateLimit(UNKNOWN_TOKENS)

  /** While the database is away or hangs, what is remembered is what holds. */
  async function lookUp(hash: Buffer, last: Remembered | undefined): Promise<KnownToken | Remembered | null> {
    const key = hash.toString('hex')
    // While the database hangs, no further question is put behind the first.
    const asked = asking.get(key) ?? findToken(db, hash).finally(() => asking.delete(key))
    asking.set(key, asked)
    if (last === undefined || !counts(last, STALE_MS, clock)) return await asked
    return await withinTime(asked, LOOKED_UP_WITHIN_MS).catch(() => last)
  }

  async function ofToken(token: string, peer: string | null): Promise<Caller> {
    const hash = tokenHash(token)
    if (!known.has(hash.toString('hex'))) takeFrom(unknownTokens, `tokens of ${peer}`, clock)
    if (!isToken(token)) throw unknownToken()
    return await ofHash(hash)
  }

  async function ofHash(hash: Buffer): Promise<Caller> {
    const key = hash.toString('hex')
    const last = known.get(key)
    if (last !== undefined && counts(last, FRESH_MS, clock)) return last.caller
    const found = await lookUp(hash, last)
    if (found !== null && 'caller' in found) return found.caller
    known.delete(key)
    if (found === null || !timingSafeEqual(found.hash, hash)) throw unknownToken()
    const caller = callerOf(found)
    known.set(key, { caller, expiresAt: found.expires_at, seenAt: clock.now().getTime() })
    return caller
  }

  async function ofSession(session: Session): Promise<Caller> {
    return { ...(await ofHash(session.token)), session }
  }

  return {
    ofSession,
    async identify({ authorization, user, cookie, peer }) {
      if (!api.auth) return { actor: osUser, scopes: SCOPES, token: null, session: null }
      const [, token] = /^Bearer +(\S+)$/i.exec(authorization === undefined ? '' : authorization) ?? []
      if (token !== undefined) return await ofToken(token, peer)
      if (user !== undefined && api.proxy !== null && peer !== null && api.proxy.subnet.holds(peer)) {
        const actor: Actor = { kind: 'proxy_user', name: userName(user) }
        return { actor, scopes: api.proxy.scopes, token: null, session: null }
      }
      const session = cookie === undefined ? null : await sessions.read(cookie)
      if (session !== null) return await ofSession(session)
      takeFrom(requests, `address ${peer}`, clock)
      throw new Fault('unauthenticated', NO_TOKEN)
    },
    admit: (key) => takeFrom(requests, key, clock),
    forget: () => known.clear(),
  }
}

const NO_TOKEN =
  'The API takes a token: Authorization: Bearer moose_… That of a home is in its file api-token, which commands read by ' +
  'themselves. Make another with: moose token create NAME --scope read   A browser is logged in with: moose open'

function unknownToken(): Fault {
  const message =
    'The token is unknown, expired or revoked. See those that count with: moose token list   ' +
    'If it is that of the home, remove the file api-token in it: the next command makes another.'
  return new Fault('unauthenticated', message, { token: 'refused' })
}

function callerOf({ name, scopes, hash }: KnownToken): Caller {
  return { actor: { kind: 'token', name }, scopes, token: hash, session: null }
}

function counts({ expiresAt, seenAt }: Remembered, withinMs: number, clock: Clock): boolean {
  const now = clock.now().getTime()
  return now - seenAt < withinMs && (expiresAt === null || expiresAt.getTime() > now)
}

/** With a comma there were two headers, of which one may be that of the client. */
function userName(header: string): string {
  if (/^[^\p{C},]{1,200}$/u.test(header) && header.trim() !== '') return header.trim()
  throw new Fault('unauthenticated', 'The header of the proxy does not name one user. Let the proxy replace it.')
}

function takeFrom(limit: RateLimit, key: string, clock: Clock): void {
  const seconds = limit.take(key, clock.now())
  if (seconds === null) return
  const message = `Too many requests. Ask again in ${seconds} s.`
  throw new Fault('too_many_requests', message, { retry_after_s: seconds })
}
