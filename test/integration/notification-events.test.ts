import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { WorkOrderResponse } from '../../src/contract/work-orders.ts'
import { beginFollowUp, endFollowUp, followUpAnswered } from '../../src/db/follow-ups.ts'
import { commentedPullRequest } from '../../src/db/notifications/commented-pull-request.ts'
import { countOutage } from '../../src/db/provider-pauses.ts'
import { lengthenRow } from '../../src/db/work-orders/failure-rows.ts'
import { createSender } from '../../src/notifications/sender.ts'
import { startModelServer } from '../support/model-server.ts'
import { createMooseHome, fileOrder, settled } from '../support/moose-home.ts'
import { added, call, kindsTo, receiver, sentTo } from '../support/notification-receiver.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'
import { write } from '../support/suspended-bench.ts'

test('an order that waits for an approval is told once for what it says, and not where it is approved at once', async () => {
  await using home = await createMooseHome({ 'a.txt': 'a\n' }, [])
  await using moose = await home.open('client')
  const { db } = home.database
  await added(moose, { name: 'ops', url: 'https://example.com/', kinds: ['approval.waiting'] })
  await fileOrder(home.database, { title: 'Approved at once', files: ['a.txt'] })
  assert.deepEqual(await kindsTo(home, 'ops'), [])
  const order = { title: 'Waits', description: 'x', files_in_scope: ['a.txt'], acceptance_criteria: [] }
  const { said } = await call(moose, 'POST', '/api/work-orders', order)
  const [waiting] = await sentTo(home, 'ops')
  assert.equal(waiting?.data['title'], 'Waits', JSON.stringify(said))
  const id = String(waiting?.data['work_order_id'])
  const approved = (to: string) =>
    sql`update work_orders set metadata = metadata || jsonb_build_object('approved_by_director', ${to}::boolean) where id = ${id}`.execute(
      db,
    )
  await sql`update notification_outbox set delivered_at = clock_timestamp()`.execute(db)
  await approved('true')
  await approved('false')
  assert.equal((await sentTo(home, 'ops')).length, 1, 'the same again')
  await approved('true')
  await sql`update work_orders set description = 'another' where id = ${id}`.execute(db)
  assert.equal((await sentTo(home, 'ops')).length, 2, 'another content, whose approval has ended')
})

test('what has ended before it could be sent is not sent: an approval given by rule, an order that is made anew', async () => {
  await using home = await createMooseHome({ 'a.txt': 'a\n' }, [])
  await using moose = await home.open('client')
  const { db } = home.database
  await added(moose, { name: 'ops', url: 'https://example.com/', kinds: ['approval.waiting', 'order.cancelled'] })
  await sql`update projects set auto_approve = 'high'`.execute(db)
  const order = { title: 'By rule', description: 'x', files_in_scope: ['a.txt'], acceptance_criteria: [] }
  const { said } = await call(moose, 'POST', '/api/work-orders', order)
  const { id, approved } = WorkOrderResponse.parse(said).work_order
  assert.equal(approved, true)
  assert.deepEqual(await kindsTo(home, 'ops'), [])
  await sql`update work_orders set github_pr_url = 'local://sample/pull/1' where id = ${id}`.execute(db)
  const status = (to: string) => sql`update work_orders set status = ${to} where id = ${id}`.execute(db)
  await status('cancelled')
  const [cancelled] = await sentTo(home, 'ops')
  assert.deepEqual([cancelled?.kind, cancelled?.data['pull_request_url']], ['order.cancelled', null])
  const { rows } = await sql<{
    due: boolean
  }>`select next_try_at <= clock_timestamp() as due from notification_outbox`.execute(db)
  assert.deepEqual(rows, [{ due: false }], 'it waits for what may end it')
  await status('pending')
  assert.deepEqual(await kindsTo(home, 'ops'), [])
})

