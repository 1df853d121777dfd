import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setLimit } from '../../src/budget/limits.ts'
import { reviewOf } from '../../src/contract/evidence/review.ts'
import { EscalationResponse } from '../../src/contract/why/escalation.ts'
import { InboxResponse } from '../../src/contract/why/inbox.ts'
import { largestReservations } from '../../src/db/budget-entries/reservations.ts'
import { listFailureRows, resumeProject, resumeProposer } from '../../src/db/work-orders/failure-rows.ts'
import { Usd } from '../../src/money.ts'
import type { StandInRun } from '../support/github/actions.ts'
import {
  answersIn,
  becomes,
  escalations,
  greeted,
  haveEnded,
  type InReview,
  inReview,
  type OnGitHub,
  onGitHub,
  reviewed,
  rowsOf,
  said,
  thread,
} from '../support/github/order-on-github.ts'
import type { ReceivedCall } from '../support/model-server.ts'
import { detailOf } from '../support/moose-home.ts'
import { pauseByFailures } from '../support/paused-by-failures.ts'
import { write } from '../support/suspended-bench.ts'
import { until } from '../support/until.ts'

const PATIENCE = { withinMs: 240_000 }

const toldIn = ({ body }: ReceivedCall): string => JSON.stringify(body)

const unit = (state: string, run: number): StandInRun => ({
  name: 'unit',
  state,
  url: null,
  job: { run, id: run + 100 },
})

/** The check fails in a run of its own, with what its log says. */
function red({ pull, github }: OnGitHub & InReview, run: number, log: string): void {
  github.state.actions.runs.set(run, { attempt: 1, status: 'completed' })
  github.state.actions.logs.set(run + 100, log)
  pull.checks = 'FAILURE'
  pull.runs = [unit('FAILURE', run)]
}

function turns({ pull, github }: OnGitHub & InReview, state: 'PENDING' | 'SUCCESS' | 'FAILURE', run: number): void {
  if (state !== 'PENDING') github.state.actions.runs.set(run, { attempt: 2, status: 'completed' })
  pull.checks = state
  pull.runs = [unit(state === 'PENDING' ? 'IN_PROGRESS' : state, run)]
}

async function allowsOneMore({ moose, id }: Pick<InReview, 'moose' | 'id'>): Promise<void> {
  const body = JSON.stringify({ option: 'retry' })
  const headers = { 'content-type': 'application/json' }
  const decide = new Request(`http://127.0.0.1/api/work-orders/${id}/decide`, { method: 'POST', headers, body })
  assert.equal((await moose.http.fetch(decide)).status, 200)
}

async function rerunsTo(given: OnGitHub & InReview, state: 'SUCCESS' | 'FAILURE', run: number): Promise<void> {
  const isAsked = async () => (given.github.state.actions.runs.get(run)?.attempt ?? 0) > 1
  await until('the run is made again', isAsked, PATIENCE)
  turns(given, 'PENDING', run)
  const isRunning = async () => (await rowsOf(given)).some(({ outcome }) => outcome === 'running')
  await until('it is seen to run', isRunning, PATIENCE)
  turns(given, state, run)
}

async function storyOf({ moose, id }: InReview): Promise<string> {
  const response = await moose.http.fetch(new Request(`http://127.0.0.1/api/work-orders/${id}/escalation`))
  const { escalation } = EscalationResponse.parse(await response.json())
  return escalation === null ? '' : escalation.story.join('\n')
}

