import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../../faults/fault.ts'
import type { ProposeInput } from '../../ports/proposal.ts'
import type { RetryDecision } from '../../ports/routing.ts'
import { withWaysOut } from '../../work-order/ways-out.ts'
import type { Adapters, AttemptContext } from '../context.ts'
import type { PartialEvidence } from '../evidence.ts'
import { outcomeFacts } from '../outcome.ts'
import { propose } from './propose.ts'
import type { Routed } from './route.ts'

const REJECTED = new Fault('proposal_rejected', 'None of the answers can be applied.')
const TRUNCATED = new Fault('model_answer_truncated', 'The answer was cut off.')
const OVERLOADED = new Fault('model_overloaded', 'The provider could not answer.', { provider: 'anthropic' })
const OUTAGES = [
  OVERLOADED,
  new Fault('model_timed_out', 'It did not answer in time.'),
  new Fault('provider_paused', 'The provider is left alone.', { proposer: 'small' }),
]
const RETRY: RetryDecision = {
  should_retry: true,
  attempt_number: 2,
  max_attempts: 3,
  strategy: 'same_model',
  reasoning: 'because',
}

type Asked = Pick<ProposeInput, 'proposer' | 'previousFailure' | 'mostCalls' | 'wanted'>
type Setting = {
  /** What each try throws, in order; the last one is repeated. Null: it proposes. */
  failures: readonly unknown[]
  retry?: RetryDecision
  /** Whom the Manager names when it is asked again, or what it throws. */
  takesOver?: string | Fault
  /** What is told of the attempt before. */
  before?: string | null
  executors?: object
}

const READY = { assertReady: async () => undefined }

/** Proposes with a Proposer that fails in these ways; every step is run at once. */
async function proposeIn(setting: Setting) {
  const { failures, retry = RETRY, takesOver = 'small', before = null, executors = { wanted: 'patch' } } = setting
  const asked: Asked[] = []
  const notes: string[] = []
  const steps: unknown[] = []
  const decisions: unknown[] = []
  const context = {
    workOrderId: 'x',
    attempt: 1,
    note: async (message: string) => void notes.push(message),
    published: (text: string) => text,
    signal: new AbortController().signal,
  }
  const adapters = {
    manager: {
      decideRetry: async () => retry,
      async route() {
        if (takesOver instanceof Fault) throw takesOver
        return {
          selected_proposer: takesOver,
          reason: 'it is able',
          routing_metadata: { budget_reservation_id: 'its own' },
        }
      },
    },
    executors,
    buildRoutingRequest: () => ({}),
    buildProposerRequest: () => ({}),
    workspaces: { tree: () => ({ list: async () => [] }) },
    bases: { know: async () => ({ config: { context: [] }, checks: [] }) },
    proposer: {
      propose: async ({ proposer, previousFailure, mostCalls, wanted }: ProposeInput) => {
        const failure = failures[Math.min(asked.length, failures.length - 1)]
        asked.push({ proposer, previousFailure, mostCalls, wanted })
        if (failure !== null) throw failure
        return { content: 'the change' }
      },
    },
  }
  const routing_metadata = { budget_reservation_id: 'the first' }
  const routed = {
    decision: { selected_proposer: 'small', routing_metadata },
    order: { title: 't', files_in_scope: [] },
    project: {},
  }
  const ended: unknown = await propose(
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the parts a proposal needs
    context as unknown as AttemptContext,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
    routed as unknown as Routed,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
    adapters as unknown as Adapters,
    {
      run(step) {
        steps.push(step.input)
        return step.run()
      },
      told: before,
      latestBase: async () => 'a'.repeat(40),
      onBase: async () => undefined,
      onDecision: async ({ routing_metadata: decided }) => void decisions.push(decided.budget_reservation_id),
    },
  ).catch((error: unknown) => error)
  return { asked, names: asked.map(({ proposer }) => proposer), notes, steps, decisions, ended }
}

test('a lost database is not taken for a failed proposal', async () => {
  const lost = Object.assign(new Error('terminating connection'), { code: '57P01' })
  const { asked, ended } = await proposeIn({ failures: [lost] })
  assert.equal(ended, lost)
  assert.equal(asked.length, 1)
})

