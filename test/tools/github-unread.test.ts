import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Moose } from '../../src/app.ts'
import { WhyResponse } from '../../src/contract/why/inbox.ts'
import { factsQuery } from '../../src/forge/github/follow-up/facts-query.ts'
import type { StandInComment, StandInThread } from '../support/github/conversation.ts'
import { answerGraphQL } from '../support/github/graphql.ts'
import {
  greeted,
  inReview,
  type OnGitHub,
  onGitHub as projectOnGitHub,
  said,
  thread,
} from '../support/github/order-on-github.ts'
import type { Pull } from '../support/github/repository-state.ts'
import type { Scripted } from '../support/model-server.ts'
import { detailOf, fileOrder, settled } from '../support/moose-home.ts'
import { until } from '../support/until.ts'

const FILES = { 'greeting.txt': 'top\nhello\nbottom\n' }
const PATIENCE = { withinMs: 240_000 }
const timeout = 900_000

const onGitHub = (t: TestContext, ...answers: Scripted[]) => projectOnGitHub(t, answers, { files: FILES })
const greeting = greeted('top\nhello, world\nbottom')

/** An order in review, to which `ada` alone may write, and whose project has its pull requests merged by rule. */
async function review({ home, github }: OnGitHub, moose: Moose) {
  const order = { title: 'Greet the world', files: ['greeting.txt'], criteria: ['It is polite'] }
  const id = await fileOrder(home.database, order)
  assert.equal((await settled(moose, id, PATIENCE.withinMs)).phase, 'in_review')
  const pull = github.state.pulls.at(-1) ?? assert.fail()
  github.state.settings.writers = ['ada']
  github.state.settings.allowAutoMerge = false
  await home.database.db.updateTable('projects').set({ merge_policy: 'auto' }).execute()
  return { id, pull }
}

const turns = (pull: Pull, checks: 'PENDING' | 'SUCCESS') =>
  Object.assign(pull, {
    checks,
    runs: [
      {
        name: 'unit',
        state: checks === 'PENDING' ? 'IN_PROGRESS' : checks,
        url: null,
        job: { run: 5, id: 105 },
        isRequired: true,
      },
    ],
  })

async function whyOf(moose: Moose, id: string) {
  const response = await moose.http.fetch(new Request(`http://127.0.0.1/api/work-orders/${id}/why`))
  return WhyResponse.parse(await response.json()).why
}

const says = (moose: Moose, id: string, words: RegExp) =>
  until(`it says ${words}`, async () => words.test(JSON.stringify(await whyOf(moose, id))), {
    ...PATIENCE,
    say: async () => JSON.stringify(await whyOf(moose, id)),
  })

/** Some further looks, in which nothing may be merged. */
async function staysOpen({ github }: OnGitHub, pull: Pull): Promise<void> {
  const looks = () => github.log.filter(({ operation }) => /OpenPullRequests/.test(operation)).length
  const before = looks()
  await until('the tracker looks again', async () => looks() >= before + 5, PATIENCE)
  assert.equal(pull.mergedAt, null)
}

const byAda = (body: string): StandInComment => ({ ...said('C1', 'ada', body), association: 'COLLABORATOR' })
const byStranger = (id: string): StandInComment => ({ id, login: 'mallory', association: 'NONE', body: 'nit' })
const threadOf = (id: string, ...comments: StandInComment[]): StandInThread => ({
  id,
  path: 'greeting.txt',
  line: 1,
  comments,
})

test('what a person with write access asks for is heard behind everything that a stranger says, and nothing is merged', {
  timeout,
}, async (t) => {
  await using given = await onGitHub(t, greeting, greeted('top\nhello, dear world\nbottom'))
  if (given === null) return
  await using moose = await given.open()
  const { id, pull } = await review(given, moose)
  const strangers = Array.from({ length: 60 }, (_, at) => threadOf(`S${at}`, byStranger(`SC${at}`)))
  const behind = Array.from({ length: 12 }, (_, at) => byStranger(`SB${at}`))
  pull.threads = [threadOf('T1', byStranger('S'), byAda('Do not merge this: say dear.'), ...behind), ...strangers]
  pull.touched = 1
  turns(pull, 'SUCCESS')
  await until('ada is answered', async () => pull.threads?.[0]?.comments.length === 15, PATIENCE)
  await says(moose, id, /open_threads/)
  await staysOpen(given, pull)
})

