import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  asks,
  call,
  checksHaveBegun,
  completed,
  inboxOf,
  isGreen,
  looksAgain,
  onGitHub,
  PATIENCE,
  policy,
  review,
  says,
} from '../support/github/merged-by-rule.ts'
import { becomes, greeted, said, thread } from '../support/github/order-on-github.ts'
import { detailOf } from '../support/moose-home.ts'
import { mooseUp } from '../support/service-process.ts'
import { until } from '../support/until.ts'

const timeout = 900_000

const STOP = {
  login: 'ada',
  association: 'COLLABORATOR',
  state: 'CHANGES_REQUESTED',
  body: 'Do not merge this.',
} as const

test('what was read is asked for again right before it is merged: while looks fail, what was said since is not merged over', {
  timeout,
}, async (t) => {
  await using given = await onGitHub(t, greeted('top\nhello, world\nbottom'))
  if (given === null) return
  await checksHaveBegun(given)
  await using moose = await given.open()
  const { id, pull } = await review(given, moose)
  await isGreen(given, pull)
  const { faults } = given.github
  // GitHub fails at what is asked of many, and answers what is asked of one.
  const down = { status: 502, body: { message: 'Bad gateway' } }
  faults.push({ on: /OpenPullRequests/, times: 10_000, what: down })
  pull.threads = [thread('T1', said('C1', 'ada', 'Do not merge this.'))]
  await policy(given, 'auto')
  await moose.orchestrator.start(200)
  const changed = /something has changed on GitHub since its reviews and checks were read\. .* \(GitHub\)/
  await says(moose, id, changed)
  assert.equal(pull.mergedAt, null)
  faults.length = 0
  await says(moose, id, /\(open_threads\)/)
  assert.deepEqual([pull.mergedAt, asks(given)], [null, 0])
  for (const one of pull.threads) one.isResolved = true
  await completed(moose, id)
})

test('approved, and its base has moved: it is not merged by rule as nobody has verified it, and is offered to a person', {
  timeout,
}, async (t) => {
  await using given = await onGitHub(t, greeted('top\nhello, world\nbottom'))
  if (given === null) return
  await checksHaveBegun(given)
  await using moose = await given.open()
  const { id, pull } = await review(given, moose)
  Object.assign(pull, {
    review: 'APPROVED',
    reviews: [{ login: 'ada', association: 'COLLABORATOR', state: 'APPROVED' }],
  })
  await isGreen(given, pull)
  // From now on the check of the base refuses what the branch holds.
  const check = 'checks:\n  - { name: polite, run: "! grep -q world greeting.txt", proves: [1] }\n'
  await given.home.remote.commit('main', { 'moose.yaml': check })
  await becomes({ moose, id }, { state: 'approved_behind' })
  await policy(given, 'auto')
  await says(moose, id, /it is approved; main has moved, .* \(follow_up\)/)
  await looksAgain(given)
  assert.deepEqual([pull.mergedAt, asks(given), (await detailOf(moose, id)).attempts], [null, 0, 1])
  assert.deepEqual(await inboxOf(moose), [['merge', 'It is in review with pull request #1: it is ready to be merged.']])
  assert.equal((await call(moose, `/api/work-orders/${id}/merge`, {})).status, 200)
})

test('a review in the second of another comment is read', { timeout }, async (t) => {
  await using given = await onGitHub(t, greeted('top\nhello, world\nbottom'))
  if (given === null) return
  await checksHaveBegun(given)
  await using moose = await given.open()
  const { id, pull } = await review(given, moose)
  pull.comments = [said('IC1', 'bot', 'Coverage is at 80 %.')]
  pull.touched = 1
  await isGreen(given, pull)
  await looksAgain(given)
  // GitHub tells when it was last changed in whole seconds: it tells the same.
  pull.reviews = [STOP]
  await policy(given, 'auto')
  await says(moose, id, /a review asks for changes: ada \(changes_requested\)/)
  await looksAgain(given)
  assert.equal(pull.mergedAt, null)
})

test('of two services the one whose look is answered late writes nothing over what the other one has seen since', {
  timeout,
}, async (t) => {
  await using given = await onGitHub(t, greeted('top\nhello, world\nbottom'))
  if (given === null) return
  await checksHaveBegun(given)
  const { home, github } = given
  await using moose = await given.open()
  const { id, pull } = await review(given, moose)
  await isGreen(given, pull)
  const { promise: gate, resolve: open } = Promise.withResolvers<void>()
  let isHeld = false
  const last = async () => {
    isHeld = true
    await gate
  }
  github.faults.push({ on: /OpenPullRequests/, times: 1, what: 'pass', last })
  await until('its look is answered late', async () => isHeld, PATIENCE)
  pull.reviews = [STOP]
  pull.threads = [thread('T1', said('C1', 'ada', STOP.body))]
  pull.touched = 1
  const standing = async () => {
    const { rows } = await home.database.pool.query(
      `select seen_mark, followed_mark, seen_open_threads, seen_changes_requested, follow_up ->> 'state' as state, review from pull_requests`,
    )
    return rows[0]
  }
  const before = await (async () => {
    await using _other = await mooseUp({ ...given.environment, MOOSE_HOME: `${home.config.home}-second` })
    await policy(given, 'auto')
    await says(moose, id, /a review asks for changes: ada \(changes_requested\)/)
    return await standing()
  })()
  // All that comes after the late answer fails.
  const down = { status: 502, body: { message: 'Bad gateway' } }
  github.faults.push({ on: /OpenPullRequests/, times: 10_000, what: down })
  const asked = () => github.log.filter(({ operation }) => operation.endsWith('OpenPullRequests')).length
  const looks = asked()
  open()
  await moose.orchestrator.start(200)
  await until('it looks again', async () => asked() > looks, PATIENCE)
  assert.deepEqual([await standing(), pull.mergedAt], [before, null])
})
