import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from 'zod'
import { systemClock } from '../../src/clock.ts'
import type { ProposerConfig } from '../../src/db/proposer-configs.ts'
import { EDIT_TOOLS, EDIT_TOOLS_BYTES } from '../../src/edits/edit-tools.ts'
import { parseEdits } from '../../src/edits/parse-edits.ts'
import { answerTextOf } from '../../src/models/remembered-answers.ts'
import { ProposerResponse, rejectionsOf } from '../../src/ports/proposal.ts'
import { createProposer } from '../../src/proposer/proposer.ts'
import { buildProposerRequest } from '../../src/proposer/proposer-request.ts'
import { createTestDatabase } from '../support/database.ts'
import { faultOf } from '../support/fault-of.ts'
import { startJsonServer } from '../support/json-server.ts'
import { memoryTree } from '../support/memory-tree.ts'
import { type Scripted, startModelServer } from '../support/model-server.ts'
import { createMooseHome, detailOf, fileOrder, settled } from '../support/moose-home.ts'
import { callOf, quickModels, USUAL_CALL } from '../support/proposer-call.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'

const KINDS = ['anthropic', 'openai', 'google', 'openai-compatible'] as const
const KEY = 'sk-a-very-secret-key'
const PRICE = {
  inputPerMillion: '1',
  outputPerMillion: '10',
  cacheReadPerMillion: undefined,
  cacheWritePerMillion: undefined,
}

function proposerAt(provider: (typeof KINDS)[number], baseUrl: string): ProposerConfig {
  const row = { name: 'p', provider, model: 'm', complexityThreshold: 1, active: true, baseUrl, price: PRICE }
  return { ...USUAL_CALL, ...row, answerForm: 'tools' }
}

const called = (name: string, input: object) => ({ name, input: JSON.stringify(input) })
const EDIT = called('edit', { path: 'src/greet.ts', search: "  return 'hi'\n", replace: "  return 'hello'\n" })
const WRITE = called('write', { path: 'docs/greet.md', content: '# Greet\n\n```\n### edit a.ts\n```\n' })
const RENAME = called('rename', { path: 'test/a.ts', to: 'test/b.ts' })
const DELETE = called('delete', { path: 'src/old.ts' })
const ALL: Scripted = { kind: 'text', text: 'It says hello now.', calls: [EDIT, WRITE, RENAME, DELETE] }

const WHAT_IS_MEANT = [
  ['edit', 'src/greet.ts', [["  return 'hi'"], ["  return 'hello'"]]],
  ['write', 'docs/greet.md', ['# Greet', '', '```', '### edit a.ts', '```']],
  ['rename', 'test/a.ts', 'test/b.ts'],
  ['delete', 'src/old.ts', null],
]
const meantBy = (text: string) =>
  parseEdits(text).map((edit) => {
    if (edit.kind === 'edit')
      return [edit.kind, edit.path, edit.replacements.flatMap((pair) => [pair.search, pair.replace])]
    return [edit.kind, edit.path, edit.kind === 'write' ? edit.body : edit.kind === 'rename' ? edit.to : null]
  })

async function setUp() {
  const database = await createTestDatabase()
  const models = quickModels(database.db, KEY)
  return { db: database.db, models, [Symbol.asyncDispose]: () => database[Symbol.asyncDispose]() }
}

/** Names and descriptions wherever the protocol has them, and the schemas' own. */
function offeredIn(body: Record<string, unknown> | undefined): string[] {
  const tools = JSON.stringify(body?.['tools'] ?? [])
  return Object.keys(EDIT_TOOLS).filter((name) => tools.includes(`"name":"${name}"`))
}

