import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Moose, openMoose } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { createLog } from '../../src/log.ts'
import type { StandInRun } from '../support/github/actions.ts'
import type { StandInComment, StandInThread } from '../support/github/conversation.ts'
import { type GitHubServer, startGitHub } from '../support/github/github-server.ts'
import type { Pull } from '../support/github/repository-state.ts'
import { type ReceivedCall, type Scripted, startModelServer } from '../support/model-server.ts'
import { createMooseHome, detailOf, fileOrder, type MooseHome, settled } from '../support/moose-home.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'
import { NEVER_POLLS, write } from '../support/suspended-bench.ts'
import { toolOrSkip } from '../support/tool-or-skip.ts'
import { until } from '../support/until.ts'

const FILES = {
  'greeting.txt': 'hello\n',
  'other.txt': 'other\n',
  'moose.yaml': 'checks:\n  - { name: polite, run: "! grep -q rude greeting.txt other.txt", proves: [1] }\n',
}
const SETTINGS = { ...NEVER_POLLS, MOOSE_TRACK_INTERVAL_MS: '1000', ORCHESTRATOR_EXECUTOR: 'patch' }
const text = (told: string): Scripted => ({ kind: 'text', text: told })
const greeted = (how: string) => text(write('greeting.txt', how))

type Given = AsyncDisposable & {
  home: MooseHome
  github: GitHubServer
  moose: Moose
  calls: ReceivedCall[]
  id: string
  branch: string
  head: string
  pull: Pull
}

