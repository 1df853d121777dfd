import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, test } from 'node:test'
import { z } from 'zod'
import { createHttpApp, openApiDocument } from '../../src/http/http-app.ts'
import { ROUTE_NEEDS, scopeOf } from '../../src/http/route-needs.ts'
import { openApiHome } from '../support/api-home.ts'
import { contract, operations } from '../support/openapi-contract.ts'

const api = await openApiHome()
after(() => api[Symbol.asyncDispose]())

const Properties = z.object({ properties: z.record(z.string(), z.unknown()).default({}) })
const Extended = z.object({ allOf: z.array(z.unknown()) })
const Referring = z.object({ $ref: z.string() })

/** Of a schema or of the component it refers to, with those of what that extends. */
function propertiesOf(schema: unknown): Record<string, unknown> {
  const reference = Referring.safeParse(schema)
  if (reference.success) return propertiesOf(contract.components.schemas[reference.data.$ref.replace(/^.*\//, '')])
  const extended = Extended.safeParse(schema)
  if (extended.success) return Object.assign({}, ...extended.data.allOf.map(propertiesOf))
  return Properties.parse(schema).properties
}

test('openapi.json is what the routes say; write it with: node scripts/openapi.ts', async () => {
  const file = await readFile(new URL('../../openapi.json', import.meta.url), 'utf8')
  assert.equal(file, `${JSON.stringify(openApiDocument(), null, 2)}\n`)
})

test('GET /openapi.json serves the same document', async () => {
  const response = await api.moose.http.fetch(new Request('http://127.0.0.1/openapi.json'))
  assert.deepEqual(await response.json(), JSON.parse(JSON.stringify(openApiDocument())))
})

test('the contract and the app have the same routes', () => {
  const views = [
    '/',
    '/login',
    '/orders',
    '/orders/:id',
    '/orders/:id/edit',
    '/new',
    '/import',
    '/numbers',
    '/operate',
    '/operate/:part',
    '/assets/:file',
  ]
  const pages = [...views, '/docs', '/docs/', '/docs/start.js', '/openapi.json']
  const served = createHttpApp(api.deps())
    .routes.filter(({ method, path }) => method !== 'ALL' && !pages.includes(path) && !/^\/docs\/.+\.\w+$/.test(path))
    .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`)
  const declared = operations().map(({ method, path }) => `${method} ${path}`)
  assert.deepEqual([...new Set(served)].sort(), declared.sort())
})

test('every route says what it takes, and the contract says the same', () => {
  const served = createHttpApp(api.deps()).routes.filter(({ method }) => method !== 'ALL')
  const routes = new Set(served.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`))
  assert.deepEqual([...routes].sort(), Object.keys(ROUTE_NEEDS).sort())
  for (const { method, path, operation } of operations()) {
    const scope = scopeOf(ROUTE_NEEDS[`${method} ${path}`] ?? 'read')
    assert.deepEqual(operation.security, scope === null ? [] : [{ token: [scope] }], `${method} ${path}`)
    const looksItself = path.startsWith('/api/webhooks/') || operation.operationId === 'openSession'
    assert.equal('401' in operation.responses, scope !== null || looksItself, path)
    assert.ok(operation.responses['403'] !== undefined, path)
  }
})

test('every operation has an id of its own, a summary, described answers and its path parameters', () => {
  const ids = operations().map(({ operation }) => operation.operationId)
  assert.equal(new Set(ids).size, ids.length)
  for (const { method, path, operation } of operations()) {
    const text = JSON.stringify(operation)
    assert.match(text, /"summary":"[^"]+"/, `${method} ${path}`)
    for (const [, name] of path.matchAll(/\{(\w+)\}/g)) assert.match(text, new RegExp(`"name":"${name}","in":"path"`))
    for (const [status, answer] of Object.entries(operation.responses)) {
      assert.match(JSON.stringify(answer), /^\{"description":"[^"]+"/, `${method} ${path} ${status}`)
    }
  }
})

test('every reference resolves and every component is used', () => {
  const text = JSON.stringify(contract)
  const used = new Set([...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => String(name)))
  assert.deepEqual([...used].sort(), Object.keys(contract.components.schemas).sort())
})

test('no schema adds a field that the one it extends states otherwise', () => {
  for (const [name, schema] of Object.entries(contract.components.schemas)) {
    const parts = Extended.safeParse(schema)
    if (!parts.success) continue
    const stated = parts.data.allOf.flatMap((part) => Object.entries(propertiesOf(part)))
    for (const [field, group] of Map.groupBy(stated, ([field]) => field))
      assert.equal(new Set(group.map(([, one]) => JSON.stringify(one))).size, 1, `${name}.${field}`)
  }
})

test('a field that may be null is null beside its component, not inside it', () => {
  const workOrder = JSON.stringify(contract.components.schemas['WorkOrder'])
  assert.match(
    workOrder,
    /"status_reason":\{"anyOf":\[\{"\$ref":"#\/components\/schemas\/FaultView"\},\{"type":"null"\}\]/,
  )
})
