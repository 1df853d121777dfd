import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { factsQuery } from '../../src/forge/github/follow-up/facts-query.ts'
import type { OfPullRequest } from '../../src/ports/pull-request-facts.ts'
import type { StandInComment, StandInThread } from '../support/github/conversation.ts'
import { answerGraphQL } from '../support/github/graphql.ts'
import type { Pull } from '../support/github/repository-state.ts'
import { opened, type Tracked, tracked } from '../support/github/tracked.ts'

const { signal } = new AbortController()

/** Open pull requests on the stand-in, which one request asks for. */
async function pullsOn(t: TestContext, count = 1) {
  const given = await tracked(t)
  if (given === null) return null
  given.github.state.settings.writers = ['ada']
  const all: { of: OfPullRequest; pull: Pull }[] = []
  for (let at = 0; at < count; at += 1) {
    const { input, number } = await opened(given)
    const pull = given.github.state.pulls.find((one) => one.number === number) ?? assert.fail()
    const { workOrderId, attempt } = input
    all.push({ of: { project: given.project, workOrderId, attempt, number, nodeId: `PR_${number}` }, pull })
  }
  const [first = assert.fail(), ...others] = all
  return { given, first, others, [Symbol.asyncDispose]: () => given[Symbol.asyncDispose]() }
}

/** What is told of each, why nothing is told of others, and the requests that took. */
async function told({ followUp, github }: Tracked, pulls: readonly { of: OfPullRequest }[]) {
  const before = github.log.length
  const unread: [number, string][] = []
  const facts = await followUp.factsOf(
    pulls.map(({ of }) => of),
    signal,
    ({ number }, { message }) => unread.push([number, message]),
  )
  const asked = github.log.slice(before).flatMap(({ operation }) => /graphql (\w+)/.exec(operation)?.[1] ?? [])
  return { facts, unread, asked }
}

const byAda = (id: string, body: string): StandInComment => ({ id, login: 'ada', association: 'COLLABORATOR', body })
const byStranger = (id: string, body = 'nit'): StandInComment => ({ id, login: 'mallory', association: 'NONE', body })
const many = <Item>(count: number, make: (at: number) => Item) => Array.from({ length: count }, (_, at) => make(at))
const threadOf = (id: string, ...comments: StandInComment[]): StandInThread => ({ id, path: 'a.ts', line: 1, comments })
/** As long as a comment may be on GitHub, in signs of four bytes. */
const LONG = '\u{1F4A9}'.repeat(65_000)

test('however much strangers say, all that was said and all checks are told, in further requests only where there are more', async (t) => {
  await using here = await pullsOn(t, 2)
  if (here === null) return
  const { given, first, others } = here
  const { pull } = first
  pull.threads = [
    threadOf('T1', byAda('C1', 'Do not merge.')),
    threadOf('T2', byStranger('S0'), byAda('C2', 'Nor this.'), ...many(25, (at) => byStranger(`S2-${at}`))),
    ...many(118, (at) => threadOf(`S${at}`, byStranger(`SC${at}`))),
  ]
  pull.comments = [byAda('I1', '/moose say dear'), ...many(160, (at) => byStranger(`I${at + 2}`))]
  pull.reviews = [
    { login: 'ada', association: 'COLLABORATOR', state: 'CHANGES_REQUESTED', body: 'Say dear.' },
    ...many(160, () => ({ login: 'mallory', state: 'COMMENTED', body: 'nit' }) as const),
  ]
  pull.checks = 'FAILURE'
  pull.runs = many(230, (at) => ({ name: `c${at}`, state: at === 229 ? 'FAILURE' : 'SUCCESS', url: null }))
  given.github.state.baseRuns = many(130, (at) => ({ name: `c${at + 100}`, state: 'FAILURE', url: null }))
  const { facts, asked } = await told(given, [first, ...others])
  const [one = assert.fail(), other = assert.fail()] = facts
  assert.deepEqual([one.knows, one.unread], [{ checks: true, reviews: true }, null])
  assert.deepEqual(
    [one.threads, one.comments, one.reviews, one.checks].map(({ length }) => length),
    [120, 161, 161, 230],
  )
  assert.deepEqual([one.threads[0]?.id, one.comments[0]?.id, one.reviews[0]?.login], ['T1', 'I1', 'ada'])
  assert.deepEqual(
    one.threads[1]?.comments.slice(0, 3).map(({ id, may_write }) => [id, may_write]),
    [
      ['S0', false],
      ['C2', true],
      ['S2-0', false],
    ],
  )
  assert.deepEqual(
    one.checks.filter(({ state }) => state === 'red').map(({ name, on_base }) => [name, on_base]),
    [['c229', 'red']],
  )
  assert.deepEqual([other.knows.reviews, other.checks], [true, []])
  assert.equal(asked[0], 'PullRequestFacts')
  assert.ok(asked.length <= 8 && asked.slice(1).every((name) => name === 'PullRequestFactsFurther'), asked.join())
  given.github.state.baseRuns = []
  assert.equal((await told(given, others)).asked.length, 1)
})