test('an order that falls back on its pull request when its attempt fails is not told to have failed', async () => {
  await using home = await createMooseHome({ 'a.txt': 'a\n' }, [])
  await using moose = await home.open('client')
  const { db } = home.database
  await added(moose, { name: 'ops', url: 'https://example.com/', kinds: ['order.failed'] })
  const id = await fileOrder(home.database, { title: 'Falls back', files: ['a.txt'] })
  const failed = sql`update work_orders set status = 'failed', phase = null where id = ${id}`
  const inReview = sql`update work_orders set status = 'in_progress', phase = 'in_review' where id = ${id}`
  await inReview.execute(db)
  await db.transaction().execute(async (transaction) => {
    await failed.execute(transaction)
    await sql`update work_orders set status = 'pending' where id = ${id}`.execute(transaction)
    await inReview.execute(transaction)
  })
  assert.deepEqual(await kindsTo(home, 'ops'), [])
  await failed.execute(db)
  assert.deepEqual(await kindsTo(home, 'ops'), ['order.failed'])
})

test('an attempt that is stopped twice by its cap is told twice, and what ends by itself once', async () => {
  await using home = await createMooseHome({ 'a.txt': 'a\n' }, [], {
    OPENAI_COMPATIBLE_API_KEY: 'sk-real',
    ORCHESTRATOR_EXECUTOR: 'patch',
  })
  await using server = await startModelServer({ kind: 'text', text: write('a.txt', 'b') })
  await useStandIn(home, 'small', { url: server.url, threshold: 1 })
  await using moose = await home.open()
  const { db } = home.database
  const kinds = ['order.blocked', 'escalation.opened', 'escalation.closed']
  await added(moose, { name: 'ops', url: 'https://example.com/', kinds })
  const id = await fileOrder(home.database, { title: 'Change a', files: ['a.txt'] })
  const cap = (budget: string) =>
    db.updateTable('work_orders').set({ budget_usd: budget }).where('id', '=', id).execute()
  await cap('0.000001')
  await moose.orchestrator.start(null)
  assert.equal((await settled(moose, id)).status_reason?.code, 'budget_exceeded')
  const sorted = async () => (await kindsTo(home, 'ops')).toSorted((one, other) => one.localeCompare(other))
  assert.deepEqual(await sorted(), ['escalation.opened', 'order.blocked'])
  await cap('0.000002')
  await moose.orchestrator.retry(id)
  const order = await settled(moose, id)
  assert.deepEqual([order.status_reason?.code, order.attempts], ['budget_exceeded', 1])
  const twice = ['escalation.closed', 'escalation.opened', 'escalation.opened', 'order.blocked', 'order.blocked']
  assert.deepEqual(await sorted(), twice)
  const [escalation, ...others] = await db.selectFrom('order_escalations').select('closed_at').execute()
  assert.deepEqual([escalation?.closed_at, others], [null, []], 'it is the same one, opened again')

  for (const _ of [1, 2]) {
    await sql`update work_orders set status = 'pending', status_reason = null where id = ${id}`.execute(db)
    const reason = { code: 'disk_full', message: 'It is full.' }
    await sql`update work_orders set status = 'blocked', status_reason = ${JSON.stringify(reason)} where id = ${id}`.execute(
      db,
    )
  }
  assert.deepEqual(await sorted(), ['escalation.closed', ...twice, 'order.blocked'])
})

