import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from 'zod'
import type { ProposerConfig } from '../../src/db/proposer-configs.ts'
import { MAX_OUTPUT_TOKENS, type ModelAnswer, type ModelMessage } from '../../src/models/model-answer.ts'
import { languageModel, streamAnswer } from '../../src/models/stream-answer.ts'
import { Usd } from '../../src/money.ts'
import { buildPrompt, refinementMessage } from '../../src/proposer/prompt.ts'
import { buildProposerRequest } from '../../src/proposer/proposer-request.ts'
import { lookAt } from '../../src/proposer/sight.ts'
import { createNetwork } from '../../src/remote/network-route.ts'
import { anthropicBilling, asUsualInput } from '../support/anthropic-billing.ts'
import { createTestDatabase } from '../support/database.ts'
import { memoryTree } from '../support/memory-tree.ts'
import { type ReceivedCall, type Scripted, startModelServer } from '../support/model-server.ts'
import { callOf, quickModels, USUAL_CALL } from '../support/proposer-call.ts'

const OUTPUT = 300
/** Per token, of claude-sonnet-5 in the price library. */
const RATES = { input: '0.000002', output: '0.00001' }

/** A module of so many functions, which imports others. */
function moduleOf(name: string, functions: number, imports: readonly string[] = []): string {
  const heads = imports.map((other) => `import { ${other}0 } from './${other}.ts'\n`)
  const bodies = Array.from(
    { length: functions },
    (_, index) => `/** Step ${index} of ${name}: what it takes and what it gives. */
export function ${name}${index}(input: readonly number[]): number {
  const chosen = input.filter((value) => value % ${index + 2} !== 0)
  return chosen.reduce((sum, value) => sum + value * ${index}, ${index})
}
`,
  )
  return [...heads, ...bodies].join('\n')
}

const rules = Array.from({ length: 60 }, (_, index) => `- Rule ${index}: a function does one thing and says which.`)

const tree = memoryTree({
  'AGENTS.md': `# How code is written here\n\n${rules.join('\n')}\n`,
  'docs/design.md': `# Design\n\n${rules.join('\n')}\n`,
  'src/orders.ts': moduleOf('orders', 60, ['prices', 'taxes']),
  'src/ledger.ts': moduleOf('ledger', 40, ['prices']),
  'src/prices.ts': moduleOf('prices', 25),
  'src/taxes.ts': moduleOf('taxes', 20),
})

const orderOf = (title: string, file: string) => ({
  title,
  description: 'The last steps are wrong.',
  acceptance_criteria: ['They are right.'],
  files_in_scope: [file],
  risk_level: 'low' as const,
})

const LIMITS = { contextMaxBytes: 400_000, extraContextTokens: 12_000 }
const first = { form: 'blocks', previousFailure: null } as const

async function promptOf(title: string, file: string): Promise<ModelMessage[]> {
  const request = buildProposerRequest(orderOf(title, file))
  const sight = await lookAt(tree, { request, contextFiles: ['docs/design.md'] }, LIMITS, null)
  return buildPrompt(request, sight, first)
}

const answerText = `### edit src/orders.ts
<<<<<<< SEARCH
  const chosen = input.filter((value) => value % 61 !== 0)
  return chosen.reduce((sum, value) => sum + value * 59, 59)
=======
  const chosen = input.filter((value) => value % 61 === 0)
  return chosen.reduce((sum, value) => sum + value * 59, 0)
>>>>>>> REPLACE
`
const refused = refinementMessage('src/orders.ts: the SEARCH occurs 2 times. Take more lines, so that it occurs once.')

type Setup = Awaited<ReturnType<typeof setUp>>

/** The real client in front of a provider that charges as Anthropic does; the time of its cache stands until it is moved. */
async function setUp(overrides: Partial<ProposerConfig> = {}) {
  const database = await createTestDatabase()
  const time = { ms: 0 }
  const bill = anthropicBilling({ now: () => time.ms })
  const charged: { input: number; cacheRead: number; cacheWrite: number }[] = []
  const server = await startModelServer(({ body }: ReceivedCall): Scripted => {
    const input = bill(body)
    if (input === 'too many marks') return { kind: 'status', status: 400, message: 'A maximum of 4 blocks.' }
    charged.push(input)
    return { kind: 'text', text: answerText, output: OUTPUT, ...input }
  })
  const proposer: ProposerConfig = {
    ...USUAL_CALL,
    name: 'claude',
    provider: 'anthropic',
    model: 'claude-sonnet-5',
    complexityThreshold: 1,
    baseUrl: server.url,
    price: null,
    active: true,
    ...overrides,
  }
  const models = quickModels(database.db, 'sk-stand-in')
  return {
    db: database.db,
    server,
    charged,
    time,
    ask: (messages: readonly ModelMessage[]): Promise<ModelAnswer> =>
      models.call(callOf(proposer, { messages, maxOutputTokens: MAX_OUTPUT_TOKENS })),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
    },
  }
}

