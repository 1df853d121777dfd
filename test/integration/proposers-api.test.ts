import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { sql } from 'kysely'
import { getProposerConfig } from '../../src/db/proposer-configs.ts'
import { countOutage } from '../../src/db/provider-pauses.ts'
import { providerKey } from '../../src/models/provider-pause.ts'
import { type ApiHome, openApiHome } from '../support/api-home.ts'
import { createTokenApp } from '../support/api-token.ts'
import { type ModelServer, startModelServer } from '../support/model-server.ts'
import { assertConforms } from '../support/openapi-contract.ts'

type Answer = {
  status: number
  body: {
    proposer: Record<string, unknown>
    proposers: { name: string; unavailable: { code: string; command: string } | null }[]
    malformed: { name: string; problem: string; command: string }[]
    test: Record<string, unknown>
    error: { code: string; message: string; details?: Record<string, unknown> }
    ended: boolean
  }
}

const READY = { kind: 'text', text: 'ready', input: 20, output: 3 } as const

/** The proposers of a real home, over its API. */
describe('/api/proposers', () => {
  let api: ApiHome
  let server: ModelServer

  before(async () => {
    server = await startModelServer(READY)
    api = await openApiHome({ settings: { OWN_API_KEY: 'sk-own-0123456789', MOOSE_MODEL_HOSTS: 'models.example.com' } })
  })
  after(async () => {
    await api[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })
  beforeEach(async () => {
    await api.clear()
    await api.home.database.db.deleteFrom('proposer_configs').execute()
    server.calls.length = 0
    server.script.splice(0, server.script.length, READY)
  })

  const call = async (method: string, template: string, name?: string, body?: unknown): Promise<Answer> => {
    const path = template.replace('{name}', encodeURIComponent(String(name)))
    const init = {
      method,
      ...(body === undefined
        ? {}
        : {
            body: typeof body === 'string' ? body : JSON.stringify(body),
            headers: { 'content-type': 'application/json' },
          }),
    }
    const response = await createTokenApp(api.deps()).fetch(new Request(`http://127.0.0.1${path}`, init))
    const { status } = response
    const answer: unknown = await assertConforms(method, template, response)
    return { status, body: JSON.parse(JSON.stringify(answer)) }
  }
  const add = (body: unknown) => call('POST', '/api/proposers', undefined, body)
  const edit = (name: string, body: unknown) => call('PATCH', '/api/proposers/{name}', name, body)
  const show = (name: string) => call('GET', '/api/proposers/{name}', name)
  const tested = (name: string) => call('POST', '/api/proposers/{name}/test', name)
  const own = (changes: Record<string, unknown> = {}) => ({
    name: 'own',
    kind: 'openai-compatible',
    base_url: server.url,
    key_variable: 'OWN_API_KEY',
    model: 'm-1',
    price: { input_per_million: 1, output_per_million: '2' },
    ...changes,
  })

  test('what is added is shown as it was given, with its price and whether it can be called', async () => {
    const added = await add(own({ extra_headers: { 'X-Title': 'Moose' }, extra_body: { top_p: 0.9, a: { b: [1] } } }))
    assert.equal(added.status, 201)
    const { price_since: since, ...proposer } = added.body.proposer
    assert.ok(Math.abs(Date.parse(String(since)) - Date.now()) < 60_000, String(since))
    assert.deepEqual(proposer, {
      name: 'own',
      kind: 'openai-compatible',
      model: 'm-1',
      base_url: server.url,
      key_variable: 'OWN_API_KEY',
      key_set: true,
      complexity_threshold: 1,
      price: {
        source: 'operator',
        input_per_million: 1,
        output_per_million: 2,
        cache_read_per_million: 1,
        cache_write_per_million: 1,
      },
      price_library: null,
      // 630 tokens in at $1 the million, 509 out at $2.
      test_at_most_usd: 0.001648,
      context_tokens: null,
      output_limit_parameter: null,
      answer_form: 'blocks',
      extra_headers: { 'X-Title': 'Moose' },
      extra_body: { top_p: 0.9, a: { b: [1] } },
      active: true,
      unavailable: null,
      provider_pause: null,
    })
    assert.deepEqual((await show('own')).body.proposer, added.body.proposer)
    assert.equal((await show('nobody')).body.error.code, 'not_found')
    const again = await add(own())
    assert.deepEqual([again.status, again.body.error.code], [400, 'request_invalid'])
    assert.match(again.body.error.message, /There is a proposer "own" already.*moose proposer edit own/)
  })

  test('several of one kind, each with a key and an address of its own; a missing key is named with its command', async () => {
    await add(own({ name: 'a' }))
    await add(
      own({ name: 'b', base_url: 'https://models.example.com/v1?api-version=2', key_variable: 'OTHER_API_KEY' }),
    )
    const { proposers } = (await call('GET', '/api/proposers')).body
    assert.deepEqual(
      proposers.map(({ name, unavailable }) => [name, unavailable]),
      [
        ['a', null],
        ['b', { code: 'model_key_missing', reason: 'OTHER_API_KEY is not set', command: 'export OTHER_API_KEY=…' }],
      ],
    )
  })

  test('a price comes from the library or is stated; without either nothing is added', async () => {
    const known = await add({ name: 'sonnet', kind: 'anthropic', model: 'claude-sonnet-5' })
    assert.deepEqual([known.status, Object(known.body.proposer['price']).source], [201, 'library'])
    const { price: _, ...unpriced } = own()
    const refused = await add(unpriced)
    assert.deepEqual([refused.status, refused.body.error.code], [409, 'price_unknown'])
    assert.match(refused.body.error.message, /--input USD --output USD.*--free/)
    assert.equal((await show('own')).status, 404)
    await add(own())
    assert.match((await edit('own', { price: {} })).body.error.message, /price names no price/)
    assert.equal((await edit('own', { price: { library: true } })).body.error.code, 'price_unknown')
    assert.equal(Object((await edit('own', { price: { free: true } })).body.proposer['price']).source, 'free')
    assert.equal((await edit('own', { price: { input_per_million: 1 } })).status, 400)
  })

  test('an edit changes what it names and nothing else; headers and fields one by one', async () => {
    await add(own({ extra_headers: { 'X-Title': 'Moose', 'HTTP-Referer': 'a' }, extra_body: { top_p: 1, seed: 7 } }))
    const before = (await show('own')).body.proposer
    const { proposer } = (await edit('own', { complexity_threshold: 0.4, context_tokens: 1000 })).body
    assert.deepEqual(proposer, { ...before, complexity_threshold: 0.4, context_tokens: 1000 })
    const merged = await edit('own', {
      extra_headers: { 'http-referer': 'b', 'X-New': 'c' },
      extra_body: { seed: null },
    })
    assert.deepEqual(merged.body.proposer['extra_headers'], { 'X-Title': 'Moose', 'http-referer': 'b', 'X-New': 'c' })
    assert.deepEqual(merged.body.proposer['extra_body'], { top_p: 1 })
    const cleared = await edit('own', { extra_headers: null, extra_body: null, context_tokens: null })
    assert.deepEqual(
      [
        cleared.body.proposer['extra_headers'],
        cleared.body.proposer['extra_body'],
        cleared.body.proposer['context_tokens'],
      ],
      [{}, {}, null],
    )
    assert.match((await edit('own', {})).body.error.message, /names nothing to change/)
  })

  test('edits at once lose nothing of each other', async () => {
    await add(own())
    const names = ['X-A', 'X-B', 'X-C', 'X-D']
    const all = await Promise.all([
      ...names.map((name) => edit('own', { extra_headers: { [name]: '1' } })),
      edit('own', { complexity_threshold: 0.3 }),
      add(own()),
      add(own({ name: 'new' })),
      add(own({ name: 'new' })),
    ])
    assert.deepEqual(all.map(({ status }) => status).slice(0, 6), [200, 200, 200, 200, 200, 400])
    assert.deepEqual(
      all
        .slice(6)
        .map(({ status }) => status)
        .toSorted((a, b) => a - b),
      [201, 400],
    )
    const { proposer } = (await show('own')).body
    assert.deepEqual(proposer['extra_headers'], { 'X-A': '1', 'X-B': '1', 'X-C': '1', 'X-D': '1' })
    assert.equal(proposer['complexity_threshold'], 0.3)
  })

  const REFUSED: [Record<string, unknown>, RegExp][] = [
    [{ kind: 'cohere' }, /kind must be one of anthropic, openai, google, openai-compatible/],
    [{ url: 'https://x' }, /url is not a known field/],
    [{ name: '' }, /name must begin/],
    [{ name: '__proto__' }, /name must begin/],
    [{ name: '-rf' }, /name must begin/],
    [{ name: 'a\r\nb' }, /name must begin/],
    [{ name: 'x'.repeat(10_000) }, /name must begin/],
    [{ model: 'a b' }, /model must be an id/],
    [{ model: 'a\0' }, /model contains a NUL/],
    [{ base_url: null }, /base_url is missing: an openai-compatible server has no address/],
    [{ base_url: 'ftp://x' }, /base_url is not an http/],
    [{ base_url: 'http://models.example.com/v1' }, /base_url must begin with https:\/\//],
    [{ base_url: 'http://127.0.0.1.evil.example/v1' }, /base_url must begin with https:\/\//],
    [{ base_url: 'https://me:s3cret@models.example.com/v1' }, /base_url holds a user or password.*key_variable/],
    [{ base_url: 'https://models.example.com/v1?key=s3cret' }, /base_url holds "key" in its query/],
    [{ base_url: 'https://models.example.com/v1\r\nX: y' }, /base_url/],
    [{ base_url: `https://models.example.com/${'x'.repeat(10_000)}` }, /base_url is longer than 2000/],
    [{ key_variable: 'GH_TOKEN' }, /key_variable must be the name of an environment variable that ends in _API_KEY/],
    [{ key_variable: 'sk-abc' }, /key_variable must be the name/],
    [{ complexity_threshold: 1.1 }, /complexity_threshold must be at most 1/],
    [{ context_tokens: 0 }, /context_tokens must be at least 1/],
    [{ answer_form: 'patch' }, /answer_form must be one of .*blocks/],
    [{ output_limit_parameter: 'max tokens' }, /output_limit_parameter must be the name of a parameter/],
    [
      { kind: 'openai', model: 'gpt-6-luna', output_limit_parameter: 'max_tokens' },
      /only for the kind openai-compatible/,
    ],
    [{ output_limit_parameter: 'max_new', extra_body: { max_new: 1 } }, /extra_body\.max_new is set by Moose/],
    [{ extra_headers: { Authorization: 'Bearer x' } }, /extra_headers\.Authorization carries a credential/],
    [{ extra_headers: { 'X-Api-Key': 'x' } }, /X-Api-Key carries a credential/],
    [{ extra_headers: { 'api-key': 'x' } }, /api-key carries a credential/],
    [{ extra_headers: { Cookie: 'x' } }, /Cookie carries a credential/],
    [{ extra_headers: { 'x-goog-api-key': 'x' } }, /x-goog-api-key carries a credential/],
    [{ extra_headers: { Host: 'x' } }, /extra_headers\.Host is set by Moose/],
    [{ extra_headers: { 'X-A': 'a\r\nX-B: b' } }, /extra_headers\.X-A holds a character that no header can hold/],
    [{ extra_headers: { 'X-A\r\n': 'a' } }, /is not the name of a header/],
    [{ extra_headers: { 'X-A': 'x'.repeat(10_000) } }, /extra_headers\.X-A is longer than 2000/],
    [
      { extra_headers: Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`X-${at}`, 'a'])) },
      /extra_headers must have at most 32 entries/,
    ],
    [{ extra_body: { model: 'other' } }, /extra_body\.model is set by Moose/],
    [{ extra_body: { messages: [] } }, /extra_body\.messages is set by Moose/],
    [{ extra_body: { stream: false } }, /extra_body\.stream is set by Moose/],
    [{ extra_body: { max_tokens: 1e9 } }, /extra_body\.max_tokens is set by Moose/],
    [{ extra_body: { max_completion_tokens: 1e9 } }, /extra_body\.max_completion_tokens is set by Moose/],
    [{ extra_body: { a: 'x'.repeat(20_000) } }, /extra_body is longer than 16000/],
    [
      { extra_body: { a: JSON.parse(`${'['.repeat(500)}${']'.repeat(500)}`) } },
      /extra_body is nested more than 10 deep/,
    ],
  ]
  test('what cannot be, and what Moose itself answers for, is refused by its name, and nothing is added', async () => {
    for (const [changes, says] of REFUSED) {
      const { status, body } = await add(own(changes))
      assert.equal(status, 400, JSON.stringify(changes).slice(0, 200))
      assert.match(body.error.message, says)
      assert.doesNotMatch(body.error.message, /s3cret|\n/)
    }
    assert.deepEqual((await call('GET', '/api/proposers')).body.proposers, [])
  })

  test('life G7: a field __proto__ is refused by its name and not dropped silently', async () => {
    const text = JSON.stringify(own()).replace('{', '{"extra_body":{"__proto__":{"model":"x"}},')
    const { status, body } = await add(text)
    assert.deepEqual([status, body.error.details?.['field']], [400, '__proto__'])
    assert.deepEqual((await call('GET', '/api/proposers')).body.proposers, [])
  })

  test('a malformed row is listed with the command that mends it, which does; one that mends half of it says the rest', async () => {
    await add(own())
    await api.home.database.pool.query(
      `update proposer_configs set complexity_threshold = 7, extra_headers = '[1]', active = false`,
    )
    const { malformed } = (await call('GET', '/api/proposers')).body
    assert.deepEqual(
      malformed.map(({ name, command }) => [name, command]),
      [['own', 'moose proposer edit own --threshold 0.5 --no-headers']],
    )
    const shown = await show('own')
    assert.match(shown.body.error.message, /moose proposer edit own --threshold 0\.5 --no-headers$/)
    assert.match((await edit('own', { complexity_threshold: 0.5 })).body.error.message, /edit own --no-headers$/)
    assert.equal((await edit('own', { complexity_threshold: 0.5, extra_headers: null })).status, 200)
  })

  test('an http row from before is edited and shown as it is, without its login', async () => {
    await add(own())
    await api.home.database.db
      .updateTable('proposer_configs')
      .set({
        base_url: 'http://me:s3cret@models.example.com/v1?token=abc&api-version=1',
        extra_headers: '{"Authorization":"s3cret"}',
      })
      .execute()
    const { status, body } = await edit('own', { complexity_threshold: 0.2 })
    assert.equal(status, 200)
    assert.equal(body.proposer['base_url'], 'http://***@models.example.com/v1?token=***&api-version=1')
    assert.deepEqual(body.proposer['extra_headers'], { Authorization: '***' })
  })

  test('it is not removed while an attempt runs with it; afterwards what it has done keeps its name', async () => {
    await add(own())
    const id = await api.place({
      status: 'in_progress',
      phase: 'proposing',
      proposer_name: 'own',
      attempt_history: [{ number: 1, status: 'running' }],
    })
    const busy = await call('DELETE', '/api/proposers/{name}', 'own')
    assert.deepEqual([busy.status, busy.body.error.code], [409, 'work_order_busy'])
    assert.match(busy.body.error.message, new RegExp(`order ${id.slice(0, 8)}.*moose proposer pause own`))
    await api.place({ id, status: 'failed', phase: null, attempt_history: [{ number: 1, status: 'failed' }] })
    await tested('own')
    assert.equal((await call('DELETE', '/api/proposers/{name}', 'own')).status, 200)
    assert.equal((await call('DELETE', '/api/proposers/{name}', 'own')).status, 404)
    assert.equal((await api.detail(id)).proposer, 'own')
    const calls = await api.home.database.db.selectFrom('model_calls').select('proposer').execute()
    assert.deepEqual(calls, [{ proposer: 'own' }])
  })

  test('a test asks once, books what it cost outside of any order, and says what was understood', async () => {
    await add(own({ extra_headers: { 'X-Title': 'Moose' } }))
    const { status, body } = await tested('own')
    assert.equal(status, 200)
    const { duration_ms, ...said } = body.test
    assert.ok(Number(duration_ms) >= 0)
    assert.deepEqual(said, {
      proposer: 'own',
      model: 'm-1',
      text: 'ready',
      cost_usd: 0.000026,
      usage: { input_tokens: 20, output_tokens: 3 },
      streamed: true,
      stop_reason: 'stop',
      finish: 'stop',
      output_limit_parameter: 'max_tokens',
      pause_ended: false,
    })
    const [seen] = server.calls
    assert.equal(server.calls.length, 1)
    assert.equal(seen?.headers['x-title'], 'Moose')
    assert.equal(seen?.headers.authorization, 'Bearer sk-own-0123456789')
    const { rows } = await sql<{ kind: string; cost_usd: string | null }>`
      select kind, cost_usd::text from budget_entries where work_order_id is null order by id`.execute(api.moose.db)
    assert.deepEqual(
      rows.map(({ kind }) => kind),
      ['reserved', 'settled'],
    )
  })

  test('each kind is tested in its own protocol', async () => {
    const { base_url, price } = own()
    await add({ name: 'a', kind: 'anthropic', model: 'm', base_url, price, key_variable: 'OWN_API_KEY' })
    await add({ name: 'o', kind: 'openai', model: 'm', base_url, price, key_variable: 'OWN_API_KEY' })
    const limits: unknown[] = []
    for (const name of ['a', 'o']) {
      const { status, body } = await tested(name)
      assert.equal(status, 200, body.error?.message)
      limits.push(body.test['output_limit_parameter'])
    }
    assert.deepEqual(limits, ['max_tokens', 'max_output_tokens'])
    assert.deepEqual(
      server.calls.map(({ path }) => path),
      ['/messages', '/responses'],
    )
  })

  test('an answer that the test itself cuts off has shown everything all the same', async () => {
    await add(own())
    server.script.splice(0, 1, { kind: 'truncated', text: 'read', input: 20, output: 509 })
    const { status, body } = await tested('own')
    assert.equal(status, 200, body.error?.message)
    assert.deepEqual([body.test['finish'], body.test['cost_usd']], ['length', 0.001038])
  })

  test('a failure says what to type next, costs nothing, and tries once', async () => {
    await add(own())
    const failures: [number, string, string, RegExp][] = [
      [401, 'bad key', 'model_key_rejected', /Next: export OWN_API_KEY=…, where Moose is started from$/],
      [404, 'no such model', 'model_call_rejected', /Next: moose proposer edit own --model ID$/],
      [
        400,
        "use 'max_completion_tokens' instead",
        'model_call_rejected',
        /--output-limit-parameter max_completion_tokens$/,
      ],
      [503, 'busy', 'model_overloaded', /Next: moose proposer test own$/],
    ]
    for (const [status, message, code, says] of failures) {
      server.script.splice(0, server.script.length, { kind: 'status', status, message })
      server.calls.length = 0
      const { body } = await tested('own')
      assert.equal(body.error.code, code, body.error.message)
      assert.match(body.error.message, says)
      assert.equal(server.calls.length, 1)
    }
    const pauses = await api.home.database.db.selectFrom('provider_pauses').selectAll().execute()
    assert.deepEqual(pauses, [], 'what an operator tries out pauses nothing')
  })

  test('it works while the proposer and its provider are paused, and an answer ends the pause', async () => {
    await add(own({ active: false }))
    const provider = providerKey(await getProposerConfig(api.moose.db, 'own'))
    const outage = {
      provider,
      reason: 'HTTP 503',
      tested: false,
      kind: 'outage' as const,
      keyMark: null,
      askedMs: 0,
      chance: 0,
    }
    await countOutage(api.moose.db, outage)
    const paused = Object((await show('own')).body.proposer['provider_pause'])
    assert.deepEqual([paused.reason, paused.failures, paused.running], ['HTTP 503', 1, true])
    assert.equal((await tested('own')).body.test['pause_ended'], true)
    assert.equal((await show('own')).body.proposer['provider_pause'], null)
    await countOutage(api.moose.db, outage)
    const end = () => call('DELETE', '/api/proposers/{name}/provider-pause', 'own')
    assert.equal((await end()).body.ended, true)
    assert.equal((await end()).body.ended, false)
  })

  test('without a key, with a full cap, or of recordings nothing is sent', async () => {
    await add(own({ key_variable: 'OTHER_API_KEY' }))
    assert.equal((await tested('own')).body.error.code, 'model_key_missing')
    await edit('own', { key_variable: 'OWN_API_KEY' })
    await sql`insert into system_config (key, value) values ('budget_limits', '{"daily_hard_cap": 0}')`.execute(
      api.moose.db,
    )
    const refused = await tested('own')
    assert.equal(refused.body.error.code, 'budget_exceeded', refused.body.error.message)
    const replay = { name: 'recorded', provider: 'replay', model: 'r', complexity_threshold: 1 }
    await api.home.database.db.insertInto('proposer_configs').values(replay).execute()
    assert.equal((await tested('recorded')).body.error.code, 'request_invalid')
    assert.equal(server.calls.length, 0)
  })
})
