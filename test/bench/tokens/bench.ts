import { existsSync } from 'node:fs'
import path from 'node:path'
import { anthropicBilling, asUsualInput, type InputBill } from '../../support/anthropic-billing.ts'
import { type ReceivedCall, type Scripted, startModelServer } from '../../support/model-server.ts'
import { createMooseHome, detailOf, fileOrder, settled } from '../../support/moose-home.ts'
import { useStandIn } from '../../support/stand-in-proposer.ts'
import { numbersFrom } from '../numbers.ts'
import { type Figure, report } from '../report.ts'
import { asAiderBlocks, asEdits, asText, misquoted, TOKEN_FILES, TOKEN_ORDERS, type TokenOrder } from './orders.ts'

const TARGET_RATIO = 0.55
const TARGET_CHARGED = 0.35
/** As scripts/setup-aider.ts installs it. */
const AIDER = path.join(import.meta.dirname, '../../../.moose/test-aider/bin/aider')
/** As the stand-in counts the input. */
const CHARACTERS_PER_TOKEN = 4
const PATIENCE_MS = 180_000
/** USD per million tokens; it says what the cache costs, so that it is used. */
const PRICE = {
  input_per_million: 2,
  output_per_million: 10,
  cache_read_per_million: 0.2,
  cache_write_per_million: 2.5,
}

const FLOWS = ['auto', 'aider'] as const
type Flow = (typeof FLOWS)[number]
/** `charged`: the input as Anthropic charges it, in tokens of its usual rate. */
type Used = { input: number; charged: number; output: number; calls: number }
type Case = { title: string; auto: Used; aider: Used }

/** Of a repository that says how its code is written, as most that agents work on do. */
const GUIDANCE = Array.from(
  { length: 60 },
  (_, index) =>
    `- Rule ${index + 1}: a function does one thing, its name says which, and a test shows that it does it.`,
).join('\n')

/**
 * `atOnce`: each answer can be applied. `asCharged`: each order's first one cannot, its repository has an `AGENTS.md`, and
 * the orders follow each other, so that what they share is in the provider's cache.
 */
const SCENARIOS = {
  atOnce: { mistakes: 0, files: TOKEN_FILES },
  asCharged: { mistakes: 1, files: { ...TOKEN_FILES, 'AGENTS.md': `${GUIDANCE}\n` } },
} as const
type Scenario = (typeof SCENARIOS)[keyof typeof SCENARIOS]

/** Tokens of the same orders in Moose's flow and in the specification's, in which real Aider writes the proposal once more. */
export async function benchTokens(args: readonly string[]): Promise<void> {
  numbersFrom(args, {})
  if (!existsSync(AIDER)) throw new Error('Aider is not installed; run: node scripts/setup-aider.ts')
  const atOnce = await carryOutAll(SCENARIOS.atOnce)
  const asCharged = await carryOutAll(SCENARIOS.asCharged)
  report({
    bench: 'tokens',
    settings: { orders: TOKEN_ORDERS.length },
    figures: [
      ...atOnce.map((one) => ({ what: one.title, value: ratio([one], sent), unit: '×' })),
      ...figuresOf(atOnce, 'at once'),
      { what: 'all tokens, auto / aider', value: ratio(atOnce, sent), unit: '×', target: { atMost: TARGET_RATIO } },
      ...figuresOf(asCharged, 'one refinement'),
      { what: 'one refinement: all tokens, auto / aider', value: ratio(asCharged, sent), unit: '×' },
      {
        what: 'one refinement: input as charged, auto / aider',
        value: ratio(asCharged, (used) => used.charged),
        unit: '×',
        target: { atMost: TARGET_CHARGED },
      },
    ],
    notes: [
      'The model is a stand-in that answers well, in the form each asks for; a token is four characters of the text that was really sent. Aider, its prompts and its calls are real.',
      'One refinement: the first edits of each order misquote the file. The repository has an AGENTS.md, and the orders follow each other.',
      'As charged: in tokens at the usual rate of the input, as Anthropic charges: 1.25 × for what is written to the cache, 0.1 × for what is read there. The flow through Aider is charged as it was before, without marks.',
    ],
    samples: { atOnce, asCharged },
  })
}

