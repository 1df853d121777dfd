import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Moose } from '../../src/app.ts'
import { InboxResponse } from '../../src/contract/why/inbox.ts'
import {
  asks,
  checksHaveBegun,
  completed,
  eventsOf,
  looksAgain,
  onGitHub,
  PATIENCE,
  policy,
  review,
  says,
  turns,
  unit,
} from '../support/github/merged-by-rule.ts'
import { becomes, escalations, greeted, haveEnded, rowsOf, said, thread } from '../support/github/order-on-github.ts'
import { detailOf } from '../support/moose-home.ts'
import { until } from '../support/until.ts'

const timeout = 900_000
const DEAR = greeted('top\nhello, dear world\nbottom')

async function call(moose: Moose, path: string, body?: object): Promise<Response> {
  const sent = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  return await moose.http.fetch(new Request(`http://127.0.0.1${path}`, body === undefined ? {} : sent))
}

async function inboxOf(moose: Moose): Promise<[kind: string, sentence: string][]> {
  const { inbox } = InboxResponse.parse(await (await call(moose, '/api/inbox')).json())
  return inbox.map(({ kind, sentence }) => [kind, sentence])
}

for (const state of ['CHANGES_REQUESTED', 'COMMENTED'] as const)
  test(`what a maintainer asks for in a review (${state}) and is not done is left to a human, and not merged by rule`, {
    timeout,
  }, async (t) => {
    await using given = await onGitHub(t, greeted('top\nhello, world\nbottom'))
    if (given === null) return
    await checksHaveBegun(given)
    await using moose = await given.open()
    const { id, pull } = await review(given, moose)
    const body = 'This breaks the greeting of guests: say dear.'
    pull.reviews = [{ login: 'ada', association: 'COLLABORATOR', state, body }]
    pull.touched = 1
    const why = await becomes({ moose, id }, { code: 'follow_up_exhausted' })
    assert.match(why, /of a review by ada \("This breaks the greeting of guests: say dear\."\); .*, which ended with /)
    assert.deepEqual(await escalations({ ...given, id }), ['follow_up_exhausted open'])
    turns(pull, 'SUCCESS')
    await policy(given, 'auto')
    await says(moose, id, /what a person with write access asks for was not done: ada \(unanswered\)/)
    if (state === 'CHANGES_REQUESTED') await says(moose, id, /a review asks for changes: ada \(changes_requested\)/)
    await looksAgain(given)
    assert.equal(pull.mergedAt, null)
    const [entry] = await inboxOf(moose)
    assert.equal(entry?.[0], 'review')
    assert.match(entry?.[1] ?? '', /say dear/)
    pull.reviews.push({ login: 'ada', association: 'COLLABORATOR', state: 'APPROVED', at: '2026-01-31T13:00:00Z' })
    pull.touched = 2
    await completed(moose, id)
  })

test('a review that asks for changes keeps it from being merged by rule also after an answer, until it is dismissed', {
  timeout,
}, async (t) => {
  await using given = await onGitHub(t, greeted('top\nhello, world\nbottom'), DEAR)
  if (given === null) return
  await checksHaveBegun(given)
  await using moose = await given.open()
  const { id, pull } = await review(given, moose)
  const one = { login: 'ada', association: 'COLLABORATOR', state: 'CHANGES_REQUESTED', body: 'Say dear.' } as const
  pull.reviews = [one]
  pull.touched = 1
  await haveEnded({ ...given, moose, id }, ['review succeeded'])
  turns(pull, 'SUCCESS')
  await policy(given, 'auto')
  await says(moose, id, /a review asks for changes: ada \(changes_requested\)/)
  await looksAgain(given)
  assert.equal(pull.mergedAt, null)
  pull.reviews = [{ ...one, state: 'DISMISSED' }]
  pull.touched = 5
  await completed(moose, id)
})

test('GitHub is not asked to merge into another base, and what it was asked for is taken back when the base is changed', {
  timeout,
}, async (t) => {
  await using given = await onGitHub(t, greeted('top\nhello, world\nbottom'))
  if (given === null) return
  await checksHaveBegun(given)
  await using moose = await given.open()
  const { id, pull } = await review(given, moose)
  const { home, github } = given
  // A commit that the mirror of Moose does not have.
  const release = await home.remote.git('commit-tree', '-p', 'main', '-m', 'Release', 'main^{tree}')
  await home.remote.git('branch', 'release', release.trim())
  turns(pull, 'PENDING')
  await policy(given, 'auto')
  await says(moose, id, /^merged by rule: GitHub was asked to merge it/)
  pull.base = 'release'
  await until('it is taken back', async () => pull.autoMerge === null, PATIENCE)
  await says(moose, id, /its base was changed on GitHub from main to release \(retargeted\)/)
  const [entry] = await inboxOf(moose)
  assert.equal(entry?.[0], 'review')
  assert.match(entry?.[1] ?? '', /its base was changed on GitHub from main to release\. Change it back there/)
  turns(pull, 'SUCCESS')
  await becomes({ moose, id }, { state: 'retargeted' })
  await looksAgain(given)
  const facts = () => github.log.filter(({ operation }) => operation.endsWith('PullRequestFacts')).length
  const before = facts()
  await looksAgain(given)
  assert.equal(facts(), before, 'what has not changed is not asked for again')
  assert.deepEqual([pull.mergedAt, asks(given)], [null, 1])
  pull.base = 'main'
  await completed(moose, id)
})

