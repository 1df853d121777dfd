import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, test } from 'node:test'
import type { ProposerConfig } from '../../src/db/proposer-configs.ts'
import { Fault } from '../../src/faults/fault.ts'
import type { ModelAnswer, ModelCall } from '../../src/models/model-answer.ts'
import type { ModelsOptions } from '../../src/models/paid-try.ts'
import { createTestDatabase } from '../support/database.ts'
import { faultOf } from '../support/fault-of.ts'
import { type Scripted, startModelServer } from '../support/model-server.ts'
import { quickModels, USUAL_CALL, callOf as usualCallOf } from '../support/proposer-call.ts'

const KEY = 'sk-a-very-secret-key'

const proposer: ProposerConfig = {
  ...USUAL_CALL,
  name: 'sonnet',
  provider: 'anthropic',
  model: 'claude-sonnet-4-5',
  complexityThreshold: 1,
  baseUrl: null,
  price: {
    inputPerMillion: '3',
    outputPerMillion: '15',
    cacheReadPerMillion: undefined,
    cacheWritePerMillion: undefined,
  },
  active: true,
}

function callOf(overrides: Partial<ModelCall> = {}): ModelCall {
  const messages = [
    { role: 'system', content: 'be brief' },
    { role: 'user', content: 'say hello' },
  ] as const
  return usualCallOf(proposer, { messages, ...overrides })
}

const facts = ({ text, unclear }: ModelAnswer) => [text, unclear === null ? null : unclear.code]

/** Models on a database of their own and a clock that does not wait. */
async function setUp(overrides: Partial<ModelsOptions> = {}) {
  const database = await createTestDatabase()
  const waits: number[] = []
  const clock = {
    now: () => new Date(),
    async sleep(ms: number, signal: AbortSignal) {
      waits.push(ms)
      signal.throwIfAborted()
    },
  }
  const models = quickModels(database.db, KEY, { clock, ...overrides })
  const rows = () => database.db.selectFrom('model_calls').selectAll().orderBy('id').execute()
  return { models, rows, waits, db: database.db, [Symbol.asyncDispose]: () => database[Symbol.asyncDispose]() }
}

