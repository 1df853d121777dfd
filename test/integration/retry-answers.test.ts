import assert from 'node:assert/strict'
import { chmod, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import type { Moose } from '../../src/app.ts'
import { EscalationResponse } from '../../src/contract/why/escalation.ts'
import { RetriedWorkOrderResponse } from '../../src/contract/why/retry.ts'
import { readRoutingOutcomes } from '../../src/db/outcome-vectors.ts'
import { approveWorkOrder } from '../../src/db/work-orders/approve-work-order.ts'
import { editWorkOrder } from '../../src/db/work-orders/edit-work-order.ts'
import { type Scripted, startModelServer } from '../support/model-server.ts'
import { createMooseHome, detailOf, fileOrder, settled } from '../support/moose-home.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'
import { until } from '../support/until.ts'

const says = (text: string): Scripted => ({ kind: 'text', text })
const SETTINGS = { OPENAI_COMPATIBLE_API_KEY: 'sk-real', ORCHESTRATOR_EXECUTOR: 'patch', MOOSE_REPAIR_MAX: '0' }
const NEVER = { 'a.txt': 'a\n', 'moose.yaml': 'checks:\n  - { name: never, run: "grep -q a a.txt" }\n' }

/** A running Moose with one stand-in and one order that was carried out once. */
async function afterOneAttempt(script: Scripted[], files = NEVER, settings: Record<string, string> = {}) {
  await using stack = new AsyncDisposableStack()
  const home = stack.use(await createMooseHome(files, [], { ...SETTINGS, ...settings }))
  const server = stack.use(await startModelServer(...script))
  await useStandIn(home, 'small', { url: server.url, threshold: 1 })
  const moose = stack.use(await home.open())
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: 'Change a', files: ['a.txt'] })
  const owned = stack.move()
  return {
    home,
    server,
    moose,
    id,
    asked: () => JSON.stringify(server.calls.at(-1)?.body),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function retried(moose: Moose, id: string, body?: unknown) {
  const sent = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
  const url = `http://127.0.0.1/api/work-orders/${id}/retry`
  const response = await moose.http.fetch(new Request(url, { method: 'POST', ...sent }))
  assert.equal(response.status, 200, await response.clone().text())
  return RetriedWorkOrderResponse.parse(await response.json()).retried
}

test('an answer that led to a failure is never given to a retry again, although it asks the same', async () => {
  await using setting = await afterOneAttempt([says('### write a.txt\n```\nb\n```\n')])
  const { moose, id, server, asked } = setting
  assert.equal((await settled(moose, id)).status_reason?.code, 'check_failed')
  for (const attempt of [2, 3, 4]) {
    const said = await retried(moose, id)
    assert.deepEqual([said.mode, said.told_of, said.replays], ['again', 'check_failed', false])
    assert.equal(said.sentence, 'The model is asked again, told of the last failure (check_failed).')
    assert.equal((await settled(moose, id)).attempts, attempt)
    assert.equal(server.calls.length, attempt, 'the model was asked')
    assert.match(asked(), /An earlier try/)
  }
})

test('refinements that failed are not given again either', async () => {
  await using setting = await afterOneAttempt([says('no edits at all')])
  const { moose, id, server } = setting
  for (const attempt of [1, 2, 3]) {
    assert.equal((await settled(moose, id)).status_reason?.code, 'proposal_rejected')
    assert.equal(server.calls.length, 2 * attempt)
    await moose.orchestrator.retry(id)
  }
})

test('fresh is a conversation without the failure before, and says so; the next retry is told of its failure alone', async () => {
  await using setting = await afterOneAttempt([says('### write a.txt\n```\nb\n```\n')])
  const { moose, id, server, asked, home } = setting
  await settled(moose, id)
  const first = asked()
  const said = await retried(moose, id, { mode: 'fresh' })
  assert.deepEqual([said.mode, said.told_of], ['fresh', null])
  assert.match(said.sentence, /asked anew: it is told of no earlier failure, and no earlier answer is taken/)
  await settled(moose, id)
  assert.equal(server.calls.length, 2)
  assert.equal(asked(), first)
  assert.equal((await retried(moose, id)).told_of, 'check_failed')
  await settled(moose, id)
  assert.match(asked(), /An earlier try/)
  const acts = await home.database.db
    .selectFrom('audit_entries')
    .select('details')
    .where('act', '=', 'order.retry')
    .orderBy('seq')
    .execute()
  assert.deepEqual(
    acts.map(({ details }) => details['mode']),
    ['fresh', 'again'],
  )
})

test('an answer that was not to blame is taken again unpaid, unless the models are asked anew', async () => {
  const files = { 'a.txt': 'a\n', 'moose.yaml': 'checks:\n  - { name: slow, run: "grep -q a a.txt || sleep 60" }\n' }
  await using setting = await afterOneAttempt([says('### write a.txt\n```\nb\n```\n')], files)
  const { moose, id, server } = setting
  const cancelIt = async (calls: number, attempt: number) => {
    const isVerified = async () => {
      const { attempts, phase } = await detailOf(moose, id)
      return attempts === attempt && phase === 'verifying'
    }
    await until('it is verified', isVerified)
    assert.equal(server.calls.length, calls)
    await moose.orchestrator.cancel(id)
  }
  // It is retried while its attempt may still be ending.
  await cancelIt(1, 1)
  const said = await retried(moose, id)
  assert.match(said.sentence, /takes the answers that are there again, unpaid/)
  await cancelIt(1, 2)
  await retried(moose, id, { mode: 'fresh' })
  await cancelIt(2, 3)
})

test('an answer that failed a check is not taken again, although its attempt was cancelled while it was repaired', async () => {
  const edits = says('### write a.txt\n```\nb\n```\n')
  await using setting = await afterOneAttempt([edits, { kind: 'silent' }, edits], NEVER, { MOOSE_REPAIR_MAX: '2' })
  const { moose, id, server } = setting
  await until('it is repaired', () => server.calls.length === 2)
  await moose.orchestrator.cancel(id)
  await until('it has ended', async () => (await detailOf(moose, id)).attempt_history[0]?.status === 'cancelled')
  const said = await retried(moose, id)
  assert.equal(
    said.sentence,
    'The model is asked again: its answer had failed (check_failed) before the attempt ended (attempt_cancelled).',
  )
  await until('the model is asked for the change, and for its repair', () => server.calls.length === 4)
  await settled(moose, id)
})

/** Has the remote reject every push until the file is removed. @returns its path */
async function rejectingHook(remote: string): Promise<string> {
  const hook = path.join(remote, 'hooks', 'pre-receive')
  await writeFile(hook, '#!/bin/sh\nexit 1\n')
  await chmod(hook, 0o755)
  return hook
}

test('a change that passed its checks and could not be pushed is published by a plain retry without a model', async () => {
  const edits = (text: string) => says(`### write a.txt\n\`\`\`\n${text}\n\`\`\`\n`)
  const script = [edits('b'), edits('a b')]
  await using home = await createMooseHome(NEVER, [], { ...SETTINGS, MOOSE_REPAIR_MAX: '2' })
  await using server = await startModelServer(...script)
  await useStandIn(home, 'small', { url: server.url, threshold: 1 })
  const hook = await rejectingHook(home.remote.path)
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: 'Change a', files: ['a.txt'] })
  assert.equal((await settled(moose, id)).status_reason?.code, 'push_rejected')
  assert.equal(server.calls.length, 2, 'the change was repaired')
  const request = new Request(`http://127.0.0.1/api/work-orders/${id}/escalation`)
  const { escalation } = EscalationResponse.parse(await (await moose.http.fetch(request)).json())
  const offer = escalation?.options.find(({ option }) => option === 'retry')
  assert.equal(offer?.expected_cost_usd, 0)

  const rejected = await retried(moose, id)
  assert.deepEqual([rejected.mode, rejected.told_of, rejected.sentence], ['again', null, offer.sentence])
  assert.match(
    rejected.sentence,
    /^No model is called: .*only the push was rejected.*the commit of attempt 1.*--fresh$/,
  )
  const again = await settled(moose, id)
  assert.deepEqual([again.attempts, again.status_reason?.code], [2, 'push_rejected'])

  await rm(hook)
  await retried(moose, id)
  const order = await settled(moose, id)
  assert.deepEqual([order.attempts, order.phase, order.attempt_history[2]?.verifies], [3, 'in_review', 1])
  assert.equal(server.calls.length, 2, 'no model was asked again')
})

