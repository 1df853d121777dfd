import assert from 'node:assert/strict'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, test } from 'node:test'
import type { ProposerConfig } from '../../src/db/proposer-configs.ts'
import { listPauses } from '../../src/db/provider-pauses.ts'
import { examineProposers } from '../../src/doctor/examine-proposers.ts'
import { createForeignManager } from '../../src/manager/foreign-manager.ts'
import type { ModelsOptions } from '../../src/models/paid-try.ts'
import { createNetwork } from '../../src/remote/network-route.ts'
import { createTestDatabase } from '../support/database.ts'
import { faultOf } from '../support/fault-of.ts'
import { type Scripted, startModelServer } from '../support/model-server.ts'
import { AUTHORITY, startProxy, startTlsServer, TLS_HOST } from '../support/network-stand-ins.ts'
import { callOf, quickModels, USUAL_CALL } from '../support/proposer-call.ts'

const KEY = 'sk-a-very-secret-key'
const PRICE = {
  inputPerMillion: '1',
  outputPerMillion: '10',
  cacheReadPerMillion: undefined,
  cacheWritePerMillion: undefined,
}

function proposerAt(baseUrl: string, changed: Partial<ProposerConfig> = {}): ProposerConfig {
  const row = { name: 'p', provider: 'openai-compatible' as const, model: 'm', complexityThreshold: 1, active: true }
  return { ...USUAL_CALL, ...row, baseUrl, price: PRICE, ...changed }
}

async function setUp(overrides: Partial<ModelsOptions> = {}) {
  const database = await createTestDatabase()
  const models = quickModels(database.db, KEY, { modelHosts: ['models.example.test'], ...overrides })
  const ask = (proposer: ProposerConfig) => models.call(callOf(proposer))
  const kinds = async () =>
    (await database.db.selectFrom('budget_entries').select('kind').orderBy('id').execute()).map(({ kind }) => kind)
  return { models, ask, kinds, db: database.db, [Symbol.asyncDispose]: () => database[Symbol.asyncDispose]() }
}

describe('life B1: what a server refuses of a request', () => {
  const REFUSED: Scripted = {
    kind: 'status',
    status: 400,
    message:
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
  }
  const sent = (body: Record<string, unknown> | undefined) =>
    Object.keys(body ?? {}).filter((name) => name.startsWith('max_'))

  test('life B1: the name of the output limit is learnt from the refusal within the same try, and known from then on', async () => {
    await using server = await startModelServer(REFUSED, { kind: 'text', text: 'hello' })
    await using setup = await setUp()
    assert.equal((await setup.ask(proposerAt(server.url))).text, 'hello')
    assert.deepEqual(await setup.kinds(), ['reserved', 'settled'], 'one try')
    await setup.ask(proposerAt(server.url))
    const names = server.calls.map(({ body }) => sent(body))
    assert.deepEqual(names, [['max_tokens'], ['max_completion_tokens'], ['max_completion_tokens']])
  })

  test('life B1: the name of the output limit is the one of the row, and what the row adds is sent', async () => {
    await using server = await startModelServer({ kind: 'text', text: 'hello' })
    await using setup = await setUp()
    const row = { outputLimitParameter: 'max_new_tokens', extraBody: { top_k: 1 }, extraHeaders: { 'X-Team': 'a' } }
    await setup.ask(proposerAt(server.url, row))
    const [call] = server.calls
    assert.deepEqual([sent(call?.body), call?.body['top_k'], call?.headers['x-team']], [['max_new_tokens'], 1, 'a'])
  })

  test('life B1: a stream, its options and the limit that are refused one after the other are one try, and learnt', async () => {
    const refused = (message: string): Scripted => ({ kind: 'status', status: 400, message })
    await using server = await startModelServer(
      refused("Unknown parameter: 'stream_options'."),
      refused("'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."),
      refused('Your organization must be verified to stream this model.'),
      { kind: 'text', text: 'hello' },
    )
    await using setup = await setUp()
    for (const _ of ['first', 'second']) assert.equal((await setup.ask(proposerAt(server.url))).text, 'hello')
    assert.deepEqual(await setup.kinds(), ['reserved', 'settled', 'reserved', 'settled'])
    const asked = server.calls.map(({ body }) => [body['stream'], Object.hasOwn(body, 'stream_options'), ...sent(body)])
    assert.deepEqual(asked, [
      [true, true, 'max_tokens'],
      [true, false, 'max_tokens'],
      [true, false, 'max_completion_tokens'],
      [false, false, 'max_completion_tokens'],
      [false, false, 'max_completion_tokens'],
    ])
  })
})

