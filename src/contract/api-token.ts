import { SCOPES } from '../config/scopes.ts'
import { z } from './zod.ts'

export const Scope = z.enum(SCOPES).openapi('Scope', {
  description:
    '`read` sees everything, `file` files and corrects work orders, `approve` decides about orders and their pull ' +
    'requests, `operate` does everything else: runs, budget, projects, proposers, tokens. Each includes `read`.',
})
export type Scope = z.infer<typeof Scope>

/** Whether these scopes allow what needs `wanted`. */
export function allows(scopes: readonly Scope[], wanted: Scope): boolean {
  return scopes.includes(wanted) || (wanted === 'read' && scopes.length > 0)
}

const Time = z.iso.datetime()
/** Of tokens that count, no two have the same. */
export const TokenName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9._-]{0,62}$/,
    'is not 1 to 63 of a-z, 0-9, dot, hyphen and underscore, the first a letter or digit',
  )

export const TokenView = z
  .object({
    name: TokenName,
    scopes: z.array(Scope),
    created_at: Time,
    /** Who made it, as `kind:name`. */
    created_by: z.string(),
    /** To the hour; null: never. */
    last_used_at: Time.nullable(),
    /** Null: it does not expire. */
    expires_at: Time.nullable(),
    /** Null: it counts. */
    revoked_at: Time.nullable(),
  })
  .openapi('Token')
export type TokenView = z.infer<typeof TokenView>

const MOST_DAYS = 3_650

export const NewToken = z
  .strictObject({
    name: TokenName,
    /** Only such as the caller has. */
    scopes: z.array(Scope).min(1, 'names no scope').max(SCOPES.length),
    expires_in_days: z.number().int().min(1).max(MOST_DAYS).nullable().default(null),
  })
  .openapi('NewToken')
export type NewToken = z.infer<typeof NewToken>

export const TokenParams = z.object({ name: TokenName })
export const TokensResponse = z.object({ success: z.literal(true), tokens: z.array(TokenView) })
export const TokenResponse = z.object({ success: z.literal(true), token: TokenView })
/** `secret` is the token itself, which is shown this once. */
export const NewTokenResponse = TokenResponse.extend({ secret: z.string() })