test('an order that was edited after its push was rejected is not published as it was', async () => {
  await using home = await createMooseHome(NEVER, [], SETTINGS)
  await using server = await startModelServer(says('### write a.txt\n```\na b\n```\n'))
  await useStandIn(home, 'small', { url: server.url, threshold: 1 })
  const hook = await rejectingHook(home.remote.path)
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: 'Change a', files: ['a.txt'] })
  assert.equal((await settled(moose, id)).status_reason?.code, 'push_rejected')
  await rm(hook)
  await editWorkOrder(home.database.db, id, { description: 'Say more.' })
  await approveWorkOrder(home.database.db, id)
  await retried(moose, id)
  assert.equal((await settled(moose, id)).phase, 'in_review')
  assert.equal(server.calls.length, 2)
})

test('a retry of what ended before a model answered does not say that one is asked again', async () => {
  const files = { ...NEVER, 'moose.yaml': `setup: exit 1\n${NEVER['moose.yaml']}` }
  await using setting = await afterOneAttempt([], files)
  const { moose, id, server } = setting
  assert.equal((await settled(moose, id)).status_reason?.code, 'setup_failed')
  const said = await retried(moose, id)
  assert.equal(said.sentence, 'A new attempt begins: no model had answered when the last one ended (setup_failed).')
  await settled(moose, id)
  assert.equal(server.calls.length, 0)
})

