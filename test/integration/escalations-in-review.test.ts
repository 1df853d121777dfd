import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Moose } from '../../src/app.ts'
import { decide } from '../../src/client-manager/client-manager.ts'
import { ListedWorkOrdersResponse } from '../../src/contract/order-list.ts'
import { DecidedResponse, EscalationResponse } from '../../src/contract/why/escalation.ts'
import { InboxResponse } from '../../src/contract/why/inbox.ts'
import { editWorkOrder } from '../../src/db/work-orders/edit-work-order.ts'
import { type Scripted, startModelServer } from '../support/model-server.ts'
import { moose as command } from '../support/moose-command.ts'
import { createMooseHome, detailOf, fileOrder, settled } from '../support/moose-home.ts'
import { added, kindsTo, receiver } from '../support/notification-receiver.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'
import { NEVER_POLLS, write } from '../support/suspended-bench.ts'
import { until } from '../support/until.ts'

const LOOKS = { ...NEVER_POLLS, MOOSE_TRACK_INTERVAL_MS: '1000', ORCHESTRATOR_EXECUTOR: 'patch' }
const FILES = {
  'greeting.txt': 'top\nhello\nbottom\n',
  'other.txt': 'other\n',
  'moose.yaml': 'checks:\n  - { name: polite, run: "! grep -q rude greeting.txt other.txt", proves: [1] }\n',
}
const text = (told: string): Scripted => ({ kind: 'text', text: told })
const CHANGE = text(write('greeting.txt', 'top\nhello, world\nbottom'))
const RESOLVED = text(write('greeting.txt', 'top\ngood morning, world\nbottom'))
const CANNOT = [text('I cannot.'), text('I cannot.')]

/** An order in review in a service that looks at its pull request each second, and what its models answer from then on. */
async function inReview(small: Scripted[], large: Scripted[] = []) {
  await using stack = new AsyncDisposableStack()
  const home = stack.use(await createMooseHome(FILES, [], LOOKS))
  const cheap = stack.use(await startModelServer(CHANGE, ...small))
  const dear = stack.use(await startModelServer(...large))
  await useStandIn(home, 'small', { url: cheap.url, threshold: 1 })
  const moose = stack.use(await home.open())
  await moose.orchestrator.start(null)
  const criteria = ['It is polite']
  const id = await fileOrder(home.database, { title: 'Greet the world', files: ['greeting.txt'], criteria })
  const order = await settled(moose, id)
  assert.equal(order.phase, 'in_review', JSON.stringify(order.status_reason))
  const price = { input_per_million: 100, output_per_million: 100 }
  await useStandIn(home, 'large', { url: dear.url, threshold: 1, price })
  const branch = String(order.github_branch)
  const owned = stack.move()
  return { home, moose, cheap, dear, id, branch, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
type Given = Awaited<ReturnType<typeof inReview>>

async function call(moose: Moose, path: string, body?: unknown): Promise<{ status: number; said: unknown }> {
  const headers = { 'content-type': 'application/json' }
  const sent = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body), headers }
  const response = await moose.http.fetch(new Request(`http://127.0.0.1${path}`, sent))
  return { status: response.status, said: await response.json() }
}
const shown = async ({ moose, id }: Given) =>
  EscalationResponse.parse((await call(moose, `/api/work-orders/${id}/escalation`)).said)
async function decided({ moose, id }: Given, body: unknown) {
  const { status, said } = await call(moose, `/api/work-orders/${id}/decide`, body)
  assert.equal(status, 200, JSON.stringify(said))
  return DecidedResponse.parse(said)
}

/** The open escalation, once there is one after so many others. */
async function escalated(given: Given, cause: string, past = 0) {
  const isOpen = async () => {
    const found = await shown(given)
    return found.escalation?.cause === cause && found.past.length === past
  }
  const say = async () => JSON.stringify((await shown(given)).past)
  await until(`it is an escalation of ${cause}`, isOpen, { withinMs: 60_000, say })
  const { escalation } = await shown(given)
  assert.ok(escalation !== null)
  return escalation
}

