import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Moose } from '../../src/app.ts'
import { LanesResponse, ListedWorkOrdersResponse } from '../../src/contract/order-list.ts'
import { DecidedResponse, EscalationResponse } from '../../src/contract/why/escalation.ts'
import { InboxResponse, WhyResponse } from '../../src/contract/why/inbox.ts'
import { WorkOrderResponse, type WorkOrderView } from '../../src/contract/work-orders.ts'
import { optionRecords, wantedProposer, wantProposer } from '../../src/db/escalations/order-escalations.ts'
import { countOutage } from '../../src/db/provider-pauses.ts'
import { type Scripted, startModelServer } from '../support/model-server.ts'
import { moose as command } from '../support/moose-command.ts'
import { createMooseHome, detailOf, fileOrder, settled } from '../support/moose-home.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'

const says = (text: string): Scripted => ({ kind: 'text', text })
const write = (file: string, text: string) => says(`### write ${file}\n\`\`\`\n${text}\n\`\`\`\n`)
const SETTINGS = { OPENAI_COMPATIBLE_API_KEY: 'sk-real', ORCHESTRATOR_EXECUTOR: 'patch', MOOSE_REPAIR_MAX: '0' }
const FILES = {
  'a.txt': 'a\n',
  'b.txt': 'b\n',
  CODEOWNERS: '* @ada\n',
  'moose.yaml': "checks:\n  - { name: good, run: \"grep -q '^good' *.txt || grep -q '^a$' a.txt\" }\n",
}
const BAD = write('a.txt', 'bad')
const GOOD = write('a.txt', 'good')

