import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { after, beforeEach, test } from 'node:test'
import { pino } from 'pino'
import { readConfig } from '../../src/config.ts'
import { FaultBody } from '../../src/contract/faults.ts'
import { Fault, type FaultCode, NEXT_MOVE } from '../../src/faults/fault.ts'
import { FAULT_STATUS } from '../../src/http/fault-status.ts'
import { createHttpApp } from '../../src/http/http-app.ts'
import { HTTP_LIMITS } from '../../src/http/http-env.ts'
import { serveHttp } from '../../src/http/serve-http.ts'
import { openApiHome } from '../support/api-home.ts'
import { createTokenApp } from '../support/api-token.ts'
import { assertConforms, operations } from '../support/openapi-contract.ts'

const api = await openApiHome()
after(() => api[Symbol.asyncDispose]())
beforeEach(() => api.clear())

const CODES = Object.keys(NEXT_MOVE).filter((code): code is FaultCode => code in NEXT_MOVE)
const json = (body: string) => ({ method: 'POST', headers: { 'Content-Type': 'application/json' }, body })

async function refusal(response: Response, status: number, code: FaultCode) {
  const { error } = FaultBody.parse(await response.json())
  assert.deepEqual({ status: response.status, code: error.code }, { status, code }, error.message)
  return error
}

/** Sends bytes as they are: what fetch would not let a test say. */
async function raw(url: string, lines: readonly string[]): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  await once(socket, 'connect')
  // Not ended: who has hung up gets no answer that takes a moment.
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  return text(socket)
}

test('every fault is answered with the status of the table, its code and its details', async () => {
  const deps = api.deps()
  const app = createTokenApp(deps)
  for (const code of CODES) {
    deps.orchestrator.status = () => Promise.reject(new Fault(code, 'It happened.', { id: 'x' }))
    const response = await app.request('/api/orchestrator')
    const error = await refusal(response, FAULT_STATUS[code], code)
    if (code !== 'internal') assert.deepEqual(error, { code, message: 'It happened.', details: { id: 'x' } })
  }
})

test('no fault is answered with a secret of Moose in its words', async () => {
  const deps = api.deps()
  const config = readConfig({ MOOSE_HOME: '/home/ada/moose', OPENAI_API_KEY: 'sk-canary-0123' })
  deps.config = config
  const app = createTokenApp(deps)
  const details = { id: 'x', reason: 'no: sk-canary-0123' }
  deps.orchestrator.status = () => Promise.reject(new Fault('proposer_refused', 'It said sk-canary-0123.', details))
  const error = await refusal(await app.request('/api/orchestrator'), 502, 'proposer_refused')
  assert.deepEqual([error.message, error.details], ['It said [redacted].', { id: 'x', reason: 'no: [redacted]' }])
})

test('the contract declares every status that the end of an attempt can have', async () => {
  const deps = api.deps()
  const app = createTokenApp(deps)
  const id = await api.place()
  const notOfAttempts: FaultCode[] = ['too_many_streams', 'webhook_refused']
  for (const code of CODES.filter((one) => !notOfAttempts.includes(one))) {
    deps.orchestrator.execute = () => Promise.reject(new Fault(code, 'It happened.'))
    const response = await app.request('/api/orchestrator/execute', json(JSON.stringify({ work_order_id: id })))
    await assertConforms('POST', '/api/orchestrator/execute', response)
  }
})

test('what Moose cannot name is told to the log and not to the client', async () => {
  const deps = api.deps()
  const lines: string[] = []
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk))
      done()
    },
  })
  deps.log = pino({ level: 'error', base: null }, sink)
  deps.orchestrator.status = () => Promise.reject(new Error('password is hunter2'))
  const response = await createTokenApp(deps).request('/api/orchestrator')
  const error = await refusal(response, 500, 'internal')
  assert.doesNotMatch(JSON.stringify(error), /hunter2|at .*\.ts/)
  assert.match(lines.join(''), /hunter2.*http-refusals\.test\.ts/)
})

test('a missing approval is 409 for an execution and 403 for the Manager', async () => {
  const deps = api.deps()
  const app = createTokenApp(deps)
  const id = await api.place()
  deps.orchestrator.execute = () => Promise.reject(new Fault('work_order_not_approved', 'It is not approved.'))
  const executed = await app.request('/api/orchestrator/execute', json(JSON.stringify({ work_order_id: id })))
  await refusal(executed, 409, 'work_order_not_approved')
  const request = { work_order_id: id, task_description: '', complexity_score: 0.5, approved_by_director: false }
  const routed = await app.request('/api/manager', json(JSON.stringify(request)))
  assert.equal(routed.status, 403)
  await assertConforms('POST', '/api/manager', routed)
})