test('between the look that sees the checks end and the one that reads what was said nothing is merged or taken back', {
  timeout,
}, async (t) => {
  await using given = await onGitHub(t, greeted('top\nhello, world\nbottom'))
  if (given === null) return
  await checksHaveBegun(given)
  await using moose = await given.open()
  const { id, pull } = await review(given, moose)
  const { state, faults } = given.github
  turns(pull, 'PENDING')
  await policy(given, 'auto')
  await says(moose, id, /^merged by rule: GitHub was asked to merge it/)
  // What people say is told late, and nothing fails.
  const { promise: told, resolve: tell } = Promise.withResolvers<void>()
  faults.push({ on: /PullRequestFacts/, times: 1, what: 'pass', first: () => told })
  state.settings.allowAutoMerge = false
  pull.autoMerge = null
  pull.review = 'REVIEW_REQUIRED'
  await says(moose, id, /something has changed on GitHub since its reviews and checks were read \(unseen\)/)
  pull.review = 'APPROVED'
  turns(pull, 'SUCCESS')
  pull.threads = [thread('T1', said('C1', 'ada', 'Stop: do not merge this.'))]
  // The dispatcher of this process looks again and again meanwhile.
  await moose.orchestrator.start(200)
  assert.deepEqual(
    (await eventsOf(moose, id)).filter((message) => /switched off|told not to merge/.test(message)),
    [],
  )
  tell()
  await says(moose, id, /\(open_threads\)/)
  await looksAgain(given)
  assert.equal(pull.mergedAt, null)
})

test('one check that ends early leaves the others time to begin, and those that ran on the base more', {
  timeout,
}, async (t) => {
  await using given = await onGitHub(t, greeted('top\nhello, world\nbottom'))
  if (given === null) return
  given.github.state.baseRuns = [unit('SUCCESS')]
  await policy(given, 'auto')
  await using moose = await given.open()
  const { id, pull } = await review(given, moose)
  const cla = { name: 'license/cla', state: 'SUCCESS', url: null, isStatus: true }
  Object.assign(pull, { checks: 'SUCCESS', runs: [cla] })
  await says(moose, id, /less than 2 minutes, and checks may still begin \(checks_may_begin\)/)
  await looksAgain(given)
  await checksHaveBegun(given)
  await says(
    moose,
    id,
    /checks of its base have not begun on its commit, .* less than 10 minutes: unit \(checks_may_begin\)/,
  )
  await looksAgain(given)
  assert.equal(pull.mergedAt, null)
  Object.assign(pull, { checks: 'SUCCESS', runs: [cla, unit('SUCCESS')] })
  await completed(moose, id)
})

test('a draft is not merged, not offered, and GitHub is not asked to merge it, until it is ready', {
  timeout,
}, async (t) => {
  await using given = await onGitHub(t, greeted('top\nhello, world\nbottom'))
  if (given === null) return
  await checksHaveBegun(given)
  await using moose = await given.open()
  const { id, pull } = await review(given, moose)
  turns(pull, 'PENDING')
  await policy(given, 'auto')
  await says(moose, id, /^merged by rule: GitHub was asked to merge it/)
  pull.isDraft = true
  await until('it is taken back', async () => pull.autoMerge === null, PATIENCE)
  await says(moose, id, /it is a draft on GitHub \(draft\)/)
  turns(pull, 'SUCCESS')
  await looksAgain(given)
  assert.deepEqual([pull.mergedAt, asks(given)], [null, 1])
  const [entry] = await inboxOf(moose)
  assert.equal(entry?.[0], 'review')
  assert.match(entry?.[1] ?? '', /it is a draft on GitHub\. Mark it there as ready for review\./)
  const refused = await call(moose, `/api/work-orders/${id}/merge`, {})
  assert.equal(refused.status, 409)
  assert.match(await refused.text(), /is a draft on GitHub/)
  pull.isDraft = false
  await completed(moose, id)
})

