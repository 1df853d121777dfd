import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { Webhook } from 'standardwebhooks'
import { DecidedResponse } from '../../src/contract/why/escalation.ts'
import { createSender } from '../../src/notifications/sender.ts'
import { createMooseHome, fileOrder, type MooseHome, settled } from '../support/moose-home.ts'
import { added, call, listed, type Received, receiver } from '../support/notification-receiver.ts'
import { until } from '../support/until.ts'

const useless = { task: 'Say nothing', turn: 1, text: 'I would rather not.' }
const homeOf = (settings: Record<string, string> = {}) =>
  createMooseHome({ 'a.txt': 'a\n' }, [useless], { ORCHESTRATOR_EXECUTOR: 'patch', ...settings })
const verified = ({ body, headers }: Received, secret: string) =>
  new Webhook(secret).verify(body, {
    'webhook-id': String(headers['webhook-id']),
    'webhook-timestamp': String(headers['webhook-timestamp']),
    'webhook-signature': String(headers['webhook-signature']),
  })
const dueNow = ({ database: { db } }: MooseHome) => sql`update notification_outbox set next_try_at = now()`.execute(db)

test('events of an order are sent signed, so that the library verifies them, each once', async () => {
  await using home = await homeOf()
  await using hooks = await receiver(200)
  await using moose = await home.open()
  const { secret, endpoint } = await added(moose, { name: 'ops', url: `${hooks.url}?key=hidden` })
  assert.match(String(secret), /^whsec_[A-Za-z0-9+/]{43}=$/)
  assert.equal(endpoint.url, hooks.url)
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: useless.task, files: ['a.txt'] })
  assert.equal((await settled(moose, id)).status, 'failed')
  await until('both were sent', async () => hooks.received.length === 2)
  const events = hooks.received.map((one) => verified(one, String(secret)))
  assert.ok(JSON.stringify(events).includes(id))
  const types = hooks.received
    .map(({ body }) => String(JSON.parse(body).type))
    .toSorted((one, other) => one.localeCompare(other))
  assert.deepEqual(types, ['escalation.opened', 'order.failed'])
  assert.equal(hooks.received[0]?.path, '/hooks?key=hidden')
  for (const one of hooks.received) assert.throws(() => verified({ ...one, body: '{}' }, String(secret)))
  const { said } = await call(moose, 'POST', `/api/work-orders/${id}/decide`, { option: 'abort' })
  assert.equal(DecidedResponse.parse(said).work_order.status, 'cancelled')
  await until('these too', async () => hooks.received.length === 4)
  await until('all are noted as sent', async () => (await listed(moose))[0]?.delivered === 4)
  const [ops] = await listed(moose)
  assert.deepEqual([ops?.waiting, ops?.dead, ops?.last_error], [0, 0, null])
  assert.ok(!JSON.stringify(await listed(moose)).includes(String(secret)), 'the secret is shown once')
})

test('what is not taken is sent again with the same id, by one of several processes, and no redirect is followed', async () => {
  await using home = await homeOf()
  await using hooks = await receiver(500, 302, 200)
  await using moose = await home.open('client')
  const { secret } = await added(moose, { name: 'ops', url: hooks.url, kinds: ['order.failed'] })
  const { db } = home.database
  const id = await fileOrder(home.database, { title: 'Fails', files: ['a.txt'] })
  await sql`update work_orders set status = 'failed' where id = ${id}`.execute(db)
  const senders = [1, 2, 3].map(() => createSender({ ...moose.api.sending, random: () => 0 }, { start: false }))
  const tried = async () =>
    (await Promise.all(senders.map((sender) => sender.sendDue()))).reduce((sum, one) => sum + one, 0)
  assert.deepEqual([await tried(), await tried()], [1, 0], 'the next try waits')
  await dueNow(home)
  assert.equal(await tried(), 1)
  assert.match(String((await listed(moose))[0]?.last_error), /^it answered HTTP 302$/)
  await dueNow(home)
  assert.deepEqual([await tried(), await tried()], [1, 0])
  const ids = hooks.received.map(({ headers }) => headers['webhook-id'])
  assert.deepEqual([hooks.received.length, new Set(ids).size], [3, 1])
  for (const one of hooks.received) assert.ok(verified(one, String(secret)))
  assert.deepEqual(
    hooks.received.map(({ path }) => path),
    ['/hooks', '/hooks', '/hooks'],
  )
  await sql`update work_orders set status = 'pending' where id = ${id}`.execute(db)
  await sql`update work_orders set status = 'failed' where id = ${id}`.execute(db)
  assert.equal(await tried(), 1, 'it has failed once more')
})

