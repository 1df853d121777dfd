import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import type { Clock } from '../clock.ts'
import { jsonOrNull } from '../json-or-null.ts'
import { tokenHash } from '../redaction/token-form.ts'

/** A link is opened at once, by who asked for it. */
const LINK_MS = 120_000
/** A working day. */
const SESSION_MS = 12 * 3_600_000
const MOST_LINKS = 1_000
const CODE_BYTES = 32
const KEY_BYTES = 32

/** Also where the page is served by TLS a name of its own, so that a plain listener of the same host cannot set it. */
export const COOKIE_NAMES = { plain: 'moose_session', secure: '__Host-moose_session' } as const

/** Whose a session is: of the token with this hash, for as long as that counts. */
export type Session = { id: string; token: Buffer; expiresAt: Date }

export type Sessions = {
  /** A code that opens one session, within two minutes; only its hash is kept. */
  link(token: Buffer): { code: string; expiresAt: Date }
  /** Null: the code is unknown, was used, or came too late. `cookie` is the session as a browser keeps it. */
  open(code: string): Promise<{ session: Session; cookie: string } | null>
  /** Null: it is none of this home, is over, or was ended. */
  read(cookie: string): Promise<Session | null>
  end(session: Session): void
}

const Sealed = z.object({ id: z.string(), token: z.string(), until: z.number() })

/**
 * Sessions of browsers. None is stored: the cookie itself says whose it is, sealed with a key that is made of the token of the
 * home, so that a session outlives a restart and ends when that token is replaced. Links are in memory alone.
 *
 * @param secret the token of the home; null: there is none, and no session counts
 */
export function createSessions({ clock, secret }: { clock: Clock; secret: () => Promise<string | null> }): Sessions {
  const links = new Map<string, { token: Buffer; expiresAt: Date }>()
  const ended = new Map<string, Date>()

  async function seal(payload: string): Promise<string | null> {
    const of = await secret()
    if (of === null) return null
    const key = Buffer.from(hkdfSync('sha256', of, '', 'moose session', KEY_BYTES))
    return createHmac('sha256', key).update(payload).digest('base64url')
  }

  return {
    link(token) {
      forgetPast(links, clock.now())
      const [oldest] = links.keys()
      if (links.size >= MOST_LINKS && oldest !== undefined) links.delete(oldest)
      const code = randomBytes(CODE_BYTES).toString('base64url')
      const expiresAt = new Date(clock.now().getTime() + LINK_MS)
      links.set(keyOf(code), { token, expiresAt })
      return { code, expiresAt }
    },
    async open(code) {
      const key = keyOf(code)
      const found = links.get(key)
      // Before anything is waited for: of two that come at once, one is too late.
      links.delete(key)
      if (found === undefined || found.expiresAt <= clock.now()) return null
      const expiresAt = new Date(clock.now().getTime() + SESSION_MS)
      const session = { id: randomBytes(8).toString('hex'), token: found.token, expiresAt }
      const sealed = { id: session.id, token: found.token.toString('hex'), until: expiresAt.getTime() }
      const payload = Buffer.from(JSON.stringify(sealed)).toString('base64url')
      const seals = await seal(payload)
      return seals === null ? null : { session, cookie: `${payload}.${seals}` }
    },
    async read(cookie) {
      const [payload = '', given = ''] = cookie.split('.')
      const seals = await seal(payload)
      if (seals === null || !isSame(seals, given)) return null
      const parsed = Sealed.safeParse(jsonOrNull(Buffer.from(payload, 'base64url').toString()))
      if (!parsed.success || parsed.data.until <= clock.now().getTime() || ended.has(parsed.data.id)) return null
      const { id, token, until } = parsed.data
      return { id, token: Buffer.from(token, 'hex'), expiresAt: new Date(until) }
    },
    end({ id, expiresAt }) {
      for (const [past, until] of ended) if (until <= clock.now()) ended.delete(past)
      ended.set(id, expiresAt)
    },
  }
}

function keyOf(code: string): string {
  return tokenHash(code).toString('hex')
}

function forgetPast(links: Map<string, { expiresAt: Date }>, now: Date): void {
  for (const [key, { expiresAt }] of links) if (expiresAt <= now) links.delete(key)
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}
