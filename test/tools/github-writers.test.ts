import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OfPullRequest, PullRequestFacts } from '../../src/ports/pull-request-facts.ts'
import type { StandInComment } from '../support/github/conversation.ts'
import { opened, type Tracked, tracked } from '../support/github/tracked.ts'

const { signal } = new AbortController()
const MINUTE = 60_000
const BODY = 'Say dear.'

/** A pull request on the stand-in, and what is said of it in threads of their own. */
async function saidOf(given: Tracked, comments: readonly StandInComment[]): Promise<OfPullRequest> {
  const { input, number } = await opened(given)
  const pull = given.github.state.pulls.find((one) => one.number === number)
  assert.ok(pull !== undefined)
  pull.threads = comments.map((comment, at) => ({ id: `T${number}-${at}`, path: 'a', line: 1, comments: [comment] }))
  return { project: given.project, workOrderId: input.workOrderId, attempt: 1, number, nodeId: `PR_${number}` }
}
const by = (login: string, association: StandInComment['association'] = 'NONE', body = BODY): StandInComment => ({
  id: `C-${login}`,
  login,
  association,
  body,
})
async function factsOf({ followUp }: Tracked, of: OfPullRequest): Promise<PullRequestFacts> {
  const [facts] = await followUp.factsOf([of], signal)
  return facts ?? assert.fail()
}
const writersIn = ({ threads }: PullRequestFacts) =>
  threads.map(({ comments: [first] }) => [first?.login, first?.may_write])
const asked = ({ github }: Tracked) => github.log.filter(({ operation }) => operation.endsWith('/permission')).length
const refuses = ({ github }: Tracked, login: string, status: number, times = 1) =>
  github.faults.push({ on: new RegExp(`${login}/permission$`), times, what: { status, body: { message: 'No' } } })

test('whoever asks for something is asked about, whatever GitHub calls the account; all of what a writer says is told', async (t) => {
  await using given = await tracked(t)
  if (given === null) return
  given.github.state.settings.permissions = { ada: 'admin', bob: 'triage', eve: 'none' }
  const long = 'x'.repeat(1_000)
  const of = await saidOf(given, [
    by('ada', 'CONTRIBUTOR', long),
    by('bob', 'MEMBER'),
    by('eve', 'NONE', long),
    by('gone'),
  ])
  refuses(given, 'gone', 404)
  const facts = await factsOf(given, of)
  assert.deepEqual(writersIn(facts), [
    ['ada', true],
    ['bob', false],
    ['eve', false],
    ['gone', false],
  ])
  const lengths = facts.threads.map(({ comments: [first] }) => first?.body.length)
  assert.deepEqual(lengths, [1_000, BODY.length, 300, BODY.length])
  assert.deepEqual([asked(given), facts.knows.reviews, facts.unread], [4, true, null])
})

test('what only agrees, or is outside of reviews and not said to Moose, costs no request of a stranger', async (t) => {
  await using given = await tracked(t)
  if (given === null) return
  const of = await saidOf(given, [])
  const pull = given.github.state.pulls.at(-1) ?? assert.fail()
  pull.reviews = [{ login: 'eve', state: 'APPROVED', body: 'Nice.' }]
  pull.comments = [by('fay', 'NONE', 'Any news?')]
  pull.threads = [{ id: 'T', path: 'a', line: 1, isResolved: true, comments: [by('gus')] }]
  await factsOf(given, of)
  assert.equal(asked(given), 0)
  pull.comments.push(by('hal', 'NONE', '/moose say dear'))
  pull.reviews.push({ login: 'ida', state: 'COMMENTED', body: BODY })
  await factsOf(given, of)
  assert.equal(asked(given), 2)
})

test('where the token may not ask, nothing said is told, and the repository is left alone for a quarter of an hour', async (t) => {
  await using given = await tracked(t)
  if (given === null) return
  const of = await saidOf(given, [by('ada', 'OWNER'), by('bob', 'MEMBER')])
  const another = await saidOf(given, [by('eve')])
  const agreed = await saidOf(given, [])
  const pull = given.github.state.pulls.at(-1) ?? assert.fail()
  pull.reviews = [{ login: 'ada', association: 'OWNER', state: 'APPROVED', body: 'Good.' }]
  refuses(given, '\\w+', 403, 2)
  for (const one of [of, another, of]) {
    const { threads, knows, unread } = await factsOf(given, one)
    assert.deepEqual([threads, knows.reviews], [[], false])
    assert.match(String(unread), /^what was said of it is not known: GitHub does not tell .*, so not whether \w+ may$/)
  }
  assert.equal((await factsOf(given, agreed)).knows.reviews, true, 'an approval asks for nothing')
  assert.equal(asked(given), 1)
  await given.clock.sleep(16 * MINUTE, signal)
  assert.equal((await factsOf(given, of)).knows.reviews, false)
  assert.equal(asked(given), 2)
  await given.clock.sleep(16 * MINUTE, signal)
  assert.equal((await factsOf(given, of)).knows.reviews, true)
})

test('an answer of another kind is no answer: what was said is not known', async (t) => {
  await using given = await tracked(t)
  if (given === null) return
  const of = await saidOf(given, [by('ada')])
  const what = { status: 200, body: { permission: 'custom' } }
  given.github.faults.push({ on: /permission$/, times: 1, what })
  for (const minutes of [0, 10]) {
    await given.clock.sleep(minutes * MINUTE, signal)
    assert.equal((await factsOf(given, of)).knows.reviews, false)
    assert.equal(asked(given), 1, 'it is not asked again at each look')
  }
  await given.clock.sleep(6 * MINUTE, signal)
  assert.equal((await factsOf(given, of)).knows.reviews, true)
})

test('a stranger is asked about once in two hours, a writer each quarter of one', async (t) => {
  await using given = await tracked(t)
  if (given === null) return
  given.github.state.settings.permissions = { ada: 'admin' }
  const of = await saidOf(given, [by('ada'), by('eve')])
  for (const [minutes, expected] of [
    [0, 2],
    [10, 2],
    [10, 3],
    [105, 5],
  ] as const) {
    await given.clock.sleep(minutes * MINUTE, signal)
    await factsOf(given, of)
    assert.equal(asked(given), expected)
  }
})

test('of more strangers than are asked about in an hour it is known in the next one who may write', async (t) => {
  await using given = await tracked(t)
  if (given === null) return
  const crowd = Array.from({ length: 210 }, (_, at) => by(`eve${at}`))
  const of = await saidOf(given, crowd)
  const { knows, unread } = await factsOf(given, of)
  const requests = asked(given)
  assert.deepEqual([knows.reviews, requests < 200, requests > 150], [false, true, true], String(requests))
  assert.match(String(unread), /takes more requests than Moose makes for it in an hour/)
  await given.clock.sleep(61 * MINUTE, signal)
  assert.deepEqual([(await factsOf(given, of)).knows.reviews, asked(given)], [true, crowd.length])
})
