import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { z } from 'zod'
import { branchNames, isBranchName } from '../../src/work-order/naming.ts'
import { openApiHome } from '../support/api-home.ts'
import { roughly } from '../support/json-schema.ts'
import { operations } from '../support/openapi-contract.ts'
import { withinMs } from '../support/within.ts'

const ORDERS = 10_000
/** As many at once as a busy client sends. */
const AT_ONCE = 10
const HANGS_MS = 30_000

const HOSTILE = [
  '`id`',
  '$(touch x)',
  '--load=x',
  '-rf',
  "'; drop table work_orders; --",
  '{{7*7}}',
  '%s%n',
  '/run x',
  '!x',
  'Closes #1 @octo/team [skip ci]',
  '<img src=x onerror=alert(1)>',
  '<!-- hidden -->',
  '‮evil',
  '​zero',
  '󠁁󠁂',
  '\0',
  '\ud800',
  '\r\n## Checks',
  '../../etc/passwd',
  '.git/config',
  'a\0b',
  '　',
  '__proto__',
  'constructor',
  'x'.repeat(3e4),
  '日本語のタイトル',
  '🦌'.repeat(201),
  'https://169.254.169.254/',
]
const hostile = fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: 'binary', maxLength: 30 }))
const field = fc.oneof(hostile, fc.array(hostile, { maxLength: 4 }), fc.jsonValue({ maxDepth: 2 }), fc.constant(true))
const odd = fc.record(
  {
    title: fc.oneof(hostile, field),
    description: hostile,
    acceptance_criteria: fc.array(hostile, { maxLength: 3 }),
    files_in_scope: fc.array(fc.oneof(hostile, fc.constantFrom('src/', 'a.txt')), { maxLength: 3 }),
    risk_level: fc.constantFrom('low', 'high', 'none'),
    metadata: field,
    approved: fc.boolean(),
  },
  { requiredKeys: ['title'] },
)

const Answer = z.union([
  z.object({ success: z.literal(true) }),
  z.object({ success: z.literal(false), error: z.object({ code: z.string().min(1), message: z.string().min(1) }) }),
])

test('8, 9 and S13: ten thousand fuzzed orders are stored or refused with a code, and nothing hangs', {
  timeout: 600_000,
}, async (t) => {
  await using home = await openApiHome()
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  t.diagnostic(`SEED=${seed}`)
  const add = operations().find(({ method, path }) => method === 'POST' && path === '/api/work-orders')?.operation
  const schema = add?.requestBody?.content['application/json']?.schema
  const order = fc.oneof({ weight: 2, arbitrary: odd }, { weight: 1, arbitrary: roughly(schema) })
  const counts = new Map<number, number>()
  const send = async (body: unknown) => {
    const sent = new Request('http://127.0.0.1/api/work-orders', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const response = await withinMs(HANGS_MS, Promise.resolve(home.moose.http.fetch(sent)))
    const answer = Answer.parse(await response.json())
    const shown = JSON.stringify(body).slice(0, 500)
    assert.ok([200, 201, 400, 404, 409, 413].includes(response.status), `${response.status} for ${shown}`)
    assert.equal(answer.success, response.ok, shown)
    counts.set(response.status, (counts.get(response.status) ?? 0) + 1)
  }
  const some = fc.array(order, { minLength: AT_ONCE, maxLength: AT_ONCE })
  const property = fc.asyncProperty(some, async (bodies) => {
    await Promise.all(bodies.map(send))
  })
  await fc.assert(property, { numRuns: ORDERS / AT_ONCE, seed })
  t.diagnostic(JSON.stringify([...counts]))
  const orders = await home.home.database.db.selectFrom('work_orders').select(['id', 'title']).execute()
  assert.ok(orders.length > 100, `${orders.length} were stored`)
  for (const { id, title } of orders) {
    const branches = branchNames({ pattern: null, shortId: id.slice(0, 8), title, attempt: 2 })
    for (const branch of branches) assert.ok(isBranchName(branch) && /^[ -~]+$/.test(branch), `${title}: ${branch}`)
  }
})