describe('a model that is offered tools', () => {
  for (const kind of KINDS) {
    test(`of ${kind} is answered for in blocks, which say what it called in its order`, async () => {
      await using server = await startModelServer(ALL)
      await using setup = await setUp()
      const { text } = await setup.models.call(callOf(proposerAt(kind, server.url), { offersTools: true }))
      assert.deepEqual(meantBy(text), WHAT_IS_MEANT)
      assert.ok(text.startsWith('It says hello now.\n\n### edit src/greet.ts\n'), text)
      assert.deepEqual(offeredIn(server.calls[0]?.body), ['edit', 'write', 'delete', 'rename'])
      const { id } = await setup.db.selectFrom('model_calls').select('id').executeTakeFirstOrThrow()
      assert.equal(await answerTextOf(setup.db, id), text, 'what is kept is what was understood')
    })
  }

  test('may answer in blocks all the same', async () => {
    await using server = await startModelServer({ kind: 'text', text: '### delete src/old.ts\n' })
    await using setup = await setUp()
    const { text } = await setup.models.call(callOf(proposerAt('anthropic', server.url), { offersTools: true }))
    assert.deepEqual(meantBy(text), [['delete', 'src/old.ts', null]])
  })

  test('may mix blocks and calls, of which each counts', async () => {
    await using server = await startModelServer({ kind: 'text', text: '### delete src/old.ts', calls: [RENAME] })
    await using setup = await setUp()
    const { text } = await setup.models.call(callOf(proposerAt('anthropic', server.url), { offersTools: true }))
    assert.deepEqual(meantBy(text), [WHAT_IS_MEANT[3], WHAT_IS_MEANT[2]])
  })

  test('is reserved for with the tools, and has less room for its answer', async () => {
    await using server = await startModelServer({ kind: 'text', text: 'ready' })
    await using setup = await setUp()
    const proposer = { ...proposerAt('openai-compatible', server.url), contextTokens: 2_000 }
    await setup.models.call(callOf(proposer))
    await setup.models.call(callOf(proposer, { offersTools: true }))
    const rows = await setup.db
      .selectFrom('budget_entries')
      .select('amount_usd')
      .where('kind', '=', 'reserved')
      .execute()
    const [plain, offered] = rows.map(({ amount_usd: amount }) => Number(amount))
    const limits = server.calls.map(({ body }) => Number(body['max_tokens']))
    assert.deepEqual(
      limits.map((limit) => limit < 1_000 + 1),
      [true, true],
    )
    const outputs = ((limits[1] ?? 0) - (limits[0] ?? 0)) * 10
    assert.ok(
      Math.abs(Number(offered) - Number(plain) - (EDIT_TOOLS_BYTES + outputs) / 1e6) < 1e-9,
      `${plain} ${offered}`,
    )
    const [, last] = server.calls
    assert.ok(JSON.stringify(last?.body['tools']).length <= EDIT_TOOLS_BYTES * 1.25)
  })

  test('has the same beginning in every call, tools included', async () => {
    await using server = await startModelServer({ kind: 'text', text: 'ready' })
    await using setup = await setUp()
    for (const content of ['one', 'two']) {
      const messages = [
        { role: 'system', content: 'You.' },
        { role: 'user', content },
      ] as const
      await setup.models.call(callOf(proposerAt('anthropic', server.url), { offersTools: true, messages }))
    }
    const [one, two] = server.calls.map(({ body }) =>
      JSON.stringify([body['tools'], body['tool_choice'], body['system']]),
    )
    assert.equal(one, two)
  })

  test('keeps the tools that the row has its provider run', async () => {
    await using server = await startModelServer({ kind: 'text', text: 'ready' })
    await using setup = await setUp()
    const extraBody = { tools: [{ type: 'web_search_20250305', name: 'web_search' }] }
    await setup.models.call(callOf({ ...proposerAt('anthropic', server.url), extraBody }, { offersTools: true }))
    const names = z.object({ tools: z.array(z.object({ name: z.string() })) }).parse(server.calls[0]?.body)
    assert.deepEqual(
      names.tools.map(({ name }) => name),
      ['edit', 'write', 'delete', 'rename', 'web_search'],
    )
  })
})