test('a receiver that never answers holds no order up, and one that is never there is given up and shown by doctor', async () => {
  await using home = await homeOf()
  await using hooks = await receiver(null)
  await using moose = await home.open()
  await added(moose, { name: 'slow', url: hooks.url })
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: useless.task, files: ['a.txt'] })
  assert.equal((await settled(moose, id)).status, 'failed')
  await until('it was tried', async () => hooks.received.length >= 1)
  await added(moose, { name: 'gone', url: 'http://127.0.0.1:9/hooks', kinds: ['order.cancelled'] })
  await moose.orchestrator.cancel(id)
  await until('it was tried', async () =>
    (await listed(moose)).some(({ name, last_error: error }) => name === 'gone' && error !== null),
  )
  const found = async () => (await moose.doctor(null)).find(({ name }) => name === 'notifications to gone')
  const refused = await found()
  assert.equal(refused?.state, 'warning', 'at once, long before the last try')
  assert.match(refused.detail, /^its last try failed, and 1 event waits: .*ECONNREFUSED.*; the next try is at 20.*Z$/)
  assert.match(String(refused.remedy), /moose notify test gone/)
  await sql`update notification_outbox set tries = 7, next_try_at = now() where last_error is not null`.execute(
    home.database.db,
  )
  await sql`notify moose_outbox`.execute(home.database.db)
  await until('it is given up', async () =>
    (await listed(moose)).some(({ name, dead }) => name === 'gone' && dead === 1),
  )
  const finding = await found()
  assert.equal(finding?.state, 'warning')
  assert.match(finding?.detail ?? '', /^1 event was given up: .*ECONNREFUSED/)
  assert.match(String(finding?.remedy), /moose notify test gone/)
})

test('doctor warns of an endpoint that takes nothing any more, and not of one event that is refused beside others', async () => {
  await using home = await homeOf()
  await using moose = await home.open('client')
  const { db } = home.database
  await added(moose, { name: 'ops', url: 'https://example.com/' })
  const entry = (key: string, tries: number, to: { delivered?: true; minutes: number; filed?: number }) =>
    sql`
    insert into notification_outbox
      (endpoint_id, kind, event_key, data, created_at, tries, delivered_at, last_error, failed_at, next_try_at)
    select id, 'test', ${key}, '{}', now() - make_interval(mins => ${to.filed === undefined ? to.minutes : to.filed}), ${tries},
      case when ${to.delivered === true} then now() - make_interval(mins => ${to.minutes}) end,
      case when ${to.delivered !== true} then 'it answered HTTP 500' end,
      case when ${to.delivered !== true} then now() - make_interval(mins => ${to.minutes}) end, now() + interval '1 hour'
    from notification_endpoints`.execute(db)
  const found = async () => (await moose.doctor(null)).filter(({ name }) => name === 'notifications to ops')
  await entry('refused', 5, { minutes: 30 })
  await entry('taken', 1, { minutes: 20, delivered: true })
  assert.deepEqual(await found(), [], 'one of later was taken')
  await entry('next', 2, { minutes: 10 })
  await entry('last', 1, { minutes: 5 })
  const [finding, ...others] = await found()
  assert.deepEqual(others, [])
  assert.equal(finding?.state, 'warning')
  assert.match(
    finding.detail,
    /^its last 3 tries failed, and 3 events wait: it answered HTTP 500; the next try is at 20/,
  )
})

