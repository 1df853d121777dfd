import { z } from '@hono/zod-openapi'

/**
 * A word of a row: one of those known here, or another that a newer version or somebody else has written. That one is
 * passed on as it is, so that one row never takes a whole answer down.
 */
export const knownOrOther = <const Word extends string>(known: readonly Word[]) => z.enum(known).or(z.string())