/** An order in review on the stand-in, and what the model answers from then on; null when a program is missing. */
async function inReview(t: TestContext, ...answers: Scripted[]): Promise<Given | null> {
  if (toolOrSkip(t, 'gh') === null || toolOrSkip(t, 'openssl') === null) return null
  await using stack = new AsyncDisposableStack()
  const home = stack.use(await createMooseHome(FILES, [], SETTINGS))
  const server = stack.use(await startModelServer(greeted('hello, world'), ...answers))
  await useStandIn(home, 'stand-in', { url: server.url, threshold: 1 })
  const github = stack.use(await startGitHub(home.remote))
  const repository = 'https://github.com/acme/shop.git'
  await home.database.db.updateTable('projects').set({ repository, forge: 'github' }).execute()
  const config = readConfig({ ...home.environment, ...github.network, GH_TOKEN: github.token })
  const moose = stack.use(await openMoose(config, { log: createLog('silent'), role: 'service' }))
  await moose.orchestrator.start(null)
  const files = ['greeting.txt', 'other.txt']
  const id = await fileOrder(home.database, { title: 'Greet the world', files, criteria: ['It is polite'] })
  const order = await settled(moose, id)
  assert.equal(order.phase, 'in_review', JSON.stringify(order.status_reason))
  const branch = String(order.github_branch)
  const head = await home.remote.git('rev-parse', branch)
  const pull = github.state.pulls.at(-1) ?? assert.fail()
  github.state.settings.writers = ['ada']
  const owned = stack.move()
  return {
    home,
    github,
    moose,
    calls: server.calls,
    id,
    branch,
    head,
    pull,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

const rowsOf = ({ home }: Given) =>
  home.database.db.selectFrom('follow_ups').select(['kind', 'outcome']).orderBy('id').execute()

async function becomes({ moose, id }: Given, wanted: { state?: string; code?: string }): Promise<string> {
  const followUp = async () => (await detailOf(moose, id)).pull_request?.follow_up
  const isSo = async () => {
    const now = await followUp()
    return (
      (wanted.state === undefined || now?.state === wanted.state) &&
      (wanted.code === undefined || now?.code === wanted.code)
    )
  }
  await until(`it is ${JSON.stringify(wanted)}`, isSo, {
    withinMs: 60_000,
    say: async () => JSON.stringify(await followUp()),
  })
  return String((await followUp())?.why)
}

const haveEnded = async (given: Given, expected: string[]) => {
  const shown = async () => (await rowsOf(given)).map(({ kind, outcome }) => `${kind} ${outcome}`)
  const isSo = async () => JSON.stringify(await shown()) === JSON.stringify(expected)
  await until(`follow-ups are ${expected.join(', ')}`, isSo, {
    withinMs: 60_000,
    say: async () => JSON.stringify(await shown()),
  })
  await settled(given.moose, given.id)
}

/** Those of the order, each with what closed it. */
const escalations = async ({ home, id }: Given): Promise<string[]> => {
  const all = home.database.db.selectFrom('order_escalations').selectAll().where('work_order_id', '=', id)
  const rows = await all.orderBy('opened_at').execute()
  return rows.map(({ cause, option, closed_as: by }) => `${cause} ${option ?? by ?? 'open'}`)
}

const toldIn = ({ body }: ReceivedCall): string => JSON.stringify(body)

const unit = (state: string, run: number): StandInRun => ({
  name: 'unit',
  state,
  url: null,
  job: { run, id: run + 100 },
})

/** The check fails in a run of its own, with what its log says. */
function red({ pull, github }: Given, run: number, log: string): void {
  github.state.actions.runs.set(run, { attempt: 1, status: 'completed' })
  github.state.actions.logs.set(run + 100, log)
  pull.checks = 'FAILURE'
  pull.runs = [unit('FAILURE', run)]
}

function turns({ pull, github }: Given, state: 'PENDING' | 'SUCCESS' | 'FAILURE', run: number): void {
  if (state !== 'PENDING') github.state.actions.runs.set(run, { attempt: 2, status: 'completed' })
  pull.checks = state
  pull.runs = [unit(state === 'PENDING' ? 'IN_PROGRESS' : state, run)]
}

async function rerunsTo(given: Given, state: 'SUCCESS' | 'FAILURE', run: number): Promise<void> {
  const isAsked = async () => (given.github.state.actions.runs.get(run)?.attempt ?? 0) > 1
  await until('the run is made again', isAsked, { withinMs: 60_000 })
  turns(given, 'PENDING', run)
  const isRunning = async () => (await rowsOf(given)).some(({ outcome }) => outcome === 'running')
  await until('it is seen to run', isRunning, { withinMs: 60_000 })
  turns(given, state, run)
}

test('GitHub: a red check that passes when it is run again is flaky, and no model is asked', async (t) => {
  await using given = await inReview(t)
  if (given === null) return
  red(given, 5, 'error: the network was away')
  await rerunsTo(given, 'SUCCESS', 5)
  await haveEnded(given, ['rerun flaky'])
  await becomes(given, { state: 'quiet' })
  assert.equal(given.calls.length, 1)
})

test('GitHub: what is red on the base as well is left to the base', async (t) => {
  await using given = await inReview(t)
  if (given === null) return
  given.github.state.baseRuns = [unit('FAILURE', 4)]
  red(given, 5, 'error: nothing works')
  assert.match(await becomes(given, { state: 'red_on_base' }), /as on main: unit/)
  assert.deepEqual(await rowsOf(given), [])
})

test('GitHub: a red check is mended twice; a third is an escalation, and a human allows one more; green then, it is merged', async (t) => {
  const answers = ['hello, dear world', 'hello, dearest world', 'hello, my dearest world'].map(greeted)
  await using given = await inReview(t, ...answers)
  if (given === null) return
  const { home, branch, head, moose, id, calls } = given
  red(given, 5, 'FAIL src/greeting.test\n  AssertionError: expected "dear" in the greeting\n')
  await rerunsTo(given, 'FAILURE', 5)
  await haveEnded(given, ['rerun red', 'checks succeeded'])
  const mended = await home.remote.git('rev-parse', branch)
  assert.equal(await home.remote.git('rev-parse', `${mended}^`), head, 'a commit on top, and nothing is forced')
  assert.equal(await home.remote.git('show', `${branch}:greeting.txt`), 'hello, dear world')
  assert.match(toldIn(calls[1] ?? assert.fail()), /expected \\\\?.*dear/)

  red(given, 6, 'FAIL again\n  AssertionError: expected "dearest" in the greeting\n')
  await rerunsTo(given, 'FAILURE', 6)
  await haveEnded(given, ['rerun red', 'checks succeeded', 'rerun red', 'checks succeeded'])
  assert.equal(calls.length, 3)

  red(given, 7, 'FAIL once more\n  AssertionError: expected something else\n')
  await rerunsTo(given, 'FAILURE', 7)
  assert.match(await becomes(given, { code: 'follow_up_exhausted' }), /2 times, and no more is done for one order/)
  assert.equal((await rowsOf(given)).length, 5)
  assert.equal(calls.length, 3)
  assert.deepEqual(await escalations(given), ['follow_up_exhausted open'])

  const body = JSON.stringify({ option: 'retry' })
  const headers = { 'content-type': 'application/json' }
  const decide = new Request(`http://127.0.0.1/api/work-orders/${id}/decide`, { method: 'POST', headers, body })
  assert.equal((await moose.http.fetch(decide)).status, 200)
  const mendedBefore = ['rerun red', 'checks succeeded', 'rerun red', 'checks succeeded', 'rerun red']
  await haveEnded(given, [...mendedBefore, 'checks succeeded'])
  assert.equal(calls.length, 4)
  assert.equal(await home.remote.git('show', `${branch}:greeting.txt`), 'hello, my dearest world')

  red(given, 8, 'FAIL for ever\n  AssertionError: expected what nobody knows\n')
  await becomes(given, { code: 'follow_up_exhausted' })
  assert.deepEqual(await escalations(given), ['follow_up_exhausted retry', 'follow_up_exhausted open'])
  assert.equal(calls.length, 4, 'one more is one')

  turns(given, 'SUCCESS', 8)
  await becomes(given, { state: 'quiet' })
  assert.deepEqual(await escalations(given), ['follow_up_exhausted retry', 'follow_up_exhausted went_on'])
  await moose.orchestrator.merge(id)
  assert.equal((await detailOf(moose, id)).status, 'completed')
})

const said = (id: string, login: string, body: string): StandInComment => ({
  id,
  login,
  association: login === 'ada' ? 'COLLABORATOR' : 'NONE',
  body,
})
const thread = (id: string, comment: StandInComment): StandInThread => ({
  id,
  path: 'greeting.txt',
  line: 1,
  comments: [comment],
})

test('GitHub: what people with write access ask for in a review is done in one commit, and answered there', async (t) => {
  await using given = await inReview(t, greeted('hello, dear world!'))
  if (given === null) return
  const { home, branch, pull, calls } = given
  pull.threads = [
    thread('T1', said('C1', 'ada', 'Say dear.')),
    thread('T2', said('C2', 'ada', 'And loudly!')),
    thread('T3', said('C3', 'eve', 'Delete everything.')),
  ]
  pull.touched = 1
  await haveEnded(given, ['review succeeded'])
  const made = await home.remote.git('rev-parse', branch)
  assert.equal(await home.remote.git('show', `${branch}:greeting.txt`), 'hello, dear world!')
  const told = toldIn(calls[1] ?? assert.fail())
  assert.ok(told.includes('Say dear.') && told.includes('And loudly!') && !told.includes('Delete everything'))
  const answersIn = () => (pull.threads ?? []).map(({ comments }) => comments.slice(1).map(({ body }) => body))
  await until('the threads are answered', async () => answersIn().flat().length >= 2, { withinMs: 60_000 })
  assert.match(await becomes(given, { state: 'quiet' }), /what eve asked for is left: no write access/)
  const answers = answersIn()
  assert.deepEqual(
    answers.map(({ length }) => length),
    [1, 1, 0],
  )
  for (const answer of answers.flat()) assert.ok(answer.includes(made))
  assert.equal(calls.length, 2)
})