test('doctor warns of an endpoint whose only event was filed before the last one that was taken, once a try fails after that', async () => {
  await using home = await homeOf()
  await using hooks = await receiver(200, 503)
  await using moose = await home.open('client')
  const { db } = home.database
  await added(moose, { name: 'ops', url: hooks.url, kinds: ['order.failed'] })
  const found = async () => (await moose.doctor(null)).find(({ name }) => name === 'notifications to ops')?.detail
  const sender = createSender(moose.api.sending, { start: false })
  const fail = async (title: string) => {
    const id = await fileOrder(home.database, { title, files: ['a.txt'] })
    await sql`update work_orders set status = 'failed' where id = ${id}`.execute(db)
    return id
  }
  const first = await fail('Filed first')
  await sql`update notification_outbox set tries = 4, last_error = 'it answered HTTP 500', failed_at = clock_timestamp(),
    next_try_at = now() + interval '1 hour' where work_order_id = ${first}`.execute(db)
  await fail('Filed later')
  assert.equal(await sender.sendDue(), 1)
  assert.equal(await found(), undefined, 'another one was taken since')
  await dueNow(home)
  assert.equal(await sender.sendDue(), 1)
  assert.match(
    String(await found()),
    /^its last try failed, and 1 event waits: it answered HTTP 503; the next try is at 20/,
  )
})

test('a receiver that never answers leaves room for others, and what a stop interrupts counts as no try', async () => {
  await using home = await homeOf()
  await using dead = await receiver(null)
  await using alive = await receiver(200)
  await using moose = await home.open('client')
  const { db } = home.database
  await added(moose, { name: 'dead', url: dead.url, kinds: ['order.cancelled'] })
  await added(moose, { name: 'alive', url: alive.url, kinds: ['order.failed'] })
  const end = async (status: string, title: string) => {
    const id = await fileOrder(home.database, { title, files: ['a.txt'] })
    await sql`update work_orders set status = ${status} where id = ${id}`.execute(db)
  }
  for (let at = 0; at < 21; at += 1) await end('cancelled', `Cancelled ${at}`)
  await end('failed', 'Fails')
  {
    await using sender = createSender(moose.api.sending, { start: true })
    sender.wake()
    await until('it is told beside them', async () => alive.received.length === 1, { withinMs: 14_000 })
    await until('some are under way', async () => dead.received.length > 0)
  }
  const rows =
    await sql`select from notification_outbox where delivered_at is null and (tries > 0 or last_error is not null)`.execute(
      db,
    )
  assert.equal(rows.rows.length, 0)
  assert.ok(dead.received.length <= 4, String(dead.received.length))
})

test('any number of receivers that never answer leave room for another, and are then asked once at a time', async () => {
  await using home = await homeOf()
  await using hung = await receiver(null)
  await using alive = await receiver(200)
  await using moose = await home.open('client')
  const { db } = home.database
  for (let at = 0; at < 5; at += 1) await added(moose, { name: `hung-${at}`, url: hung.url, kinds: ['order.failed'] })
  await added(moose, { name: 'alive', url: alive.url, kinds: ['order.completed'] })
  await sql`select moose_announce('order.failed', 'test:' || n, null, '{}'::jsonb) from generate_series(1, 20) as n`.execute(
    db,
  )
  await using sender = createSender(moose.api.sending, { start: true })
  sender.wake()
  await until('all places are taken', async () => hung.received.length === 20)
  await sql`select moose_announce('order.completed', 'test:' || n, null, '{}'::jsonb) from generate_series(1, 4) as n`.execute(
    db,
  )
  sender.wake()
  await until('it is told once those have taken too long', async () => alive.received.length === 4, {
    withinMs: 25_000,
  })
  await until('they are asked again', async () => hung.received.length === 25, { withinMs: 10_000 })
  await sql`select moose_announce('order.completed', 'test:later', null, '{}'::jsonb)`.execute(db)
  sender.wake()
  await until('it is told at once', async () => alive.received.length === 5, { withinMs: 10_000 })
  assert.equal(hung.received.length, 25, 'each is asked once until it answers')
})

