import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readNumbers } from '../../src/http/numbers/read-numbers.ts'
import {
  approves,
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
import { greeted, type OnGitHub } from '../support/github/order-on-github.ts'
import { detailOf } from '../support/moose-home.ts'
import { launchWorker } from '../support/service-process.ts'
import { until } from '../support/until.ts'

const timeout = 900_000

/** Whether what it is now is known of its checks, and was reacted to. */
async function isSeen({ home }: OnGitHub, checks: string): Promise<boolean> {
  const { rows } = await home.database.pool.query(
    "select checks, follow_up ->> 'state' as state from pull_requests where followed_sha = head_sha",
  )
  return rows[0]?.checks === checks && rows[0]?.state === 'checking'
}

/** Of a person, and of an app, whose name GitHub tells in two ways. */
for (const account of ['tester', 'tester[bot]'])
  test(`with the token of ${account} GitHub is asked once to merge a commit, that is taken back when a rule refuses, and GitHub merges it`, {
    timeout,
  }, async (t) => {
    await using given = await onGitHub(t, greeted('top\nhello, world\nbottom'))
    if (given === null) return
    given.github.state.settings.account = account
    await using moose = await given.open()
    const { id, pull, head } = await review(given, moose)
    await policy(given, 'auto')
    await says(moose, id, /less than 2 minutes, and checks may still begin \(checks_may_begin\)/)
    const told = async (path: string) =>
      await (await moose.http.fetch(new Request(`http://127.0.0.1/api/${path}`))).text()
    assert.match(
      await told(`work-orders/${id}/why`),
      /#1: it is to be merged by rule, and waits: its commit has been on GitHub/,
    )
    assert.match(await told('inbox'), /"inbox":\[\]/, 'it goes on by itself')
    await checksHaveBegun(given)
    turns(pull, 'PENDING')
    await says(moose, id, /^merged by rule: GitHub was asked to merge it at [0-9a-f]{12} when/)
    assert.equal(pull.autoMerge?.method, 'merge')
    assert.match(await told('inbox'), /"inbox":\[\]/)
    await looksAgain(given)
    assert.equal(asks(given), 1)

    await policy(given, 'manual')
    await until('it is taken back', async () => pull.autoMerge === null, PATIENCE)
    await looksAgain(given)
    await policy(given, 'auto')
    await until('it is asked for again', async () => pull.autoMerge !== null, PATIENCE)
    assert.equal(asks(given), 2)
    turns(pull, 'SUCCESS')
    await completed(moose, id)
    assert.equal(await given.home.remote.git('rev-parse', 'main^2'), head)
    assert.deepEqual((await detailOf(moose, id)).pull_request?.merged_by, { is: 'auto_merge', name: null })
    const events = await eventsOf(moose, id)
    for (const words of [
      /#1: GitHub was asked to merge it at [0-9a-f]{12} when everything that it requires has passed$/,
      /#1: GitHub was told not to merge it: the merge policy of its project/,
      /#1 of attempt 1 was merged by GitHub's auto-merge \(requested by Moose\)$/,
    ])
      assert.ok(
        events.some((message) => words.test(message)),
        String(words),
      )
  })

test('where the repository allows no auto-merge that is said, and Moose merges what is green itself', {
  timeout,
}, async (t) => {
  await using given = await onGitHub(t, greeted('top\nhello, world\nbottom'))
  if (given === null) return
  await checksHaveBegun(given)
  await using moose = await given.open()
  const { id, pull, head } = await review(given, moose)
  given.github.state.settings.allowAutoMerge = false
  pull.review = 'REVIEW_REQUIRED'
  turns(pull, 'PENDING')
  await policy(given, 'auto')
  await says(moose, id, /the settings of the repository do not allow auto-merge\. \(GitHub\)/)
  await looksAgain(given)
  assert.equal(asks(given), 0)
  pull.review = 'CHANGES_REQUESTED'
  await says(moose, id, /a review asks for changes \(review\)/)
  approves(pull)
  turns(pull, 'SUCCESS')
  await completed(moose, id)
  assert.equal(await given.home.remote.git('rev-parse', 'main^2'), head)
  assert.deepEqual((await detailOf(moose, id)).pull_request?.merged_by, { is: 'rule', name: null })
})

test('what is not required has ended before Moose merges it; what somebody else pushes is left to a human', {
  timeout,
}, async (t) => {
  await using given = await onGitHub(t, greeted('top\nhello, world\nbottom'))
  if (given === null) return
  await checksHaveBegun(given)
  await using moose = await given.open()
  const { id, pull, branch } = await review(given, moose)
  Object.assign(turns(pull, 'PENDING'), { runs: [{ ...unit('IN_PROGRESS'), isRequired: false }] })
  await policy(given, 'auto')
  await says(moose, id, /a check that GitHub does not require has failed or has not ended \(GitHub\)/)
  assert.equal(asks(given), 0)
  turns(pull, 'PENDING')
  pull.touched = 1
  pull.review = 'REVIEW_REQUIRED'
  await says(moose, id, /^merged by rule: GitHub was asked to merge it at [0-9a-f]{12} when/)
  await given.home.remote.commit(branch, { 'greeting.txt': 'top\nhello, whole world\nbottom\n' })
  await until('it is taken back', async () => pull.autoMerge === null, PATIENCE)
  await says(moose, id, /which Moose has not made \(hands_off\)/)
  pull.review = 'APPROVED'
  turns(pull, 'SUCCESS')
  await looksAgain(given)
  assert.equal(pull.state, 'open')
})

test('a thread of a maintainer that is not resolved keeps it from being merged by rule, whatever was answered', {
  timeout,
}, async (t) => {
  await using given = await onGitHub(t, greeted('top\nhello, world\nbottom'), greeted('top\nhello, dear world\nbottom'))
  if (given === null) return
  await checksHaveBegun(given)
  await using moose = await given.open()
  const { id, pull } = await review(given, moose)
  given.github.state.settings.writers = ['ada']
  const said = {
    id: 'C1',
    login: 'ada',
    association: 'COLLABORATOR',
    body: 'Say dear, and nothing of the world.',
  } as const
  pull.threads = [{ id: 'T1', path: 'greeting.txt', line: 2, comments: [said] }]
  pull.touched = 1
  const answers = () => (pull.threads ?? []).flatMap(({ comments }) => comments.slice(1))
  await until('it is answered', async () => answers().length === 1, PATIENCE)
  turns(pull, 'SUCCESS')
  await policy(given, 'auto')
  await says(moose, id, /a thread of its reviews, by people with write access, is not resolved; .* \(open_threads\)/)
  await looksAgain(given)
  assert.equal(pull.state, 'open')
  for (const one of pull.threads) one.isResolved = true
  await completed(moose, id)
})

test('auto-merge that a person switches off on GitHub is not switched on again for that commit', {
  timeout,
}, async (t) => {
  await using given = await onGitHub(t, greeted('top\nhello, world\nbottom'))
  if (given === null) return
  await checksHaveBegun(given)
  await using moose = await given.open()
  const { id, pull } = await review(given, moose)
  turns(pull, 'PENDING')
  await policy(given, 'auto')
  await says(moose, id, /^merged by rule: GitHub was asked to merge it at [0-9a-f]{12} when/)
  pull.autoMerge = null
  await says(
    moose,
    id,
    /^not merged by rule: auto-merge was switched off on GitHub, and is not asked for again .* \(GitHub\)/,
  )
  await policy(given, 'manual')
  await looksAgain(given)
  await policy(given, 'auto')
  turns(pull, 'SUCCESS')
  await until(
    'its checks are seen',
    async () => (await detailOf(moose, id)).pull_request?.checks === 'SUCCESS',
    PATIENCE,
  )
  await looksAgain(given)
  assert.deepEqual([asks(given), pull.state], [1, 'open'])
  const events = await eventsOf(moose, id)
  assert.equal(events.filter((message) => /auto-merge was switched off on GitHub/.test(message)).length, 1)
})

test('what GitHub has put into the merge queue is not told as switched off, and is taken out of it when a rule refuses', {
  timeout,
}, async (t) => {
  await using given = await onGitHub(t, greeted('top\nhello, world\nbottom'))
  if (given === null) return
  await checksHaveBegun(given)
  given.github.state.settings.mergeQueue = true
  await using moose = await given.open()
  const { id, pull } = await review(given, moose)
  turns(pull, 'PENDING')
  await policy(given, 'auto')
  await says(moose, id, /^merged by rule: GitHub was asked to merge it at [0-9a-f]{12} when/)
  // As long as a look is too old to say that it is switched off.
  await looksAgain(given)
  const past = { at: '2020-01-01T00:00:00.000Z' }
  await given.home.database.pool.query('update pull_requests set merge_asked = merge_asked || $1', [past])
  turns(pull, 'SUCCESS')
  await until('it is in the queue', async () => typeof pull.queuedBy === 'string', PATIENCE)
  await looksAgain(given)
  await says(moose, id, /^merged by rule: GitHub was asked to merge it at [0-9a-f]{12} when/)
  await policy(given, 'manual')
  await until('it is taken out', async () => pull.queuedBy === null, PATIENCE)
  const events = await eventsOf(moose, id)
  assert.deepEqual([asks(given), events.filter((message) => /switched off/.test(message))], [1, []])
})

test('what GitHub merges by itself after a push that nobody has verified is said so, announced, and not learnt from', {
  timeout,
}, async (t) => {
  await using given = await onGitHub(t, greeted('top\nhello, world\nbottom'))
  if (given === null) return
  await checksHaveBegun(given)
  const { home } = given
  const { db, pool } = home.database
  const endpoint = { name: 'ops', url: 'https://127.0.0.1:9/x', secret: 'x', created_by: 'test', kinds: [] }
  await db
    .insertInto('notification_endpoints')
    .values({ ...endpoint, format: 'standard' })
    .execute()
  const { id, pull, branch, head } = await (async () => {
    await using first = await given.open()
    const one = await review(given, first)
    turns(one.pull, 'PENDING')
    await policy(given, 'auto')
    await says(first, one.id, /^merged by rule: GitHub was asked to merge it at [0-9a-f]{12} when/)
    return one
  })()
  const other = await home.remote.commit(branch, { 'greeting.txt': 'top\nhello, whole world\nbottom\n' })
  turns(pull, 'SUCCESS')
  await using moose = await given.open()
  await until('it is merged', async () => (await detailOf(moose, id)).status === 'completed', PATIENCE)
  const events = await eventsOf(moose, id)
  const told = events.filter((message) =>
    /was merged by GitHub's auto-merge \(requested by Moose\) at [0-9a-f]{12}, which Moose has not verified/.test(
      message,
    ),
  )
  assert.equal(told.length, 1, events.join('\n'))
  assert.ok(told[0]?.includes(`asked to merge ${head.slice(0, 12)} by itself`), told[0])
  const { rows } = await pool.query(
    "select outcome, success, metadata from outcome_vectors where operation_type = 'pull_request_end'",
  )
  assert.deepEqual([rows[0].outcome, rows[0].success], ['merged_unverified', false])
  assert.deepEqual([rows[0].metadata.verified_sha, rows[0].metadata.merged_sha], [head, other])
  const pullRequest = (await detailOf(moose, id)).pull_request
  assert.deepEqual(pullRequest?.merged_unverified, { verified_sha: head, merged_sha: other })
  const numbers = await readNumbers(db, { tz: 'UTC', from: undefined, to: undefined, project: undefined })
  assert.deepEqual([numbers.merged_unverified, numbers.totals.merged, numbers.merged_by], [1, 0, []])
  const announced = await pool.query(
    "select data from notification_outbox where kind = 'pull_request.merged_unverified'",
  )
  assert.deepEqual(
    announced.rows.map(({ data }) => [data.work_order_id, data.code, data.status]),
    [[id, 'merged_unverified', 'completed']],
  )
})