test('pauses are told once each: of a provider at once, of projects and proposers by the setting', async () => {
  await using home = await createMooseHome({ 'a.txt': 'a\n' }, [], { ORCHESTRATOR_PAUSE_AFTER_FAILURES: '2' })
  await using hooks = await receiver(200)
  await using moose = await home.open('client')
  const { db } = home.database
  await added(moose, { name: 'ops', url: hooks.url, format: 'slack' })
  const { id } = await db.selectFrom('projects').select('id').executeTakeFirstOrThrow()
  const pause = (kind: 'outage' | 'account') =>
    countOutage(db, { provider: 'acme', kind, keyMark: null, reason: 'HTTP 529', tested: true, askedMs: 0, chance: 0 })
  for (const kind of ['outage', 'outage', 'account', 'account'] as const) await pause(kind)
  const failure = { projectId: id, code: 'check_failed', step: 'verify', message: 'it is red' }
  const sender = createSender(moose.api.sending, { start: false })
  for (const [at, number] of [1, 2, 3].entries()) {
    const workOrderId = await fileOrder(home.database, { title: `Order ${number}`, files: ['a.txt'] })
    await lengthenRow(db, { kind: 'project', subject: id }, { ...failure, workOrderId })
    await lengthenRow(db, { kind: 'proposer', subject: 'gpt' }, { ...failure, workOrderId, projectId: null })
    await sender.sendDue()
    await sender.sendDue()
    const told = (await kindsTo(home, 'ops')).toSorted((one, other) => one.localeCompare(other))
    const paused = at === 0 ? [] : ['project.paused', 'proposer.paused']
    assert.deepEqual(told, [...paused, 'provider.paused', 'provider.paused'])
  }
  const texts = hooks.received.map(({ body }) => String(JSON.parse(body).text))
  assert.ok(texts.includes('Moose: provider acme is paused (outage): HTTP 529'), texts.join('\n'))
  assert.ok(texts.includes('Moose: proposer gpt is paused (check_failed): it is red'), texts.join('\n'))
  const name = (await sentTo(home, 'ops')).find(({ kind }) => kind === 'project.paused')?.data['project']
  assert.ok(texts.includes(`Moose: project ${String(name)} is paused (check_failed): it is red`), texts.join('\n'))
})

test('what Moose does about a pull request is told: begun, repaired, answered, failed, reverted; each once', async () => {
  await using home = await createMooseHome({ 'a.txt': 'a\n' }, [])
  await using moose = await home.open('client')
  const { db } = home.database
  await added(moose, { name: 'ops', url: 'https://example.com/' })
  const id = await fileOrder(home.database, { title: 'Followed', files: ['a.txt'] })
  const begun = {
    workOrderId: id,
    headSha: 'a',
    baseSha: null,
    because: 'unit is red',
    task: null,
    allowedBy: null,
    attempt: 2,
  }
  const begin = async (kind: 'checks' | 'review' | 'rerun') =>
    String(await beginFollowUp(db, { ...begun, kind, fingerprint: `${kind} ${Math.random()}` }))
  const [repaired, failed, answered, unanswered, rerun] = [
    await begin('checks'),
    await begin('checks'),
    await begin('review'),
    await begin('review'),
    await begin('rerun'),
  ]
  for (const _ of [1, 2]) {
    await endFollowUp(db, repaired, 'succeeded')
    await endFollowUp(db, failed, 'check_failed')
    await endFollowUp(db, answered, 'succeeded')
    await endFollowUp(db, rerun, 'flaky')
    await followUpAnswered(db, answered, 1)
    await followUpAnswered(db, unanswered, 0)
  }
  await sql`insert into outcome_vectors (work_order_id, attempt, operation_type, outcome) values (${id}, 1, 'pull_request_end', 'merged')`.execute(
    db,
  )
  for (const _ of [1, 2]) await sql`update outcome_vectors set reverted_at = now()`.execute(db)
  const told = (await kindsTo(home, 'ops')).toSorted((one, other) => one.localeCompare(other))
  assert.deepEqual(told, [
    'follow_up.answered',
    'follow_up.failed',
    'follow_up.repaired',
    'follow_up.started',
    'follow_up.started',
    'follow_up.started',
    'follow_up.started',
    'pull_request.reverted',
  ])
  const { id: project_id } = await db.selectFrom('projects').select('id').executeTakeFirstOrThrow()
  await sql`update projects set forge = 'github'`.execute(db)
  const names = { title: 'x', body: '', base: 'main', branch: 'b', base_sha: 'a', head_sha: 'b' }
  await db
    .insertInto('pull_requests')
    .values({ project_id, number: 1, work_order_id: id, attempt: 1, ...names, diff: '' })
    .execute()
  const comment = await commentedPullRequest(db, id)
  assert.deepEqual([comment?.repairs, comment?.review_rounds], [1, 1], 'one failed, and one has not ended')
  const data = (await sentTo(home, 'ops')).find(({ kind }) => kind === 'follow_up.failed')?.data
  assert.deepEqual(
    [data?.['follow_up'], data?.['because'], data?.['outcome']],
    ['checks', 'unit is red', 'check_failed'],
  )
})

