import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { createTestDatabase } from '../support/database.ts'
import { faultOf } from '../support/fault-of.ts'
import { listenOnLoopback } from '../support/loopback.ts'
import { startModelServer } from '../support/model-server.ts'
import { callOf, quickModels, USUAL_CALL } from '../support/proposer-call.ts'

const KEY = 'sk-canary-0123456789'
const PRICE = { inputPerMillion: '3', outputPerMillion: '15' }

/** A row of `proposer_configs` that leads somewhere, called by a worker that has a key. */
async function call(baseUrl: string, options: { modelHosts?: string[]; proxy?: string }) {
  await using database = await createTestDatabase()
  const models = quickModels(database.db, KEY, {
    networkEnvironment: options.proxy === undefined ? {} : { http_proxy: options.proxy },
    modelHosts: options.modelHosts === undefined ? [] : options.modelHosts,
  })
  const proposer = {
    ...USUAL_CALL,
    name: 'planted',
    provider: 'openai' as const,
    model: 'm',
    complexityThreshold: 1,
    baseUrl,
    price: { ...PRICE, cacheReadPerMillion: undefined, cacheWritePerMillion: undefined },
    active: true,
  }
  return await faultOf(models.call(callOf(proposer)))
}

test('a row that leads elsewhere is sent no key, until the operator names its host', async () => {
  const heard: string[] = []
  const server = createServer((request, response) => {
    heard.push(`${request.url} ${request.headers.authorization}`)
    response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":{"message":"no"}}')
  })
  await using listening = await listenOnLoopback(server)
  const address = 'http://models.example.test/v1'
  const proxy = listening.origin

  const named = await call(address, { modelHosts: ['http://models.example.test'], proxy })
  assert.equal(named.code, 'model_call_rejected')
  assert.match(String(heard[0]), new RegExp(`^http://models\\.example\\.test/v1/\\S+ Bearer ${KEY}$`))

  heard.length = 0
  for (const modelHosts of [[], ['models.example.test'], ['http://other.test']]) {
    const fault = await call(address, { modelHosts, proxy })
    assert.equal(fault.code, 'model_host_refused')
    assert.match(fault.message, /MOOSE_MODEL_HOSTS/)
  }
  assert.deepEqual(heard, [])
})

test('what an address holds of a login is taken out of what its server says, as it is and as it was sent', async () => {
  const basic = Buffer.from('ada:hunter-2-canary').toString('base64')
  await using server = await startModelServer({
    kind: 'status',
    status: 400,
    message: `bad login hunter-2-canary, sent as Basic ${basic}`,
  })
  const fault = await call(server.url.replace('http://', 'http://ada:hunter-2-canary@'), {})
  assert.match(fault.message, /bad login \[redacted\], sent as Basic \[redacted\]/)
  assert.ok(!JSON.stringify(fault.toRecord()).includes(basic))
})