test('life B1: a server that refuses every name of the output limit is asked once under each', async () => {
  const refused = (name: string): Scripted => ({
    kind: 'status',
    status: 400,
    message: `Unknown parameter: '${name}'.`,
  })
  await using server = await startModelServer(
    refused('max_tokens'),
    refused('max_completion_tokens'),
    refused('max_tokens'),
    refused('max_completion_tokens'),
  )
  await using setup = await setUp()
  const fault = await faultOf(setup.ask(proposerAt(server.url)))
  assert.deepEqual([fault.code, server.calls.length], ['model_call_rejected', 2])
})

test('life B4: the query of the base URL stays at the end', async () => {
  await using server = await startModelServer({ kind: 'status', status: 400, message: 'no' })
  await using setup = await setUp()
  for (const path of ['/deployments/d', '/deployments/d/', '/deployments/d/chat/completions']) {
    const base = server.url.replace('/v1', `${path}?api-version=2024-10-21`)
    await faultOf(setup.ask(proposerAt(base)))
    assert.equal(server.calls.at(-1)?.path, '/deployments/d/chat/completions?api-version=2024-10-21', path)
  }
})

test('life B5: a key no header can hold is never sent and leaves nothing reserved', async () => {
  await using server = await startModelServer({ kind: 'text', text: 'hello' })
  for (const key of [
    '“sk-a-very-secret-key”',
    'sk-a-very\nsecret-key',
    '"sk-a-very-secret-key"',
    '\ufeffsk-a-very-secret-key',
  ]) {
    await using setup = await setUp({ secrets: { OPENAI_COMPATIBLE_API_KEY: key } })
    const fault = await faultOf(setup.ask(proposerAt(server.url)))
    assert.deepEqual(await setup.kinds(), [], fault.message)
    assert.ok(!JSON.stringify([fault.toRecord(), String(fault.cause)]).includes('very'), fault.message)
    assert.deepEqual(await listPauses(setup.db), [])
  }
  assert.equal(server.calls.length, 0)
})

test('a prompt that cannot fit is refused before anything is reserved; one that fits is given the room that is left', async () => {
  await using server = await startModelServer({ kind: 'text', text: 'hello' })
  await using setup = await setUp()
  const fault = await faultOf(setup.ask(proposerAt(server.url, { contextTokens: 1_000 })))
  assert.deepEqual([fault.code, fault.details['problem']], ['model_call_rejected', 'context'])
  assert.deepEqual([await setup.kinds(), server.calls.length], [[], 0])
  await setup.ask(proposerAt(server.url, { contextTokens: 1_030 }))
  assert.equal(server.calls[0]?.body['max_tokens'], 1_000)
})

test('an account is told by the variable of its key: another key of the same kind is asked all the same', async () => {
  const empty: Scripted = { kind: 'status', status: 402, message: 'Insufficient Balance' }
  await using server = await startModelServer(empty, { kind: 'text', text: 'hello' })
  await using setup = await setUp({ secrets: { OPENAI_COMPATIBLE_API_KEY: KEY, TEAM_API_KEY: 'sk-team' } })
  assert.equal((await faultOf(setup.ask(proposerAt(server.url)))).code, 'model_key_rejected')
  assert.equal((await faultOf(setup.ask(proposerAt(server.url, { name: 'same' })))).code, 'provider_paused')
  assert.equal((await setup.ask(proposerAt(server.url, { keyVariable: 'TEAM_API_KEY' }))).text, 'hello')
  assert.equal(server.calls.length, 2)
})