test('GitHub: a red check that passes when it is run again is flaky, and no model is asked', async (t) => {
  await using given = await inReview(t)
  if (given === null) return
  red(given, 5, 'error: the network was away')
  await rerunsTo(given, 'SUCCESS', 5)
  await haveEnded(given, ['rerun flaky'])
  await becomes(given, { state: 'quiet' })
  const told = given.home.database.db
    .selectFrom('work_order_events')
    .select('message')
    .where('message', 'like', '%: it is flaky')
  assert.equal((await told.execute()).length, 1)
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
  const failing = (await detailOf(moose, id)).pull_request?.follow_up?.failing
  assert.deepEqual(
    failing?.map(({ check, said: line }) => [check, line]),
    [['unit', 'AssertionError: expected something else']],
  )
  assert.match(await storyOf(given), /Failed check: unit: "AssertionError: expected something else"/)
  assert.equal((await rowsOf(given)).length, 5)
  assert.equal(calls.length, 3)
  assert.deepEqual(await escalations(given), ['follow_up_exhausted open'])

  await allowsOneMore(given)
  const mendedBefore = ['rerun red', 'checks succeeded', 'rerun red', 'checks succeeded', 'rerun red']
  await haveEnded(given, [...mendedBefore, 'checks succeeded'])
  assert.equal(calls.length, 4)
  assert.equal(await home.remote.git('show', `${branch}:greeting.txt`), 'hello, my dearest world')

  red(given, 8, 'FAIL for ever\n  AssertionError: expected what nobody knows\n')
  const left = await becomes(given, { code: 'follow_up_exhausted' })
  assert.match(left, /a repair was tried 3 times, of these 1 that a human allowed, and no more is done for one order/)
  assert.match(await storyOf(given), /; the last repair, attempt 4, succeeded and cost \$\d/)
  assert.deepEqual(await escalations(given), ['follow_up_exhausted retry', 'follow_up_exhausted open'])
  assert.equal(calls.length, 4, 'one more is one')

  turns(given, 'SUCCESS', 8)
  await becomes(given, { state: 'quiet' })
  assert.deepEqual(await escalations(given), ['follow_up_exhausted retry', 'follow_up_exhausted went_on'])
  await moose.orchestrator.merge(id)
  assert.equal((await detailOf(moose, id)).status, 'completed')
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
  pull.review = 'CHANGES_REQUESTED'
  pull.touched = 1
  await haveEnded(given, ['review succeeded'])
  const made = await home.remote.git('rev-parse', branch)
  assert.equal(await home.remote.git('show', `${branch}:greeting.txt`), 'hello, dear world!')
  const told = toldIn(calls[1] ?? assert.fail())
  assert.ok(told.includes('Say dear.') && told.includes('And loudly!') && !told.includes('Delete everything'))
  await until('the threads are answered', async () => answersIn(pull).flat().length >= 2, PATIENCE)
  assert.match(await becomes(given, { state: 'quiet' }), /what eve asked for is not done: no write access/)
  const answers = answersIn(pull)
  assert.deepEqual(
    answers.map(({ length }) => length),
    [1, 1, 0],
  )
  for (const answer of answers.flat()) assert.ok(answer.includes(made))
  assert.equal((await detailOf(given.moose, given.id)).pull_request?.follow_up?.answered_with, made)
  assert.equal(calls.length, 2)
})

test('GitHub: what was asked for a moment ago is said first; while Moose waits for its end it is nothing to merge', async (t) => {
  await using given = await inReview(t)
  if (given === null) return
  const { pull, moose, id } = given
  pull.threads = [thread('T1', { ...said('C1', 'ada', 'Say dear.'), at: new Date().toISOString() })]
  pull.touched = 1
  const why = await becomes(given, { state: 'settling' })
  const told = async (path: string) =>
    await (await moose.http.fetch(new Request(`http://127.0.0.1/api/${path}`))).text()
  assert.ok((await told(`work-orders/${id}/why`)).includes(`with pull request #1: ${why}. Moose has the model`), why)
  assert.match(await told('inbox'), /"inbox":\[\]/)
})

