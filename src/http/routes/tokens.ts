import { randomBytes } from 'node:crypto'
import { createRoute } from '@hono/zod-openapi'
import { actorText } from '../../contract/actor.ts'
import { NewToken, NewTokenResponse, TokenParams, TokenResponse, TokensResponse } from '../../contract/api-token.ts'
import { addToken, listTokens, revokeToken } from '../../db/api-tokens/api-tokens.ts'
import { TOKEN_BYTES, tokenHash, tokenOf } from '../../redaction/token-form.ts'
import { ANY_FAULT, BODY_FAULT, json, jsonBody, NO_SUCH_TOKEN, TAKEN_NAME } from '../answers.ts'
import { requireScope } from '../authenticate.ts'
import { newRoutes } from '../new-routes.ts'

const tags = ['Tokens']

const list = createRoute({
  method: 'get',
  path: '/api/tokens',
  operationId: 'listTokens',
  summary: 'The tokens of the API, without the secrets',
  tags,
  responses: { 200: json(TokensResponse, 'Those that count first, then by name'), ...ANY_FAULT },
})

const create = createRoute({
  method: 'post',
  path: '/api/tokens',
  operationId: 'createToken',
  summary: 'Make a token; it is shown this once',
  description: 'It cannot allow more than the one it is made with.',
  tags,
  request: { body: jsonBody(NewToken, true) },
  responses: {
    201: json(NewTokenResponse, 'The token, and itself in `secret`'),
    ...BODY_FAULT,
    ...TAKEN_NAME,
    ...ANY_FAULT,
  },
})

const revoke = createRoute({
  method: 'delete',
  path: '/api/tokens/{name}',
  operationId: 'revokeToken',
  summary: 'Refuse a token from now on; other processes notice within two seconds',
  tags,
  request: { params: TokenParams },
  responses: { 200: json(TokenResponse, 'Revoked'), ...NO_SUCH_TOKEN, ...ANY_FAULT },
})

export const tokenRoutes = newRoutes()
  .openapi(list, async (c) => c.json({ success: true as const, tokens: await listTokens(c.var.deps.db) }, 200))
  .openapi(create, async (c) => {
    const wanted = c.req.valid('json')
    for (const scope of wanted.scopes) requireScope(c, scope, `A token with the scope "${scope}"`)
    const secret = tokenOf(randomBytes(TOKEN_BYTES))
    const createdBy = actorText(c.var.actor)
    const token = await addToken(c.var.deps.db, { ...wanted, hash: tokenHash(secret), createdBy })
    return c.json({ success: true as const, token, secret }, 201)
  })
  .openapi(revoke, async (c) => {
    const token = await revokeToken(c.var.deps.db, c.req.valid('param').name)
    c.var.authenticator.forget()
    return c.json({ success: true as const, token }, 200)
  })