describe('life B7: a provider behind a proxy, with a certificate of its own', () => {
  /** The authority as a file, a folder with other things in it, and under both names. */
  async function trusts() {
    const folder = await mkdtemp(path.join(tmpdir(), 'moose-certificates-'))
    const certificates = path.join(folder, 'certs')
    await mkdir(certificates)
    await copyFile(AUTHORITY, path.join(certificates, 'abc123.0'))
    await writeFile(
      path.join(certificates, 'README'),
      'not one\n-----BEGIN CERTIFICATE-----\nbad\n-----END CERTIFICATE-----\n',
    )
    const ways: Record<string, string>[] = [
      { NODE_EXTRA_CA_CERTS: AUTHORITY },
      { SSL_CERT_FILE: AUTHORITY },
      { SSL_CERT_DIR: `${folder}/none-here:${certificates}` },
    ]
    return { ways, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) }
  }

  test('life B7: a provider is reached through a proxy, whichever variable names the certificate', async () => {
    await using server = await startTlsServer()
    await using given = await trusts()
    for (const trusted of given.ways) {
      await using proxy = await startProxy(server.origin)
      const { host } = new URL(proxy.url)
      await using setup = await setUp({
        networkEnvironment: { HTTPS_PROXY: `http://user:pass@${host}`, NO_PROXY: 'other.example', ...trusted },
      })
      const answer = await setup.ask(proposerAt(`https://${TLS_HOST}/v1`))
      assert.equal(answer.text, 'hello you', JSON.stringify(trusted))
      const basic = `Basic ${Buffer.from('user:pass').toString('base64')}`
      assert.deepEqual(proxy.asked, [{ target: `${TLS_HOST}:443`, authorization: basic }])
    }
  })

  test('a certificate that is not trusted, and a proxy that says no, are outages nothing is charged for', async () => {
    await using server = await startTlsServer()
    for (const refuses of [null, 407]) {
      await using proxy = await startProxy(server.origin, refuses)
      await using setup = await setUp({ networkEnvironment: { https_proxy: proxy.url } })
      const fault = await faultOf(setup.ask(proposerAt(`https://${TLS_HOST}/v1`)))
      assert.ok(
        (await setup.kinds()).every((kind) => kind === 'reserved' || kind === 'released'),
        fault.message,
      )
      assert.equal(fault.code, 'model_overloaded')
      assert.match(fault.message, refuses === null ? /certificate/ : /407/)
    }
  })

  test('a proxy of a kind that is not spoken is named before anything is sent', async () => {
    await using setup = await setUp({ networkEnvironment: { ALL_PROXY: 'socks5://127.0.0.1:1' } })
    const fault = await faultOf(setup.ask(proposerAt(`https://${TLS_HOST}/v1`)))
    assert.equal(fault.code, 'config_invalid')
    assert.match(fault.message, /ALL_PROXY/)
    assert.deepEqual(await setup.kinds(), ['reserved', 'released'])
  })

  test('life B7: so is one that is spoken to in clear text, and so are a Manager and a Proposer of another make', async () => {
    await using server = await startModelServer({ kind: 'text', text: 'hello' })
    await using proxy = await startProxy(server.url)
    const environment = { http_proxy: proxy.url, NO_PROXY: '10.0.0.0/8' }
    await using setup = await setUp({ networkEnvironment: environment, modelHosts: ['http://models.example.test'] })
    assert.equal((await setup.ask(proposerAt('http://models.example.test/v1'))).text, 'hello')
    const network = createNetwork(environment)
    const manager = createForeignManager({ url: 'http://manager.example/route', network })
    assert.match((await faultOf(manager.route(Object({}), new AbortController().signal))).code, /^manager_/)
    assert.deepEqual(
      proxy.asked.map(({ target }) => target),
      ['http://models.example.test/v1/chat/completions', 'http://manager.example/route'],
    )
  })

  test('life B7: doctor says through what a provider is reached, or what is wrong with the way', async () => {
    await using setup = await setUp()
    const row = { model: 'gpt-6-luna', complexity_threshold: 1, active: true }
    await setup.db.updateTable('proposer_configs').set({ active: false }).execute()
    await setup.db
      .insertInto('proposer_configs')
      .values({ ...row, name: 'p', provider: 'openai' })
      .execute()
    const models = quickModels(setup.db, KEY)
    const found = async (environment: Record<string, string>) =>
      (await examineProposers(setup.db, models, environment)).map(({ state, detail, remedy }) => [
        state,
        detail,
        remedy,
      ])
    const detail = 'openai gpt-6-luna'
    assert.deepEqual(await found({}), [['ok', detail, null]])
    const https_proxy = 'http://user:secret@proxy.example:3128'
    assert.deepEqual(await found({ https_proxy }), [
      ['ok', `${detail}, through http://proxy.example:3128 (https_proxy)`, null],
    ])
    assert.deepEqual(await found({ https_proxy, no_proxy: '.openai.com' }), [
      ['ok', `${detail}, directly (no_proxy)`, null],
    ])
    const [[state, said, remedy] = []] = await found({ ALL_PROXY: 'socks5://p.example:1' })
    assert.deepEqual([state, remedy], ['broken', 'correct or unset ALL_PROXY'])
    assert.match(String(said), /ALL_PROXY is not the URL of an http or https proxy/)
    const [, [certificates, why] = []] = await found({ SSL_CERT_FILE: '/nowhere.pem' })
    assert.equal(certificates, 'broken')
    assert.match(String(why), /SSL_CERT_FILE.*ENOENT/)
  })
})