test('an unknown order is 404 on every route that names one', async () => {
  const app = createTokenApp(api.deps())
  for (const { method, path } of operations().filter((route) => route.path.startsWith('/api/work-orders/{id}'))) {
    for (const id of ['00000000-0000-4000-8000-000000000000', 'zz', 'abc', '%00', "1'--", 'a'.repeat(5000)]) {
      const isDecision = path.endsWith('/decide')
      const body = method === 'PATCH' ? json('{"title":"x"}') : isDecision ? json('{"option":"abort"}') : {}
      const response = await app.request(path.replace('{id}', id).replaceAll(/\{\w+\}/g, '1'), { ...body, method })
      await refusal(response.clone(), 404, 'work_order_not_found')
      await assertConforms(method, path, response)
    }
  }
  const executed = await app.request('/api/orchestrator/execute', json('{"work_order_id":"feedbeef"}'))
  await refusal(executed, 404, 'work_order_not_found')
})

test('a work order that breaks the rules is refused by field and nothing is stored', async () => {
  const deps = api.deps()
  const app = createTokenApp(deps)
  const add = async (body: unknown) =>
    refusal(await app.request('/api/work-orders', json(JSON.stringify(body))), 400, 'work_order_invalid')
  const good = { title: 'Good' }
  assert.match((await add({ title: '', files_in_scope: ['../x'] })).message, /title is empty; files_in_scope\[0\]/)
  assert.match((await add({ ...good, files_in_scop: [] })).message, /files_in_scop is not a known field/)
  assert.match((await add({ work_orders: [good, { title: 'a\nb' }] })).message, /work_orders\[1\]\.title/)
  assert.match((await add({ work_orders: [] })).message, /work_orders/)
  assert.match((await add([good])).message, /object/)
  assert.match((await add({ ...good, project: 'a\0b' })).message, /project/)
  const many = await add({ work_orders: Array.from({ length: 500 }, () => ({ title: '' })) })
  assert.match(many.message, /and 480 more/)
  assert.equal(many.details?.['fields']?.toString().split(', ').length, 20)
  assert.deepEqual(await api.orders(), [])
})

test('an edit is held to the rules of a new order, and must change something', async () => {
  const deps = api.deps()
  const app = createTokenApp(deps)
  const id = await api.place()
  const edit = (body: unknown) =>
    app.request(`/api/work-orders/${id}`, { ...json(JSON.stringify(body)), method: 'PATCH' })
  const refused = async (body: unknown) => (await refusal(await edit(body), 400, 'work_order_invalid')).message
  assert.match(
    await refused({ title: '', files_in_scope: ['../x'] }),
    /title is empty; files_in_scope\[0\] "\.\.\/x" leaves/,
  )
  assert.match(await refused({ approved: true }), /approved is not a known field/)
  assert.match(await refused({}), /names no field to change/)
  await api.place({ id, status: 'completed' })
  await refusal(await edit({ title: 'x' }), 409, 'work_order_conflict')
})

test('what is wrong is said in plain words', async () => {
  const app = createTokenApp(api.deps())
  const execute = async (body: string) =>
    (await refusal(await app.request('/api/orchestrator/execute', json(body)), 400, 'request_invalid')).message
  assert.equal(await execute('{}'), 'The body was refused: work_order_id is missing.')
  assert.equal(
    await execute('{"work_order_id":5}'),
    'The body was refused: work_order_id must be a string, not the number 5.',
  )
  const list = await app.request('/api/work-orders?limit=0')
  assert.match((await refusal(list, 400, 'request_invalid')).message, /limit must be at least 1\./)
})

test('a wrong body or query elsewhere is request_invalid and names the field', async () => {
  const app = createTokenApp(api.deps())
  const start = await app.request('/api/orchestrator/start', json('{"interval_ms":1}'))
  assert.match((await refusal(start, 400, 'request_invalid')).message, /interval_ms/)
  const list = await app.request('/api/work-orders?status=done&limit=0')
  assert.match((await refusal(list, 400, 'request_invalid')).message, /status.*limit/)
  const nul = await app.request('/api/work-orders?project=%00')
  assert.match((await refusal(nul, 400, 'request_invalid')).message, /project/)
  const manager = await app.request('/api/manager', json('{"complexity_score":2}'))
  assert.match((await refusal(manager, 400, 'request_invalid')).message, /work_order_id.*complexity_score/)
  const events = await app.request('/api/events?after=-1')
  assert.match((await refusal(events, 400, 'request_invalid')).message, /after/)
  const resumed = await app.request('/api/events', { headers: { 'Last-Event-ID': 'x' } })
  assert.match((await refusal(resumed, 400, 'request_invalid')).message, /Last-Event-ID/)
})