test('a Manager that always wants another try gets a second one, of one answer, and never a third', async () => {
  const once = await proposeIn({ failures: [REJECTED], retry: { ...RETRY, max_attempts: 1 } })
  assert.equal(once.asked.length, 1)
  const { asked, names, ended } = await proposeIn({ failures: [REJECTED], retry: { ...RETRY, max_attempts: 1_000 } })
  assert.deepEqual(names, ['small', 'small'])
  assert.deepEqual(
    asked.map(({ mostCalls }) => mostCalls),
    [2, 1],
  )
  assert.ok(ended instanceof Fault && ended.code === 'proposal_rejected' && ended.details['escalated'] === true)
})

test('who is named makes the next try', async () => {
  const retry = { ...RETRY, next_proposer: 'large', max_attempts: 2 }
  assert.deepEqual((await proposeIn({ failures: [REJECTED], retry })).names, ['small', 'large'])
})

test('every try is told what went wrong before it, the first what the attempt before failed with', async () => {
  for (const failure of [REJECTED, TRUNCATED]) {
    const { asked } = await proposeIn({ failures: [failure, null], before: 'check_failed: 3 !== 4' })
    assert.deepEqual(
      asked.map(({ previousFailure }) => previousFailure),
      ['check_failed: 3 !== 4', `${failure.code}: ${failure.message}`],
    )
  }
})

test('an outage is no failed proposal: whoever the Manager names takes over in the same try, and the record says so', async () => {
  for (const outage of OUTAGES) {
    const { names, steps, ended, notes } = await proposeIn({ failures: [outage, null], takesOver: 'large' })
    assert.deepEqual(names, ['small', 'large'])
    assert.equal(steps.length, 1)
    assert.deepEqual(ended, {
      baseSha: 'a'.repeat(40),
      proposer: 'large',
      response: { content: 'the change' },
      answers: 1,
      told: { wanted: 'edits', previousFailure: null, contextFiles: [] },
      failover: {
        instead_of: 'small',
        because: outage.message,
        decision: {
          selected_proposer: 'large',
          reason: 'it is able',
          routing_metadata: { budget_reservation_id: 'its own' },
        },
      },
    })
    assert.ok(notes.includes(`${outage.message} large takes over: it is able`))
  }
})

test('nobody takes over: the order waits, and neither the Manager is asked for a retry nor a try is counted', async () => {
  const unreachable = new Fault('manager_unreachable', 'The Manager does not answer.')
  const paused = new Fault('provider_paused', 'all of them have to wait')
  for (const takesOver of ['small', unreachable, paused, new Fault('no_able_proposer', 'nobody')]) {
    for (const outage of OUTAGES) {
      const { names, steps, ended, notes } = await proposeIn({ failures: [outage], takesOver })
      assert.deepEqual(names, ['small'])
      assert.equal(steps.length, 1)
      assert.ok(ended instanceof Fault && ended.code === 'provider_paused' && ended.message.startsWith(outage.message))
      assert.equal(ended.details['proposer'], 'small')
      assert.equal(notes.at(-1), 'no other proposer that is able can be called; the order waits')
    }
  }
})

test('two providers out: each is asked once', async () => {
  const { names, ended } = await proposeIn({ failures: [OVERLOADED], takesOver: 'large' })
  assert.deepEqual(names, ['small', 'large'])
  assert.ok(ended instanceof Fault && ended.code === 'provider_paused' && ended.details['proposer'] === 'large')
})

test('who has failed does not take over from who is out', async () => {
  const retry = { ...RETRY, next_proposer: 'large' }
  const { names, ended } = await proposeIn({ failures: [REJECTED, OVERLOADED], retry, takesOver: 'small' })
  assert.deepEqual(names, ['small', 'large'])
  assert.ok(ended instanceof Fault && ended.code === 'provider_paused')
})

test('a cap or a stop that is met while somebody to take over is looked for is what the order waits for', async () => {
  for (const code of ['emergency_stop', 'budget_exceeded', 'attempt_cancelled'] as const) {
    const takesOver = new Fault(code, 'no more')
    assert.equal((await proposeIn({ failures: [OVERLOADED], takesOver })).ended, takesOver)
  }
})

