import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from 'zod'
import { systemClock } from '../../src/clock.ts'
import { sumModelCalls } from '../../src/db/model-calls.ts'
import { toldToModel } from '../../src/faults/fault.ts'
import { createLog } from '../../src/log.ts'
import { createModels } from '../../src/models/models.ts'
import { answersOfProposal, type ProposeInput, ProposerRequest, rejectionsOf } from '../../src/ports/proposal.ts'
import { createForeignProposer } from '../../src/proposer/foreign-proposer.ts'
import { createProposer } from '../../src/proposer/proposer.ts'
import { buildProposerRequest } from '../../src/proposer/proposer-request.ts'
import { createPromptGuard } from '../../src/redaction/prompt-secrets.ts'
import { DIRECTLY } from '../../src/remote/patient-fetch.ts'
import { createTestDatabase } from '../support/database.ts'
import { faultOf } from '../support/fault-of.ts'
import { startJsonServer } from '../support/json-server.ts'
import { memoryTree } from '../support/memory-tree.ts'
import { type Scripted, startModelServer } from '../support/model-server.ts'

const order = {
  title: 'Greet politely',
  description: 'Say hello to the name.',
  acceptance_criteria: ['greet("Ada") is "Hello, Ada!"'],
  files_in_scope: ['src/greet.ts'],
  risk_level: 'low' as const,
}
const tree = memoryTree({ 'src/greet.ts': "export const greet = () => 'hi'\n", 'README.md': '# Demo\n' })

const good = `Here it is.

### edit src/greet.ts
<<<<<<< SEARCH
export const greet = () => 'hi'
=======
export const greet = (name: string) => \`Hello, \${name}!\`
>>>>>>> REPLACE
`
const misquoted = good.replace("'hi'", "'hello'")
const stray = '### write README.md\n````\n# Other\n````\n'
const idle = good.replace(/=======\n.*\n>/, "=======\nexport const greet = () => 'hi'\n>")

function inputOf(overrides: Partial<ProposeInput> = {}) {
  const progress: string[] = []
  const input: ProposeInput = {
    workOrderId: '7e0a3f9c-0000-4000-8000-000000000001',
    attempt: 1,
    title: order.title,
    request: buildProposerRequest(order),
    proposer: 'stand-in',
    base: tree,
    contextFiles: [],
    wanted: 'edits',
    previousFailure: null,
    mostCalls: 4,
    repair: null,
    signal: new AbortController().signal,
    onProgress: async (message) => void progress.push(message),
    onShown: async () => undefined,
    ...overrides,
  }
  return { input, progress }
}

/** Our Proposer in front of a scripted provider, with an order in the database to book the calls on. */
async function setUp(
  script: readonly Scripted[],
  { priced = true, contextMaxBytes = 10_000, extraContextTokens = 10_000, key = 'sk-other-012345' } = {},
) {
  const database = await createTestDatabase()
  const server = await startModelServer(...script)
  const { db } = database
  const price = priced ? { input_per_million: 1, output_per_million: 10 } : {}
  const provider = { provider: 'openai-compatible', model: 'stand-in-1', base_url: server.url }
  await db
    .insertInto('proposer_configs')
    .values({ name: 'stand-in', ...provider, complexity_threshold: 1, cost_profile: JSON.stringify(price) })
    .execute()
  const { id } = await db
    .insertInto('work_orders')
    .values({ title: order.title, description: '', risk_level: 'low' })
    .returning('id')
    .executeTakeFirstOrThrow()
  const secrets = {}
  const rest = { replayDir: '/nonexistent', modelTimeoutMs: 5_000, clock: systemClock, log: createLog('silent') }
  const models = createModels({
    db,
    secrets,
    networkEnvironment: {},
    maxCallsPerProvider: null,
    modelHosts: [],
    ...rest,
  })
  return {
    db,
    server,
    workOrderId: id,
    proposer: createProposer({
      db,
      models,
      contextMaxBytes,
      extraContextTokens,
      clock: systemClock,
      refuseSecrets: createPromptGuard({
        secrets: { ANTHROPIC_API_KEY: key },
        githubSecrets: { token: null, enterpriseToken: null, webhook: null },
        databaseUrl: 'postgresql://localhost/x',
        managerUrl: null,
        proposerUrl: null,
        tracing: null,
        networkEnvironment: {},
      }),
    }),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
    },
  }
}