for (const how of ['cancel', 'close', 'on GitHub'] as const)
  test(`what was ended (${how}) and is reopened on GitHub is merged by rule only where no person has ended it in Moose`, {
    timeout,
  }, async (t) => {
    await using given = await onGitHub(t, DEAR)
    if (given === null) return
    await checksHaveBegun(given)
    await using moose = await given.open()
    const { id, pull } = await review(given, moose)
    turns(pull, 'SUCCESS')
    if (how === 'on GitHub') await given.github.state.close(pull.number)
    else assert.equal((await call(moose, `/api/work-orders/${id}/${how}`, {})).status, 200)
    await until('it is cancelled', async () => (await detailOf(moose, id)).status === 'cancelled', PATIENCE)
    await policy(given, 'auto')
    assert.equal(await given.github.state.reopen(pull.number), null)
    pull.touched = 1
    if (how === 'on GitHub') return await completed(moose, id)
    await says(moose, id, /a person has given it up in Moose .*, and it is open on its forge all the same \(given_up\)/)
    turns(pull, 'FAILURE')
    pull.reviews = [{ login: 'ada', association: 'COLLABORATOR', state: 'CHANGES_REQUESTED', body: 'Say dear guests.' }]
    pull.touched = 2
    await looksAgain(given)
    turns(pull, 'SUCCESS')
    pull.reviews = []
    pull.touched = 3
    await looksAgain(given)
    assert.deepEqual([pull.mergedAt, await rowsOf({ ...given, id })], [null, []], 'nothing is reacted to either')
    assert.deepEqual(await escalations({ ...given, id }), ['hands_off open'])
    const { inbox } = InboxResponse.parse(await (await call(moose, '/api/inbox')).json())
    assert.match(
      inbox[0]?.sentence ?? '',
      /given it up in Moose .*; Moose keeps its hands off it until it is given back/,
    )
    assert.ok(inbox[0]?.next.includes(`moose adopt ${id.slice(0, 8)}`), String(inbox[0]?.next))
    const again = how === 'cancel' ? 'adopt' : 'verify'
    assert.equal((await call(moose, `/api/work-orders/${id}/${again}`, {})).status, 200)
    await completed(moose, id)
  })

for (const how of ['a stop', 'an emergency stop'] as const)
  test(`${how} takes back what GitHub was asked for, and nothing is asked for again before orders are taken on`, {
    timeout,
  }, async (t) => {
    await using given = await onGitHub(t, greeted('top\nhello, world\nbottom'))
    if (given === null) return
    await checksHaveBegun(given)
    await using moose = await given.open()
    const { id, pull } = await review(given, moose)
    turns(pull, 'PENDING')
    await policy(given, 'auto')
    await says(moose, id, /^merged by rule: GitHub was asked to merge it/)
    if (how === 'a stop') {
      const answer = await (await call(moose, '/api/orchestrator/stop', {})).json()
      assert.deepEqual(answer, { success: true, message: 'Orchestrator polling stopped' })
    } else assert.equal((await call(moose, '/api/budget/stop', {})).status, 200)
    await until('it is taken back', async () => pull.autoMerge === null, PATIENCE)
    await says(moose, id, how === 'a stop' ? /no orders are taken on: moose start \(stopped\)/ : /\(stopped\)/)
    turns(pull, 'SUCCESS')
    await looksAgain(given)
    assert.deepEqual([pull.mergedAt, asks(given), (await detailOf(moose, id)).phase], [null, 1, 'in_review'])
    if (how === 'a stop') await moose.orchestrator.start(null)
    else assert.equal((await call(moose, '/api/budget/resume', {})).status, 200)
    await completed(moose, id)
  })

test('what GitHub was asked for is taken back while no orders are taken on, where a rule refuses', {
  timeout,
}, async (t) => {
  await using given = await onGitHub(t, greeted('top\nhello, world\nbottom'))
  if (given === null) return
  await checksHaveBegun(given)
  const { id, pull } = await (async () => {
    await using first = await given.open()
    const one = await review(given, first)
    turns(one.pull, 'PENDING')
    await policy(given, 'auto')
    await says(first, one.id, /^merged by rule: GitHub was asked to merge it/)
    return one
  })()
  assert.notEqual(pull.autoMerge, null, 'a process that ends takes nothing back')
  await policy(given, 'manual')
  await using idle = await given.openIdle()
  await until('it is taken back', async () => pull.autoMerge === null, PATIENCE)
  const isTold = (message: string) => /GitHub was told not to merge it: the merge policy of its project/.test(message)
  await until('that is told', async () => (await eventsOf(idle, id)).some(isTold), PATIENCE)
})
