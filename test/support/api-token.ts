import { SCOPES } from '../../src/config/scopes.ts'
import { addToken } from '../../src/db/api-tokens/api-tokens.ts'
import { readTokenFile } from '../../src/files/api-token-file.ts'
import { createHttpApp } from '../../src/http/http-app.ts'
import type { HttpDeps } from '../../src/http/http-deps.ts'
import type { HttpApp, HttpLimits } from '../../src/http/http-env.ts'
import { TOKEN_BYTES, tokenHash, tokenOf } from '../../src/redaction/token-form.ts'
import type { TestDatabase } from './database.ts'

/** What tests call the API with that are not about who calls it. */
export const TEST_TOKEN = tokenOf(Buffer.alloc(TOKEN_BYTES, 'test'))
export const TEST_TOKEN_NAME = 'test'

export async function enterTestToken({ db }: Pick<TestDatabase, 'db'>): Promise<void> {
  const token = { name: TEST_TOKEN_NAME, scopes: [...SCOPES], expires_in_days: null }
  await addToken(db, { ...token, hash: tokenHash(TEST_TOKEN), createdBy: 'moose:test' })
}

export type TokenApp = Pick<HttpApp, 'fetch'> & {
  request(input: string | Request, init?: RequestInit): Promise<Response>
}

/** The app as it is, called with `TEST_TOKEN` wherever a request has no `Authorization` of its own. */
export function createTokenApp(deps: HttpDeps, limits?: HttpLimits): TokenApp {
  const app = createHttpApp(deps, limits)
  const fetch: HttpApp['fetch'] = (request, ...rest) => {
    if (!request.headers.has('authorization')) request.headers.set('authorization', `Bearer ${TEST_TOKEN}`)
    return app.fetch(request, ...rest)
  }
  return {
    fetch,
    request: async (input, init) =>
      fetch(input instanceof Request ? input : new Request(new URL(input, 'http://localhost'), init)),
  }
}

/** `fetch` with the token of a home, as its programs use it. */
export async function fetchAt(home: string, url: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers)
  headers.set('authorization', `Bearer ${await readTokenFile(home)}`)
  return await fetch(url, { ...init, headers })
}