const Messages = z.array(z.object({ role: z.string(), content: z.string() }))
const text = (content: string): Scripted => ({ kind: 'text', text: content, input: 100, output: 10 })

test('an answer that applies is handed on with its cost, and the model saw the real file', async () => {
  await using setup = await setUp([text(good)])
  const { input, progress } = inputOf({ workOrderId: setup.workOrderId })
  const response = await setup.proposer.propose(input)
  const { execution_time_ms: elapsed, ...rest } = response
  assert.deepEqual(rest, {
    content: good,
    proposer_used: 'stand-in',
    model: 'stand-in-1',
    cost: 0.0002,
    token_usage: { input: 100, output: 10, total: 110, cache_read: 0, cache_write: 0 },
    shown: [{ path: 'src/greet.ts', why: 'scope', bytes: 32 }],
    replayed: false,
    refinement_metadata: { cycles: 1, rejections: [] },
    format: 'edits',
  })
  assert.ok(elapsed !== undefined && elapsed >= 0)
  const sent = JSON.stringify(setup.server.calls[0]?.body)
  assert.match(sent, /export const greet = \(\) => 'hi'/)
  assert.doesNotMatch(sent, new RegExp(setup.workOrderId))
  assert.deepEqual(progress, ['calling stand-in …'])
  const { calls, answers, ...totals } = await sumModelCalls(setup.db, setup.workOrderId, 1)
  assert.deepEqual([calls, answers], [1, 1])
  const tokens = { inputTokens: 100, outputTokens: 10, cacheReadTokens: 0, cacheWriteTokens: 0 }
  assert.deepEqual({ ...totals, durationMs: 0 }, { ...tokens, durationMs: 0, costUsd: 0.0002, unpricedCalls: 0 })
})

test('an answer that does not apply goes back with the exact reason, and the next one counts', async () => {
  await using setup = await setUp([text(misquoted), text('I would change the greeting.'), text(good)])
  const { input, progress } = inputOf()
  const response = await setup.proposer.propose({ ...input, workOrderId: setup.workOrderId })
  assert.equal(response.content, good)
  assert.equal(response.cost, 0.0006)
  const rejections = rejectionsOf(response)
  const cycles = answersOfProposal(response)
  assert.equal(cycles, 3)
  const [first, second] = rejections
  assert.match(String(first), /src\/greet\.ts/)
  const messages = Messages.parse(setup.server.calls[2]?.body['messages'])
  assert.deepEqual(
    messages.map(({ role }) => role),
    ['system', 'user', 'assistant', 'user', 'assistant', 'user'],
  )
  assert.equal(messages[2]?.content, misquoted)
  assert.ok(messages[3]?.content.includes(String(first)))
  assert.ok(messages[5]?.content.includes(String(second)))
  assert.match(String(progress[1]), /^answer 1 does not apply: .*; asking again$/)
  assert.equal(progress[2], 'calling stand-in, refinement 1 of 3 …')
})

test('a draft in the reasoning is not proposed, and where that is unclear the model is asked again', async () => {
  const reasoned: Scripted = { kind: 'text', text: `<think>\nOr so?\n${stray}</think>\n\n${good}` }
  await using clear = await setUp([reasoned])
  const { input } = inputOf({ workOrderId: clear.workOrderId })
  const answer = await clear.proposer.propose(input)
  assert.deepEqual([answer.content.trim(), answer.format, clear.server.calls.length], [good.trim(), 'edits', 1])

  const asked = { text: `${good}</think>\n`, kind: 'text' as const }
  for (const wanted of ['edits', 'text', 'edits_or_text'] as const) {
    await using unclear = await setUp([asked, reasoned])
    const { input: again } = inputOf({ workOrderId: unclear.workOrderId, wanted })
    const second = await unclear.proposer.propose(again)
    assert.deepEqual([second.content.trim(), second.format, unclear.server.calls.length], [good.trim(), 'edits', 2])
    assert.match(String(second.refinement_metadata?.rejections?.[0]), /cannot be told what of the answer is reasoning/)
    await using never = await setUp([asked])
    const fault = await faultOf(never.proposer.propose(inputOf({ workOrderId: never.workOrderId, wanted }).input))
    assert.deepEqual([fault.code, never.server.calls.length], ['proposal_rejected', 4])
  }
})

test('edits that change nothing are sent back too', async () => {
  await using setup = await setUp([text(idle), text(good)])
  const { input } = inputOf({ workOrderId: setup.workOrderId })
  const response = await setup.proposer.propose(input)
  assert.equal(response.refinement_metadata?.cycles, 2)
})

