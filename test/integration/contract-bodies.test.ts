import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { apiRoutes } from '../../src/http/http-app.ts'
import { fits, roughly, type Schema } from '../support/json-schema.ts'
import { operations } from '../support/openapi-contract.ts'

type Route = { name: string; method: string; path: string; body: Schema }

/** What a webhook is sent has a signature instead, which is checked first. */
const ROUTES: Route[] = operations().flatMap(({ method, path, operation }) => {
  const body = operation.requestBody?.content['application/json']?.schema
  const isSigned = path === '/api/webhooks/github'
  return body === undefined || isSigned ? [] : [{ name: `${method} ${path}`, method, path, body }]
})

/** The routes without what they work with: a body that is taken gets as far as that, and fails there. */
const routes = apiRoutes()
routes.onError(({ message }, c) => c.text(message, 500))

/** Why the route refuses the body for its shape; null: it takes it. */
async function refusal({ method, path }: Route, body: unknown): Promise<string | null> {
  const url = path.replace(/\{\w+\}/, '3f2a9c1e')
  const headers = { 'content-type': 'application/json' }
  const text = await (await routes.request(url, { method, headers, body: JSON.stringify(body) })).text()
  return text.startsWith('The body was refused') ? text : null
}

function routeOf(wanted: string): Route {
  const found = ROUTES.find(({ name }) => name === wanted)
  assert.ok(found, wanted)
  return found
}

describe('life G7: a body that fits its schema is not refused for its shape', () => {
  for (const route of ROUTES) {
    test(route.name, async () => {
      let fitting = 0
      await fc.assert(
        fc.asyncProperty(roughly(route.body), async (body) => {
          const sent: unknown = JSON.parse(JSON.stringify(body))
          if (!fits(sent, route.body)) return
          fitting += 1
          assert.equal(await refusal(route, sent), null, JSON.stringify(sent))
        }),
        { numRuns: 200 },
      )
      assert.ok(fitting > 0, 'no body fitted')
    })
  }
})

const RATES = { input_per_million: 1, output_per_million: 2 }
const UNTIL = { entries: [], complete_until: '2026-01-01T00:00:00Z' }
const PROPOSER = { name: 'p', kind: 'openai', model: 'm' }

const REFUSED: Record<string, unknown[]> = {
  'PUT /api/proposers/{name}/price': [
    {},
    { free: false },
    { free: true, library: true },
    { library: false },
    { library: true, ...RATES },
    { free: true, ...RATES },
    { input_per_million: 1 },
    { cache_read_per_million: 1 },
    { ...RATES, input_per_million: -1 },
    { ...RATES, input_per_million: '1e3' },
  ],
  'PUT /api/budget/caps': [
    { target: 'day', id: 'x', usd: 1 },
    { target: 'day', usd: 'NaN' },
    { target: 'day', usd: 1e9 },
    { target: 'order', id: 'a\0', usd: 1 },
  ],
  'POST /api/budget/reconcile': [
    { entries: [], provider: 'openai' },
    UNTIL,
    { ...UNTIL, provider: 'openai', proposer: 'p' },
    { ...UNTIL, complete_until: '2026-01-01T02:00:00+02:00', provider: 'openai' },
    { entries: [{ request_id: 'a', cost_usd: '-1' }] },
  ],
  'POST /api/budget/reservations/{reservation_id}/settle': [{ cost_usd: -1 }, { cost_usd: 'free' }, {}],
  'POST /api/projects': [
    { name: '-a', repository: '/a' },
    { name: 'a', repository: 'a\0' },
    { name: 'a', repository: '/a', create_origin: 'b' },
  ],
  'PATCH /api/projects/{name}': [
    {},
    { branch_pattern: 'a' },
    { author: 'Ada' },
    { signing_key: 'key' },
    ...['-v', 'a b', 'a,b', 'a$(id)', '/a', 'a:', '', 'x'.repeat(256)].map((sandbox_image) => ({ sandbox_image })),
  ],
  'POST /api/projects/{name}/check': [{ moose_yaml: 'x'.repeat(70_000) }, { frsh: true }],
  'POST /api/proposers': [
    { ...PROPOSER, price: {} },
    { ...PROPOSER, base_url: 'http://a.example' },
    { ...PROPOSER, extra_headers: { authorization: 'x' } },
    { ...PROPOSER, extra_body: { Model: 1 } },
  ],
  'PATCH /api/proposers/{name}': [{}, { extra_body: { 'a b': 1 } }, { price: {} }],
  'PATCH /api/work-orders/{id}': [
    {},
    { title: ' \n ' },
    { title: 'a\nb' },
    { title: 'x'.repeat(201) },
    { files_in_scope: ['../x'] },
    { files_in_scope: ['a', 'a'] },
    { files_in_scope: ['.GIT/x'] },
    { description: 'a\0' },
    { budget_usd: '-1' },
  ],
}

const TAKEN: Record<string, unknown[]> = {
  'PUT /api/proposers/{name}/price': [{ library: true }, { free: true }, RATES, { ...RATES, free: false }],
  'PUT /api/budget/caps': [
    { target: 'project', id: 'p', usd: null },
    { target: 'day', usd: 1e-7 },
  ],
  'POST /api/budget/reconcile': [{ entries: [] }, { ...UNTIL, proposer: 'p' }],
  'PATCH /api/work-orders/{id}': [
    { title: '\u{1f98c}'.repeat(200) },
    { files_in_scope: ['müller/a b.ts', 'src/', '.gitignore'] },
    { budget_usd: null },
  ],
  'POST /api/proposers': [{ ...PROPOSER, price: { library: true }, extra_headers: { 'x-title': 'a' } }],
}

for (const [what, bodies, isTaken] of [
  ['is refused, and does not fit its schema', REFUSED, false],
  ['fits its schema and is taken', TAKEN, true],
] as const) {
  describe(`life G7: what ${what}`, () => {
    for (const [name, examples] of Object.entries(bodies)) {
      test(name, async () => {
        const route = routeOf(name)
        for (const body of examples) {
          const shown = JSON.stringify(body).slice(0, 200)
          assert.equal((await refusal(route, body)) === null, isTaken, shown)
          assert.equal(fits(body, route.body), isTaken, shown)
        }
      })
    }
  })
}