test('of more than a thousand comments none is told, and of the checks more than a thousand, and that is said', async (t) => {
  await using here = await pullsOn(t, 2)
  if (here === null) return
  const { given, first, others } = here
  first.pull.comments = [byAda('I1', '/moose say dear'), ...many(1_000, (at) => byStranger(`I${at + 2}`))]
  first.pull.threads = [threadOf('T1', byAda('C1', 'Do not merge.'))]
  others.map(({ pull }) =>
    Object.assign(pull, {
      checks: 'SUCCESS',
      runs: many(1_001, (at) => ({ name: `c${at}`, state: 'SUCCESS', url: null })),
    }),
  )
  const { facts, asked } = await told(given, [first, ...others])
  const [one = assert.fail(), other = assert.fail()] = facts
  assert.deepEqual([one.knows, one.threads, one.comments], [{ checks: true, reviews: false }, [], []])
  assert.equal(one.unread, 'what was said of it is not known: it has more than 1000 comments')
  assert.deepEqual([other.knows, other.checks], [{ checks: false, reviews: true }, []])
  assert.equal(other.unread, 'its checks are not known: it has more than 1000 checks')
  assert.deepEqual(asked, ['PullRequestFacts'])
})

test('what GitHub tells in part is not known: a node that is missing, an error beside it, and an answer of nothing', async (t) => {
  await using here = await pullsOn(t, 2)
  if (here === null) return
  const { given, first, others } = here
  const all = [first, ...others]
  first.pull.threads = [threadOf('T1', byAda('C1', 'Do not merge.'))]
  const ids = all.map(({ of }) => String(of.nodeId))
  const { body } = await answerGraphQL(given.github.state, { ...factsQuery(ids), host: 'github.com' })
  type Data = Record<string, { reviewThreads: { nodes: unknown[] }; reviews: unknown } | null>
  const answers = async (change: (data: Data) => void, ...paths: (string | number)[][]) => {
    const copy = JSON.parse(JSON.stringify(body))
    change(copy.data)
    const errors = paths.map((path) => ({ message: 'Something went wrong while executing your query.', path }))
    const answer = { status: 200, body: errors.length === 0 ? copy : { ...copy, errors } }
    given.github.faults.push({ on: /PullRequestFacts$/, what: answer })
    const { facts, unread } = await told(given, all)
    return [facts.map(({ knows }) => [knows.reviews, knows.checks]), unread.map(([number]) => number)]
  }
  const whole = [true, true]
  const withoutThread = ({ p0 }: Data) => Object.assign(p0?.reviewThreads ?? {}, { nodes: [null] })
  assert.deepEqual(await answers(withoutThread, ['p0', 'reviewThreads', 'nodes', 0]), [[[false, true], whole], []])
  assert.deepEqual(await answers(withoutThread), [[[false, true], whole], []])
  assert.deepEqual(await answers(({ p0 }) => Object.assign(p0 ?? {}, { reviews: null }), ['p0', 'reviews']), [
    [[false, true], whole],
    [],
  ])
  assert.deepEqual(await answers(() => {}, ['p0', 'reviewDecision']), [[[false, true], whole], []])
  assert.deepEqual(await answers(() => {}, []), [
    [
      [false, false],
      [false, false],
    ],
    [],
  ])
  assert.deepEqual(await answers(() => {}, ['p1', 'autoMergeRequest']), [[whole], [others[0]?.of.number]])
  assert.deepEqual(await answers((data) => Object.assign(data, { p0: null })), [[whole], [first.of.number]])
})