test('after three refinements it gives up with every reason', async () => {
  await using setup = await setUp([text(stray), text('no blocks'), text(idle), text(misquoted)])
  const { input } = inputOf({ workOrderId: setup.workOrderId })
  const fault = await faultOf(setup.proposer.propose(input))
  assert.equal(fault.code, 'proposal_rejected')
  assert.equal(setup.server.calls.length, 4)
  for (const answer of [1, 2, 3, 4]) assert.match(fault.message, new RegExp(`^answer ${answer}: `, 'm'))
  assert.equal((await sumModelCalls(setup.db, setup.workOrderId, 1)).calls, 4)
})

test('people are told each reason once and what to type, the model what it is to answer instead', async () => {
  await using setup = await setUp([text(idle), text(idle), text(idle), text(idle)])
  const { input } = inputOf({ workOrderId: setup.workOrderId })
  const fault = await faultOf(setup.proposer.propose(input))
  const id = setup.workOrderId.slice(0, 8)
  assert.equal(
    fault.message,
    'None of the 4 answers of stand-in can be applied.\nanswers 1, 2, 3, 4: The edits leave every file as it was.\n' +
      `Make the work order more precise, and have it asked anew: moose edit ${id}   then: moose approve ${id}   then: moose retry ${id} --fresh`,
  )
  assert.equal(fault.details['ways'], 1, 'the commands are not told again below it')
  assert.match(toldToModel(fault), /^answer 4: .*Answer with edits that change something\.$/m)
  assert.doesNotMatch(toldToModel(fault), /more precise/)
})

test('a change that stays outside the scope fails as that, with the file', async () => {
  await using setup = await setUp([text(stray)])
  const { input } = inputOf({ workOrderId: setup.workOrderId })
  const fault = await faultOf(setup.proposer.propose(input))
  assert.equal(fault.code, 'change_out_of_scope')
  assert.match(fault.message, /README\.md/)
  assert.equal(setup.server.calls.length, 4)
})

test('where text will do, free text is taken at once, and edits that never apply in the end, with the reasons', async () => {
  await using free = await setUp([text('no blocks')])
  const taken = await free.proposer.propose(inputOf({ workOrderId: free.workOrderId, wanted: 'edits_or_text' }).input)
  assert.deepEqual([taken.format, taken.content, taken.refinement_metadata?.rejections], ['text', 'no blocks', []])
  assert.equal(free.server.calls.length, 1)

  await using failing = await setUp([text(misquoted), text(idle), text(misquoted)])
  const { input } = inputOf({ workOrderId: failing.workOrderId, wanted: 'edits_or_text' })
  const passedOn = await failing.proposer.propose(input)
  assert.deepEqual([passedOn.format, passedOn.content], ['text', misquoted])
  assert.equal(passedOn.refinement_metadata?.rejections?.length, 4)

  await using leaving = await setUp([text(stray)])
  const outside = inputOf({ workOrderId: leaving.workOrderId, wanted: 'edits_or_text' })
  assert.equal((await faultOf(leaving.proposer.propose(outside.input))).code, 'change_out_of_scope')
})

test('a truncated or refused answer ends the proposal at once', async () => {
  for (const [scripted, code] of [
    [{ kind: 'truncated', text: good }, 'model_answer_truncated'],
    [{ kind: 'refused' }, 'model_answer_refused'],
  ] as const) {
    await using setup = await setUp([scripted])
    const { input } = inputOf({ workOrderId: setup.workOrderId })
    assert.equal((await faultOf(setup.proposer.propose(input))).code, code)
    assert.equal(setup.server.calls.length, 1)
  }
})

test('an unknown price is refused before anything is asked', async () => {
  await using setup = await setUp([text(good)], { priced: false })
  const { input } = inputOf({ workOrderId: setup.workOrderId })
  assert.equal((await faultOf(setup.proposer.propose(input))).code, 'price_unknown')
  assert.equal(setup.server.calls.length, 0)
})

test('a secret in what is to be read beside the scope keeps the model from being asked', async () => {
  await using setup = await setUp([text(good)], { key: 'sk-ant-0123456789abcdef' })
  const base = memoryTree({ 'src/greet.ts': 'hi\n', 'AGENTS.md': '# Rules\nUse sk-ant-0123456789abcdef.\n' })
  const { input } = inputOf({ workOrderId: setup.workOrderId, base })
  const fault = await faultOf(setup.proposer.propose(input))
  assert.deepEqual([fault.code, fault.details['place']], ['secret_in_prompt', 'AGENTS.md, line 2'])
  assert.equal(setup.server.calls.length, 0)
})

