import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { after, test } from 'node:test'
import { Fault } from '../../src/faults/fault.ts'
import { serveHttp } from '../../src/http/serve-http.ts'
import { openApiHome } from '../support/api-home.ts'
import { createTokenApp } from '../support/api-token.ts'

const api = await openApiHome()
after(() => api[Symbol.asyncDispose]())

test('a taken port is said by name, with the next step', async () => {
  const app = createTokenApp(api.deps())
  await using server = await serveHttp(app, { port: 0 })
  await assert.rejects(serveHttp(app, { port: server.port }), (error) => {
    assert.ok(error instanceof Fault)
    assert.equal(error.code, 'port_taken')
    assert.match(error.message, new RegExp(`Port ${server.port} .*--port or MOOSE_PORT`))
    return true
  })
})

test('the server listens on loopback only', async () => {
  await using server = await serveHttp(createTokenApp(api.deps()), { port: 0 })
  assert.match(server.url, /^http:\/\/127\.0\.0\.1:\d+$/)
  assert.equal((await fetch(`${server.url}/healthz`)).status, 200)
  const outside = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, family }) => !internal && family === 'IPv4')
  for (const { address } of outside) {
    const socket = connect(server.port, address)
    await assert.rejects(once(socket, 'connect'), { code: 'ECONNREFUSED' }, address)
  }
})

test('closing ends the streams by name, frees the port and takes under a second', async () => {
  const deps = api.deps()
  const app = createTokenApp(deps)
  const server = await serveHttp(app, { port: 0 })
  const id = await api.place()
  const streams = await Promise.all([
    fetch(`${server.url}/api/events`),
    fetch(`${server.url}/api/work-orders/${id}/events?follow=attempt`),
  ])
  await fetch(`${server.url}/healthz`)
  const began = performance.now()
  const [, ...texts] = await Promise.all([server[Symbol.asyncDispose](), ...streams.map((stream) => stream.text())])
  assert.ok(performance.now() - began < 900, `${performance.now() - began} ms`)
  for (const text of texts) assert.equal(text, 'event: end\ndata: {"reason":"shutdown"}\n\n')
  assert.equal(deps.subscriptions(), 0)
  await using again = await serveHttp(app, { port: server.port })
  assert.equal(again.port, server.port)
})

test('closing lets an answer under way finish', async () => {
  const deps = api.deps()
  const { promise: answered, resolve: answerNow } = Promise.withResolvers<void>()
  const { promise: asked, resolve: asks } = Promise.withResolvers<void>()
  const { status } = deps.orchestrator
  deps.orchestrator.status = async () => {
    asks()
    await answered
    return status()
  }
  const server = await serveHttp(createTokenApp(deps), { port: 0 })
  const answer = fetch(`${server.url}/api/orchestrator`)
  await asked
  const closed = server[Symbol.asyncDispose]()
  setTimeout(answerNow, 100)
  assert.equal((await answer).status, 200)
  await closed
})

test('closing tells who waits for an execution that it goes on later, and drops who does not listen', async () => {
  const deps = api.deps()
  const { promise: executing, resolve: executes } = Promise.withResolvers<void>()
  const { promise: hanging, resolve: hangs } = Promise.withResolvers<void>()
  deps.orchestrator.execute = (_id, signal) =>
    new Promise((_resolve, reject) => {
      executes()
      signal.addEventListener('abort', () => reject(signal.reason))
    })
  deps.orchestrator.status = () => {
    hangs()
    return new Promise(() => undefined)
  }
  const server = await serveHttp(createTokenApp(deps), { port: 0 })
  const id = await api.place()
  const execution = fetch(`${server.url}/api/orchestrator/execute`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ work_order_id: id }),
  })
  const never = assert.rejects(fetch(`${server.url}/api/orchestrator`))
  await Promise.all([executing, hanging])
  const began = performance.now()
  await server[Symbol.asyncDispose]()
  assert.ok(performance.now() - began < 2000)
  const answer = await execution
  assert.equal(answer.status, 503)
  assert.match(await answer.text(), /service_unreachable.*moose up/)
  await never
})

test('a client that gives up an execution stops the waiting and does no harm', async () => {
  const deps = api.deps()
  const { promise: waiting, resolve: waits } = Promise.withResolvers<void>()
  const { promise: stopped, resolve: stops } = Promise.withResolvers<void>()
  deps.orchestrator.execute = (_id, signal) =>
    new Promise((_resolve, reject) => {
      waits()
      signal.addEventListener('abort', () => {
        stops()
        reject(signal.reason)
      })
    })
  await using server = await serveHttp(createTokenApp(deps), { port: 0 })
  const gone = new AbortController()
  const execution = fetch(`${server.url}/api/orchestrator/execute`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ work_order_id: await api.place() }),
    signal: gone.signal,
  })
  await waiting
  gone.abort()
  await assert.rejects(execution)
  await stopped
  assert.equal((await fetch(`${server.url}/healthz`)).status, 200)
})

test('while the service stops, what would begin paid work is refused until later, and the rest is answered', async () => {
  const text = '### write a.txt\n```\nhello\n```\n'
  await using stopping = await openApiHome({ answers: [{ task: 'Say hello', turn: 1, text }] })
  const { http, orchestrator } = stopping.moose
  const propose = async () =>
    http.fetch(
      new Request('http://127.0.0.1/api/proposer-enhanced', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ task_description: 'Say hello', context: ['a.txt'], expected_output_type: 'code' }),
      }),
    )
  const proposed = await propose()
  assert.equal(proposed.status, 200, await proposed.text())
  await orchestrator.drain(0)
  const refused = await propose()
  assert.equal(refused.status, 503)
  assert.equal(refused.headers.get('retry-after'), '5')
  assert.match(await refused.text(), /"not_running".*stopping/)
  assert.equal((await http.fetch(new Request('http://127.0.0.1/api/projects'))).status, 200)
})
