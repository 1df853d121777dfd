import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InboxResponse } from '../../src/contract/why/inbox.ts'
import {
  approves,
  asks,
  call,
  checksHaveBegun,
  completed,
  eventsOf,
  inboxOf,
  isGreen,
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
import { detailOf, settled } from '../support/moose-home.ts'
import { until } from '../support/until.ts'

const timeout = 900_000
const DEAR = greeted('top\nhello, dear world\nbottom')

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

test('a thread of a maintainer keeps it from being merged by rule until it is resolved, whatever it says', {
  timeout,
}, async (t) => {
  await using given = await onGitHub(t, greeted('top\nhello, world\nbottom'))
  if (given === null) return
  await checksHaveBegun(given)
  await using moose = await given.open()
  const { id, pull } = await review(given, moose)
  pull.threads = [thread('T1', said('C1', 'ada', '👍'))]
  pull.touched = 1
  turns(pull, 'SUCCESS')
  await policy(given, 'auto')
  await says(moose, id, /a thread of its reviews, .* is not resolved; .* \(open_threads\)/)
  await looksAgain(given)
  assert.deepEqual([pull.mergedAt, given.calls.length], [null, 1], 'it asks for nothing of a model')
  Object.assign(pull.threads[0] ?? assert.fail(), { isResolved: true })
  pull.touched = 2
  await completed(moose, id)
})

test('changes that a maintainer asks for whom GitHub calls a contributor keep it from being merged; those of a stranger do not', {
  timeout,
}, async (t) => {
  await using given = await onGitHub(t, greeted('top\nhello, world\nbottom'))
  if (given === null) return
  await checksHaveBegun(given)
  await using moose = await given.open()
  const { id, pull } = await review(given, moose)
  const body = 'Do not merge this: it breaks guests.'
  const ada = { login: 'ada', association: 'CONTRIBUTOR' } as const
  pull.reviews = [
    { ...ada, state: 'CHANGES_REQUESTED', body },
    { login: 'eve', association: 'CONTRIBUTOR', state: 'CHANGES_REQUESTED', body },
  ]
  pull.threads = [thread('T1', said('C1', 'eve', body))]
  pull.touched = 1
  turns(pull, 'SUCCESS')
  await policy(given, 'auto')
  await says(moose, id, /a review asks for changes: ada \(changes_requested\)/)
  await becomes({ moose, id }, { code: 'follow_up_exhausted' })
  assert.equal(pull.mergedAt, null)
  pull.reviews?.push({ ...ada, state: 'APPROVED', at: '2026-01-31T13:00:00Z' })
  pull.touched = 2
  await completed(moose, id)
})

test('where GitHub does not tell who may write, nothing is merged by rule, and it is not asked again and again', {
  timeout,
}, async (t) => {
  await using given = await onGitHub(t, greeted('top\nhello, world\nbottom'))
  if (given === null) return
  await checksHaveBegun(given)
  await using moose = await given.open()
  const { id, pull } = await review(given, moose)
  const refused = { status: 403, body: { message: 'Resource not accessible by personal access token' } }
  given.github.faults.push({ on: /\/permission$/, times: 10_000, what: refused })
  pull.reviews = [{ login: 'ada', association: 'OWNER', state: 'CHANGES_REQUESTED', body: 'Do not merge this.' }]
  pull.threads = [thread('T1', said('C1', 'bob', 'Nor do I want it.'))]
  pull.touched = 1
  turns(pull, 'SUCCESS')
  await policy(given, 'auto')
  await says(moose, id, /\(conversation_hidden\)/)
  assert.match(await becomes({ moose, id }, { state: 'unknown' }), /does not tell Moose's token who may write/)
  for (const touched of [2, 3]) {
    Object.assign(pull, { touched })
    await looksAgain(given)
  }
  const asked = given.github.log.filter(({ operation }) => operation.endsWith('/permission')).length
  assert.deepEqual([pull.mergedAt, asked], [null, 1])
})
for (const how of ['review', 'comment'] as const)
  test(`what a maintainer asks for in a ${how} outside of threads is merged by rule once that person has approved the answer`, {
    timeout,
  }, async (t) => {
    await using given = await onGitHub(t, greeted('top\nhello, world\nbottom'), DEAR)
    if (given === null) return
    await checksHaveBegun(given)
    await using moose = await given.open()
    const { id, pull, head } = await review(given, moose)
    const ada = { login: 'ada', association: 'COLLABORATOR' } as const
    const body = 'Do not merge this before Friday: guests are migrated until then.'
    if (how === 'review') pull.reviews = [{ ...ada, state: 'COMMENTED', body, sha: head }]
    else pull.comments = [said('IC1', 'ada', `/moose ${body}`)]
    pull.touched = 1
    await haveEnded({ ...given, moose, id }, ['review succeeded'])
    turns(pull, 'SUCCESS')
    await policy(given, 'auto')
    await says(moose, id, /the person who asked has not approved it: ada; .* \(unapproved\)/)
    const why = (await moose.orchestrator.explain([id])).get(id)?.why
    assert.ok(why?.next.includes(`moose merge ${id.slice(0, 8)}`), 'a person may merge it')
    assert.deepEqual(await escalations({ ...given, id }), [], 'there is nothing to decide')
    const approved = { ...ada, state: 'APPROVED', at: '2026-01-31T13:00:00Z' } as const
    pull.reviews = [...(pull.reviews ?? []), { ...approved, sha: head }]
    pull.touched = 5
    await looksAgain(given)
    assert.equal(pull.mergedAt, null, 'the answer is not what was approved')
    pull.reviews.push({ ...approved, at: '2026-01-31T14:00:00Z', sha: pull.sha })
    pull.touched = 6
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

test('what a model makes after an approval is not merged by rule before another one; a merge of the base needs none', {
  timeout,
}, async (t) => {
  await using given = await onGitHub(t, greeted('top\nhello, world\nbottom'), DEAR)
  if (given === null) return
  await checksHaveBegun(given)
  await using moose = await given.open()
  const { id, pull, head } = await review(given, moose)
  const { home, github } = given
  approves(pull)
  github.state.actions.runs.set(5, { attempt: 2, status: 'completed' })
  github.state.actions.logs.set(105, 'FAIL src/greeting.test\n  AssertionError: expected "dear" in the greeting\n')
  turns(pull, 'FAILURE')
  await haveEnded({ ...given, moose, id }, ['rerun red', 'checks succeeded'])
  const mended = await home.remote.git('rev-parse', pull.head)
  turns(pull, 'SUCCESS')
  await policy(given, 'auto')
  const told = `ada approved ${head.slice(0, 12)}, and ${mended.slice(0, 12)} was made since`
  const another = 'to be merged by rule it needs another approval'
  await says(moose, id, new RegExp(`^not merged by rule: ${told}; ${another} \\(approved_before\\)$`))
  await looksAgain(given)
  assert.equal(pull.mergedAt, null)
  const [entry] = await inboxOf(moose)
  assert.equal(entry?.[0], 'review')
  assert.ok(entry?.[1].includes(told), entry?.[1])

  await policy(given, 'manual')
  approves(pull)
  await home.remote.commit('main', { 'other.txt': 'moved\n' })
  await becomes({ moose, id }, { state: 'quiet' })
  assert.ok((await call(moose, `/api/work-orders/${id}/verify`, {})).ok)
  await until('its base is merged in', async () => pull.sha !== mended, PATIENCE)
  assert.equal(await home.remote.git('rev-parse', `${pull.sha}^1`), mended)
  turns(pull, 'SUCCESS')
  await policy(given, 'auto')
  await completed(moose, id)
  assert.equal(await home.remote.git('rev-parse', 'main^2'), pull.sha)
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
  await isGreen(given, pull, 'retargeted')
  const facts = () => github.log.filter(({ operation }) => operation.endsWith('PullRequestFacts')).length
  const before = facts()
  await looksAgain(given)
  assert.equal(facts(), before, 'what has not changed is not asked for again')
  assert.deepEqual([pull.mergedAt, asks(given)], [null, 1])
  pull.base = 'main'
  await completed(moose, id)
})

for (const how of ['verified', 'merged on the page of GitHub'] as const)
  test(`a base that is renamed on GitHub and in the project is taken over: ${how}`, { timeout }, async (t) => {
    await using given = await onGitHub(t, greeted('top\nhello, world\nbottom'))
    if (given === null) return
    await checksHaveBegun(given)
    await using moose = await given.open()
    const { id, pull, head } = await review(given, moose)
    const { home, github } = given
    await home.remote.git('branch', '-m', 'main', 'trunk')
    // As GitHub does at a rename.
    pull.base = 'trunk'
    turns(pull, 'SUCCESS')
    await policy(given, 'auto')
    await says(moose, id, /its base was changed on GitHub from main to trunk \(retargeted\)/)
    await home.database.db.updateTable('projects').set({ default_branch: 'trunk' }).execute()
    await says(moose, id, /to trunk, which is the base of its project now; it was not verified with that yet/)
    const refused = await call(moose, `/api/work-orders/${id}/merge`, {})
    assert.deepEqual([refused.status, /: moose verify /.test(await refused.text())], [409, true])
    const why = (await moose.orchestrator.explain([id])).get(id)?.why
    assert.ok(why?.next.includes(`moose verify ${id.slice(0, 8)}`), why?.next.join())
    assert.equal(pull.mergedAt, null)
    if (how === 'verified') await moose.orchestrator.verify(id)
    else await github.state.merge(pull.number, 'merge')
    await completed(moose, id)
    const order = await detailOf(moose, id)
    assert.equal(order.pull_request?.base, how === 'verified' ? 'trunk' : 'main')
    assert.equal(await home.remote.git('rev-parse', 'trunk^2'), head)
  })

test('what is verified with another base than the one it would be merged into is not pushed, and that says what to do', {
  timeout,
}, async (t) => {
  await using given = await onGitHub(t, greeted('top\nhello, world\nbottom'))
  if (given === null) return
  await using moose = await given.open()
  const { id, pull, head } = await review(given, moose)
  const { home } = given
  await home.remote.git('branch', 'develop', 'main')
  await home.remote.commit('develop', { 'other.txt': 'of develop' })
  await home.database.db.updateTable('projects').set({ default_branch: 'develop' }).execute()
  await moose.orchestrator.verify(id)
  const order = await settled(moose, id, PATIENCE.withinMs)
  const { error } = order.attempt_history.at(-1) ?? assert.fail()
  assert.match(
    String(error?.message),
    /is into main on GitHub, and the base of its project is develop now.*Change its base/,
  )
  assert.deepEqual([order.phase, pull.sha, order.pull_request?.base], ['in_review', head, 'main'])
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