test('a failed proposal is that of whoever took over in an outage, and not of whoever had a further try', async () => {
  const blamed = async (setting: Parameters<typeof proposeIn>[0]) => {
    const { ended, names } = await proposeIn(setting)
    assert.ok(ended instanceof Fault)
    const routing_metadata = { complexity_score: 0.1, hard_stop_required: false }
    const decision = { selected_proposer: 'small', reason: 'it is able', confidence: 1, routing_metadata }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the parts an outcome needs
    const evidence = { routed: { decision, order: { files_in_scope: [] } } } as unknown as PartialEvidence
    return [names.at(-1), outcomeFacts(evidence, ended.toRecord()).model_used]
  }
  const retry = { ...RETRY, next_proposer: 'third', max_attempts: 2 }
  const stops = { ...RETRY, should_retry: false }
  assert.deepEqual(await blamed({ failures: [OVERLOADED, REJECTED], takesOver: 'large', retry: stops }), [
    'large',
    'large',
  ])
  assert.deepEqual(await blamed({ failures: [OVERLOADED, REJECTED], takesOver: 'large', retry }), ['third', 'large'])
  assert.deepEqual(await blamed({ failures: [REJECTED], retry }), ['third', 'small'])
  const later = { failures: [REJECTED, OVERLOADED, REJECTED], takesOver: 'large', retry }
  assert.deepEqual(await blamed(later), ['large', 'small'])
})

test('every call is booked under the decision it was made by', async () => {
  const failover = await proposeIn({ failures: [OVERLOADED, null], takesOver: 'large' })
  assert.deepEqual(failover.decisions, ['the first', 'its own'])
  const again = await proposeIn({ failures: [OVERLOADED, REJECTED, null], takesOver: 'large' })
  assert.deepEqual(
    [again.names, again.decisions],
    [
      ['small', 'large', 'large'],
      ['the first', 'its own'],
    ],
  )
  // Who was chosen first is asked by the first decision again, whoever had taken over in the try before.
  const retry = { ...RETRY, next_proposer: 'small' }
  const back = await proposeIn({ failures: [OVERLOADED, REJECTED, null], takesOver: 'large', retry })
  assert.deepEqual(
    [back.names, back.decisions],
    [
      ['small', 'large', 'small'],
      ['the first', 'its own', 'the first'],
    ],
  )
})

test('every answer counts, also one before an outage: all proposers together are asked three times', async () => {
  const answered = (fault: Fault, answers: number) =>
    new Fault(fault.code, fault.message, { ...fault.details, answers })
  const retry = { ...RETRY, next_proposer: 'third' }
  const out = answered(OVERLOADED, 1)
  const { names, asked, ended } = await proposeIn({
    failures: [out, answered(REJECTED, 1), answered(TRUNCATED, 1)],
    takesOver: 'large',
    retry,
  })
  assert.deepEqual(names, ['small', 'large', 'third'])
  assert.deepEqual(
    asked.map(({ mostCalls }) => mostCalls),
    [2, 1, 1],
  )
  assert.ok(ended instanceof Fault && ended.details['answers'] === 3)
  assert.equal(ended.message, `${TRUNCATED.message}\nBefore it, large failed: ${REJECTED.message}`)
})

test('what helps is said once, below what every try failed with', async () => {
  const ways = withWaysOut('None of the answers can be applied.', ['Make it more precise: moose edit x'])
  const rejected = new Fault('proposal_rejected', ways.message, { ...ways.details, answers: 1 })
  const { ended } = await proposeIn({ failures: [rejected], retry: { ...RETRY, next_proposer: 'large' } })
  assert.ok(ended instanceof Fault)
  assert.match(
    ended.message,
    /^None of [^\n]*applied\.\nBefore it, [^\n]*applied\.\nMake it more precise: moose edit x$/,
  )
  assert.equal(ended.details['ways'], 1)
})

test('the third answer has to be edits: a text would take another one', async () => {
  const twice = new Fault('proposal_rejected', 'None of the answers can be applied.', { answers: 2 })
  const { asked } = await proposeIn({ failures: [twice, null], executors: { wanted: 'auto', aider: READY } })
  assert.deepEqual(
    asked.map(({ wanted }) => wanted),
    ['edits_or_text', 'edits'],
  )
  const text = await proposeIn({ failures: [null], executors: { wanted: 'aider', aider: READY } })
  assert.deepEqual([text.asked[0]?.wanted, text.asked[0]?.mostCalls], ['text', 1])
})
