import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { describe, test } from 'node:test'
import type { ProposerConfig } from '../../src/db/proposer-configs.ts'
import { type Fault, toFault } from '../../src/faults/fault.ts'
import { toModelFault } from '../../src/models/model-faults.ts'
import { languageModel, streamAnswer } from '../../src/models/stream-answer.ts'
import { createNetwork } from '../../src/remote/network-route.ts'
import { listenOnLoopback } from '../support/loopback.ts'
import { type Scripted, startModelServer } from '../support/model-server.ts'
import { USUAL_CALL } from '../support/proposer-call.ts'
import { until } from '../support/until.ts'

const PROVIDERS = ['anthropic', 'openai', 'openai-compatible'] as const
const secrets = { ANTHROPIC_API_KEY: 'sk-a', OPENAI_API_KEY: 'sk-o', OPENAI_COMPATIBLE_API_KEY: 'sk-c' }
const MESSAGES = [{ role: 'user', content: 'say hello' }] as const

function proposerAt(provider: (typeof PROVIDERS)[number], baseUrl: string): ProposerConfig {
  const model = provider === 'anthropic' ? 'claude-sonnet-4-5' : 'gpt-5'
  return { ...USUAL_CALL, name: 'm', provider, model, complexityThreshold: 1, baseUrl, price: null, active: true }
}

/** What the real SDK makes of an answer. */
function ask(provider: (typeof PROVIDERS)[number], url: string, timeoutMs = 5_000) {
  return streamAnswer({
    model: languageModel(proposerAt(provider, url), {
      secrets,
      network: createNetwork({}),
      learnt: new Map(),
      offersTools: false,
      onSend() {},
    }),
    messages: MESSAGES,
    offersTools: false,
    maxOutputTokens: 1_000,
    signal: AbortSignal.timeout(timeoutMs),
    requestId: 'request-1',
  })
}

async function faultAt(provider: (typeof PROVIDERS)[number], url: string, timeoutMs?: number): Promise<Fault> {
  const answer = await ask(provider, url, timeoutMs).catch((error: unknown) =>
    toModelFault(error, 'm', (text) => text, new Date(0)),
  )
  assert.ok('code' in answer, JSON.stringify(answer))
  return toFault(answer)
}

for (const provider of PROVIDERS) {
  describe(`${provider}: what a call has used, and whether it was charged`, () => {
    test('cached and reasoning tokens arrive as the provider counted them', async () => {
      const tokens = { input: 5_000, output: 700, cacheRead: 3_000, cacheWrite: 1_000, reasoning: 600 }
      await using server = await startModelServer({ kind: 'text', text: 'hello', ...tokens })
      assert.deepEqual((await ask(provider, server.url)).usage, tokens)
      assert.deepEqual(server.bill, [{ ...tokens, requestId: 'request-1', streamed: true, answered: true }])
    })

    test('the limit on the output, which the worst case counts on, is sent', async () => {
      await using server = await startModelServer({ kind: 'text', text: 'hello' })
      await ask(provider, server.url)
      const body = server.calls[0]?.body ?? {}
      const name = {
        anthropic: 'max_tokens',
        openai: 'max_output_tokens',
        'openai-compatible': 'max_completion_tokens',
      }
      assert.equal(body[name[provider]], 1_000)
    })

    test('a server that does not count says nothing, which is not zero', async () => {
      await using server = await startModelServer({ kind: 'text', text: 'hello', uncounted: true })
      const answer = await ask(provider, server.url)
      assert.deepEqual([answer.text, answer.usage], ['hello', null])
    })

    test('a count that cannot be is none', async () => {
      // Beside the answer, as xAI counts it, reasoning may be more than the output.
      const tooMuch = provider === 'openai-compatible' ? [] : [{ reasoning: 21 }]
      for (const wrong of [{ cacheRead: 200 }, { reasoning: 1.5 }, { output: -1 }, ...tooMuch]) {
        await using server = await startModelServer({ kind: 'text', text: 'hello', ...wrong })
        assert.equal((await ask(provider, server.url)).usage, null, JSON.stringify(wrong))
      }
    })

    test('a refusal by status costs nothing', async () => {
      for (const status of [301, 400, 401, 404, 413, 429, 500, 503, 529]) {
        await using server = await startModelServer({ kind: 'status', status, message: 'no' })
        assert.equal((await faultAt(provider, server.url)).details['billed'], false, String(status))
        assert.deepEqual(server.bill, [])
      }
    })

    test('a status of somebody in between who gave up waiting says nothing about the cost', async () => {
      for (const status of [408, 502, 504, 524]) {
        await using server = await startModelServer({ kind: 'status', status, message: 'no' })
        assert.ok(!('billed' in (await faultAt(provider, server.url)).details), String(status))
      }
    })

    test('a provider that cannot be reached costs nothing', async () => {
      const gone = await listenOnLoopback(createServer())
      await gone[Symbol.asyncDispose]()
      const fault = await faultAt(provider, `${gone.origin}/v1`)
      assert.deepEqual([fault.code, fault.details['billed']], ['model_overloaded', false])
    })

    test('nobody knows what a call has cost that was sent and not answered to its end', async () => {
      const endings: Scripted[] = [
        { kind: 'dropped', when: 'before-headers' },
        { kind: 'dropped', when: 'mid-text' },
        { kind: 'overloaded-in-stream' },
        { kind: 'silent' },
      ]
      for (const scripted of endings) {
        await using server = await startModelServer(scripted)
        const fault = await faultAt(provider, server.url, 1_000)
        assert.ok(!('billed' in fault.details), `${scripted.kind}: ${JSON.stringify(fault.details)}`)
        assert.equal(server.calls.length, 1)
      }
    })

    test('a server cannot pass a broken stream off as a refusal', async () => {
      const server = createServer((_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream', 'x-moose-status': '500' })
        response.end('event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"busy"}}\n\n')
      })
      await using listening = await listenOnLoopback(server)
      assert.ok(!('billed' in (await faultAt(provider, `${listening.origin}/v1`)).details))
    })
  })
}

