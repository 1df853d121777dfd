import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Usd } from '../../src/money.ts'
import { PRICE } from '../support/aider-bench.ts'
import { type ReceivedCall, type Scripted, startModelServer } from '../support/model-server.ts'
import { createMooseHome, fileOrder, settled } from '../support/moose-home.ts'
import { REAL_BUGS, type RealBug } from '../support/real-bugs.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'

const pathOf = ({ module }: RealBug) => `src/${module}.js`
const titleOf = ({ module }: RealBug) => `Write ${module} anew`
const functionOf = ({ head }: RealBug, body: string) => `${head}\n${body}\n}\n`

/** A suite of the function, among others that fail with no rewrite. */
const suiteOf = ({ module, test: expression, expected }: RealBug) => `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ${module} } from '../src/${module}.js'

test('${module} is a function', () => assert.equal(typeof ${module}, 'function'))
test('${module} gives what it should', () => {
  assert.equal(${expression}, ${expected})
})
`

const FILES = {
  'package.json': '{ "type": "module" }\n',
  'moose.yaml': 'checks:\n  - { name: tests, run: node --test --test-isolation=none }\n',
  ...Object.fromEntries(REAL_BUGS.map((bug) => [pathOf(bug), functionOf(bug, bug.before)])),
  ...Object.fromEntries(REAL_BUGS.map((bug) => [`test/${bug.module}.test.js`, suiteOf(bug)])),
}

/** A model that mends its change only if it is told its own change and the assertion that failed; else it does the same again. */
function answerTo({ body }: ReceivedCall): Scripted {
  const { messages } = body
  assert.ok(Array.isArray(messages))
  const told = messages.map(({ content }) => String(content))
  const bug = REAL_BUGS.find((one) => told.join('\n').includes(`Work Order: ${titleOf(one)}\n`))
  assert.ok(bug !== undefined)
  const last = String(told.at(-1))
  const knowsChange = bug.wrong.split('\n').every((line) => last.includes(`+${line}`) || bug.before.includes(line))
  const assertion = new RegExp(
    `actual: ${bug.actual}\\b[^]*expected: ${bug.expected}\\b|\\n\\s*${bug.actual} !== ${bug.expected}\\n`,
  )
  const mends = messages.length > 2 && knowsChange && assertion.test(last)
  const { wrong, before } = bug
  const text = mends ? edit(bug, wrong, bug.right) : edit(bug, messages.length > 2 ? wrong : before, wrong)
  return { kind: 'text', text, input: tokensOf(told.join('')), output: tokensOf(text) }
}

const edit = (bug: RealBug, from: string, to: string) =>
  `Rewrites ${bug.module}.\n\n### edit ${pathOf(bug)}\n<<<<<<< SEARCH\n${from}\n=======\n${to}\n>>>>>>> REPLACE\n`

/** Of English and code, roughly; it is the same on both sides. */
const tokensOf = (text: string) => Math.ceil(text.length / 4)

type Flow = { done: number; input: number; cached: number; output: number; usd: number; secondsPerOrder: number }

/** Carries out the ten orders. @param again whether one that failed is retried once, as a person would */
async function flow(settings: Record<string, string>, again: boolean): Promise<Flow> {
  await using home = await createMooseHome(FILES, [], { ORCHESTRATOR_EXECUTOR: 'patch', ...settings })
  await using server = await startModelServer(answerTo)
  await useStandIn(home, 'stand-in', { url: server.url, threshold: 1 })
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const began = performance.now()
  let done = 0
  let usd = new Usd(0)
  const filed: { bug: RealBug; id: string }[] = []
  for (const bug of REAL_BUGS)
    filed.push({ bug, id: await fileOrder(home.database, { title: titleOf(bug), files: [pathOf(bug)] }) })
  for (const { bug, id } of filed) {
    let order = await settled(moose, id, 120_000)
    if (again && order.status === 'failed') {
      await moose.orchestrator.retry(id)
      order = await settled(moose, id, 120_000)
    }
    if (order.phase === 'in_review') done += 1
    else assert.equal(order.status_reason?.code, 'check_failed', JSON.stringify(order.status_reason))
    if (order.phase === 'in_review' && !again) {
      const made = await home.remote.git('show', `${order.pull_request?.branch}:${pathOf(bug)}`)
      assert.equal(`${made}\n`, functionOf(bug, bug.right))
    }
    usd = usd.plus(String(order.actual_cost))
  }
  const { input, output } = server.charged
  const billed = new Usd(input).times(PRICE.input_per_million).plus(new Usd(output).times(PRICE.output_per_million))
  assert.equal(usd.toFixed(), billed.dividedBy(1_000_000).toFixed(), 'the cost of the orders is what was charged')
  const secondsPerOrder = (performance.now() - began) / 1_000 / REAL_BUGS.length
  const cached = cachedTokens(server.calls)
  return { done, input, cached, output, usd: usd.toNumber(), secondsPerOrder }
}

/** Of the input, what a provider has read before as the beginning of another call. */
function cachedTokens(calls: readonly ReceivedCall[]): number {
  const said = calls.map(({ body }) =>
    Array.from(Object(body['messages']), ({ content }) => String(content)).join('\n'),
  )
  return said.reduce((total, text, index) => {
    const lengths = said.slice(0, index).map((earlier) => commonStart(earlier, text))
    return total + Math.floor(Math.max(0, ...lengths) / 4)
  }, 0)
}

function commonStart(one: string, other: string): number {
  let length = 0
  while (length < one.length && one[length] === other[length]) length += 1
  return length
}

const costWithCache = ({ input, cached, output }: Flow) =>
  (input - 0.9 * cached) * PRICE.input_per_million + output * PRICE.output_per_million

test('ten orders with a real bug each: all are mended, and a failing attempt with a retry mends none', async (context) => {
  const repaired = await flow({}, false)
  assert.equal(repaired.done, REAL_BUGS.length)
  const retried = await flow({ MOOSE_REPAIR_MAX: '0', ORCHESTRATOR_PAUSE_AFTER_FAILURES: '0' }, true)
  assert.equal(retried.done, 0)
  tell(context, 'repair', repaired)
  tell(context, 'failing attempt and retry', retried)
  const tokens = (repaired.input + repaired.output) / (retried.input + retried.output)
  const read = costWithCache(repaired) / costWithCache(retried)
  context.diagnostic(
    `tokens ${tokens.toFixed(2)} ×, cost ${(repaired.usd / retried.usd).toFixed(2)} ×; what was read before at a tenth: cost ${read.toFixed(2)} ×`,
  )
})

function tell(context: TestContext, what: string, { done, input, output, usd, secondsPerOrder }: Flow): void {
  const money = `$${usd.toFixed(4)} for ten orders`
  context.diagnostic(
    `${what}: ${done} of ${REAL_BUGS.length} done, ${input} tokens in, ${output} out, ${money}, ${secondsPerOrder.toFixed(1)}s each`,
  )
}
