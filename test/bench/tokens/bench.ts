import { existsSync } from 'node:fs'
import path from 'node:path'
import { type ReceivedCall, type Scripted, startModelServer } from '../../support/model-server.ts'
import { createMooseHome, detailOf, fileOrder, settled } from '../../support/moose-home.ts'
import { useStandIn } from '../../support/stand-in-proposer.ts'
import { numbersFrom } from '../numbers.ts'
import { report } from '../report.ts'
import { asAiderBlocks, asEdits, asText, TOKEN_FILES, TOKEN_ORDERS, type TokenOrder } from './orders.ts'

const TARGET_RATIO = 0.55
/** As scripts/setup-aider.ts installs it. */
const AIDER = path.join(import.meta.dirname, '../../../.moose/test-aider/bin/aider')
/** Of English and code, roughly; it is the same on both sides. */
const CHARACTERS_PER_TOKEN = 4
const PATIENCE_MS = 180_000

const FLOWS = ['auto', 'aider'] as const
type Flow = (typeof FLOWS)[number]
type Used = { input: number; output: number; calls: number }

/** Tokens of the same orders in Moose's flow and in the specification's, in which real Aider writes the proposal once more. */
export async function benchTokens(args: readonly string[]): Promise<void> {
  numbersFrom(args, {})
  if (!existsSync(AIDER)) throw new Error('Aider is not installed; run: node scripts/setup-aider.ts')
  const found: { title: string; auto: Used; aider: Used }[] = []
  for (const order of TOKEN_ORDERS) {
    found.push({ title: order.title, auto: await carryOut('auto', order), aider: await carryOut('aider', order) })
  }
  const sum = (flow: Flow, of: (used: Used) => number) => found.reduce((total, one) => total + of(one[flow]), 0)
  const all = ({ input, output }: Used) => input + output
  report({
    bench: 'tokens',
    settings: { orders: found.length },
    figures: [
      ...found.map(({ title, auto, aider }) => ({ what: title, value: all(auto) / all(aider), unit: '×' })),
      ...FLOWS.flatMap((flow) => [
        { what: `${flow}: input per order`, value: sum(flow, ({ input }) => input) / found.length, unit: 'tokens' },
        { what: `${flow}: output per order`, value: sum(flow, ({ output }) => output) / found.length, unit: 'tokens' },
        { what: `${flow}: calls per order`, value: sum(flow, ({ calls }) => calls) / found.length, unit: '' },
      ]),
      {
        what: 'output, auto / aider',
        value: sum('auto', ({ output }) => output) / sum('aider', ({ output }) => output),
        unit: '×',
      },
      {
        what: 'all tokens, auto / aider',
        value: sum('auto', all) / sum('aider', all),
        unit: '×',
        target: { atMost: TARGET_RATIO },
      },
    ],
    notes: [
      'The model is a stand-in that always answers well at once, in the form each asks for; a token is four characters of the text that was really sent.',
      'Aider, its prompts and its calls are real; nothing is cached.',
    ],
    samples: found,
  })
}

async function carryOut(flow: Flow, order: TokenOrder): Promise<Used> {
  const used: Used = { input: 0, output: 0, calls: 0 }
  await using server = await startModelServer((call) => answer(call, flow, order, used))
  await using home = await createMooseHome(TOKEN_FILES, [], {
    ORCHESTRATOR_EXECUTOR: flow,
    ORCHESTRATOR_AIDER_BIN: AIDER,
    OPENAI_COMPATIBLE_API_KEY: 'sk-stand-in',
  })
  await useStandIn(home, 'stand-in', { url: server.url, threshold: 1 })
  await using moose = await home.open()
  const id = await fileOrder(home.database, { title: order.title, files: [order.file], criteria: ['They are there.'] })
  await moose.orchestrator.start(null)
  await settled(moose, id, PATIENCE_MS)
  const { phase, status_reason: reason } = await detailOf(moose, id)
  if (phase !== 'in_review') throw new Error(`${flow}: "${order.title}" failed: ${reason?.message}`)
  return used
}

/** Moose's Proposer introduces itself; whoever else asks is Aider. */
function answer(call: ReceivedCall, flow: Flow, order: TokenOrder, used: Used): Scripted {
  const asked = textOf(call.body['messages'])
  const isProposer = asked.includes('You are the Proposer of Moose')
  const inForm = isProposer ? (flow === 'auto' ? asEdits : asText) : asAiderBlocks
  const text = inForm(order)
  const tokens = { input: tokensOf(asked), output: tokensOf(text) }
  used.input += tokens.input
  used.output += tokens.output
  used.calls += 1
  return { kind: 'text', text, ...tokens }
}

function textOf(messages: unknown): string {
  if (!Array.isArray(messages)) throw new Error('a call without messages')
  return messages.map((message: { content?: unknown }) => contentOf(message.content)).join('\n')
}

function contentOf(content: unknown): string {
  return typeof content === 'string' ? content : JSON.stringify(content)
}

const tokensOf = (text: string) => Math.ceil(text.length / CHARACTERS_PER_TOKEN)