describe('the stand-in', () => {
  test('charges for what it began to send, whether or not anybody was there', async () => {
    const tokens = { input: 10, output: 5 }
    await using server = await startModelServer(
      { kind: 'dropped', when: 'mid-text', ...tokens },
      { kind: 'text', text: 'late', headersAfterMs: 200, ...tokens },
      { kind: 'silent', ...tokens },
      { kind: 'silent' },
    )
    for (let call = 0; call < 4; call += 1) await ask('anthropic', server.url, 100).catch(() => null)
    await until('it is charged', () => server.charged.input > 0)
    assert.deepEqual(
      server.bill.map(({ input, output, answered }) => [input, output, answered]),
      Array.from({ length: 3 }, () => [10, 5, false]),
    )
    assert.deepEqual(server.charged, tokens, 'only the late answer came to its end')
  })

  test('lets a script decide when the call has come', async () => {
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    await using server = await startModelServer(async ({ body }, index) => {
      if (index === 0) await held
      return { kind: 'text', text: `${index}: ${JSON.stringify(body['messages']).includes('say hello')}` }
    })
    const first = ask('openai-compatible', server.url)
    await until('a call', () => server.calls.length > 0, { everyMs: 5 })
    assert.equal((await ask('openai-compatible', server.url)).text, '1: true')
    assert.equal(server.bill.length, 1)
    release()
    assert.equal((await first).text, '0: true')
  })

  test('answers as one document when no stream is asked for', async () => {
    const text: Scripted = { kind: 'text', text: 'hello', input: 50, cacheRead: 20, output: 9, reasoning: 4 }
    const expected = {
      '/messages': { content: [{ type: 'text', text: 'hello' }], stop_reason: 'end_turn' },
      '/responses': { status: 'completed', object: 'response' },
      '/chat/completions': { object: 'chat.completion' },
    }
    for (const [path, shape] of Object.entries(expected)) {
      await using server = await startModelServer(text, { kind: 'dropped', when: 'mid-text' })
      const post = () => fetch(`${server.url}${path}`, { method: 'POST', body: '{}' })
      const document: unknown = await (await post()).json()
      assert.partialDeepStrictEqual(document, shape)
      assert.match(JSON.stringify(document), /hello.*"usage":\{/)
      assert.deepEqual(
        server.bill.map(({ input, cacheRead, streamed, answered }) => [input, cacheRead, streamed, answered]),
        [[50, 20, false, true]],
      )
      await assert.rejects(post().then((response) => response.json()))
      assert.equal(server.bill.at(-1)?.answered, false)
    }
  })
})