describe('what a provider sends', () => {
  const chat = (delta: object, finish_reason: string | null = null) => ({
    choices: [{ index: 0, delta, finish_reason }],
  })
  const args = (input: string) => ({ arguments: input })
  const usage = { choices: [], usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 } }
  const EVENTS: Record<string, { kind: (typeof KINDS)[number]; events: object[] }> = {
    'Chat Completions, the parts of two calls mixed': {
      kind: 'openai-compatible',
      events: [
        chat({ tool_calls: [{ index: 0, id: 'a', function: { name: 'delete', arguments: '{"path"' } }] }),
        chat({ tool_calls: [{ index: 1, id: 'b', function: { name: 'delete', arguments: '' } }] }),
        chat({
          tool_calls: [
            { index: 0, function: args(':"one.ts"}') },
            { index: 1, function: args('{"path":"two.ts"}') },
          ],
        }),
        chat({}, 'tool_calls'),
        usage,
      ],
    },
    'Chat Completions, all calls with one index': {
      kind: 'openai-compatible',
      events: [
        chat({ tool_calls: [{ index: 0, id: 'a', function: { name: 'delete', arguments: '{"path":"one.ts"}' } }] }),
        chat({ tool_calls: [{ index: 0, id: 'b', function: { name: 'delete', arguments: '{"path":"two.ts"}' } }] }),
        chat({}, 'stop'),
        usage,
      ],
    },
    'Chat Completions, no index and no id': {
      kind: 'openai-compatible',
      events: [
        chat({ tool_calls: [{ function: { name: 'delete', arguments: '{"path":"one.ts"}' } }] }),
        chat({ tool_calls: [{ function: { name: 'delete', arguments: { path: 'two.ts' } } }] }),
        chat({}, 'tool_calls'),
        usage,
      ],
    },
    'Chat Completions, the id and the name in every part': {
      kind: 'openai-compatible',
      events: [
        chat({ tool_calls: [{ index: 0, id: 'a', function: { name: 'delete', arguments: '{"path":' } }] }),
        chat({ tool_calls: [{ index: 0, id: 'a', function: { name: 'delete', arguments: '"one.ts"}' } }] }),
        chat({ tool_calls: [{ index: 1, id: 'b', function: { name: 'delete', arguments: '{"path":"two.ts"}' } }] }),
        chat({}, 'tool_calls'),
        usage,
      ],
    },
    'Messages, the arguments at once and a tool of the provider between': {
      kind: 'anthropic',
      events: [
        { type: 'message_start', message: { usage: { input_tokens: 10 }, content: [] } },
        {
          type: 'content_block_start',
          index: 0,
          content_block: { type: 'tool_use', name: 'delete', input: { path: 'one.ts' } },
        },
        {
          type: 'content_block_start',
          index: 1,
          content_block: { type: 'server_tool_use', name: 'web_search', input: {} },
        },
        { type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: '{"query":"x"}' } },
        { type: 'content_block_start', index: 2, content_block: { type: 'tool_use', name: 'delete', input: {} } },
        { type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '{"path":"two' } },
        { type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '.ts"}' } },
        { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 5 } },
        { type: 'message_stop' },
      ],
    },
    'Responses, only the whole items': {
      kind: 'openai',
      events: [
        { type: 'response.created', response: { id: 'r', created_at: 0, model: 'm' } },
        ...['one.ts', 'two.ts'].map((path, output_index) => {
          const item = { type: 'function_call', id: `fc_${path}`, name: 'delete', arguments: JSON.stringify({ path }) }
          return { type: 'response.output_item.done', output_index, item }
        }),
        { type: 'response.completed', response: { usage: { input_tokens: 10, output_tokens: 5 } } },
      ],
    },
    'Gemini, a call in each chunk': {
      kind: 'google',
      events: [
        ...['one.ts', 'two.ts'].map((path) => {
          return { candidates: [{ content: { parts: [{ functionCall: { name: 'delete', args: { path } } }] } }] }
        }),
        { candidates: [{ finishReason: 'STOP' }], usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 5 } },
      ],
    },
  }
  for (const [name, { kind, events }] of Object.entries(EVENTS)) {
    test(`is read whole and in order: ${name}`, async () => {
      const body = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')
      await using server = await startJsonServer({ status: 200, body })
      await using setup = await setUp()
      const { text } = await setup.models.call(callOf(proposerAt(kind, `${server.url}/v1`), { offersTools: true }))
      assert.deepEqual(text.split('\n\n'), ['### delete one.ts', '### delete two.ts'])
    })
  }
})

const order = {
  title: 'Greet politely',
  description: 'Say hello.',
  acceptance_criteria: ['greet() is "hello"'],
  files_in_scope: ['src/greet.ts', 'docs/greet.md', 'test/a.ts', 'test/b.ts', 'src/old.ts'],
  risk_level: 'low' as const,
}
const FILES = {
  'src/greet.ts': "export function greet() {\n  return 'hi'\n}\n",
  'test/a.ts': 'export {}\n',
  'src/old.ts': 'export {}\n',
}