/** The base conflicts with it, and the model does not resolve that. */
async function exhausted(answers: Scripted[] = [], large: Scripted[] = []): Promise<Given> {
  await using stack = new AsyncDisposableStack()
  const given = stack.use(await inReview([...CANNOT, ...answers], large))
  await given.home.remote.commit('main', { 'greeting.txt': 'top\ngood morning\nbottom\n' })
  await escalated(given, 'follow_up_exhausted')
  const owned = stack.move()
  return { ...given, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** What was reacted to, once so many reactions have ended; `+`: by an answer of a human. */
async function reactions({ home, moose, id }: Given, count: number): Promise<string[]> {
  const read = home.database.db.selectFrom('follow_ups').select(['kind', 'outcome', 'allowed_by']).orderBy('id')
  const haveEnded = async () => {
    const rows = await read.execute()
    return rows.length >= count && rows.every(({ outcome }) => outcome !== null)
  }
  await until(`${count} reactions have ended`, haveEnded, { withinMs: 60_000 })
  await settled(moose, id)
  const rows = await read.execute()
  return rows.map(({ kind, outcome, allowed_by: by }) => `${kind} ${outcome}${by === null ? '' : ' +'}`)
}

const LEFT = 'base merge_conflict'

test('what Moose gives up of an open pull request is an escalation, announced once; one more round is carried out, and paid for', async () => {
  await using given = await exhausted([RESOLVED])
  const { moose, id, home, branch, cheap } = given
  const { escalation } = await shown(given)
  assert.ok(escalation !== null)
  assert.deepEqual([escalation.attempt, escalation.story.length], [2, 5])
  assert.match(
    escalation.story.join('\n'),
    /\nStopped: in review, follow_up_exhausted: It is in review with pull request #1: /,
  )
  assert.deepEqual(
    escalation.options.map(({ option }) => option),
    ['retry', 'model', 'amend', 'abort'],
  )
  const { inbox } = InboxResponse.parse((await call(moose, '/api/inbox')).said)
  const entry = inbox.find(({ work_order }) => work_order?.id === id)
  assert.deepEqual([entry?.kind, entry?.next[0]], ['review', `moose decide ${id.slice(0, 8)}`])
  const paid = Number((await detailOf(moose, id)).actual_cost)

  const said = await decided(given, { option: 'retry', escalation_id: escalation.id, budget_usd: 7 })
  assert.deepEqual([said.escalation.closed_as, said.escalation.answer?.option], ['decided', 'retry'])
  assert.deepEqual([said.escalation.answer?.spent_usd, said.work_order.budget_usd], [paid, 7])
  assert.ok(paid > 0)
  assert.deepEqual(await reactions(given, 2), [LEFT, 'base succeeded +'])
  assert.equal(cheap.calls.length, 4)
  assert.equal(await home.remote.git('show', `${branch}:greeting.txt`), 'top\ngood morning, world\nbottom')
  assert.ok(Number((await detailOf(moose, id)).actual_cost) > paid, 'the round is paid for by the order')
  assert.equal((await shown(given)).escalation, null)
})

test('a reaction that fails and falls back on its pull request is told as that, and not as a failed order', async () => {
  await using given = await inReview(CANNOT)
  await using hooks = await receiver(200)
  await added(given.moose, { name: 'ops', url: hooks.url })
  await given.home.remote.commit('main', { 'greeting.txt': 'top\ngood morning\nbottom\n' })
  await escalated(given, 'follow_up_exhausted')
  const told = (await kindsTo(given.home, 'ops')).toSorted((one, other) => one.localeCompare(other))
  assert.deepEqual(told, ['escalation.opened', 'follow_up.failed', 'follow_up.started'])
  const sent = () => hooks.received.map(({ body }) => JSON.parse(body)).find(({ type }) => type === 'follow_up.failed')
  await until('it is sent', async () => sent() !== undefined)
  const { outcome, follow_up: followUp, status, phase, reason } = sent().data
  assert.deepEqual([followUp, outcome, status, phase], ['base', 'merge_conflict', 'in_progress', 'in_review'])
  assert.match(reason, /conflict/)
})

test('a conflict that no model was asked about for lack of room names the cap', async () => {
  await using given = await inReview([RESOLVED])
  const { home, moose, id, cheap } = given
  await home.database.db.updateTable('work_orders').set({ budget_usd: '0.0001' }).where('id', '=', id).execute()
  await home.remote.commit('main', { 'greeting.txt': 'top\ngood morning\nbottom\n' })
  const { story } = await escalated(given, 'follow_up_exhausted')
  const reaction = (await detailOf(moose, id)).pull_request?.last_reaction
  assert.deepEqual([reaction?.kind, cheap.calls.length], ['base', 1])
  for (const said of [String(reaction?.said), story.join('\n')])
    assert.match(
      said,
      /conflicts with main in: greeting\.txt: The next call to small may cost up to .* the cap of this order/,
    )
})

test('one more round is one: where it fails as well it is asked again, and nothing more is spent', async () => {
  await using given = await exhausted([...CANNOT, RESOLVED])
  const first = (await shown(given)).escalation
  await decided(given, { option: 'retry' })
  assert.deepEqual(await reactions(given, 2), [LEFT, `${LEFT} +`])
  const second = await escalated(given, 'follow_up_exhausted', 1)
  assert.notEqual(second.id, first?.id)
  const retry = second.options.find(({ option }) => option === 'retry')
  assert.deepEqual([retry?.chosen, retry?.ended, retry?.ended_well], [1, 1, 0])
  const looked = (await detailOf(given.moose, given.id)).pull_request?.seen_at
  const looksAgain = async () => (await detailOf(given.moose, given.id)).pull_request?.seen_at !== looked
  await until('it is looked at again', looksAgain, { withinMs: 30_000 })
  assert.deepEqual([(await reactions(given, 2)).length, given.cheap.calls.length], [2, 5])
})

test('another model makes the one more round', async () => {
  await using given = await exhausted([], [RESOLVED])
  const offer = (await shown(given)).escalation?.options.find(({ option }) => option === 'model')
  assert.equal(offer?.proposer, 'large')
  assert.match((await decided(given, { option: 'model' })).sentence, /^large is asked\. /)
  assert.deepEqual(await reactions(given, 2), [LEFT, 'base succeeded +'])
  assert.deepEqual([given.cheap.calls.length, given.dear.calls.length], [3, 1])
})

test('amended in review: its pull request is closed, and the order is made anew as it is then; what cannot be changed closes nothing', async () => {
  await using given = await exhausted([text(write('other.txt', 'hello'))])
  const { moose, id } = given
  const wrong = await call(moose, `/api/work-orders/${id}/decide`, { option: 'amend', changes: { project: 'nowhere' } })
  assert.equal(wrong.status, 404, JSON.stringify(wrong.said))
  assert.equal((await detailOf(moose, id)).phase, 'in_review')
  assert.equal((await detailOf(moose, id)).pull_request?.last_reaction?.kind, 'base')
  await assert.rejects(
    editWorkOrder(given.home.database.db, id, { title: 'Another' }),
    /moose decide \w+ amend -f order/,
  )
  const said = await decided(given, { option: 'amend', changes: { files_in_scope: ['other.txt'] } })
  assert.deepEqual([said.work_order.files_in_scope, said.work_order.approved], [['other.txt'], true])
  assert.equal(said.escalation.closed_as, 'decided')
  assert.match(said.sentence, /^Its pull request is closed\. It is approved as it stands now: /)
  const order = await settled(moose, id)
  assert.deepEqual([order.phase, order.pull_request?.state, order.pull_request?.number], ['in_review', 'open', 2])
  assert.equal(order.pull_request?.last_reaction, undefined, 'that was of the pull request before')
})

test('amended while its forge does not answer for minutes: it is held, and no other answer is carried out meanwhile', async () => {
  await using given = await exhausted([text(write('other.txt', 'hello'))])
  const { moose, id, home } = given
  const { orchestrator } = moose.api
  const { promise: isAsked, resolve: asked } = Promise.withResolvers<void>()
  const { promise: answers, resolve: answer } = Promise.withResolvers<void>()
  const hanging: typeof orchestrator.cancel = async (...of) => {
    asked()
    await answers
    await orchestrator.cancel(...of)
  }
  const { explain, retry, foreseeRetry, verify, adopt } = orchestrator
  const by = { kind: 'os_user', name: 'ada' } as const
  const deps = { ...moose.api, orchestrator: { explain, retry, foreseeRetry, verify, adopt, cancel: hanging } }
  const wish = { option: 'amend' as const, changes: { files_in_scope: ['other.txt'] } }
  const first = decide(deps, id, { wish, by, assertMayCost: async () => undefined })
  await isAsked
  const { pool } = home.database
  // It was begun two minutes ago.
  await pool.query(
    `update order_escalations set decided_at = decided_at - interval '2 minutes',
       held_until = clock_timestamp() + interval '20 seconds' where work_order_id = $1`,
    [id],
  )
  const isHeld = async () => {
    const later = `select 1 from order_escalations where held_until > clock_timestamp() + interval '30 seconds'`
    return (await pool.query(later)).rows.length === 1
  }
  await until('it is held for longer', isHeld, { withinMs: 60_000 })
  const second = await call(moose, `/api/work-orders/${id}/decide`, wish)
  assert.equal(second.status, 409, JSON.stringify(second.said))
  assert.match(JSON.stringify(second.said), /was decided about meanwhile/)
  answer()
  assert.equal((await first).escalation.closed_as, 'decided')
  const order = await settled(moose, id)
  assert.deepEqual([order.phase, order.pull_request?.number], ['in_review', 2], 'it was made anew once')
})

test('verified only: not while it conflicts, because that would find the same conflict', async () => {
  await using given = await exhausted()
  const { status, said } = await call(given.moose, `/api/work-orders/${given.id}/decide`, { option: 'verify' })
  assert.deepEqual(
    [status, /The option verify is not there/.test(JSON.stringify(said))],
    [409, true],
    JSON.stringify(said),
  )
  assert.equal((await detailOf(given.moose, given.id)).attempts, 2)
})

test('given up: the pull request is closed, and the order cancelled', async () => {
  await using given = await exhausted()
  const said = await decided(given, { option: 'abort' })
  assert.deepEqual([said.work_order.status, said.escalation.closed_as], ['cancelled', 'decided'])
  assert.equal((await detailOf(given.moose, given.id)).pull_request?.state, 'closed')
  const { said: why } = await call(given.moose, `/api/work-orders/${given.id}/why`)
  assert.match(JSON.stringify(why), /It is cancelled: \S+ gave it up; pull request #1 was closed\./)
  const { said: list } = await call(given.moose, '/api/work-orders')
  const [listed] = ListedWorkOrdersResponse.parse(list).work_orders
  assert.deepEqual([listed?.github_pr_number, listed?.pull_request_closed], [1, true])
  const { environment } = given.home
  await given.moose[Symbol.asyncDispose]()
  assert.match((await command(['list'], { environment })).stdout, / #1 closed /)
})

test('it closes by itself when it is merged, or a person takes the branch over', async () => {
  await using given = await exhausted()
  const { home, branch, id, moose } = given
  await home.remote.commit(branch, { 'greeting.txt': 'top\ngood morning, whole world\nbottom\n' })
  const other = await escalated(given, 'hands_off', 1)
  assert.deepEqual(
    other.options.map(({ option }) => option),
    ['adopt', 'verify', 'abort'],
  )
  assert.equal((await shown(given)).past[0]?.closed_as, 'went_on')
  await moose.orchestrator.close(id)
  const { escalation, past } = await shown(given)
  assert.deepEqual([escalation, past.map(({ closed_as }) => closed_as)], [null, ['went_on', 'went_on']])
})

test('a conflict that no model may resolve is one escalation, and is told once, however often the base moves', async () => {
  await using given = await inReview([])
  await using hooks = await receiver(200)
  const { home, branch, moose, id, cheap } = given
  await home.remote.commit(branch, { 'other.txt': 'by hand\n' })
  await escalated(given, 'hands_off')
  await decided(given, { option: 'adopt' })
  await settled(moose, id)
  await added(moose, { name: 'ops', url: hooks.url })
  await home.remote.commit('main', { 'other.txt': 'by others\n' })
  const first = await escalated(given, 'follow_up_exhausted', 1)
  assert.deepEqual(
    first.options.map(({ option }) => option),
    ['amend', 'abort'],
  )
  const stopped = String(first.story.find((line) => line.startsWith('Stopped')))
  assert.match(stopped, /in other\.txt, seen at .*and not other\.txt; Moose does no more about it\. Merge main into/)
  const seen = async () => (await detailOf(moose, id)).pull_request?.conflict?.seen_base_sha
  for (const line of ['one', 'two']) {
    const tip = await home.remote.commit('main', { 'more.txt': line })
    await until('the base is seen to have moved', async () => (await seen()) === tip, { withinMs: 30_000 })
  }
  const looked = (await detailOf(moose, id)).pull_request?.seen_at
  const looksAgain = async () => (await detailOf(moose, id)).pull_request?.seen_at !== looked
  await until('it is looked at again', looksAgain, { withinMs: 30_000 })
  const { escalation } = await shown(given)
  assert.deepEqual([escalation?.id, escalation?.story], [first.id, first.story])
  assert.deepEqual(
    [(await reactions(given, 1)).length, (await detailOf(moose, id)).attempts, cheap.calls.length],
    [1, 3, 1],
  )
  const told = (await kindsTo(home, 'ops')).filter((kind) => kind.startsWith('escalation.'))
  assert.deepEqual(told, ['escalation.opened'])
  await home.remote.commit('main', { 'other.txt': 'other\n' })
  assert.deepEqual(await reactions(given, 2), [LEFT, 'base succeeded'], 'once git can merge, it is merged in')
  assert.equal((await shown(given)).escalation, null)
})

test('adopt: what a person has pushed is given back, by one call', async () => {
  await using given = await inReview([])
  const { home, branch, moose, id } = given
  const pushed = await home.remote.commit(branch, { 'greeting.txt': 'top\nhello, whole world\nbottom\n' })
  await escalated(given, 'hands_off')
  const said = await decided(given, { option: 'adopt' })
  assert.deepEqual([said.escalation.answer?.option, said.escalation.closed_as], ['adopt', 'decided'])
  assert.ok(Number(said.escalation.answer?.spent_usd) > 0)
  const order = await settled(moose, id)
  assert.deepEqual([order.phase, order.pull_request?.head_sha], ['in_review', pushed])
  const again = await call(moose, `/api/work-orders/${id}/decide`, { option: 'adopt' })
  assert.equal(again.status, 409, JSON.stringify(again.said))
})

test('what a person has pushed needs no decision once it is verified: it can be merged', async () => {
  await using given = await inReview([])
  const { home, branch, moose, id } = given
  await home.remote.commit(branch, { 'greeting.txt': 'top\nhello, whole world\nbottom\n' })
  await escalated(given, 'hands_off')
  await decided(given, { option: 'verify' })
  await settled(moose, id)
  const followUp = async () => (await detailOf(moose, id)).pull_request?.follow_up
  await until('it is looked at', async () => (await followUp())?.code === 'hands_off', { withinMs: 30_000 })
  assert.equal((await shown(given)).escalation, null)
  const { inbox } = InboxResponse.parse((await call(moose, '/api/inbox')).said)
  assert.equal(inbox.find(({ work_order }) => work_order?.id === id)?.kind, 'merge')
})

test('on the command line: adopt by one command, with what the order had cost', async () => {
  await using given = await inReview([])
  const { home, branch, moose, id } = given
  await home.remote.commit(branch, { 'greeting.txt': 'top\nhello, whole world\nbottom\n' })
  await escalated(given, 'hands_off')
  await moose[Symbol.asyncDispose]()
  const { environment } = home
  const short = id.slice(0, 8)
  const listed = await command(['inbox'], { environment })
  assert.match(listed.stdout, new RegExp(`moose decide ${short}`))
  const page = await command(['decide', short], { environment })
  assert.match(page.stdout, /^Asked: .*\nTried: .*\nStopped: .*\nCost: .*\nThere: .*\nStopped (?:.* ago|just now)\n/)
  assert.match(page.stdout, new RegExp(`\\nadopt {2}costs nothing\\n.*\\n {2}\\$ .*moose decide ${short} adopt`))
  const done = await command(['adopt', short], { environment })
  assert.equal(done.exitCode, 0, done.stderr)
  assert.match(
    done.stderr,
    /outside of files_in_scope of the order is not refused: moose why [0-9a-f]{8} names it once/,
  )
  const { stdout } = await command(['decide', short, '--json'], { environment })
  const { escalation, next, past } = EscalationResponse.parse(JSON.parse(stdout))
  assert.deepEqual([escalation, next, past[0]?.answer?.option], [null, [`moose why ${short}`], 'adopt'])
  assert.ok(Number(past[0]?.answer?.spent_usd) > 0)
})
