import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, test } from 'node:test'
import { addToken, revokeToken } from '../../src/db/api-tokens/api-tokens.ts'
import { createHttpApp } from '../../src/http/http-app.ts'
import { HTTP_LIMITS } from '../../src/http/http-env.ts'
import { serveHttp } from '../../src/http/serve-http.ts'
import { TOKEN_BYTES, tokenHash, tokenOf } from '../../src/redaction/token-form.ts'
import { openApiHome } from '../support/api-home.ts'

const api = await openApiHome()
after(() => api[Symbol.asyncDispose]())
const { db } = api.home.database

/** What a stream gives of an order after `act`, until it ends or has told of the last event. */
async function toldAfter(act: () => Promise<unknown>): Promise<string> {
  const token = tokenOf(randomBytes(TOKEN_BYTES))
  await addToken(db, {
    name: 'leaver',
    scopes: ['read'],
    expires_in_days: null,
    hash: tokenHash(token),
    createdBy: 'x',
  })
  let ms = 0
  const clock = { now: () => new Date(Date.now() + ms), sleep: api.moose.api.clock.sleep }
  await using server = await serveHttp(createHttpApp(api.deps({ clock }), { ...HTTP_LIMITS, heartbeatMs: 50 }), {
    port: 0,
  })
  const id = await api.place({})
  const headers = { Authorization: `Bearer ${token}`, Accept: 'text/event-stream' }
  const { body, status } = await fetch(`${server.url}/api/work-orders/${id}/events`, { headers })
  assert.equal(status, 200)
  assert.ok(body)
  let told = ''
  let hasActed = false
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    told += chunk
    if (!hasActed && told.includes('still here')) {
      hasActed = true
      await act()
      ms = 3_000
      await api.publish({ work_order_id: id, message: 'for those who may read' })
    }
    if (told.includes('for those who may read') || told.includes('event: end')) break
  }
  await revokeToken(db, 'leaver').catch(() => undefined)
  return told
}

test('a stream goes on while its token counts, and ends when it no longer does', async () => {
  assert.match(await toldAfter(async () => undefined), /for those who may read/)
  const told = await toldAfter(() => revokeToken(db, 'leaver'))
  assert.doesNotMatch(told, /for those who may read/)
  assert.match(told, /event: end/)
})