test('a name that no row can have is named as unknown, or as wrong, and reaches no database', async () => {
  const deps = api.deps()
  const app = createTokenApp(deps)
  for (const name of ['%00', 'a%00b', 'a'.repeat(5_000)]) {
    const price = await app.request(`/api/proposers/${name}/price`, { ...json('{"free":true}'), method: 'PUT' })
    assert.match((await refusal(price.clone(), 404, 'not_found')).message, /^There is nothing of this name: name /)
    await assertConforms('PUT', '/api/proposers/{name}/price', price)
  }
  const request = { task_description: 'x', expected_output_type: 'code' }
  for (const metadata of [{ project: 'a\0b' }, { proposer: '\ud800' }]) {
    const body = JSON.stringify({ ...request, metadata })
    const proposed = await app.request('/api/proposer-enhanced', json(body))
    assert.match((await refusal(proposed, 400, 'request_invalid')).message, /metadata\.p\w+ contains a NUL or half/)
  }
})

test('malformed JSON is 400', async () => {
  const app = createTokenApp(api.deps())
  for (const body of ['{', '{"title":}', 'null x', '\u0000']) {
    await refusal(await app.request('/api/work-orders', json(body)), 400, 'request_invalid')
  }
})

test('a name that is there twice, text that is no UTF-8, an unknown field and an unknown parameter are refused by name', async () => {
  const app = createTokenApp(api.deps())
  const send = (body: string | Buffer) =>
    app.request('/api/work-orders', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body })
  const twice = await refusal(await send('{"title":"a","title":"b"}'), 400, 'request_invalid')
  assert.match(twice.message, /names "title" twice/)
  const lost = await app.request('/api/proposers', json('{"name":"a","extra_body":{"__proto__":{"a":1}}}'))
  assert.match((await refusal(lost, 400, 'request_invalid')).message, /__proto__ is the name of no field/)
  for (const stored of ['{"a":{"b\\u0000":1}}', '{"a":["\\ud800"]}']) {
    const body = json(`{"name":"a","kind":"anthropic","model":"m","price":{"free":true},"extra_body":${stored}}`)
    const unstored = await refusal(await app.request('/api/proposers', body), 400, 'request_invalid')
    assert.match(unstored.message, /extra_body holds a NUL or half of a character/)
  }
  const latin1 = await refusal(await send(Buffer.from('{"title":"caf\xe9"}', 'latin1')), 400, 'request_invalid')
  assert.match(latin1.message, /The body is not UTF-8 \(line 1\)/)
  const field = await refusal(await send('{"titel":"a"}'), 400, 'work_order_invalid')
  assert.match(field.message, /titel is not a known field; there are: title, description, /)
  const retry = '/api/manager?work_order_id=a&current_proposer=b&attempt=1&resaon=c'
  for (const query of ['/api/work-orders?stauts=failed', '/api/events?aftre=1', retry]) {
    const { message } = await refusal(await app.request(query), 400, 'request_invalid')
    assert.match(message, /The query was refused: (stauts|aftre|resaon) is not a known field; there are: /)
  }
})

test('a body over the limit is 413, announced or not, and the server goes on', async () => {
  const deps = api.deps()
  await using server = await serveHttp(createTokenApp(deps), { port: 0 })
  const big = JSON.stringify({ title: 'x'.repeat(HTTP_LIMITS.maxBodyBytes) })
  const announced = await fetch(`${server.url}/api/work-orders`, json(big))
  await refusal(announced, 413, 'request_invalid')
  const streamed = await fetch(`${server.url}/api/work-orders`, {
    ...json(''),
    body: Readable.toWeb(Readable.from([Buffer.from(big)])),
    duplex: 'half',
  })
  await refusal(streamed.clone(), 413, 'request_invalid')
  await assertConforms('POST', '/api/work-orders', streamed)
  const small = await fetch(`${server.url}/api/work-orders`, {
    ...json(''),
    body: Readable.toWeb(Readable.from([Buffer.from('{"title":"Sent in '), Buffer.from('two pieces"}')])),
    duplex: 'half',
  })
  assert.equal(small.status, 201)
})

test('a body that is not JSON is 415, so that no form of a web page can act', async () => {
  const deps = api.deps()
  await using server = await serveHttp(createTokenApp(deps), { port: 0 })
  const id = await api.place()
  const before = await api.snapshot()
  const types = ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'text/json']
  for (const { method, path } of operations().filter((route) => route.method !== 'GET')) {
    for (const type of types) {
      const headers = { 'Content-Type': type }
      const response = await fetch(server.url + path.replace('{id}', id), { method, headers, body: '{"title":"x"}' })
      await refusal(response, 415, 'request_invalid')
    }
    const body = new Uint8Array([123, 125])
    await refusal(await fetch(server.url + path.replace('{id}', id), { method, body }), 415, 'request_invalid')
  }
  assert.deepEqual(deps.told, [])
  assert.equal(await api.snapshot(), before)
})

