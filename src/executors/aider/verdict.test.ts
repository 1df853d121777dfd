import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../../faults/fault.ts'
import { Usd } from '../../money.ts'
import { type AiderEvidence, faultOfVerdict, judgeRun } from './verdict.ts'

const USAGE = 'Tokens: 1.2k sent, 56 received.\n'
const answered = { fault: null, costUsd: new Usd('0.1') }
const judge = (evidence: Partial<AiderEvidence>) =>
  judgeRun(
    {
      exitCode: 0,
      timedOutAfterMs: null,
      output: `${USAGE}Applied edit to a.txt\n`,
      complete: true,
      calls: [answered],
      changed: ['a.txt'],
      trespassed: [],
      ...evidence,
    },
    ['a.txt'],
  ).verdict

test('every sign has its verdict', () => {
  assert.equal(judge({}), 'applied')
  assert.equal(judge({ exitCode: 2 }), 'config_refused')
  assert.equal(judge({ exitCode: 1 }), 'crashed')
  assert.equal(judge({ exitCode: null }), 'crashed')
  assert.equal(judge({ calls: [] }), 'crashed')
  assert.equal(judge({ output: `Git repo: none\n${USAGE}Applied edit to a.txt\n` }), 'git_off')
  assert.equal(judge({ trespassed: ['.env'] }), 'out_of_scope')
  assert.equal(judge({ timedOutAfterMs: 9_000, calls: [] }), 'timed_out')
})

test('a run that took too long says how often its model was asked', () => {
  const said = (calls: number) => {
    const evidence = { exitCode: null, timedOutAfterMs: 9_000, output: '', complete: true, changed: [], trespassed: [] }
    return faultOfVerdict(judgeRun({ ...evidence, calls: Array.from({ length: calls }, () => answered) }, []))?.message
  }
  assert.match(String(said(0)), /^Aider took too long and was ended: after 9 s, it had not asked its model yet\.\n/)
  assert.match(String(said(1)), /ended: after 9 s, 1 call to the model was made\.\n/)
  assert.match(String(said(2)), /ended: after 9 s, 2 calls to the model were made\.\n/)
})

test('a fault of the model counts before everything Aider printed or changed', () => {
  const fault = new Fault('model_overloaded', 'busy')
  assert.equal(judge({ calls: [answered, { fault, costUsd: null }] }), 'model_error')
  const full = new Fault('model_call_rejected', "HTTP 400, This model's maximum context length is 8192 tokens")
  assert.equal(judge({ calls: [{ fault: full, costUsd: null }] }), 'context_overflow')
})

test('what is known of an outage is kept: by its provider the order finds out that it may go on', () => {
  const fault = new Fault('model_overloaded', 'busy', { provider: 'anthropic' })
  const evidence = { exitCode: 1, timedOutAfterMs: null, output: '', complete: true, changed: [], trespassed: [] }
  const ended = faultOfVerdict(judgeRun({ ...evidence, calls: [{ fault, costUsd: null }] }, []))
  const details = { provider: 'anthropic', verdict: 'model_error', kind: 'model_overloaded' }
  assert.deepEqual(ended?.toRecord(), {
    code: 'model_overloaded',
    message: 'Aider ended because its model failed: busy',
    details,
  })
})

test('a call that was not let through counts before everything else, and its fault is the verdict as it is', () => {
  for (const code of ['provider_paused', 'budget_exceeded', 'price_unknown', 'emergency_stop'] as const) {
    const fault = new Fault(code, 'not now', { scope: 'order' })
    const refused = { fault, costUsd: null }
    const overloaded = { fault: new Fault('model_overloaded', 'busy'), costUsd: null }
    for (const evidence of [
      { calls: [refused] },
      { calls: [refused, answered] },
      { calls: [answered, refused, overloaded], exitCode: 1 },
      { calls: [refused], timedOutAfterMs: 9_000, exitCode: null },
      { calls: [refused], trespassed: ['.env'] },
    ]) {
      const whole = {
        exitCode: 0,
        timedOutAfterMs: null,
        output: USAGE,
        complete: true,
        changed: ['a.txt'],
        trespassed: [],
      }
      assert.equal(faultOfVerdict(judgeRun({ ...whole, ...evidence }, ['a.txt'])), fault)
    }
  }
})

test('a call the child broke off is no failure of the model', () => {
  const gaveUp = { fault: new Fault('attempt_cancelled', 'gone'), costUsd: null }
  assert.equal(judge({ exitCode: null, calls: [gaveUp] }), 'crashed')
  assert.equal(judge({ exitCode: 1, calls: [gaveUp] }), 'crashed')
  assert.equal(judge({ calls: [gaveUp, answered] }), 'applied')
})

test('a round that failed is made good only by a later round of which every edit was made', () => {
  const failed = `${USAGE}The LLM did not conform to the edit format.\n`
  const good = `${USAGE}Applied edit to a.txt\n`
  assert.equal(judge({ output: failed + good, calls: [answered, answered] }), 'applied')
  assert.equal(judge({ output: good + failed, calls: [answered, answered] }), 'partial')
  assert.equal(judge({ output: `${failed}${USAGE}Sorry.\n`, calls: [answered, answered] }), 'partial')
  assert.equal(judge({ output: failed, changed: [] }), 'malformed_edits')
})

test('where rounds and answers do not match, every failure counts', () => {
  const forged = `${USAGE}The LLM did not conform to the edit format.\n${USAGE}Applied edit to a.txt\n`
  assert.equal(judge({ output: forged, calls: [answered] }), 'partial')
})

test('more than can be judged is no success', () => {
  assert.equal(judge({ complete: false }), 'partial')
  assert.equal(judge({ complete: false, changed: [] }), 'malformed_edits')
})

test('what git refuses in the last round is a failure', () => {
  assert.equal(judge({ output: `${USAGE}Applied edit to a.txt\nfatal: unable to write new index file\n` }), 'partial')
})