/** Our Proposer in front of a provider that is asked for calls. */
async function propose(kind: (typeof KINDS)[number], ...script: Scripted[]) {
  const database = await createTestDatabase()
  await using _ = database
  await using server = await startModelServer(...script)
  const { db } = database
  const price = { input_per_million: 1, output_per_million: 10 }
  const row = { name: 'p', provider: kind, model: 'm', base_url: server.url, answer_form: 'tools' }
  await db
    .insertInto('proposer_configs')
    .values({ ...row, complexity_threshold: 1, cost_profile: JSON.stringify(price) })
    .execute()
  const models = quickModels(db, KEY)
  const limits = { contextMaxBytes: 10_000, extraContextTokens: 10_000 }
  const proposer = createProposer({ db, models, ...limits, clock: systemClock, refuseSecrets: () => undefined })
  const proposed = await proposer
    .propose({
      workOrderId: null,
      attempt: null,
      title: order.title,
      request: buildProposerRequest(order),
      proposer: 'p',
      base: memoryTree(FILES),
      contextFiles: [],
      wanted: 'edits',
      previousFailure: null,
      mostCalls: 2,
      repair: null,
      signal: new AbortController().signal,
      onProgress: async () => undefined,
      onShown: async () => undefined,
    })
    .catch((error: unknown) => error)
  const kinds = await db.selectFrom('budget_entries').select('kind').orderBy('id').execute()
  const said = server.calls.map(({ body }) => JSON.stringify(body))
  return { proposed, said, kinds: kinds.map(({ kind: booked }) => booked) }
}

const asResponse = (proposed: unknown) => ProposerResponse.parse(proposed)

describe('a call that is no edit', () => {
  const BAD: Record<string, { call: { name: string; input: string }; told: RegExp }> = {
    'whose arguments are not JSON': {
      call: { name: 'edit', input: '{"path":"src/gre' },
      told: /tool call 1, "edit", cannot be read: its arguments are not JSON/,
    },
    'of another tool': {
      call: called('bash', { cmd: 'rm' }),
      told: /tool call 1, "bash", cannot be read: there is no such tool\. There are edit, write, delete, rename/,
    },
    'without a path': { call: called('delete', {}), told: /tool call 1, "delete", cannot be read: path: / },
    'with a value of another type': {
      call: called('write', { path: 'docs/greet.md', content: ['a'] }),
      told: /"write", cannot be read: content: must be a string, not a list/,
    },
    'with an argument that the tool has not': {
      call: called('edit', { path: 'src/greet.ts', search: 'a', replace: 'b', replace_all: true }),
      told: /"edit", cannot be read: replace_all: is not a known field/,
    },
    'with an argument twice': {
      call: { name: 'delete', input: '{"path":"src/old.ts","path":"test/a.ts"}' },
      told: /its arguments have "path" twice/,
    },
    'whose path is two lines': {
      call: called('delete', { path: 'src/old.ts\nx' }),
      told: /"delete", cannot be read: with the text around it/,
    },
  }
  for (const [what, { call, told }] of Object.entries(BAD)) {
    test(`${what} refuses the whole answer and is told to the model`, async () => {
      const { proposed, said } = await propose('anthropic', { kind: 'text', text: '', calls: [call, DELETE] }, ALL)
      assert.equal(asResponse(proposed).format, 'edits')
      const [reason, ...more] = rejectionsOf(asResponse(proposed))
      assert.match(String(reason), told)
      assert.deepEqual(more, [])
      assert.match(String(said[1]), /cannot be read: /, 'it is in the next question')
      assert.ok(said[1]?.includes(JSON.stringify(call.input).slice(1, -1)), 'with what was called')
    })
  }

  test('or that the provider could not read itself is told to the model', async () => {
    const events = [
      { candidates: [{ content: { parts: [{ text: 'I change it.' }] } }] },
      {
        candidates: [{ finishReason: 'MALFORMED_FUNCTION_CALL', finishMessage: 'Malformed function call: edit(' }],
        usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 5 },
      },
    ]
    const body = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')
    await using server = await startJsonServer({ status: 200, body })
    await using setup = await setUp()
    const { text } = await setup.models.call(callOf(proposerAt('google', server.url), { offersTools: true }))
    assert.throws(() => parseEdits(text), /tool call 1 cannot be read: Malformed function call: edit\(/)
  })

  test('and that was cut off at the limit is a truncated answer', async () => {
    const events = [
      { type: 'message_start', message: { usage: { input_tokens: 10 }, content: [] } },
      { type: 'content_block_start', index: 0, content_block: { type: 'tool_use', name: 'delete', input: {} } },
      { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '{"path":"two' } },
      { type: 'message_delta', delta: { stop_reason: 'max_tokens' }, usage: { output_tokens: 5 } },
      { type: 'message_stop' },
    ]
    const body = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')
    await using server = await startJsonServer({ status: 200, body })
    await using setup = await setUp()
    const fault = await faultOf(setup.models.call(callOf(proposerAt('anthropic', server.url), { offersTools: true })))
    assert.equal(fault.code, 'model_answer_truncated')
  })
})