test('a page that fails hides what was said of its pull request alone', async (t) => {
  await using here = await pullsOn(t, 2)
  if (here === null) return
  const { given, first, others } = here
  first.pull.comments = many(60, (at) => byStranger(`I${at}`))
  const answer = { status: 200, body: { data: { p0: null }, errors: [{ message: 'Timeout', path: ['p0'] }] } }
  given.github.faults.push({ on: /PullRequestFactsFurther$/, what: answer })
  const { facts } = await told(given, [first, ...others])
  assert.deepEqual(
    facts.map(({ knows }) => knows.reviews),
    [false, true],
  )
})

test('an answer that is too long is asked for in halves and then in smaller pages, and takes nothing from other pull requests', async (t) => {
  await using here = await pullsOn(t, 4)
  if (here === null) return
  const { given, first, others } = here
  first.pull.comments = [byAda('I1', '/moose say dear'), ...many(49, (at) => byStranger(`I${at + 2}`, LONG))]
  others[0]?.pull.threads?.push(threadOf('T2', byAda('C2', 'Say dear.')))
  const { facts, unread } = await told(given, [first, ...others])
  assert.deepEqual([facts.length, unread], [4, []])
  assert.ok(facts.every(({ knows }) => knows.reviews))
  const one = facts.find(({ number }) => number === first.of.number) ?? assert.fail()
  assert.deepEqual([one.comments.length, one.comments[0]?.body], [50, '/moose say dear'])
  assert.ok(one.comments.slice(1).every(({ body }) => body.length <= 300))
  const again = await told(given, [first, ...others])
  assert.equal(again.asked.filter((name) => name === 'PullRequestFacts').length, 2, 'it is remembered')
})

test('one pull request whose smallest page is too long is not known, and the others are', async (t) => {
  await using here = await pullsOn(t, 3)
  if (here === null) return
  const { given, first, others } = here
  first.pull.comments = [byStranger('I1', 'x'.repeat(9 * 1024 * 1024))]
  const { facts, unread } = await told(given, [...others, first])
  assert.deepEqual(
    facts.map(({ number }) => number),
    others.map(({ of }) => of.number),
  )
  assert.deepEqual(
    unread.map(([number, why]) => [number, /more than 8 MiB, which Moose does not read/.test(why)]),
    [[first.of.number, true]],
  )
})

test('where GitHub answers none of them its host is asked no further, and where it answers for each alone all are told', async (t) => {
  await using here = await pullsOn(t, 11)
  if (here === null) return
  const { given, first, others } = here
  const fails = (times: number) =>
    given.github.faults.push({
      on: /PullRequestFacts$/,
      what: { status: 502, body: { message: 'Bad gateway' } },
      times,
    })
  fails(1_000)
  const down = await told(given, [first, ...others])
  assert.deepEqual([down.facts.length, down.unread.length, down.asked.length], [0, 11, 7])
  given.github.faults.length = 0
  fails(5)
  const up = await told(given, [first, ...others])
  assert.deepEqual([up.facts.length, up.unread.length], [11, 0])
})

test('checks of a base that one pull request may not read any more are told of the others', async (t) => {
  await using here = await pullsOn(t, 2)
  if (here === null) return
  const { given, first, others } = here
  for (const { pull } of [first, ...others]) {
    pull.checks = 'FAILURE'
    pull.runs = [{ name: 'c120', state: 'FAILURE', url: null }]
  }
  given.github.state.baseRuns = many(130, (at) => ({ name: `c${at}`, state: 'FAILURE', url: null }))
  const answer = { status: 200, body: { data: { p0: null }, errors: [{ message: 'Timeout', path: ['p0'] }] } }
  given.github.faults.push({ on: /PullRequestFactsFurther$/, what: answer })
  const { facts } = await told(given, [first, ...others])
  assert.deepEqual(
    facts.map(({ checks }) => checks[0]?.on_base),
    [null, 'red'],
  )
})

test('a text that is cut says so', async (t) => {
  await using here = await pullsOn(t)
  if (here === null) return
  const { given, first } = here
  first.pull.comments = [byAda('I1', `/moose ${'say dear '.repeat(2_000)}`), byAda('I2', 'x'.repeat(8_000))]
  const { facts } = await told(given, [first])
  const [cut, whole] = facts[0]?.comments ?? []
  assert.match(String(cut?.body), /^\/moose say dear [\s\S]*\n\[Cut here: 10107 more characters stand on GitHub\.\]$/)
  assert.ok(String(cut?.body).length <= 8_000)
  assert.equal(whole?.body, 'x'.repeat(8_000))
})