test('a scope that is too large and a proposer that does not exist cost no call', async () => {
  await using setup = await setUp([text(good)], { contextMaxBytes: 10 })
  const { input } = inputOf({ workOrderId: setup.workOrderId })
  assert.equal((await faultOf(setup.proposer.propose(input))).code, 'scope_too_large')
  assert.equal((await faultOf(setup.proposer.propose({ ...input, proposer: 'nobody' }))).code, 'model_unknown')
  assert.equal(setup.server.calls.length, 0)
})

describe('a foreign Proposer', async () => {
  const data = { content: good, cost: 0.01, proposer_used: 'theirs', performance_metrics: { anything: 1 } }

  test('gets the request of the specification, and its edits are recognised', async () => {
    await using server = await startJsonServer({ status: 200, body: { success: true, data, service: 'x' } })
    const { input } = inputOf()
    const response = await createForeignProposer({ url: server.url, network: DIRECTLY, timeoutMs: 1_000 }).propose(
      input,
    )
    assert.deepEqual(response, { ...data, format: 'edits' })
    const received = ProposerRequest.parse(server.received[0])
    assert.deepEqual(received.context, ['src/greet.ts'])
    assert.deepEqual(received.metadata, {
      work_order_id: input.workOrderId,
      attempt: 1,
      proposer: 'stand-in',
      base_sha: tree.sha,
    })
  })

  test('may answer in free text, which is passed on as it is, whatever it claims', async () => {
    const prose = { ...data, content: 'Change hi to hello.', format: 'edits' }
    await using server = await startJsonServer({ status: 200, body: { success: true, data: prose } })
    const { input } = inputOf()
    const response = await createForeignProposer({ url: server.url, network: DIRECTLY, timeoutMs: 1_000 }).propose(
      input,
    )
    assert.deepEqual([response.content, response.format], ['Change hi to hello.', 'text'])
  })

  test('life F2: says in its own way how it refined its answer, which is passed on', async () => {
    const refinement_metadata = { refinement_count: 2, initial_errors: 5, final_errors: 0 }
    const usual = { ...data, refinement_metadata, retry_history: [], contract_validation: null }
    await using server = await startJsonServer({ status: 200, body: { success: true, data: usual } })
    const response = await createForeignProposer({ url: server.url, network: DIRECTLY, timeoutMs: 1_000 }).propose(
      inputOf().input,
    )
    assert.deepEqual(response, { ...usual, format: 'edits' })
    assert.deepEqual([answersOfProposal(response), rejectionsOf(response)], [3, []])
  })

  test('life F4: the words of an answer of 5xx are told', async () => {
    const long = 'x'.repeat(10_000)
    for (const [body, says] of [
      [
        { success: false, error: 'Emergency kill:\u0007 daily spend $201.00' },
        /HTTP 500: Emergency kill: daily spend \$201\.00\. See/,
      ],
      [{ error: { message: 'no proposer is left', code: 3 } }, /HTTP 500: no proposer is left\./],
      [{ error: long }, /HTTP 500: x{300}…\./],
      [{}, /HTTP 500: \{\}\./],
    ] as const) {
      await using server = await startJsonServer({ status: 500, body })
      const fault = await faultOf(
        createForeignProposer({ url: server.url, network: DIRECTLY, timeoutMs: 1_000 }).propose(inputOf().input),
      )
      assert.equal(fault.code, 'proposer_unreachable')
      assert.match(fault.message, says)
    }
  })

  test('that cannot be asked, and one whose answer is of no use', async () => {
    const cases = [
      [{ status: 503, body: {} }, 'proposer_unreachable'],
      ['silent', 'proposer_unreachable'],
      [{ status: 400, body: { error: 'no' } }, 'proposer_refused'],
      [{ status: 200, body: { success: true, data: { ...data, content: '' } } }, 'proposer_refused'],
    ] as const
    for (const [answer, code] of cases) {
      await using server = await startJsonServer(answer)
      const { input } = inputOf()
      const proposer = createForeignProposer({ url: server.url, network: DIRECTLY, timeoutMs: 300 })
      assert.equal((await faultOf(proposer.propose(input))).code, code)
    }
  })
})
