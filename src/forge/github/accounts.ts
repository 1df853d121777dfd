import { z } from 'zod'

/** The fields that are asked for of an account. */
export const ACCOUNT = '__typename login'

const OF_APP = '[bot]'

/**
 * An account as GraphQL tells it, by the name that it has everywhere. Of an app that is `slug[bot]`, as `viewer` and the REST API
 * have it; other fields of GraphQL say `slug`, which may be the login of a user as well.
 */
export function accountOf(login: z.ZodType<string>) {
  return z.object({ __typename: z.string(), login }).transform(({ __typename: is, login: told }) => ({
    login: is === 'Bot' && !told.endsWith(OF_APP) ? `${told}${OF_APP}` : told,
    isPerson: is === 'User' && !told.endsWith(OF_APP),
  }))
}

/** Whether two names that `accountOf` or the REST API gave are of one account. */
export function isSameAccount(one: string, other: string | null): boolean {
  return other !== null && one.toLowerCase() === other.toLowerCase()
}