test('GitHub: each thread is answered with what became of its comment: the commit, the reason of the model, or that its file stays', async (t) => {
  const reason = 'other.txt: delete it @eve, closes #7; <b>it</b> was changed by me'
  const answer = `Comment 2: not done: ${reason}\n\n${write('greeting.txt', 'hello, dear world!')}`
  await using given = await inReview(t, { kind: 'text', text: answer })
  if (given === null) return
  const { home, branch, pull, calls } = given
  pull.threads = [
    thread('T1', said('C1', 'ada', 'Say dear.')),
    thread('T2', said('C2', 'ada', 'Delete other.txt.')),
    { ...thread('T3', said('C3', 'ada', 'Say it here too.')), path: 'other.txt' },
  ]
  pull.touched = 1
  await haveEnded(given, ['review succeeded'])
  const made = await home.remote.git('rev-parse', branch)
  assert.equal(calls.length, 2, 'an answer with reasons is taken as it is')
  const told = toldIn(calls[1] ?? assert.fail())
  assert.match(told, /Comment 1, by ada, on greeting\.txt, line 1:.*Say dear\./)
  assert.match(told, /Comment 3, by ada, on other\.txt, line 1:.*Say it here too\./)
  assert.match(told, /`Comment 2: not done: REASON`/)
  await until('the threads are answered', async () => answersIn(pull).flat().length >= 3, PATIENCE)
  const [first, second, third] = answersIn(pull).map(([text]) => String(text).split('\n\n<!--')[0])
  assert.equal(first, `Done in ${made}.`)
  const [, mark] = String(second).split('@')
  assert.equal(mark?.[0], '\u200b', 'no account is mentioned')
  const seen = 'Not done: other.txt: delete it @eve, closes #7; <b>it</b> was changed by me'
  assert.equal(String(second).replaceAll('\u200b', ''), seen)
  assert.doesNotMatch(String(second), /closes #7|<b>/)
  assert.equal(third, `Not changed by ${made}: it changes \`greeting.txt\` only.`)
  const why = await becomes(given, { code: 'follow_up_exhausted' })
  assert.match(
    why,
    /^a comment of a review by ada \(greeting\.txt: "Delete other\.txt\."\); .* tried and not done; it is tried once; where it is settled, resolve its thread, /,
  )
  const undone = 'Not done, as the model says: comment 2 (greeting.txt): "other.txt: delete it @eve, closes #7; <b>it'
  assert.ok((await storyOf(given)).includes(undone), await storyOf(given))
  assert.equal(calls.length, 2, 'neither what was done nor what was not is asked again')
})

test('GitHub: a review of which the model carries out nothing costs one call, and each thread is answered with why', async (t) => {
  const text = 'Comment 1: not done: the order asks for it.\nComment 2: not done: so does this.\n'
  await using given = await inReview(t, { kind: 'text', text })
  if (given === null) return
  const { home, branch, head, pull, calls } = given
  pull.threads = [thread('T1', said('C1', 'ada', 'Drop it.')), thread('T2', said('C2', 'ada', 'And this.'))]
  pull.touched = 1
  await haveEnded(given, ['review change_without_effect'])
  await until('the threads are answered', async () => answersIn(pull).flat().length >= 2, PATIENCE)
  const answers = answersIn(pull).map(([answer]) => String(answer).split('\n\n<!--')[0])
  assert.deepEqual(answers, ['Not done: the order asks for it.', 'Not done: so does this.'])
  assert.equal(await home.remote.git('rev-parse', branch), head)
  assert.equal(calls.length, 2)
})

test('GitHub: a red check of which nothing can be read costs nothing: it is left to a human, or to be merged where it is not required', async (t) => {
  await using given = await inReview(t)
  if (given === null) return
  const { github, moose, id, pull, calls } = given
  pull.checks = 'FAILURE'
  pull.runs = [{ name: 'opt', state: 'FAILURE', url: 'https://ci.example/1', isRequired: true }]
  const why = await becomes(given, { code: 'follow_up_exhausted' })
  assert.match(why, /neither a log nor a summary of "opt" that Moose may read \(https:\/\/ci\.example\/1\)/)
  assert.deepEqual(await escalations(given), ['follow_up_exhausted open'])
  const asked = () => github.log.filter(({ operation }) => operation.includes('CheckSummary')).length
  assert.equal(asked(), 1)

  pull.runs = [{ name: 'opt', state: 'FAILURE', url: 'https://ci.example/2', isRequired: false }]
  pull.touched = 1
  assert.match(await becomes(given, { state: 'red_optional' }), /ci\.example\/2.*the forge does not require it$/)
  const { pull_request: seen } = await detailOf(moose, id)
  assert.equal(reviewOf(seen).needs, 'weigh')
  assert.deepEqual(await escalations(given), ['follow_up_exhausted went_on'])
  assert.deepEqual(await rowsOf(given), [])
  assert.equal(calls.length, 1)
})

test('GitHub: what a review asks for waits in review while failures in a row pause its project or its proposer, and says so', async (t) => {
  await using given = await inReview(t, greeted('hello, dear world'))
  if (given === null) return
  const { home, moose, id, pull, calls } = given
  const { db } = home.database
  const { id: project } = await db.selectFrom('projects').select('id').executeTakeFirstOrThrow()
  await pauseByFailures(db, { kind: 'project', subject: project })
  await pauseByFailures(db, { kind: 'proposer', subject: 'stand-in' })
  pull.threads = [thread('T1', said('C1', 'ada', 'Say dear.'))]
  pull.touched = 1
  const waitsFor = async (by: { kind: string; name: string }) => {
    const seen = async () => (await detailOf(moose, id)).pull_request?.follow_up?.waits_for
    const say = async () => JSON.stringify((await detailOf(moose, id)).pull_request?.follow_up)
    const isSo = async () => JSON.stringify(await seen()) === JSON.stringify(by)
    await until(`it waits for ${by.name}`, isSo, { ...PATIENCE, say })
    const { why } = (await moose.orchestrator.explain([id])).get(id) ?? assert.fail()
    assert.match(why.sentence, new RegExp(`failures in a row have paused .*${by.name}`))
    assert.equal(why.next[0], `moose ${by.kind} resume ${by.name}`)
    const { phase, pull_request } = await detailOf(moose, id)
    assert.deepEqual([phase, await rowsOf(given), calls.length], ['in_review', [], 1])
    return String(pull_request?.follow_up?.why)
  }
  assert.match(
    await waitsFor({ kind: 'project', name: 'sample' }),
    /its last 5 orders failed with check_failed at verify/,
  )
  await resumeProject(db, { id: project, name: 'sample' })
  // What is of other projects too.
  assert.match(await waitsFor({ kind: 'proposer', name: 'stand-in' }), /moose proposer resume stand-in/)
  await resumeProposer(db, 'stand-in')
  await haveEnded(given, ['review succeeded'])
  assert.equal(calls.length, 2)
})

test('GitHub: a reaction waits in review while the cap of the day has no room for its call, and begins by itself once it has', async (t) => {
  await using given = await inReview(t, greeted('hello, dear world'))
  if (given === null) return
  const { home, moose, id, pull, calls } = given
  const { db } = home.database
  const [reserved] = (await largestReservations(db, id)).values()
  await setLimit(db, 'daily_hard_cap', new Usd(String(reserved)))
  pull.threads = [thread('T1', said('C1', 'ada', 'Say dear.'))]
  pull.touched = 1
  const followUp = async () => (await detailOf(moose, id)).pull_request?.follow_up
  const say = async () => JSON.stringify(await followUp())
  await until('its reaction waits', async () => (await followUp())?.waits_for !== undefined, { ...PATIENCE, say })
  assert.match(
    String((await followUp())?.why),
    /its reaction waits\. The cap of the day .* has no room.*moose budget cap/,
  )
  const { phase, pull_request } = await detailOf(moose, id)
  assert.deepEqual([phase, pull_request?.follow_up?.waits_for], ['in_review', { kind: 'cap', name: 'day' }])
  const { why } = (await moose.orchestrator.explain([id])).get(id) ?? assert.fail()
  assert.match(why.sentence, /waits until the cap day has room/)
  assert.deepEqual([await rowsOf(given), await escalations(given), calls.length], [[], [], 1])
  const inbox = await moose.http.fetch(new Request('http://127.0.0.1/api/inbox'))
  const [entry] = InboxResponse.parse(await inbox.json()).inbox
  assert.deepEqual([entry?.work_order?.id, entry?.next[0]], [id, 'moose budget'])
  await setLimit(db, 'daily_hard_cap', new Usd(100))
  await haveEnded(given, ['review succeeded'])
  assert.equal(calls.length, 2)
})

test('GitHub: a reaction that a model fails counts as a failure of its project, and one that succeeds ends the row', async (t) => {
  const rude = greeted('rude')
  await using given = await onGitHub(t, [greeted('hello, world'), rude, greeted('hello, dear world')], {
    settings: { MOOSE_REPAIR_MAX: '0' },
  })
  if (given === null) return
  await using moose = await given.open()
  const one = { ...given, ...(await reviewed(given, moose)) }
  const lengths = async () =>
    (await listFailureRows(given.home.database.db)).map(({ kind, code, orders }) => `${kind} ${code} ${orders.length}`)
  one.pull.threads = [thread('T1', said('C1', 'ada', 'Be rude.'))]
  one.pull.touched = 1
  await haveEnded(one, ['review check_failed'])
  assert.deepEqual(await lengths(), ['project check_failed 1'])
  await becomes(one, { code: 'follow_up_exhausted' })
  await allowsOneMore(one)
  await haveEnded(one, ['review check_failed', 'review succeeded'])
  assert.deepEqual(await lengths(), [])
})

test('GitHub: a review for which a cap has no room takes no pull request out of its review, nor is it paid once it is settled', async (t) => {
  await using given = await inReview(t, greeted('hello, dear world'))
  if (given === null) return
  const { home, moose, id, pull, calls } = given
  const cap = (usd: string) => home.database.pool.query(`update work_orders set budget_usd = ${usd}`)
  await cap('coalesce(actual_cost, 0) + 0.0000001')
  pull.threads = [thread('T1', said('C1', 'ada', 'Say dear.'))]
  pull.touched = 1
  await haveEnded(given, ['review budget_exceeded'])
  assert.match(await becomes(given, { code: 'follow_up_exhausted' }), /a cap had no room for its call; raise that cap/)
  assert.equal((await detailOf(moose, id)).phase, 'in_review')
  pull.threads = [{ ...thread('T1', said('C1', 'ada', 'Say dear.')), isResolved: true }]
  pull.review = 'APPROVED'
  pull.touched = 2
  await becomes(given, { state: 'quiet' })
  await cap('5')
  const merge = new Request(`http://127.0.0.1/api/work-orders/${id}/merge`, { method: 'POST' })
  assert.equal((await moose.http.fetch(merge)).status, 200)
  assert.equal(calls.length, 1)
  assert.deepEqual(await listFailureRows(home.database.db), [])
})