for (const provider of ['anthropic', 'openai', 'openai-compatible'] as const) {
  describe(`${provider}: every ending of a call has its own name`, async () => {
    const play = async (scripted: Scripted[], expected: { code: string; tries: number }) => {
      await using server = await startModelServer(...scripted)
      await using setup = await setUp({ modelTimeoutMs: 1_500 })
      const call = callOf({ proposer: { ...proposer, provider, baseUrl: server.url } })
      const fault = await faultOf(setup.models.call(call))
      assert.equal(fault.code, expected.code, fault.message)
      assert.equal(server.calls.length, expected.tries)
      const rows = await setup.rows()
      assert.equal(rows.length, expected.tries, 'every try is metered')
      assert.ok(rows.every((row) => row.error_code === expected.code))
      assert.doesNotMatch(JSON.stringify([fault.toRecord(), String(fault.cause)]), new RegExp(KEY))
      return fault
    }

    test('a good answer is collected, counted and metered', async () => {
      await using server = await startModelServer({ kind: 'text', text: 'hello you', input: 1_000, output: 200 })
      await using setup = await setUp()
      const call = callOf({ proposer: { ...proposer, provider, baseUrl: server.url } })
      const answer = await setup.models.call(call)
      assert.equal(answer.text, 'hello you')
      assert.equal(answer.finishReason, 'stop')
      assert.deepEqual(answer.usage, { input: 1_000, output: 200, total: 1_200, cache_read: 0, cache_write: 0 })
      assert.equal(answer.costUsd.toFixed(), '0.006')
      assert.equal(answer.replayed, false)
      const [row] = await setup.rows()
      assert.equal(row?.provider, provider)
      assert.equal(row?.model, 'claude-sonnet-4-5')
      assert.deepEqual([row?.input_tokens, row?.output_tokens, Number(row?.cost_usd)], [1_000, 200, 0.006])
      assert.deepEqual([row?.finish_reason, row?.error_code], ['stop', null])
      const [received] = server.calls
      assert.match(JSON.stringify(received?.body), /be brief.*say hello/)
      assert.match(JSON.stringify(received?.headers), new RegExp(KEY))
    })

    test('what it thinks is no part of the answer, in its own field and in tags', async () => {
      const thoughts = '### delete everything\n'
      await using server = await startModelServer(
        { kind: 'text', text: 'hello you', thoughts },
        { kind: 'text', text: `<think>\n${thoughts}</think>\n\nhello <b>you</b>`, thoughts },
      )
      await using setup = await setUp()
      const call = callOf({ proposer: { ...proposer, provider, baseUrl: server.url } })
      assert.deepEqual(facts(await setup.models.call(call)), ['hello you', null])
      assert.deepEqual(facts(await setup.models.call(call)), ['hello <b>you</b>', null])
      const rows = await setup.rows()
      assert.match(String(rows[1]?.answer), /^<think>/, 'what was paid for is kept as it came')
    })

    test('where it cannot be told what it thinks, the answer says so', async () => {
      const text = '### delete a\n</think>\n'
      await using server = await startModelServer({ kind: 'text', text })
      await using setup = await setUp()
      const call = callOf({ proposer: { ...proposer, provider, baseUrl: server.url } })
      assert.deepEqual(facts(await setup.models.call(call)), [text, 'reasoning_unclear'])
    })

    test('nothing but thoughts is an answer without words', async () => {
      const said: Scripted = { kind: 'text', text: '<think>\n### delete a\n</think>\n', thoughts: 'hm' }
      await play([said], { code: 'model_answer_refused', tries: 1 })
    })

    test('the output limit', async () => {
      const fault = await play([{ kind: 'truncated', text: 'half of' }], { code: 'model_answer_truncated', tries: 1 })
      assert.match(fault.message, /1000 tokens.*Split/)
    })

    test('an answer without end is cut, and is no outage', async () => {
      await using server = await startModelServer({ kind: 'text', text: 'x'.repeat(17_000_000) })
      await using setup = await setUp({ modelTimeoutMs: 30_000 })
      const fault = await faultOf(
        setup.models.call(callOf({ proposer: { ...proposer, provider, baseUrl: server.url } })),
      )
      assert.equal(fault.code, 'model_call_rejected', fault.message)
      assert.match(fault.message, /more than \d+ bytes/)
    })

    test('of a refusal its status counts, however much is said with it', async () => {
      const said: Scripted = { kind: 'status', status: 401, message: 'x'.repeat(17_000_000) }
      const fault = await play([said], { code: 'model_key_rejected', tries: 1 })
      assert.match(fault.message, /HTTP 401/)
      assert.ok(fault.message.length < 1_000)
    })

    test('what a provider says can be stored and shown, whatever it says', async () => {
      const said: Scripted = { kind: 'status', status: 400, message: 'down\u0000 \u001b[31mred\u001b[0m' }
      const fault = await play([said], { code: 'model_call_rejected', tries: 1 })
      assert.match(fault.message, /down \[31mred/)
    })

    test('a refusal', async () => {
      await play([{ kind: 'refused' }], { code: 'model_answer_refused', tries: 1 })
    })

    test('an empty answer', async () => {
      await play([{ kind: 'text', text: ' \n' }], { code: 'model_answer_refused', tries: 1 })
    })

    test('a key that is turned away, without the key in what is said about it, nor in base64', async () => {
      const basic = Buffer.from(`user:${KEY}`).toString('base64')
      const fault = await play([{ kind: 'status', status: 401, message: `invalid key ${KEY} (${basic})` }], {
        code: 'model_key_rejected',
        tries: 1,
      })
      assert.match(fault.message, /401, invalid key \[redacted\] \(\w+\[redacted\].{0,3}\)/)
    })

    test('a key that is a word takes nothing out of what is said', async () => {
      await using server = await startModelServer({ kind: 'status', status: 400, message: 'too many tokens' })
      await using setup = await setUp({
        secrets: { ANTHROPIC_API_KEY: 'token', OPENAI_API_KEY: 'token', OPENAI_COMPATIBLE_API_KEY: 'token' },
      })
      const call = callOf({ proposer: { ...proposer, provider, baseUrl: server.url } })
      assert.match((await faultOf(setup.models.call(call))).message, /400, too many tokens/)
    })

    test('an account without credit is not a rate limit', async () => {
      const empty: Scripted = { kind: 'status', status: 429, message: 'no credit', code: 'insufficient_quota' }
      await play([empty], { code: 'model_key_rejected', tries: 1 })
    })

    test('a server error, three times', async () => {
      await play([{ kind: 'status', status: 500, message: 'oops' }], { code: 'model_overloaded', tries: 3 })
    })

    test('an overload reported after the answer began', async () => {
      await play([{ kind: 'overloaded-in-stream' }], { code: 'model_overloaded', tries: 3 })
    })

    test('a call the provider does not take, with its reason', async () => {
      const fault = await play([{ kind: 'status', status: 404, message: 'no such model' }], {
        code: 'model_call_rejected',
        tries: 1,
      })
      assert.match(fault.message, /404, no such model/)
    })

    test('a connection that is dropped, before and within the answer', async () => {
      await play([{ kind: 'dropped', when: 'before-headers' }], { code: 'model_overloaded', tries: 3 })
      await play([{ kind: 'dropped', when: 'mid-text' }], { code: 'model_overloaded', tries: 3 })
    })

    test('an answer that ends without saying why is not taken for whole', async () => {
      await play([{ kind: 'unfinished', text: 'the first half' }], { code: 'model_overloaded', tries: 3 })
    })

    test('silence until the deadline', async () => {
      const fault = await play([{ kind: 'silent' }], { code: 'model_timed_out', tries: 1 })
      assert.match(fault.message, /1500 ms.*MOOSE_MODEL_TIMEOUT_MS/)
    })
  })
}

test('a rate limit is waited out as long as the provider asks', async () => {
  const limited: Scripted = { kind: 'status', status: 429, message: 'slow', headers: { 'retry-after': '7' } }
  await using server = await startModelServer(limited, { kind: 'text', text: 'hello' })
  await using setup = await setUp()
  const answer = await setup.models.call(callOf({ proposer: { ...proposer, baseUrl: server.url } }))
  assert.equal(answer.text, 'hello')
  assert.deepEqual(setup.waits, [7_000])
  assert.deepEqual(
    (await setup.rows()).map((row) => row.error_code),
    ['model_overloaded', null],
  )
})

test('a provider that is to be left alone for long is reported with the time', async () => {
  const limited: Scripted = { kind: 'status', status: 529, message: 'busy', headers: { 'retry-after': '3600' } }
  await using server = await startModelServer(limited)
  await using setup = await setUp()
  const fault = await faultOf(setup.models.call(callOf({ proposer: { ...proposer, baseUrl: server.url } })))
  assert.equal(fault.code, 'model_overloaded')
  assert.deepEqual([fault.details['status'], fault.details['retry_after_ms']], [529, 3_600_000])
  assert.equal(server.calls.length, 1)
})

test('an answer that starts late and comes slowly is waited for', async () => {
  const slow: Scripted = { kind: 'text', text: 'hello you', headersAfterMs: 400, pauseMs: 100 }
  await using server = await startModelServer(slow)
  await using setup = await setUp()
  const answer = await setup.models.call(callOf({ proposer: { ...proposer, baseUrl: server.url } }))
  assert.equal(answer.text, 'hello you')
  assert.ok(answer.durationMs >= 400)
})

test('cancelling ends a running call at once, with the reason that was given', async () => {
  const { promise: arrived, resolve } = Promise.withResolvers<void>()
  await using server = await startModelServer(() => {
    resolve()
    return { kind: 'silent' }
  })
  // Neither an answer nor the deadline ends the call while this test may last.
  await using setup = await setUp({ modelTimeoutMs: 3_600_000 })
  const controller = new AbortController()
  const reason = new Fault('attempt_cancelled', 'The order was cancelled by a human.')
  const call = callOf({ proposer: { ...proposer, baseUrl: server.url }, signal: controller.signal })
  const ended = faultOf(setup.models.call(call))
  await arrived
  controller.abort(reason)
  assert.equal(await ended, reason)
  assert.deepEqual([server.calls.length, setup.waits], [1, []], 'and it is not made again')
  assert.equal((await setup.rows())[0]?.error_code, 'attempt_cancelled')
})

test('cancelling ends the wait before a retry', async () => {
  await using server = await startModelServer({ kind: 'status', status: 500, message: 'oops' })
  const controller = new AbortController()
  const clock = {
    now: () => new Date(),
    async sleep(_ms: number, signal: AbortSignal) {
      controller.abort()
      signal.throwIfAborted()
    },
  }
  await using setup = await setUp({ clock })
  const call = callOf({ proposer: { ...proposer, baseUrl: server.url }, signal: controller.signal })
  assert.equal((await faultOf(setup.models.call(call))).code, 'attempt_cancelled')
  assert.equal(server.calls.length, 1)
})

test('a missing key names its variable, and nothing is metered', async () => {
  await using setup = await setUp({ secrets: {} })
  const fault = await faultOf(setup.models.call(callOf()))
  assert.equal(fault.code, 'model_key_missing')
  assert.match(fault.message, /ANTHROPIC_API_KEY/)
  assert.deepEqual(setup.models.availability(proposer), { available: false, reason: 'ANTHROPIC_API_KEY is not set' })
  assert.deepEqual(await setup.rows(), [])
})

test('an OpenAI-compatible server needs an address and no key', async () => {
  await using server = await startModelServer({ kind: 'text', text: 'hello' })
  await using setup = await setUp({ secrets: {} })
  const local: ProposerConfig = { ...proposer, provider: 'openai-compatible' }
  assert.equal((await faultOf(setup.models.call(callOf({ proposer: local })))).code, 'model_unknown')
  const unpriced: ProposerConfig = { ...local, baseUrl: server.url, price: null }
  const fault = await faultOf(setup.models.call(callOf({ proposer: unpriced })))
  assert.equal(fault.code, 'price_unknown')
  assert.match(fault.message, /moose budget price sonnet --input USD --output USD .* moose budget price sonnet free/)
  assert.equal(server.calls.length, 0)
  const answer = await setup.models.call(callOf({ proposer: { ...unpriced, price: 'free' } }))
  assert.deepEqual([answer.text, answer.costUsd.toFixed()], ['hello', '0'])
  assert.equal(server.calls[0]?.headers.authorization, undefined)
})

describe('replay', async () => {
  const replay: ProposerConfig = { ...proposer, name: 'recorded', provider: 'replay', model: 'recording' }

  /** A folder of recordings. */
  async function recordings(files: Record<string, string | object>) {
    const folder = await mkdtemp(path.join(tmpdir(), 'moose-replay-'))
    for (const [name, content] of Object.entries(files)) {
      await writeFile(path.join(folder, name), typeof content === 'string' ? content : JSON.stringify(content))
    }
    return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) }
  }
  const usage = { input: 10, output: 5 }

  test('answers by task and turn, costs nothing and says that it is a recording', async () => {
    await using folder = await recordings({
      'a.json': { proposer: 'somebody else', note: 'n', answers: [{ task: 'Greet', turn: 1, text: 'wrong', usage }] },
      'b.json': {
        proposer: 'recorded',
        note: 'written by hand',
        answers: [
          { task: 'Greet', turn: 1, text: 'first', usage },
          { task: 'Greet', turn: 2, text_file: 'second.txt', usage, delay_ms: 250 },
        ],
      },
      'second.txt': 'second\n',
    })
    await using setup = await setUp({ replayDir: folder.folder })
    const first = await setup.models.call(callOf({ proposer: replay }))
    assert.deepEqual([first.text, first.costUsd.toFixed(), first.replayed], ['first', '0', true])
    const second = await setup.models.call(callOf({ proposer: replay, turn: 2 }))
    assert.equal(second.text, 'second\n')
    assert.deepEqual(setup.waits, [250])
    assert.ok((await setup.rows()).every((row) => row.replayed && Number(row.cost_usd) === 0))
  })

  test('a turn nobody recorded is named', async () => {
    await using folder = await recordings({})
    await using setup = await setUp({ replayDir: folder.folder })
    const fault = await faultOf(setup.models.call(callOf({ proposer: replay, turn: 3 })))
    assert.equal(fault.code, 'recording_missing')
    assert.match(fault.message, /turn 3 of "Greet"/)
    assert.deepEqual(await setup.rows(), [])
  })

  test('a recorded ending counts like a real one', async () => {
    const answers = [{ task: 'Greet', turn: 1, text: 'half', usage, finish_reason: 'length' }]
    await using folder = await recordings({ 'a.json': { proposer: 'recorded', note: 'n', answers } })
    await using setup = await setUp({ replayDir: folder.folder })
    const fault = await faultOf(setup.models.call(callOf({ proposer: replay })))
    assert.equal(fault.code, 'model_answer_truncated')
  })

  test('a malformed recording is named with what is wrong', async () => {
    for (const content of ['{', { proposer: 'recorded', note: 'n', answers: [{ task: 'Greet', turn: 0, usage }] }]) {
      await using folder = await recordings({ 'broken.json': content })
      await using setup = await setUp({ replayDir: folder.folder })
      const fault = await faultOf(setup.models.call(callOf({ proposer: replay })))
      assert.equal(fault.code, 'config_invalid')
      assert.match(fault.message, /broken\.json/)
    }
  })

  test('without its folder it is not available, and says why', async () => {
    await using setup = await setUp({ replayDir: path.join(tmpdir(), 'moose-no-such-folder') })
    const availability = setup.models.availability(replay)
    assert.ok(!availability.available && /MOOSE_REPLAY_DIR.*does not exist/.test(availability.reason))
    assert.equal((await faultOf(setup.models.call(callOf({ proposer: replay })))).code, 'model_unknown')
  })
})