test('people are told one thing once: to Slack goes the decision and not the failure before it, unless that was chosen', async () => {
  await using home = await createMooseHome({ 'a.txt': 'a\n' }, [])
  await using moose = await home.open('client')
  const { db } = home.database
  const url = 'https://hooks.slack.com/services/x'
  await added(moose, { name: 'team', url, format: 'slack' })
  await added(moose, { name: 'chosen', url: `${url}y`, format: 'slack', kinds: ['order.failed', 'follow_up.failed'] })
  await added(moose, { name: 'ops', url: 'https://example.com/' })
  const id = await fileOrder(home.database, { title: 'Fails', files: ['a.txt'] })
  const wish = { workOrderId: id, headSha: 'a', baseSha: null, because: 'red', task: null, allowedBy: null, attempt: 2 }
  const begun = await beginFollowUp(db, { ...wish, kind: 'checks', fingerprint: 'x' })
  await endFollowUp(db, String(begun), 'check_failed')
  const asked = await beginFollowUp(db, { ...wish, kind: 'review', fingerprint: 'y' })
  await endFollowUp(db, String(asked), 'check_failed')
  await sql`update work_orders set status = 'failed' where id = ${id}`.execute(db)
  const kinds = async (name: string) => (await kindsTo(home, name)).toSorted((one, other) => one.localeCompare(other))
  const begins = ['follow_up.started', 'follow_up.started']
  const fails = ['follow_up.failed', 'follow_up.failed']
  assert.deepEqual(await kinds('team'), ['escalation.opened', ...begins])
  assert.deepEqual(await kinds('chosen'), [...fails, 'order.failed'])
  assert.deepEqual(await kinds('ops'), ['escalation.opened', ...fails, ...begins, 'order.failed'])
})

test('to Slack a merged base is told when it is done, and what rules have merged by then not as to review', async () => {
  await using home = await createMooseHome({ 'a.txt': 'a\n' }, [])
  await using moose = await home.open('client')
  const { db } = home.database
  await added(moose, { name: 'team', url: 'https://hooks.slack.com/services/x', format: 'slack' })
  await added(moose, { name: 'ops', url: 'https://example.com/' })
  const id = await fileOrder(home.database, { title: 'Merged', files: ['a.txt'] })
  await sql`update projects set merge_policy = 'auto'`.execute(db)
  const { id: project_id } = await db.selectFrom('projects').select('id').executeTakeFirstOrThrow()
  const names = { title: 'x', body: '', base: 'main', branch: 'b', base_sha: 'a', head_sha: 'b', diff: '' }
  await db
    .insertInto('pull_requests')
    .values({ project_id, number: 1, work_order_id: id, attempt: 1, ...names })
    .execute()
  const { rows } = await sql<{ name: string; due: boolean }>`
    select name, next_try_at <= clock_timestamp() as due from notification_outbox as entry
    join notification_endpoints as endpoint on endpoint.id = entry.endpoint_id order by name`.execute(db)
  assert.deepEqual(rows, [
    { name: 'ops', due: true },
    { name: 'team', due: false },
  ])
  const wish = { workOrderId: id, headSha: 'a', baseSha: 'b', because: 'main has moved', task: null, allowedBy: null }
  const begun = await beginFollowUp(db, { ...wish, kind: 'base', fingerprint: 'x', attempt: 2 })
  await endFollowUp(db, String(begun), 'succeeded')
  assert.deepEqual(await kindsTo(home, 'team'), ['pull_request.opened', 'follow_up.repaired'])
  await sql`update work_orders set status = 'in_progress', phase = 'in_review' where id = ${id}`.execute(db)
  await sql`update work_orders set status = 'completed', phase = null where id = ${id}`.execute(db)
  const sorted = async (name: string) => (await kindsTo(home, name)).toSorted((one, other) => one.localeCompare(other))
  assert.deepEqual(await sorted('team'), ['follow_up.repaired', 'order.completed'])
  const all = ['follow_up.repaired', 'follow_up.started', 'order.completed', 'pull_request.opened']
  assert.deepEqual(await sorted('ops'), all, 'programs are sent each event')
})