test('a pull request that was closed is not opened again with the same answer', async () => {
  await using setting = await afterOneAttempt([says('### write a.txt\n```\na b\n```\n')])
  const { moose, id, server } = setting
  assert.equal((await settled(moose, id)).phase, 'in_review')
  await moose.orchestrator.close(id)
  await moose.orchestrator.retry(id)
  await settled(moose, id)
  assert.equal(server.calls.length, 2)
})

test('an attempt that rests goes on when it is retried; asked anew, another one begins', async () => {
  await using home = await createMooseHome({ 'moose.yaml': 'checks: []\n' }, [], SETTINGS)
  await using server = await startModelServer(says('### write moose.yaml\n```\nchecks: [] # none\n```\n'))
  await useStandIn(home, 'small', { url: server.url, threshold: 1 })
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: 'Change checks', files: ['moose.yaml'] })
  assert.equal((await settled(moose, id)).status_reason?.code, 'protected_change')
  assert.match((await retried(moose, id)).sentence, /goes on where it rests \(protected_change\)/)
  assert.equal((await settled(moose, id)).attempts, 1)
  await retried(moose, id, { mode: 'fresh' })
  assert.equal((await settled(moose, id)).attempts, 2)
  assert.equal(server.calls.length, 2)
})

test('what waits to be carried out is not retried in another way, and the refusal says what to type', async () => {
  await using home = await createMooseHome(NEVER, [], SETTINGS)
  await using moose = await home.open()
  const id = await fileOrder(home.database, { title: 'Change a', files: ['a.txt'] })
  const short = id.slice(0, 8)
  const message = new RegExp(`cancel it first: moose cancel ${short} {3}then: moose retry ${short}$`)
  await assert.rejects(moose.orchestrator.retry(id), { code: 'work_order_conflict', message })
})

test('a recording can only be replayed, and a retry says so', async () => {
  const answers = [{ task: 'Change a', turn: 1, text: '### write a.txt\n```\nb\n```\n' }]
  await using home = await createMooseHome(NEVER, answers, { ORCHESTRATOR_EXECUTOR: 'patch' })
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: 'Change a', files: ['a.txt'] })
  await settled(moose, id)
  for (const mode of ['again', 'fresh']) {
    const said = await retried(moose, id, { mode })
    assert.equal(said.replays, true)
    assert.match(said.sentence, /can only be replayed.*moose proposer add/)
    await settled(moose, id)
  }
})

test('refinements count, with their cost, in the outcome and in what routing learns from; a cancellation does not', async () => {
  const edits = says('### write a.txt\n```\na b\n```\n')
  await using setting = await afterOneAttempt([says('no edits at all'), edits])
  const { moose, id, home } = setting
  assert.equal((await settled(moose, id)).phase, 'in_review')
  await moose.orchestrator.merge(id)
  const { db } = home.database
  const { metadata, cost } = await db
    .selectFrom('outcome_vectors')
    .select(['metadata', 'cost'])
    .where('work_order_id', '=', id)
    .where('operation_type', '=', 'work_order_execution')
    .executeTakeFirstOrThrow()
  assert.match(JSON.stringify(metadata), /"answers":2,.*"refinements":1/)
  const calls = await db.selectFrom('model_calls').select('cost_usd').execute()
  const spent = calls.reduce((sum, call) => sum + Number(call.cost_usd), 0)
  assert.equal(calls.length, 2)
  assert.ok(spent > 0 && Math.abs(Number(cost) - spent) < 1e-12)
  const [learned, ...others] = await readRoutingOutcomes(db, 10)
  assert.deepEqual(others, [])
  assert.equal(learned?.merged, true)
  assert.ok(learned !== undefined && Math.abs(learned.costUsd - spent) < 1e-12)

  setting.server.script.splice(0, Infinity, { kind: 'silent' })
  const cancelled = await fileOrder(home.database, { title: 'Cancel it', files: ['a.txt'] })
  await until('it is asked', () => setting.server.calls.length === 3)
  await moose.orchestrator.cancel(cancelled)
  await settled(moose, cancelled)
  await until('it is recorded', async () => {
    const rows = await db.selectFrom('outcome_vectors').select('id').where('work_order_id', '=', cancelled).execute()
    return rows.length === 1
  })
  assert.equal((await readRoutingOutcomes(db, 10)).length, 1)
})