test('of a pull request with more comments than are read nothing is merged, which why, the inbox and the log say', {
  timeout,
}, async (t) => {
  await using given = await onGitHub(t, greeting)
  if (given === null) return
  await using moose = await given.open()
  const { id, pull } = await review(given, moose)
  pull.comments = Array.from({ length: 1_001 }, (_, at) => byStranger(`I${at}`))
  pull.touched = 1
  turns(pull, 'SUCCESS')
  await says(moose, id, /conversation_hidden/)
  await says(moose, id, /it has more than 1000 comments/)
  await staysOpen(given, pull)
  const inbox = await (await moose.http.fetch(new Request('http://127.0.0.1/api/inbox'))).text()
  assert.match(inbox, /what was said of it on its forge cannot be read, or not all of it/)
  const { follow_up: followUp } = (await detailOf(moose, id)).pull_request ?? {}
  assert.deepEqual([followUp?.state, followUp?.conversation_hidden], ['unknown', true])

  pull.comments = []
  pull.touched = 2
  await until('it is merged', async () => pull.mergedAt !== null, PATIENCE)
})

for (const how of ['nothing', 'a part'] as const)
  test(`where GitHub tells ${how} of what was said, nothing is merged by what was said before`, {
    timeout,
  }, async (t) => {
    await using given = await onGitHub(t, greeting)
    if (given === null) return
    await using moose = await given.open()
    const { id, pull } = await review(given, moose)
    const { state, faults } = given.github
    turns(pull, 'PENDING')
    await says(moose, id, /do not allow auto-merge/)
    const answer = { status: 200, body: { data: { p0: null } } as object }
    const first = async () => {
      if (how === 'nothing') return
      const { body } = await answerGraphQL(state, { ...factsQuery(['PR_1']), host: 'github.com' })
      const copy = JSON.parse(JSON.stringify(body))
      copy.data.p0.reviewThreads.nodes = copy.data.p0.reviewThreads.nodes.map(() => null)
      const message = 'Something went wrong while executing your query.'
      answer.body = { ...copy, errors: [{ message, path: ['p0', 'reviewThreads', 'nodes', 0] }] }
    }
    faults.push({ on: /PullRequestFacts$/, times: 10_000, what: answer, first })
    pull.threads = [threadOf('T1', byAda('Stop: do not merge this.'))]
    pull.touched = 1
    await says(moose, id, how === 'nothing' ? /something has changed on GitHub since/ : /conversation_hidden/)
    turns(pull, 'SUCCESS')
    await staysOpen(given, pull)
    const { rows } = await given.home.database.pool.query('select message from work_order_events where message ~ $1', [
      'is asked for again|what was said of it is not known',
    ])
    assert.equal(rows.length > 0, how === 'a part', 'what is not read for a moment is told of at no look')
  })

test('the long comments of a stranger hide nothing that is asked for on another pull request', {
  timeout,
}, async (t) => {
  await using given = await inReview(
    t,
    greeted('hello, world 2'),
    greeted('hello, dear world'),
    greeted('hello, dear world'),
  )
  if (given === null) return
  const { pull, moose, github, home } = given
  const order = { title: 'Greet others', files: ['greeting.txt', 'other.txt'], criteria: ['It is polite'] }
  const other = await fileOrder(home.database, order)
  await settled(moose, other, PATIENCE.withinMs)
  const second = github.state.pulls.at(-1) ?? assert.fail()
  assert.notEqual(second.number, pull.number)
  const long = '\u{1F4A9}'.repeat(65_000)
  pull.comments = Array.from({ length: 50 }, (_, at) => said(`F${at}`, 'mallory', long))
  pull.touched = 1
  second.threads = [thread('T2', said('C2', 'ada', 'Say dear to the world.'))]
  second.touched = 1
  const kinds = async () => {
    const of = home.database.db.selectFrom('follow_ups').select('kind').where('work_order_id', '=', other)
    return (await of.execute()).map(({ kind }) => kind)
  }
  await until('it is reacted to', async () => (await kinds()).includes('review'), PATIENCE)
})
