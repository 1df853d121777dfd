import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkWith, factsWith, sha, threadWith } from '../../test/support/pull-request-facts.ts'
import { Fault } from '../faults/fault.ts'
import type { CheckFact, CheckFailure, PullRequestFacts } from '../ports/pull-request-facts.ts'
import { createFailures, judge, judgeExplained, toldOfChecks } from './failures.ts'
import type { Known } from './fold.ts'

const NOW = new Date('2026-11-01T12:00:00Z')
const known: Known = {
  base: 'main',
  projectBase: 'main',
  verifiedBase: sha('b'),
  ours: [],
  handsOff: null,
  adopted: null,
  isGivenUp: false,
  answered: [],
  failed: [],
  isRerunning: false,
  toldAt: NOW,
  now: NOW,
}

const none = (name: string, is_required: boolean | null): CheckFailure => {
  const why = `GitHub has neither a log nor a summary of "${name}" that Moose may read.`
  return { from: 'none', text: '', identity: null, why, is_required }
}
const LOG: CheckFailure = { from: 'log', text: 'it failed', identity: null, why: null }

/** @param failures of the red checks, in their order */
function judged(facts: PullRequestFacts, failures: readonly CheckFailure[]) {
  const before = judge(facts, known, [])
  const { reaction } = before.decision
  assert.ok(reaction?.kind === 'checks')
  const red = failures.map((failure, at) => ({ check: reaction.failing[at] ?? assert.fail(), failure }))
  const decision = { ...before.decision, reaction }
  return judgeExplained({ ...before, decision }, red, { facts, known, past: [] })
}

const OPT = checkWith({ id: '8', name: 'opt', url: 'https://ci.example/8' })

test('a red check of which nothing can be read is left to a human, with where to look; no model is asked', () => {
  for (const isRequired of [true, null]) {
    const { state, decision } = judged(factsWith({ checks: [OPT] }), [none('opt', isRequired)])
    assert.ok(state.is === 'red' && decision.reaction === null && decision.isExhausted)
    assert.equal(decision.refused?.kind, 'checks', 'a human may allow it')
    assert.equal(
      decision.why,
      'failed on the forge: opt; GitHub has neither a log nor a summary of "opt" that Moose may read (https://ci.example/8), so no ' +
        'model is asked to mend it: look there, then mend it on feature/wo-1 or have it run again there',
    )
  }
})

test('one that the forge does not require keeps nothing from going on', () => {
  const left = judged(factsWith({ checks: [OPT, checkWith({ id: '9', state: 'green' })] }), [none('opt', false)])
  assert.ok(left.state.is === 'quiet' && left.decision.reaction === null && !left.decision.isExhausted)
  assert.equal(left.decision.isOptional, true)
  assert.match(left.decision.why, /opt; .*, so no model is asked to mend it, and the forge does not require it$/)
  const asked = judged(factsWith({ checks: [OPT], threads: [threadWith()] }), [none('opt', false)])
  assert.equal(asked.decision.reaction?.kind, 'review')
  const onBase = checkWith({ id: '9', name: 'old', on_base: 'red' })
  const other = judged(factsWith({ checks: [OPT, onBase] }), [none('opt', false)])
  assert.equal(other.state.is, 'red_on_base')
  assert.match(other.decision.why, /^failed on the forge, as on main: old; failed on the forge: opt; /)
})

test('beside one that can be read, the model is told of it as well', () => {
  const facts = factsWith({ checks: [OPT, checkWith()] })
  assert.equal(judged(facts, [none('opt', true), LOG]).decision.reaction?.kind, 'checks')
  const told = toldOfChecks([
    { check: OPT, failure: none('opt', true) },
    { check: checkWith(), failure: LOG },
  ])
  assert.match(told, /^Check "opt" failed .*\. GitHub has neither .*\n\nCheck "build" failed .*:\nit failed$/)
})

const { signal } = new AbortController()
const after = (ms: number) => new Date(NOW.getTime() + ms)

test('checks are read until three tell something, once for a commit and what fails on it, and again after an hour', async () => {
  const asked: string[] = []
  const ask = async ({ id, name }: CheckFact) => {
    asked.push(id)
    return Number(id) % 2 === 0 ? LOG : none(name, null)
  }
  const failures = createFailures()
  const of = (...ids: string[]) => ids.map((id) => checkWith({ id }))
  const read = (later: number, failing = of('1', '2', '3', '4', '6', '8'), headSha = sha('1')) =>
    failures.of(failing, { key: 'one', headSha, now: after(later), read: ask, signal })
  const count = async (...given: Parameters<typeof read>) => {
    const before = asked.length
    await read(...given)
    return asked.length - before
  }
  assert.equal(await count(0), 5)
  assert.deepEqual(asked, ['1', '2', '3', '4', '6'])
  assert.deepEqual([await count(3_599_000), await count(3_599_000, of('8', '6', '4', '3', '2', '1'))], [0, 0])
  assert.equal(await count(3_600_000), 5)
  assert.deepEqual([await count(3_600_000, of('1')), await count(3_600_000, of('1'), sha('2'))], [1, 1])
  failures.forget('one')
  assert.equal(await count(3_600_000, of('1'), sha('2')), 1)
})

test('what may not be read now is as it was read before', async () => {
  const failures = createFailures()
  const asking = { key: 'one', headSha: sha('1'), now: NOW, signal }
  assert.equal(await failures.of([OPT], { ...asking, read: null }), null)
  const red = await failures.of([OPT], { ...asking, read: async () => LOG })
  assert.equal(await failures.of([OPT], { ...asking, now: after(7_200_000), read: null }), red)
})

test('a log that cannot be reached takes nothing from others, and is read again after five minutes; an abort is thrown', async () => {
  const failures = createFailures()
  let count = 0
  const read = async ({ id }: CheckFact) => {
    count += 1
    if (id === '8') throw new Fault('github_unreachable', 'GitHub could not be reached.')
    return LOG
  }
  const asking = { key: 'one', headSha: sha('1'), read, signal }
  const red = (await failures.of([OPT, checkWith()], { ...asking, now: NOW })) ?? assert.fail()
  assert.deepEqual(
    red.map(({ failure: { text, why } }) => [text, why]),
    [
      ['', '"opt" could not be read: GitHub could not be reached.'],
      ['it failed', null],
    ],
  )
  await failures.of([OPT, checkWith()], { ...asking, now: after(299_000) })
  assert.equal(count, 2)
  await failures.of([OPT, checkWith()], { ...asking, now: after(300_000) })
  assert.equal(count, 4)
  const ended = { ...asking, now: after(600_000), signal: AbortSignal.abort() }
  await assert.rejects(failures.of([OPT], ended), { code: 'github_unreachable' })
})