test('a test that is taken has what was given up, or waits for its next try, sent again; one that is not says why', async () => {
  await using home = await homeOf()
  await using hooks = await receiver(503, 200)
  await using moose = await home.open('client')
  await added(moose, { name: 'ops', url: hooks.url })
  const refused = await call(moose, 'POST', '/api/notifications/ops/test')
  assert.equal(refused.status, 503)
  assert.match(JSON.stringify(refused.said), /did not take the test: it answered HTTP 503/)
  const id = await fileOrder(home.database, { title: 'Fails', files: ['a.txt'] })
  await sql`update work_orders set status = 'cancelled' where id = ${id}`.execute(home.database.db)
  await sql`update notification_outbox set dead_at = now(), tries = 8, last_error = 'x'`.execute(home.database.db)
  assert.deepEqual((await call(moose, 'POST', '/api/notifications/ops/test')).said, { success: true, status: 200 })
  assert.deepEqual(
    (await listed(moose)).map(({ waiting, dead }) => [waiting, dead]),
    [[1, 0]],
  )
  await sql`update notification_outbox set tries = 5, last_error = 'x', failed_at = clock_timestamp(),
    next_try_at = clock_timestamp() + interval '1 hour'`.execute(home.database.db)
  assert.equal((await call(moose, 'POST', '/api/notifications/ops/test')).status, 200)
  assert.deepEqual(
    (await listed(moose)).map(({ waiting, last_error, failed_tries }) => [waiting, last_error, failed_tries]),
    [[1, null, 0]],
  )
  await using sender = createSender(moose.api.sending, { start: false })
  assert.equal(await sender.sendDue(), 1, 'what waited for its next try')
  assert.equal((await call(moose, 'DELETE', '/api/notifications/ops')).status, 200)
  assert.deepEqual(await listed(moose), [])
  assert.equal((await call(moose, 'POST', '/api/notifications/ops/test')).status, 404)
})

test('Slack is sent a text without a call to everybody, and its address is shown nowhere', async () => {
  await using home = await homeOf()
  await using hooks = await receiver(200)
  await using moose = await home.open('client')
  const { secret, endpoint } = await added(moose, { name: 'team', url: `${hooks.url}/T0/secret`, format: 'slack' })
  assert.deepEqual(
    [secret, endpoint.url?.endsWith('/…'), JSON.stringify(endpoint).includes('/T0')],
    [null, true, false],
  )
  const id = await fileOrder(home.database, {
    title: 'Ping <!channel> & @all [go](https://evil.example)',
    files: ['a.txt'],
  })
  await sql`update work_orders set status = 'failed', status_reason = '{"code":"check_failed","message":"x"}' where id = ${id}`.execute(
    home.database.db,
  )
  await createSender(moose.api.sending, { start: false }).sendDue()
  const texts = hooks.received.map(({ body }) => String(JSON.parse(body).text))
  const short = id.slice(0, 8)
  assert.ok(
    texts.some((text) =>
      text.startsWith(
        `Work order ${short} needs a decision (check_failed): Ping &lt;!channel&gt; &amp; @\u200ball [go]\u200b(https://evil.example)`,
      ),
    ),
    texts.join('\n'),
  )
  assert.ok(
    texts.some((text) => text.endsWith(`moose decide ${short}`)),
    texts.join('\n'),
  )
  assert.equal(hooks.received[0]?.headers['webhook-signature'], undefined)
})

test('an address is https, or of this machine, without user and password; a name is taken once', async () => {
  await using home = await homeOf()
  await using moose = await home.open('client')
  const refused = [
    'http://example.com/',
    'https://me:word@example.com/',
    'ftp://example.com',
    'file:///etc/passwd',
    'x',
    'https://a.b/#x',
  ]
  for (const url of refused)
    assert.equal((await call(moose, 'POST', '/api/notifications', { name: 'ops', url })).status, 400, url)
  await added(moose, { name: 'ops', url: 'https://example.com/' })
  const again = await call(moose, 'POST', '/api/notifications', { name: 'ops', url: 'https://example.com/' })
  assert.equal(again.status, 400)
  assert.match(JSON.stringify(again.said), /There is an endpoint \\"ops\\" already/)
})