/** A running Moose with two stand-ins, and one order whose first attempt was stopped. */
async function stopped(small: Scripted[], { files = ['a.txt'], large = [GOOD], title = 'Change a' } = {}) {
  await using stack = new AsyncDisposableStack()
  const home = stack.use(await createMooseHome(FILES, [], SETTINGS))
  const cheap = stack.use(await startModelServer(...small))
  const dear = stack.use(await startModelServer(...large))
  await useStandIn(home, 'small', { url: cheap.url, threshold: 1 })
  const moose = stack.use(await home.open())
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title, files })
  const order = await settled(moose, id)
  await useStandIn(home, 'large', {
    url: dear.url,
    threshold: 1,
    price: { input_per_million: 100, output_per_million: 100 },
  })
  const owned = stack.move()
  return { home, moose, id, order, cheap, dear, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

async function call(moose: Moose, path: string, body?: unknown): Promise<{ status: number; said: unknown }> {
  const sent =
    body === undefined
      ? {}
      : { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
  const response = await moose.http.fetch(new Request(`http://127.0.0.1${path}`, sent))
  return { status: response.status, said: await response.json() }
}
const shown = async (moose: Moose, id: string) =>
  EscalationResponse.parse((await call(moose, `/api/work-orders/${id}/escalation`)).said)
async function decided(moose: Moose, id: string, body: unknown) {
  const { status, said } = await call(moose, `/api/work-orders/${id}/decide`, body)
  assert.equal(status, 200, JSON.stringify(said))
  return DecidedResponse.parse(said)
}
/** Whether a retry would resume the attempt of an order, as each list says it. */
async function resumesInLists(moose: Moose, id: string) {
  const list = ListedWorkOrdersResponse.parse((await call(moose, '/api/work-orders')).said).work_orders
  const { lanes } = LanesResponse.parse((await call(moose, '/api/lanes')).said)
  const { inbox } = InboxResponse.parse((await call(moose, '/api/inbox')).said)
  const of = (orders: readonly (WorkOrderView | null)[]) => orders.find((order) => order?.id === id)?.resumes
  return {
    list: of(list),
    lanes: of(lanes.flatMap(({ work_orders: orders }) => orders)),
    inbox: of(inbox.map(({ work_order: order }) => order)),
  }
}
const stands = ({ status, phase, status_reason: reason }: Awaited<ReturnType<typeof settled>>) =>
  `${status}/${phase === null ? String(reason?.code) : phase}`

test('an order that failed is an escalation: five lines, options with their cost; a retry is carried out, kept and learnt from', async () => {
  await using setting = await stopped([BAD, GOOD])
  const { moose, id, order, home } = setting
  assert.equal(stands(order), 'failed/check_failed')
  const { escalation } = await shown(moose, id)
  assert.ok(escalation !== null)
  assert.deepEqual([escalation.cause, escalation.attempt, escalation.answer], ['check_failed', 1, null])
  assert.deepEqual(
    escalation.story.map((line) => line.split(':', 1)[0]),
    ['Asked', 'Tried', 'Stopped', 'Cost', 'There'],
  )
  assert.match(escalation.story.join('\n'), /Tried: 1 attempt, the last by small\nStopped: failed, check_failed: /)
  assert.deepEqual(
    escalation.options.map(({ option }) => option),
    ['retry', 'model', 'amend', 'verify', 'abort'],
  )
  for (const { option, expected_cost_usd: usd } of escalation.options)
    assert.equal(Number(usd) > 0, !['verify', 'abort'].includes(option), `${option} ${usd}`)

  const said = await decided(moose, id, { option: 'retry', escalation_id: escalation.id, budget_usd: 7 })
  assert.equal(said.work_order.budget_usd, 7)
  assert.match(said.sentence, /^Its cap is \$7\.00 now\. /)
  assert.equal(said.escalation.closed_as, 'decided')
  assert.equal(said.escalation.answer?.option, 'retry')
  assert.ok(said.escalation.answer?.by.startsWith('os_user:'))
  assert.ok(said.escalation.answer.spent_usd > 0, 'what it had cost until then')
  assert.equal(said.escalation.answer.spent_usd, order.actual_cost)
  assert.match(said.sentence, /asked again, told of the last failure/)
  assert.equal(stands(await settled(moose, id)), 'in_progress/in_review')

  const after = await shown(moose, id)
  assert.deepEqual([after.escalation, after.past.length, after.past[0]?.answer?.option], [null, 1, 'retry'])
  const acts = await home.database.db
    .selectFrom('audit_entries')
    .selectAll()
    .where('act', '=', 'escalation.decide')
    .execute()
  assert.deepEqual(
    acts.map(({ details, work_order_id }) => [work_order_id, details['option']]),
    [[id, 'retry']],
  )
  setting.cheap.script.unshift(BAD)
  const next = await fileOrder(home.database, { title: 'Change b', files: ['a.txt', 'b.txt'] })
  await moose.orchestrator.merge(id)
  await settled(moose, next)
  const option = (await shown(moose, next)).escalation?.options.find((offer) => offer.option === 'retry')
  assert.deepEqual([option?.chosen, option?.ended, option?.ended_well], [1, 1, 1])
})

test('what a dearer model is expected to cost is measured as a retry is: by the tokens of its attempts, not by what others have cost', async () => {
  await using setting = await stopped([{ ...BAD, input: 20_000, output: 2_000 }])
  const { moose, id, home } = setting
  const costs = async () => {
    const { escalation } = await shown(moose, id)
    assert.ok(escalation !== null)
    return escalation.options.flatMap(({ option, expected_cost_usd: usd }) =>
      ['retry', 'model', 'amend'].includes(option) ? [[option, usd]] : [],
    )
  }
  const priced = async (name: string, input: number, output: number) =>
    await home.database.pool.query('update proposer_configs set cost_profile = $2 where name = $1', [
      name,
      { input_per_million: input, output_per_million: output },
    ])
  await priced('small', 1, 5)
  await priced('large', 3, 15)
  assert.deepEqual(await costs(), [
    ['retry', 0.03],
    ['model', 0.09],
    ['amend', 0.03],
  ])
})

test('another model: the next attempt is given to the one that was chosen', async () => {
  await using setting = await stopped([BAD])
  const { moose, id, cheap, dear, home } = setting
  const offer = (await shown(moose, id)).escalation?.options.find(({ option }) => option === 'model')
  assert.equal(offer?.proposer, 'large')
  const refused = await call(moose, `/api/work-orders/${id}/decide`, { option: 'model', proposer: 'nobody' })
  assert.equal(refused.status, 400, JSON.stringify(refused.said))
  await home.database.pool.query(`
    create function refuse() returns trigger language plpgsql as $$ begin raise exception 'not now'; end $$;
    create trigger refuse before update of status on work_orders for each row execute function refuse()`)
  assert.equal((await call(moose, `/api/work-orders/${id}/decide`, { option: 'model' })).status, 500)
  assert.equal(await wantedProposer(home.database.db, id), null, 'what was not carried out is not wanted')
  await home.database.pool.query('drop trigger refuse on work_orders')
  await decided(moose, id, { option: 'model' })
  assert.equal(stands(await settled(moose, id)), 'in_progress/in_review')
  assert.deepEqual([cheap.calls.length, dear.calls.length], [1, 1])
})

test('amend: changed, approved as it stands then, and tried again', async () => {
  await using setting = await stopped([BAD, write('b.txt', 'good')])
  const { moose, id } = setting
  const without = await call(moose, `/api/work-orders/${id}/decide`, { option: 'amend' })
  assert.equal(without.status, 400)
  const said = await decided(moose, id, { option: 'amend', changes: { files_in_scope: ['b.txt'] } })
  assert.deepEqual([said.work_order.files_in_scope, said.work_order.approved], [['b.txt'], true])
  assert.equal(stands(await settled(moose, id)), 'in_progress/in_review')
})

test('amend: what was changed meanwhile is not approved along, unless it was looked at', async () => {
  await using setting = await stopped([BAD, write('b.txt', 'good')])
  const { moose, id, home } = setting
  await home.database.pool.query(`update work_orders set description = 'Send it away' where id = $1`, [id])
  const changes = { files_in_scope: ['b.txt'] }
  const unseen = await call(moose, `/api/work-orders/${id}/decide`, { option: 'amend', changes })
  assert.equal(unseen.status, 409)
  assert.match(JSON.stringify(unseen.said), /was changed after it was approved/)
  const { content_sha256, files_in_scope: files } = await detailOf(moose, id)
  assert.deepEqual(files, ['a.txt'])
  const said = await decided(moose, id, { option: 'amend', changes: { ...changes, content_sha256 } })
  assert.deepEqual([said.work_order.files_in_scope, said.work_order.approved], [['b.txt'], true])
})

test('verify: the commit that is there is checked without a model; what stops it again is a new escalation', async () => {
  await using setting = await stopped([BAD])
  const { moose, id, cheap, dear } = setting
  const first = (await shown(moose, id)).escalation
  await decided(moose, id, { option: 'verify' })
  const order = await settled(moose, id)
  assert.deepEqual([stands(order), order.attempts], ['failed/check_failed', 2])
  assert.deepEqual([cheap.calls.length, dear.calls.length], [1, 0])
  const second = await shown(moose, id)
  assert.notEqual(second.escalation?.id, first?.id)
  assert.deepEqual([second.past[0]?.id, second.past[0]?.closed_as], [first?.id, 'decided'])
  const verify = second.escalation?.options.find(({ option }) => option === 'verify')
  assert.deepEqual([verify?.chosen, verify?.ended, verify?.ended_well], [1, 1, 0])
  const stale = await call(moose, `/api/work-orders/${id}/decide`, { option: 'retry', escalation_id: first?.id })
  assert.equal(stale.status, 409, JSON.stringify(stale.said))
})

test('verify is not offered of what was made before the order was edited', async () => {
  await using setting = await stopped([BAD])
  const { moose, id } = setting
  const options = async () => (await shown(moose, id)).escalation?.options.map(({ option }) => option)
  assert.ok((await options())?.includes('verify'))
  const body = JSON.stringify({ acceptance_criteria: ['a.txt says more.'] })
  const headers = { 'content-type': 'application/json' }
  const edit = new Request(`http://127.0.0.1/api/work-orders/${id}`, { method: 'PATCH', body, headers })
  assert.equal((await moose.http.fetch(edit)).status, 200)
  assert.deepEqual(await options(), ['retry', 'model', 'amend', 'abort'])
})

test('abort: the order is cancelled, and nothing is left to decide', async () => {
  await using setting = await stopped([BAD])
  const { moose, id, home } = setting
  const said = await decided(moose, id, { option: 'abort' })
  assert.deepEqual([said.work_order.status, said.escalation.closed_as], ['cancelled', 'decided'])
  const records = await optionRecords(home.database.db, said.escalation.cause)
  assert.deepEqual(records, [{ option: 'abort', chosen: 1, ended: 0, ended_well: 0 }], 'it ends neither well nor badly')
  const again = await call(moose, `/api/work-orders/${id}/decide`, { option: 'abort' })
  assert.equal(again.status, 409, JSON.stringify(again.said))
})

test('held: what is held is allowed, and the attempt goes on with the same commit', async () => {
  const held = says('### write CODEOWNERS\n```\n* @mallory\n```\n')
  await using setting = await stopped([held], { files: ['CODEOWNERS'] })
  const { moose, id, order, cheap, home } = setting
  assert.equal(stands(order), 'blocked/protected_change')
  const { escalation } = await shown(moose, id)
  assert.equal(escalation?.options[0]?.option, 'allow')
  const key = escalation.options[0].held
  const of = (held?: string | null) =>
    call(moose, `/api/work-orders/${id}/decide`, { option: 'allow', held: held ?? undefined })
  const unbound = await of()
  assert.deepEqual([unbound.status, /what was looked at/.test(JSON.stringify(unbound.said))], [400, true])
  const stale = await of(`${'f'.repeat(12)}.${'0'.repeat(12)}`)
  assert.deepEqual(
    [stale.status, /is held by now, so nothing is allowed/.test(JSON.stringify(stale.said))],
    [409, true],
  )
  assert.equal((await home.database.db.selectFrom('allowed_changes').selectAll().execute()).length, 0)
  const moved = await call(moose, `/api/work-orders/${id}/approve`, {
    allow_all_protected: true,
    head_sha: 'f'.repeat(40),
  })
  assert.deepEqual([moved.status, /is not held by now/.test(JSON.stringify(moved.said))], [409, true])
  await decided(moose, id, { option: 'allow', held: key })
  assert.equal(stands(await settled(moose, id)), 'in_progress/in_review')
  assert.equal(cheap.calls.length, 1)
})

test('held: what is allowed by an approval is the answer too', async () => {
  const held = says('### write CODEOWNERS\n```\n* @mallory\n```\n')
  await using setting = await stopped([held], { files: ['CODEOWNERS'] })
  const { moose, id } = setting
  const nothing = await call(moose, `/api/work-orders/${id}/approve`, { allow: ['other.txt'] })
  assert.equal(nothing.status, 200, JSON.stringify(nothing.said))
  assert.equal((await shown(moose, id)).escalation?.answer, null, 'it is held all the same')
  await call(moose, `/api/work-orders/${id}/approve`, { allow_all_protected: true })
  assert.equal(stands(await settled(moose, id)), 'in_progress/in_review')
  const { past } = await shown(moose, id)
  assert.deepEqual([past[0]?.closed_as, past[0]?.answer?.option], ['decided', 'allow'])
})

test('it closes by itself when the order goes on by other means, and an answer that cannot be carried out leaves it open', async () => {
  await using setting = await stopped([BAD, GOOD])
  const { moose, id, home } = setting
  const wrong = await call(moose, `/api/work-orders/${id}/decide`, { option: 'allow', held: 'x' })
  assert.equal(wrong.status, 409, JSON.stringify(wrong.said))
  await home.database.db
    .updateTable('attempts')
    .set({ head_sha: 'f'.repeat(40) })
    .where('work_order_id', '=', id)
    .execute()
  const failed = await call(moose, `/api/work-orders/${id}/decide`, { option: 'verify' })
  assert.notEqual(failed.status, 200, JSON.stringify(failed.said))
  const open = (await shown(moose, id)).escalation
  assert.deepEqual([open?.answer, open?.closed_at], [null, null])
  const inbox = InboxResponse.parse((await call(moose, '/api/inbox')).said).inbox
  const decides = `moose decide ${id.slice(0, 8)}`
  assert.equal(inbox.find(({ work_order }) => work_order?.id === id)?.next[0], decides)
  const { why } = WhyResponse.parse((await call(moose, `/api/work-orders/${id}/why`)).said)
  assert.ok(why.next.includes(decides), why.next.join())
  await moose.orchestrator.retry(id)
  assert.equal(stands(await settled(moose, id)), 'in_progress/in_review')
  const { escalation, past } = await shown(moose, id)
  assert.deepEqual([escalation, past.map(({ closed_as, answer }) => [closed_as, answer])], [null, [['went_on', null]]])
  assert.equal((await detailOf(moose, id)).attempts, 2)
})

test('what is done by another command or on the page is the answer all the same; one that is refused is forgotten', async () => {
  await using setting = await stopped([BAD, BAD])
  const { moose, id } = setting
  const adopted = await call(moose, `/api/work-orders/${id}/adopt`, {})
  assert.equal(adopted.status, 409, JSON.stringify(adopted.said))
  assert.equal((await shown(moose, id)).escalation?.answer, null)
  const retried = await call(moose, `/api/work-orders/${id}/retry`, {})
  assert.equal(retried.status, 200, JSON.stringify(retried.said))
  assert.equal(stands(await settled(moose, id)), 'failed/check_failed')
  const { escalation, past } = await shown(moose, id)
  assert.deepEqual([past[0]?.closed_as, past[0]?.answer?.option], ['decided', 'retry'])
  assert.ok(String(past[0]?.answer?.by).startsWith('os_user:'))
  const retry = escalation?.options.find(({ option }) => option === 'retry')
  assert.deepEqual([retry?.chosen, retry?.ended, retry?.ended_well], [1, 1, 0], 'it is learnt from')
  assert.equal((await call(moose, `/api/work-orders/${id}/cancel`, {})).status, 200)
  assert.equal((await shown(moose, id)).past[0]?.answer?.option, 'abort')
})

test('what is done closes with its own answer, not with one that a process left behind', async () => {
  await using setting = await stopped([BAD])
  const { moose, id, home } = setting
  await home.database.pool.query(
    `update order_escalations set option = 'retry', decided_by = 'os_user:alice', decided_at = now() - interval '1 hour', spent_usd = 0
     where work_order_id = $1`,
    [id],
  )
  assert.equal((await call(moose, `/api/work-orders/${id}/cancel`, {})).status, 200)
  const { past } = await shown(moose, id)
  assert.deepEqual([past[0]?.closed_as, past[0]?.answer?.option], ['decided', 'abort'])
  assert.notEqual(past[0]?.answer?.by, 'os_user:alice')
})

test('a retry by the command ends what another model was wanted for, as the option does; one that is refused does not', async () => {
  await using setting = await stopped([BAD, GOOD])
  const { moose, id, home } = setting
  const { db } = home.database
  const retried = () => call(moose, `/api/work-orders/${id}/retry`, {})
  await wantProposer(db, id, 'large')
  assert.equal((await retried()).status, 200)
  assert.equal(await wantedProposer(db, id), null)
  assert.equal(stands(await settled(moose, id)), 'in_progress/in_review')
  await wantProposer(db, id, 'large')
  assert.equal((await retried()).status, 409)
  assert.equal(await wantedProposer(db, id), 'large')
})

test('of an order that waits for one that failed nothing is decided, and what ends that is named', async () => {
  await using setting = await stopped([BAD])
  const { moose, id } = setting
  const order = { title: 'Then b', files_in_scope: ['b.txt'], depends_on: [id], approved: true }
  const filed = await call(moose, '/api/work-orders', order)
  const { work_order: waiting } = WorkOrderResponse.parse(filed.said)
  assert.equal(stands(await settled(moose, waiting.id)), 'blocked/dependency_unmet')
  const [own, other] = [waiting.id.slice(0, 8), id.slice(0, 8)]
  const refused = await call(moose, `/api/work-orders/${waiting.id}/decide`, { option: 'retry' })
  const commands = [`moose decide ${other}`, `moose show ${other}`, `moose edit ${own} --depends-on none`]
  const said = JSON.stringify(refused.said)
  const message = JSON.stringify(['Next:', ...commands].join('\n  ')).slice(1, -1)
  assert.deepEqual([refused.status, said.includes(message)], [409, true], said)
  const { escalation, next } = await shown(moose, waiting.id)
  assert.deepEqual([escalation, next], [null, commands])
  const retried = await call(moose, `/api/work-orders/${waiting.id}/retry`, {})
  assert.equal(retried.status, 409, JSON.stringify(retried.said))
  assert.match(JSON.stringify(retried.said), /It is blocked by .* which it depends on and which failed/)
  assert.deepEqual((await shown(moose, id)).next, [], 'about this one it is decided')
})

test('two answers at once: one is carried out, and the other is told so', async () => {
  await using setting = await stopped([BAD, GOOD])
  const { moose, id, cheap } = setting
  const both = await Promise.all([1, 2].map(() => call(moose, `/api/work-orders/${id}/decide`, { option: 'retry' })))
  assert.deepEqual(
    both.map(({ status }) => status).toSorted((one, other) => one - other),
    [200, 409],
  )
  await settled(moose, id)
  assert.equal(cheap.calls.length, 2)
})

test('on the command line: what has to be decided and what each option costs, and the one command that decides', async () => {
  await using setting = await stopped([BAD])
  const { moose, id, home } = setting
  await moose[Symbol.asyncDispose]()
  const { environment } = home
  const short = id.slice(0, 8)
  const shownPage = await command(['decide', short], { environment })
  assert.equal(shownPage.exitCode, 0, shownPage.stderr)
  assert.match(
    shownPage.stdout,
    /^Asked: sample: Change a \(1 file, filed as low risk\)\nTried: 1 attempt, the last by small\n/,
  )
  assert.match(shownPage.stdout, new RegExp(`\\nabort {2}costs nothing\\n.*\\n {2}\\$ .*moose decide ${short} abort`))
  const unknown = await command(['decide', short, 'pray'], { environment })
  assert.equal(unknown.exitCode, 2)
  const refused = async (...words: string[]) => (await command(['decide', short, ...words], { environment })).stderr
  assert.match(
    await refused('amend'),
    /amend takes what is to be changed: --file, --criterion, --title, .* or -f order\.yaml/,
  )
  assert.match(
    await refused('allow'),
    /^error: allow takes what was looked at: --held KEY, as moose decide \S+ shows it/,
  )
  assert.match(await refused('verify', '--budget', '7'), /^error: --budget does not belong to the option verify\./)
  assert.match(await refused('retry', '--title', 'x'), /^error: --title does not belong to the option retry\./)
  const done = await command(['decide', short, 'retry', '--budget', '7.50', '--json'], { environment })
  assert.equal(done.exitCode, 0, done.stderr)
  const said = DecidedResponse.parse(JSON.parse(done.stdout))
  assert.deepEqual(
    [said.work_order.status, said.work_order.budget_usd, said.escalation.closed_as],
    ['pending', 7.5, 'decided'],
  )
  assert.ok(Number(said.escalation.answer?.spent_usd) > 0)
  const after = await command(['decide', short], { environment })
  assert.match(after.stdout, /^Nothing has to be decided about it\.\n {2}\$ moose why [0-9a-f]{8}\n/)
  assert.match(after.stderr, /check_failed; retry by os_user:/)
})

test('a cap that is too low: more money is offered, and the attempt goes on where it rests', async () => {
  await using stack = new AsyncDisposableStack()
  const home = stack.use(await createMooseHome(FILES, [], SETTINGS))
  const server = stack.use(await startModelServer(GOOD))
  await useStandIn(home, 'small', { url: server.url, threshold: 1 })
  const moose = stack.use(await home.open())
  const id = await fileOrder(home.database, { title: 'Change a', files: ['a.txt'] })
  await home.database.db.updateTable('work_orders').set({ budget_usd: '0.000001' }).where('id', '=', id).execute()
  await moose.orchestrator.start(null)
  assert.equal(stands(await settled(moose, id)), 'blocked/budget_exceeded')
  const { escalation } = await shown(moose, id)
  const offer = escalation?.options.find(({ option }) => option === 'retry')
  assert.ok(Number(offer?.budget_usd) > 0, JSON.stringify(offer))
  const retried = await call(moose, `/api/work-orders/${id}/retry`, {})
  assert.equal(retried.status, 409, JSON.stringify(retried.said))
  assert.match(
    JSON.stringify(retried.said),
    / was not retried, because it would be blocked again at once\. The next call to small .* Raise it with: moose budget cap order:/,
  )
  assert.equal((await detailOf(moose, id)).resumes, true)
  assert.deepEqual(await resumesInLists(moose, id), { list: true, lanes: true, inbox: true })
  assert.equal(stands(await detailOf(moose, id)), 'blocked/budget_exceeded')
  const again = await shown(moose, id)
  assert.deepEqual([again.escalation?.id, again.past], [escalation?.id, []], 'a retry under the same cap is no answer')
  assert.deepEqual(await optionRecords(home.database.db, 'budget_exceeded'), [], 'and nothing is learnt from it')
  const said = await decided(moose, id, { option: 'retry' })
  assert.equal(said.escalation.closed_as, 'decided')
  const order = await settled(moose, id)
  assert.deepEqual([stands(order), order.attempts, order.budget_usd], ['in_progress/in_review', 1, offer?.budget_usd])
})

test('amended where its cap has no room: a new attempt begins, as the answer says, with the cap that the option says', async () => {
  await using stack = new AsyncDisposableStack()
  const home = stack.use(await createMooseHome(FILES, [], SETTINGS))
  const server = stack.use(await startModelServer(GOOD))
  await useStandIn(home, 'small', { url: server.url, threshold: 1 })
  const moose = stack.use(await home.open())
  const id = await fileOrder(home.database, { title: 'Change a', files: ['a.txt'] })
  await home.database.db.updateTable('work_orders').set({ budget_usd: '0.000001' }).where('id', '=', id).execute()
  await moose.orchestrator.start(null)
  assert.equal(stands(await settled(moose, id)), 'blocked/budget_exceeded')
  const offer = (await shown(moose, id)).escalation?.options.find(({ option }) => option === 'amend')
  const cap = `$${Number(offer?.budget_usd).toFixed(2)}`
  assert.ok(offer?.sentence.endsWith(`tried again, with a cap of ${cap}.`), offer?.sentence)
  const said = await decided(moose, id, { option: 'amend', changes: { title: 'Change a soon' } })
  const retried = `Its cap is ${cap} now. A new attempt begins: no model had answered when the last one ended (budget_exceeded).`
  // With its new cap it may be begun by itself before it is retried.
  assert.ok([retried, offer?.sentence].includes(said.sentence), said.sentence)
  const order = await settled(moose, id)
  assert.deepEqual([stands(order), order.attempts, order.budget_usd], ['in_progress/in_review', 2, offer?.budget_usd])
})

test('an order that was edited and approved again is retried under the cap that its old content did not fit in', async () => {
  await using stack = new AsyncDisposableStack()
  const home = stack.use(await createMooseHome({ ...FILES, 'b.txt': 'long line of b\n'.repeat(10_000) }, [], SETTINGS))
  const server = stack.use(await startModelServer(GOOD))
  await useStandIn(home, 'small', { url: server.url, threshold: 1 })
  const moose = stack.use(await home.open())
  const { db } = home.database
  const id = await fileOrder(home.database, { title: 'Change a', files: ['a.txt', 'b.txt'] })
  const cap = (usd: string) => db.updateTable('work_orders').set({ budget_usd: usd }).where('id', '=', id).execute()
  await cap('0.000001')
  await moose.orchestrator.start(null)
  const resting = await settled(moose, id)
  assert.equal(stands(resting), 'blocked/budget_exceeded')
  const needed = Number(resting.status_reason?.details?.['needed_usd'])
  await cap(String(needed / 2))
  assert.equal((await call(moose, `/api/work-orders/${id}/retry`, {})).status, 409)

  const edited = await moose.http.fetch(
    new Request(`http://127.0.0.1/api/work-orders/${id}`, {
      method: 'PATCH',
      body: JSON.stringify({ files_in_scope: ['a.txt'] }),
      headers: { 'content-type': 'application/json' },
    }),
  )
  assert.equal(edited.status, 200, await edited.text())
  assert.equal((await call(moose, `/api/work-orders/${id}/approve`, {})).status, 200)
  assert.equal((await detailOf(moose, id)).resumes, false, 'the page offers to retry it')
  assert.deepEqual(await resumesInLists(moose, id), { list: false, lanes: false, inbox: false })
  const inbox = InboxResponse.parse((await call(moose, '/api/inbox')).said)
  assert.ok(inbox.inbox[0]?.next.includes(`moose retry ${id.slice(0, 8)}`), JSON.stringify(inbox.inbox[0]?.next))
  const retried = await call(moose, `/api/work-orders/${id}/retry`, {})
  assert.equal(retried.status, 200, JSON.stringify(retried.said))
  const order = await settled(moose, id)
  assert.deepEqual([stands(order), order.attempts], ['in_progress/in_review', 2])
})

test('a cap that leaves nothing to be spent, or no room for the next call, is refused with both amounts, and nothing is decided', async () => {
  await using stack = new AsyncDisposableStack()
  const home = stack.use(await createMooseHome(FILES, [], SETTINGS))
  const server = stack.use(await startModelServer(BAD, GOOD))
  await useStandIn(home, 'small', { url: server.url, threshold: 1 })
  const moose = stack.use(await home.open())
  const id = await fileOrder(home.database, { title: 'Change a', files: ['a.txt'] })
  await moose.orchestrator.start(null)
  assert.equal(stands(await settled(moose, id)), 'failed/check_failed')
  const spent = Number((await detailOf(moose, id)).actual_cost)
  const decide = (body: object) => call(moose, `/api/work-orders/${id}/decide`, body)
  for (const budget_usd of [0, spent]) {
    const { status, said } = await decide({ option: 'retry', budget_usd })
    assert.equal(status, 400, JSON.stringify(said))
    assert.match(
      JSON.stringify(said),
      /A cap of \$[\d.]+ leaves nothing to be spent: \$[\d.]+ of the order is spent or reserved/,
    )
  }
  const before = await shown(moose, id)
  const low = await decide({ option: 'retry', budget_usd: spent + 0.000001 })
  assert.equal(low.status, 400, JSON.stringify(low.said))
  assert.match(JSON.stringify(low.said), /The cap is too low: the next call may cost up to \$.* decide [0-9a-f]{8}/)
  const { escalation, past } = await shown(moose, id)
  assert.deepEqual([escalation?.id, past], [before.escalation?.id, []], 'nothing was decided')
  const order = await detailOf(moose, id)
  assert.deepEqual([stands(order), order.budget_usd], ['failed/check_failed', null])
  assert.equal(escalation?.options[0]?.option, 'retry')
  await decided(moose, id, { option: 'retry' })
  assert.equal(stands(await settled(moose, id)), 'in_progress/in_review', 'what is offered is enough')
})

test('the inbox has approvals, what is held, reviews, what failed and paused providers in this order, each with its command', async () => {
  await using setting = await stopped([BAD, GOOD])
  const { moose, id, home } = setting
  const reviewed = await fileOrder(home.database, { title: 'Change b', files: ['a.txt', 'b.txt'] })
  await settled(moose, reviewed)
  setting.cheap.script.push(says('### write CODEOWNERS\n```\n* @mallory\n```\n'))
  const held = await fileOrder(home.database, { title: 'Take it over', files: ['CODEOWNERS'] })
  await settled(moose, held)
  const asked = await fileOrder(home.database, { title: 'Ask first', files: ['b.txt'], approved: false })
  const outage = { kind: 'outage', keyMark: null, reason: 'HTTP 503', tested: false, askedMs: 0, chance: 0 } as const
  await countOutage(home.database.db, { provider: 'replay', ...outage })
  const { inbox } = InboxResponse.parse((await call(moose, '/api/inbox')).said)
  assert.deepEqual(
    inbox.map(({ kind, work_order: order }) => [kind, order === null ? null : order.id]),
    [
      ['approval', asked],
      ['held_change', held],
      ['merge', reviewed],
      ['failed', id],
      ['paused_provider', null],
    ],
  )
  const commands = [
    [asked, 'approve'],
    [held, 'decide'],
    [reviewed, 'merge'],
    [id, 'decide'],
  ] as const
  for (const [order, verb] of commands) {
    const entry = inbox.find(({ work_order }) => work_order?.id === order)
    assert.ok(entry?.next.includes(`moose ${verb} ${order.slice(0, 8)}`), JSON.stringify(entry?.next))
  }
})