describe('a server that takes no tools', () => {
  const REFUSALS: [status: number, message: string][] = [
    [400, 'registry.ollama.ai/library/gemma3:4b does not support tools'],
    [
      404,
      'No endpoints found that support tool use. To learn more about provider routing, visit: https://openrouter.ai/docs',
    ],
    [400, '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'],
    [500, 'tools param requires --jinja flag'],
    [400, 'deepseek-reasoner does not support Function Calling'],
    [400, '`tool calling` is not supported with this model'],
    [400, 'Function calling is not enabled for models/gemma-3-27b-it'],
    [422, 'tools: Extra inputs are not permitted'],
  ]
  for (const [status, message] of REFUSALS) {
    test(`is named with the setting to change, and nothing is charged: ${message.slice(0, 40)}`, async () => {
      const { proposed, kinds } = await propose('openai-compatible', { kind: 'status', status, message })
      const fault = await faultOf(Promise.reject(proposed))
      assert.deepEqual(
        [fault.code, fault.details['problem'], kinds],
        ['model_call_rejected', 'tools', ['reserved', 'released']],
      )
      assert.match(fault.message, /takes no tools: .*moose proposer edit p --answer-form blocks/)
    })
  }

  test('is not said where none was offered: what is refused are the tools of the row', async () => {
    for (const [message, code] of [
      ["Invalid type for 'tools': expected an array of objects", 'tools'],
      ['m does not support tools', 'invalid_request_error'],
    ] as const) {
      await using server = await startModelServer({ kind: 'status', status: 400, message, code })
      await using setup = await setUp()
      const row: ProposerConfig = { ...proposerAt('openai-compatible', server.url), answerForm: 'blocks' }
      const fault = await faultOf(setup.models.call(callOf({ ...row, extraBody: { tools: [{ type: 'web' }] } })))
      assert.deepEqual([fault.code, fault.details['problem']], ['model_call_rejected', 'other'])
      assert.doesNotMatch(fault.message, /answer-form/)
    }
  })

  test('is found by its test, which says what to type', async () => {
    await using server = await startModelServer({ kind: 'status', status: 400, message: 'm does not support tools' })
    await using setup = await setUp()
    const fault = await faultOf(
      setup.models.test(proposerAt('openai-compatible', server.url), AbortSignal.timeout(5_000)),
    )
    assert.equal(fault.details['command'], 'moose proposer edit p --answer-form blocks')
    assert.equal(offeredIn(server.calls[0]?.body).length, 4)
  })
})

describe('a proposer that is asked for calls', () => {
  test('is told of the tools and not of blocks, and of a refusal in its own words', async () => {
    const wrong = called('edit', { path: 'src/greet.ts', search: 'not there', replace: 'x' })
    const { proposed, said } = await propose('anthropic', { kind: 'text', text: '', calls: [wrong] }, ALL)
    assert.deepEqual(meantBy(asResponse(proposed).content), WHAT_IS_MEANT)
    assert.ok(said.every((body) => body.includes('calls of the tools edit, write, delete and\\nrename')))
    assert.ok(said.every((body) => !body.includes('SEARCH must occur exactly once')))
    assert.match(
      String(said[1]),
      /### edit src\/greet\.ts\\n<<<<<<< SEARCH\\nnot there/,
      'what it called, as it is kept',
    )
    assert.match(String(said[1]), /in the form you were told first/)
  })

  test('carries out an order from the question to the pull request', async () => {
    await using server = await startModelServer(ALL)
    await using home = await createMooseHome(FILES, [], { ANTHROPIC_API_KEY: 'sk-stand-in' })
    const call = { provider: 'anthropic', model: 'claude-sonnet-5' }
    await useStandIn(home, 'stand-in', { url: server.url, threshold: 1, call })
    await home.database.db
      .updateTable('proposer_configs')
      .set({ answer_form: 'tools' })
      .where('name', '=', 'stand-in')
      .execute()
    await using moose = await home.open()
    const id = await fileOrder(home.database, {
      title: order.title,
      files: order.files_in_scope,
      criteria: ['It says hello.'],
    })
    await moose.orchestrator.start(null)
    await settled(moose, id)
    const detail = await detailOf(moose, id)
    assert.equal(detail.phase, 'in_review', JSON.stringify(detail.status_reason))
    assert.equal(server.calls.length, 1)
    assert.equal(offeredIn(server.calls[0]?.body).length, 4)
  })
})