test('a pull request is told to Slack though it was merged, where no rule merges, it was chosen, or a try has failed', async () => {
  await using home = await createMooseHome({ 'a.txt': 'a\n' }, [])
  await using moose = await home.open('client')
  const { db } = home.database
  const url = 'https://hooks.slack.com/services/x'
  await added(moose, { name: 'team', url, format: 'slack' })
  await added(moose, { name: 'chosen', url: `${url}y`, format: 'slack', kinds: ['pull_request.opened'] })
  const { id: project_id } = await db.selectFrom('projects').select('id').executeTakeFirstOrThrow()
  const names = { title: 'x', body: '', base: 'main', branch: 'b', base_sha: 'a', head_sha: 'b', diff: '' }
  const opened = async (number: number) => {
    const id = await fileOrder(home.database, { title: `Merged ${number}`, files: ['a.txt'] })
    const pull = { project_id, number, work_order_id: id, attempt: 1, ...names }
    await db.insertInto('pull_requests').values(pull).execute()
    return id
  }
  const toldAfterMerge = async (id: string) => {
    await sql`update work_orders set status = 'in_progress', phase = 'in_review' where id = ${id}`.execute(db)
    await sql`update work_orders set status = 'completed', phase = null where id = ${id}`.execute(db)
    const all = async (name: string) =>
      (await sentTo(home, name)).filter(
        ({ kind, data }) => kind === 'pull_request.opened' && data['work_order_id'] === id,
      )
    return [(await all('team')).length, (await all('chosen')).length]
  }
  assert.deepEqual(await toldAfterMerge(await opened(1)), [1, 1], 'a human has merged it')
  await sql`update projects set merge_policy = 'auto'`.execute(db)
  const byRule = await opened(2)
  const { rows } = await sql<{ name: string; due: boolean }>`
    select name, next_try_at <= clock_timestamp() as due from notification_outbox as entry
    join notification_endpoints as endpoint on endpoint.id = entry.endpoint_id where work_order_id = ${byRule} order by name
  `.execute(db)
  assert.deepEqual(rows, [
    { name: 'chosen', due: true },
    { name: 'team', due: false },
  ])
  assert.deepEqual(await toldAfterMerge(byRule), [0, 1])
  const tried = await opened(3)
  await sql`update notification_outbox set tries = 2 where work_order_id = ${tried}`.execute(db)
  assert.deepEqual(await toldAfterMerge(tried), [1, 1])
})