/** An order whose first two answers do not apply: three calls of one conversation. */
async function twoRefinements(setup: Setup, prompt: readonly ModelMessage[]): Promise<ModelAnswer[]> {
  const messages = [...prompt]
  const answers: ModelAnswer[] = []
  for (let turn = 1; turn <= 3; turn += 1) {
    const answer = await setup.ask(messages)
    answers.push(answer)
    messages.push({ role: 'assistant', content: answer.text }, refused)
  }
  return answers
}

/** Of a first question only what orders of a project share is marked. */
function withSharedMark({ repeatsTo, ...message }: ModelMessage): ModelMessage {
  return repeatsTo === undefined ? message : { ...message, repeatsTo: repeatsTo.slice(0, 1) }
}

const sumOf = (numbers: readonly number[]) => numbers.reduce((sum, each) => sum + each, 0)

/** Input as it is charged, beside what it is without any marks. */
function ratioOf(charged: Setup['charged']): number {
  return sumOf(charged.map(asUsualInput)) / sumOf(charged.map(({ input }) => input))
}

describe('prompt caching where a provider needs marks', () => {
  test('the input of an order with two refinements costs at most half of what it costs without marks', async (t) => {
    await using setup = await setUp()
    await twoRefinements(setup, await promptOf('Mend the orders', 'src/orders.ts'))
    const [one, two, three] = setup.charged
    assert.ok(one !== undefined && two !== undefined && three !== undefined)
    assert.deepEqual([one.cacheRead, one.cacheWrite], [0, one.input])
    assert.deepEqual([two.cacheRead, three.cacheRead], [one.input, two.input])
    t.diagnostic(`three calls of ${one.input} to ${three.input} tokens: ${ratioOf(setup.charged).toFixed(3)} ×`)
    assert.ok(ratioOf(setup.charged) <= 0.5, String(ratioOf(setup.charged)))
  })

  test('the marks of a first question pay off where 28 % of first questions are followed by a second, or fewer', async (t) => {
    /** Input of the first calls of an order, in tokens at the usual rate, of one call and of two. */
    const costs = async ({ isAlone, policy }: { isAlone: boolean; policy: 'all' | 'shared' | 'none' }) => {
      await using setup = await setUp(
        policy === 'none' ? { price: { inputPerMillion: '2', outputPerMillion: '10' } } : {},
      )
      const prompt = await promptOf('Mend the orders', 'src/orders.ts')
      if (!isAlone) await setup.ask(await promptOf('Mend the ledger', 'src/ledger.ts'))
      const first = policy === 'shared' ? prompt.map(withSharedMark) : prompt
      const { text } = await setup.ask(first)
      await setup.ask([...prompt, { role: 'assistant', content: text }, refused])
      const [one, two] = setup.charged.slice(-2).map(asUsualInput)
      return { one: Number(one), two: Number(one) + Number(two) }
    }
    for (const isAlone of [true, false]) {
      const all = await costs({ isAlone, policy: 'all' })
      for (const policy of ['shared', 'none'] as const) {
        const other = await costs({ isAlone, policy })
        const more = all.one - other.one
        const breakEven = more / (more + other.two - all.two)
        const said = `one call ${(all.one / other.one).toFixed(2)} ×, two ${(all.two / other.two).toFixed(2)} ×`
        const where = isAlone ? 'alone' : 'behind another order'
        t.diagnostic(`${where}, beside marks of ${policy}: ${said}; break-even ${(100 * breakEven).toFixed(1)} %`)
        assert.ok(breakEven < 0.28, String(breakEven))
      }
    }
  })

  test('another order of the project reads what both begin with', async (t) => {
    await using setup = await setUp()
    await setup.ask(await promptOf('Mend the orders', 'src/orders.ts'))
    await twoRefinements(setup, await promptOf('Mend the ledger', 'src/ledger.ts'))
    const [, other] = setup.charged
    assert.ok(Number(other?.cacheRead) > 1_024 && Number(other?.cacheRead) < Number(other?.input))
    t.diagnostic(`the second order: ${ratioOf(setup.charged.slice(1)).toFixed(3)} ×`)
    assert.ok(ratioOf(setup.charged.slice(1)) <= 0.45)
  })

  test('what is booked is what is charged, to the last digit, and no call costs more than was reserved for it', async () => {
    await using setup = await setUp()
    const answers = await twoRefinements(setup, await promptOf('Mend the orders', 'src/orders.ts'))
    const bill = Usd.sum(
      ...setup.charged.map((input) =>
        new Usd(RATES.input).times(asUsualInput(input).toFixed(2)).plus(new Usd(RATES.output).times(OUTPUT)),
      ),
    )
    assert.equal(Usd.sum(...answers.map(({ costUsd }) => costUsd)).toFixed(), bill.toFixed())
    const calls = await setup.db.selectFrom('model_calls').selectAll().orderBy('id').execute()
    assert.deepEqual(
      calls.map(({ input_tokens: input, cache_read_tokens: cacheRead, cache_write_tokens: cacheWrite }) => {
        return { input, cacheRead, cacheWrite }
      }),
      setup.charged,
    )
    for (const { reservation_id, cost_usd } of calls) {
      const reserved = await setup.db
        .selectFrom('budget_entries')
        .select('amount_usd')
        .where('reservation_id', '=', String(reservation_id))
        .where('kind', '=', 'reserved')
        .executeTakeFirstOrThrow()
      assert.ok(new Usd(String(cost_usd)).lessThan(reserved.amount_usd))
    }
    assert.deepEqual(
      answers.map(({ usage }) => [usage.cache_read, usage.cache_write]),
      setup.charged.map(({ cacheRead, cacheWrite }) => [cacheRead, cacheWrite]),
    )
  })

  test('a cache that has run out is written anew', async () => {
    await using setup = await setUp()
    const prompt = await promptOf('Mend the orders', 'src/orders.ts')
    await setup.ask(prompt)
    setup.time.ms += 5 * 60_000 - 1
    await setup.ask(prompt)
    setup.time.ms += 5 * 60_000
    await setup.ask(prompt)
    assert.deepEqual(
      setup.charged.map(({ cacheRead, cacheWrite }) => [cacheRead > 0, cacheWrite > 0]),
      [
        [false, true],
        [true, false],
        [false, true],
      ],
    )
  })

  test('a prompt that is not the same to the letter, or too short, is charged as usual', async () => {
    await using setup = await setUp()
    const [system, user] = await promptOf('Mend the orders', 'src/orders.ts')
    assert.ok(system !== undefined && user !== undefined)
    await setup.ask([system, user])
    await setup.ask([{ ...system, content: `${system.content} ` }, user])
    await setup.ask([{ role: 'user', content: 'short', repeatsTo: [5] }])
    assert.deepEqual(
      setup.charged.map(({ cacheRead }) => cacheRead),
      [0, 0, 0],
    )
    assert.equal(setup.charged.at(-1)?.cacheWrite, 0)
  })

  test('no mark is sent where the stated price does not say what the cache costs', async () => {
    await using setup = await setUp({ price: { inputPerMillion: '2', outputPerMillion: '10' } })
    await setup.ask(await promptOf('Mend the orders', 'src/orders.ts'))
    assert.doesNotMatch(JSON.stringify(setup.server.calls[0]?.body), /cache_control/)
    assert.equal(setup.charged[0]?.cacheWrite, 0)
  })

  test('a conversation is the same text with marks and without', async () => {
    const Content = z.union([z.string(), z.array(z.object({ text: z.string() }))])
    const Told = z.object({ messages: z.array(z.object({ content: Content })) })
    const said = async (overrides: Partial<ProposerConfig>) => {
      await using setup = await setUp(overrides)
      await setup.ask(await promptOf('Mend the orders', 'src/orders.ts'))
      const { messages } = Told.parse(setup.server.calls[0]?.body)
      return messages.map(({ content }) =>
        [content].flat().map((part) => (typeof part === 'string' ? part : part.text)),
      )
    }
    const plain = await said({ price: { inputPerMillion: '2', outputPerMillion: '10' } })
    assert.equal((await said({})).flat().join(''), plain.flat().join(''))
  })

  test('in Chat Completions a mark stands at the part of the message that ends there', async () => {
    await using server = await startModelServer({ kind: 'text', text: 'hello' })
    const proposer = { ...USUAL_CALL, name: 'm', provider: 'openai-compatible', model: 'anthropic/m' } as const
    const row = { ...proposer, complexityThreshold: 1, baseUrl: server.url, price: null, active: true }
    const offersTools = false
    const means = {
      secrets: {},
      network: createNetwork({}),
      learnt: new Map<string, string>(),
      offersTools,
      onSend() {},
    }
    const messages = [
      { role: 'system', content: 'Do it.' },
      { role: 'user', content: 'shared own', repeatsTo: [7, 10] },
      { role: 'assistant', content: 'edits' },
      { role: 'user', content: 'not so', repeatsTo: [6] },
    ] as const
    const signal = AbortSignal.timeout(5_000)
    const asked = { messages, offersTools, maxOutputTokens: 10, signal, requestId: 'r' }
    await streamAnswer({ model: languageModel(row, means), ...asked })
    const cache_control = { type: 'ephemeral' }
    assert.deepEqual(server.calls[0]?.body['messages'], [
      { role: 'system', content: 'Do it.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'shared ', cache_control },
          { type: 'text', text: 'own', cache_control },
        ],
      },
      { role: 'assistant', content: 'edits' },
      { role: 'user', content: [{ type: 'text', text: 'not so', cache_control }] },
    ])
  })
})
