import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Check, CheckResult } from '../../ports/execution.ts'
import { planRepair, type Repairable, repairableOf, type Tried } from './plan-repair.ts'

const NOTHING: Tried = { asked: 0, told: [], fixed: [], answers: 1 }
const HOW = { by: 'proposer', most: 2 } as const

const check = (name: string, fix: string | null = null): Check => {
  return { name, run: `run ${name}`, timeoutMs: 1, proves: [], fix, report: null }
}
const failed = (name: string, more: Partial<CheckResult> = {}): CheckResult => ({
  name,
  run: `run ${name}`,
  outcome: 'failed',
  exitCode: 1,
  durationMs: 1,
  outputTail: `${name} is wrong`,
  proves: [],
  failures: null,
  failedBefore: false,
  baseline: false,
  newFailures: null,
  ...more,
})

function repairable(results: readonly CheckResult[], checks: readonly Check[] = []): Repairable {
  const found = repairableOf(results, checks, HOW)
  assert.ok(found !== null)
  return found
}

test('what passed, or fails as on the base, is not to be mended', () => {
  const old = failed('lint', { baseline: true, failures: ['a'], newFailures: [] })
  assert.equal(repairableOf([failed('tests', { outcome: 'passed' }), old], [check('lint', 'fix it')], HOW), null)
  assert.deepEqual(repairable([old, failed('tests')], [check('lint', 'fix it'), check('tests')]).fixable, [])
})

test('fixes come first, each once since the model made the change; then the model', () => {
  const found = repairable(
    [failed('lint'), failed('types'), failed('tests')],
    [check('lint', 'a'), check('types', 'b')],
  )
  assert.deepEqual(planRepair(found, NOTHING), { by: 'fix', checks: ['lint', 'types'] })
  assert.deepEqual(planRepair(found, { ...NOTHING, fixed: ['lint'] }), { by: 'fix', checks: ['types'] })
  assert.deepEqual(planRepair(found, { ...NOTHING, asked: 1, fixed: ['lint', 'types'] }), {
    by: 'proposer',
    check: 'lint',
    number: 2,
    mostCalls: 2,
    reason: 'repair 2 of 2: check "lint" failed',
  })
})

test('it ends at the limit, at the same failures, and where nothing mends a change', () => {
  const found = repairable([failed('tests')])
  assert.deepEqual(planRepair(found, { ...NOTHING, asked: 2 }), {
    by: null,
    why: 'it was repaired 2 times, and no more is allowed',
  })
  assert.match(String(planRepair(found, { ...NOTHING, asked: 1, told: [found.signature] }).by), /null/)
  assert.deepEqual(planRepair({ ...found, by: null }, NOTHING), { by: null, why: null })
  assert.deepEqual(planRepair({ ...found, most: 0 }, NOTHING), {
    by: null,
    why: 'repair.max of moose.yaml, or else MOOSE_REPAIR_MAX, is 0, so no model is asked',
  })
})

test('a refinement takes the place of a repair: with three answers it ends, or with more where more repairs are allowed', () => {
  const found = repairable([failed('tests')])
  const left = (answers: number, most: number) => {
    const plan = planRepair({ ...found, most }, { ...NOTHING, answers })
    return plan.by === 'proposer' ? plan.mostCalls : plan
  }
  assert.deepEqual([left(1, 2), left(2, 2), left(2, 1), left(3, 3)], [2, 1, 1, 1])
  assert.deepEqual(left(3, 2), { by: null, why: 'the attempt has had 3 answers of models, and no more are asked for' })
})

test('a failure is the same by its name and its assertion; without both by what is printed, but for times and places', () => {
  const known = (identity: string, failures: readonly string[], outputTail = 'x') =>
    repairable([failed('tests', { outputTail, failures, identity })]).signature
  assert.equal(known('one', ['a', 'b'], 'this'), known('one', ['b', 'a'], 'that'))
  assert.notEqual(known('one', ['a']), known('one', ['b']))
  assert.notEqual(known('one', ['a']), known('two', ['a']), 'another assertion of the same test')
  assert.equal(known('one', ['tsc: a.ts:3: TS1']), known('one', ['tsc: a.ts:9: TS1']))
  const printed = (outputTail: string) => repairable([failed('tests', { outputTail })]).signature
  assert.equal(printed('3 !== 4 in 12 ms'), printed('3 !== 4 in 9 ms'))
  assert.equal(printed('a.ts:3: no such name'), printed('a.ts:9: no such name'))
  assert.notEqual(printed('3 !== 4'), printed('3 !== 5'))
})

test('all that failed is told, of the first three checks', () => {
  const { failure, checks } = repairable(['a', 'b', 'c', 'd'].map((name) => failed(name)))
  assert.deepEqual(checks, ['a', 'b', 'c', 'd'])
  assert.match(failure, /Check "a".*a is wrong\n\ncheck_failed: Check "b".*\n\ncheck_failed: Check "c"/s)
  assert.doesNotMatch(failure, /Check "d"/)
})