const sent = ({ input, output }: Used) => input + output

function ratio(cases: readonly Case[], of: (used: Used) => number): number {
  const sum = (flow: Flow) => cases.reduce((total, one) => total + of(one[flow]), 0)
  return sum('auto') / sum('aider')
}

function figuresOf(cases: readonly Case[], scenario: string): Figure[] {
  return FLOWS.flatMap((flow) => {
    const average = (of: (used: Used) => number) => cases.reduce((sum, one) => sum + of(one[flow]), 0) / cases.length
    return [
      { what: `${scenario}, ${flow}: input per order`, value: average(({ input }) => input), unit: 'tokens' },
      { what: `${scenario}, ${flow}: input as charged`, value: average(({ charged }) => charged), unit: 'tokens' },
      { what: `${scenario}, ${flow}: output per order`, value: average(({ output }) => output), unit: 'tokens' },
      { what: `${scenario}, ${flow}: calls per order`, value: average(({ calls }) => calls), unit: '' },
    ]
  })
}

async function carryOutAll(scenario: Scenario): Promise<Case[]> {
  const bill = anthropicBilling({ now: Date.now })
  const found: Case[] = []
  for (const order of TOKEN_ORDERS) {
    const auto = await carryOut('auto', order, scenario, bill)
    const aider = await carryOut('aider', order, scenario, withoutMarks)
    found.push({ title: order.title, auto, aider })
  }
  return found
}

/** Nothing is long enough to be cached. */
const withoutMarks = anthropicBilling({ now: Date.now, least: Number.POSITIVE_INFINITY })

async function carryOut(flow: Flow, order: TokenOrder, scenario: Scenario, bill: InputBill): Promise<Used> {
  const used: Used = { input: 0, charged: 0, output: 0, calls: 0 }
  const state = { mistakesLeft: scenario.mistakes }
  await using server = await startModelServer((call) => answer(call, { flow, order, used, bill, state }))
  await using home = await createMooseHome(scenario.files, [], {
    ORCHESTRATOR_EXECUTOR: flow,
    ORCHESTRATOR_AIDER_BIN: AIDER,
    ANTHROPIC_API_KEY: 'sk-stand-in',
  })
  const call = { provider: 'anthropic', model: 'claude-sonnet-5' }
  await useStandIn(home, 'stand-in', { url: server.url, threshold: 1, price: PRICE, call })
  await using moose = await home.open()
  const id = await fileOrder(home.database, { title: order.title, files: [order.file], criteria: ['They are there.'] })
  await moose.orchestrator.start(null)
  await settled(moose, id, PATIENCE_MS)
  const { phase, status_reason: reason } = await detailOf(moose, id)
  if (phase !== 'in_review') throw new Error(`${flow}: "${order.title}" failed: ${reason?.message}`)
  return used
}

type Asked = { flow: Flow; order: TokenOrder; used: Used; bill: InputBill; state: { mistakesLeft: number } }

/** Moose's Proposer introduces itself; whoever else asks is Aider. What becomes edits may be misquoted. */
function answer({ body }: ReceivedCall, { flow, order, used, bill, state }: Asked): Scripted {
  const isProposer = JSON.stringify(body['system']).includes('You are the Proposer of Moose')
  const isEdits = !isProposer || flow === 'auto'
  const isMistaken = isEdits && state.mistakesLeft > 0
  if (isMistaken) state.mistakesLeft -= 1
  const inForm = isProposer ? (flow === 'auto' ? asEdits : asText) : asAiderBlocks
  const text = inForm(isMistaken ? misquoted(order) : order)
  const input = bill(body)
  if (input === 'too many marks') throw new Error('too many marks')
  const output = Math.ceil(text.length / CHARACTERS_PER_TOKEN)
  used.input += input.input
  used.charged += asUsualInput(input)
  used.output += output
  used.calls += 1
  return { kind: 'text', text, ...input, output }
}