for (const moment of ['ask_merge:before', 'ask_merge:after', 'withdraw_merge:after'] as const) {
  test(`kill -9 at ${moment}: one request for one commit, and no other commit is merged`, { timeout }, async (t) => {
    await using given = await onGitHub(t, greeted('top\nhello, world\nbottom'))
    if (given === null) return
    await checksHaveBegun(given)
    await checksHaveBegun(given)
    const { home } = given
    const { id, pull, branch } = await (async () => {
      await using first = await given.open()
      const one = await review(given, first)
      turns(one.pull, 'PENDING')
      await until('its checks are seen', () => isSeen(given, 'PENDING'), PATIENCE)
      if (moment === 'withdraw_merge:after') {
        await policy(given, 'auto')
        await says(first, one.id, /^merged by rule: GitHub was asked to merge it at [0-9a-f]{12} when/)
      }
      return one
    })()
    await policy(given, moment === 'withdraw_merge:after' ? 'manual' : 'auto')
    // A worker does not look at pull requests; it has merged what a service beside it sees, and takes back what it saw before.
    if (moment !== 'withdraw_merge:after')
      await home.database.pool.query("update pull_requests set followed_at = now() + interval '1 minute'")
    await using dying = launchWorker({ ...given.environment, MOOSE_FAULT: `${moment}:kill` })
    await dying.closed
    assert.equal(dying.child.signalCode, 'SIGKILL', dying.printed())
    const { rows } = await home.database.pool.query("select merge_asked ->> 'is' as is from pull_requests")
    assert.equal(rows[0].is, 'asking')
    assert.equal(asks(given), moment === 'ask_merge:before' ? 0 : 1)
    // The process is taken for gone.
    await home.database.pool.query(
      `update pull_requests set merge_asked = merge_asked || '{"again_at":"2020-01-01T00:00:00.000Z"}'`,
    )

    await policy(given, 'auto')
    await using moose = await given.open()
    await says(moose, id, /^merged by rule: GitHub was asked to merge it at [0-9a-f]{12} when/)
    assert.equal(asks(given), moment === 'withdraw_merge:after' ? 2 : 1)
    await looksAgain(given)
    assert.equal(asks(given), moment === 'withdraw_merge:after' ? 2 : 1)
    await home.remote.commit(branch, { 'greeting.txt': 'top\nrude\nbottom\n' })
    await until('it is taken back', async () => pull.autoMerge === null, PATIENCE)
    turns(pull, 'SUCCESS')
    await looksAgain(given)
    assert.deepEqual([pull.state, (await detailOf(moose, id)).phase], ['open', 'in_review'])
  })
}

test('of two pull requests on one file the first is merged by rule, the second is brought up to date and verified before', {
  timeout,
}, async (t) => {
  await using given = await onGitHub(t, greeted('top, sir\nhello\nbottom'), greeted('top\nhello\nbottom, sir'))
  if (given === null) return
  await checksHaveBegun(given)
  const { home, github } = given
  await using moose = await given.open()
  const one = await review(given, moose, 'Greet above')
  const two = await review(given, moose, 'Greet below')
  assert.notEqual(one.pull.number, two.pull.number)
  turns(one.pull, 'SUCCESS')
  turns(two.pull, 'SUCCESS')
  await policy(given, 'auto')
  await Promise.all([completed(moose, one.id), completed(moose, two.id)])
  assert.equal(await home.remote.git('show', 'main:greeting.txt'), 'top, sir\nhello\nbottom, sir')
  const order = await detailOf(moose, two.id)
  assert.equal(order.attempts, 2)
  const [first, second] = github.state.pulls.map(({ mergeSha }) => String(mergeSha))
  assert.equal(await home.remote.git('rev-parse', `${second}^1`), first)
  assert.equal(order.pull_request?.base_sha, first, 'what was merged was verified on the merge before')
})