test('a foreign host is 403 on every route, before anything is done', async () => {
  const deps = api.deps()
  await using server = await serveHttp(createTokenApp(deps), { port: 0 })
  const id = await api.place()
  const before = await api.snapshot()
  const routes = [...operations(), { method: 'GET', path: '/docs' }, { method: 'GET', path: '/nowhere' }]
  for (const { method, path } of routes) {
    const request = `${method} ${path.replace('{id}', id)} HTTP/1.1`
    const answer = await raw(server.url, [request, 'Host: evil.example', 'Connection: close'])
    assert.match(answer, /^HTTP\/1\.1 403 [^]*"request_forbidden"/, `${method} ${path}`)
  }
  assert.deepEqual(deps.told, [])
  assert.equal(await api.snapshot(), before)
})

test('a page of another origin is 403, with or without a body, as an upgrade and as a preflight', async () => {
  const deps = api.deps()
  await using server = await serveHttp(createTokenApp(deps), { port: 0 })
  const { host } = new URL(server.url)
  const stop = 'POST /api/orchestrator/stop HTTP/1.1'
  const attempts = [
    [stop, 'Origin: http://evil.example'],
    [stop, 'Origin: null'],
    [stop, 'Origin: http://127.0.0.1:1'],
    [stop, 'Sec-Fetch-Site: cross-site'],
    ['OPTIONS /api/orchestrator/stop HTTP/1.1', 'Origin: http://evil.example'],
    ['GET /api/events HTTP/1.1', 'Origin: http://evil.example', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'],
  ]
  for (const [line, ...headers] of attempts) {
    const answer = await raw(server.url, [String(line), `Host: ${host}`, 'Connection: close', ...headers])
    assert.match(answer, /^HTTP\/1\.1 403 /, headers.join())
    assert.doesNotMatch(answer, /access-control/i)
  }
  assert.deepEqual(deps.told, [])
  const own = [`Host: ${host}`, `Origin: ${server.url}`, 'Sec-Fetch-Site: same-origin', 'Connection: close']
  assert.match(await raw(server.url, [stop, ...own]), /^HTTP\/1\.1 200 /)
})

test('a request line or host that makes no URL is 400', async () => {
  await using server = await serveHttp(createTokenApp(api.deps()), { port: 0 })
  const lines = ['GET /healthz HTTP/1.1', 'Host: evil.example@127.0.0.1', 'Connection: close']
  assert.match(await raw(server.url, lines), /^HTTP\/1\.1 400 [^]*"request_invalid"/)
})

test('an unknown route is 404 and a known one with another method 405, with the ones it takes', async () => {
  const app = createTokenApp(api.deps())
  await refusal(await app.request('/api/nothing'), 404, 'not_found')
  await refusal(await app.request('/api/work-orders/'), 404, 'not_found')
  const wrong = await app.request('/api/orchestrator/start')
  assert.equal(wrong.headers.get('allow'), 'POST')
  await refusal(wrong, 405, 'request_invalid')
  const removal = await app.request('/api/work-orders', { method: 'DELETE' })
  assert.equal(removal.headers.get('allow'), 'GET, HEAD, POST')
  assert.equal(removal.status, 405)
})

test('a browser that is led to an unknown address gets the page, and nothing else does', async () => {
  const app = createHttpApp(api.deps())
  const led = { headers: { 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'none' } }
  const page = await app.request('/nonsense/of/any?kind', led)
  assert.deepEqual([page.status, page.headers.get('content-type')], [404, 'text/html; charset=utf-8'])
  assert.match(String(page.headers.get('content-security-policy')), /script-src 'self'/)
  for (const path of ['/api/nothing', '/api', '/assets/nothing.js']) {
    const { status } = await app.request(path, led)
    assert.ok(status === 401 || status === 404, `${path}: ${status}`)
    assert.doesNotMatch(String((await app.request(path, led)).headers.get('content-type')), /html/)
  }
  assert.equal((await app.request('/nonsense')).status, 401)
  assert.equal((await app.request('/nonsense', { ...led, method: 'POST' })).status, 401)
})

test('every answer forbids sniffing, framing, caching and loading, refusals too', async () => {
  const deps = api.deps()
  deps.orchestrator.status = () => Promise.reject(new Error('broken'))
  const app = createTokenApp(deps)
  for (const path of [
    '/healthz',
    '/api/nothing',
    '/api/orchestrator',
    '/api/work-orders',
    '/api/events',
    '/openapi.json',
  ]) {
    const { headers, body } = await app.request(path)
    await body?.cancel()
    assert.equal(headers.get('x-content-type-options'), 'nosniff', path)
    assert.equal(headers.get('cache-control'), 'no-store', path)
    assert.equal(headers.get('x-frame-options'), 'DENY', path)
    assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'.*frame-ancestors 'none'/, path)
    assert.equal(headers.get('access-control-allow-origin'), null, path)
  }
})