test('a comment is brought up to date when its order comes to review, and says what has to be decided', async () => {
  await using home = await createMooseHome({ 'a.txt': 'a\n' }, [])
  await using moose = await home.open('client')
  const { db } = home.database
  await added(moose, { name: 'comments', format: 'github' })
  await added(moose, { name: 'ops', url: 'https://example.com/' })
  const id = await fileOrder(home.database, { title: 'Reviewed', files: ['a.txt'] })
  await sql`update projects set forge = 'github'`.execute(db)
  const { id: project_id } = await db.selectFrom('projects').select('id').executeTakeFirstOrThrow()
  const names = { title: 'x', body: '', base: 'main', branch: 'feature/x', base_sha: 'a', head_sha: 'b', diff: '' }
  const pull = { project_id, number: 7, work_order_id: id, attempt: 1, ...names }
  await sql`update work_orders set status = 'in_progress', phase = 'publishing' where id = ${id}`.execute(db)
  await db.insertInto('pull_requests').values(pull).execute()
  const opened = (await sentTo(home, 'ops')).find(({ kind }) => kind === 'pull_request.opened')
  assert.deepEqual([opened?.data['pull_request_number'], opened?.data['branch']], [7, 'feature/x'])
  const sent = sql`update notification_outbox set delivered_at = clock_timestamp()`
  const isDue = async () => {
    const { rows } = await sql<{ due: boolean }>`select delivered_at is null and next_try_at <= clock_timestamp() as due
      from notification_outbox where event_key like 'comment:%'`.execute(db)
    return rows.map(({ due }) => due)
  }
  await sent.execute(db)
  assert.deepEqual(await isDue(), [false])
  await sql`update work_orders set phase = 'in_review' where id = ${id}`.execute(db)
  assert.deepEqual(await isDue(), [true])
  assert.equal((await commentedPullRequest(db, id))?.escalation, null)
  await sql`update pull_requests set follow_up = '{"code": "follow_up_exhausted"}'`.execute(db)
  assert.equal((await commentedPullRequest(db, id))?.escalation, 'follow_up_exhausted')
})

test('an endpoint of a project is sent what is of it alone', async () => {
  await using home = await createMooseHome({ 'a.txt': 'a\n' }, [])
  await using moose = await home.open('client')
  const { db } = home.database
  const { name } = await db.selectFrom('projects').select('name').executeTakeFirstOrThrow()
  const id = await fileOrder(home.database, { title: 'Fails', files: ['a.txt'] })
  await db
    .insertInto('projects')
    .values({ name: 'other', repository: home.remote.path, forge: 'local', default_branch: 'main' })
    .execute()
  await added(moose, { name: 'all', url: 'https://example.com/' })
  const { endpoint } = await added(moose, { name: 'one', url: 'https://example.com/', projects: [name] })
  assert.deepEqual(endpoint.projects, [name])
  await added(moose, { name: 'two', url: 'https://example.com/', projects: ['other'] })
  const unknown = { name: 'three', url: 'https://example.com/', projects: ['gone'] }
  assert.equal((await call(moose, 'POST', '/api/notifications', unknown)).status, 404)
  await sql`update work_orders set project_id = (select id from projects where name = ${name}) where id = ${id}`.execute(
    db,
  )
  await sql`update work_orders set status = 'failed' where id = ${id}`.execute(db)
  const counts = async () => Promise.all(['all', 'one', 'two'].map(async (of) => (await sentTo(home, of)).length))
  assert.deepEqual(await counts(), [2, 2, 0])
})

test('comments on GitHub have no address, are there once, and of orders without a pull request there is nothing to send', async () => {
  await using home = await createMooseHome({ 'a.txt': 'a\n' }, [])
  await using moose = await home.open('client')
  const { endpoint, secret } = await added(moose, { name: 'comments', format: 'github' })
  assert.deepEqual([endpoint.url, secret], [null, null])
  const second = await call(moose, 'POST', '/api/notifications', { name: 'more', format: 'github' })
  assert.equal(second.status, 400)
  assert.match(JSON.stringify(second.said), /an endpoint of comments on GitHub, \\"comments,\\" already/)
  for (const body of [{ format: 'github', url: 'https://example.com/' }, {}, { format: 'slack' }])
    assert.equal((await call(moose, 'POST', '/api/notifications', { name: 'bad', ...body })).status, 400)
  const id = await fileOrder(home.database, { title: 'Fails', files: ['a.txt'] })
  await sql`update work_orders set status = 'failed' where id = ${id}`.execute(home.database.db)
  assert.deepEqual(await kindsTo(home, 'comments'), [])
  assert.deepEqual((await call(moose, 'POST', '/api/notifications/comments/test')).said, {
    success: true,
    status: null,
  })
})
