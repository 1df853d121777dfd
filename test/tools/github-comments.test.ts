import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { sql } from 'kysely'
import { type Moose, openMoose } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { createLog } from '../../src/log.ts'
import { createSender } from '../../src/notifications/sender.ts'
import { greeted, type OnGitHub, onGitHub as projectOnGitHub, said } from '../support/github/order-on-github.ts'
import { detailOf, fileOrder } from '../support/moose-home.ts'
import { added, call, listed } from '../support/notification-receiver.ts'
import { launchWorker } from '../support/service-process.ts'
import { until } from '../support/until.ts'

const PATIENT = { withinMs: 60_000 }

type Given = OnGitHub & { start: (role: 'service' | 'client') => Promise<Moose> }

async function onGitHub(t: TestContext): Promise<Given | null> {
  const settings = { MOOSE_PUBLIC_URL: 'https://moose.example' }
  const given = await projectOnGitHub(t, [greeted('hello, world')], { settings })
  if (given === null) return null
  const config = readConfig(given.environment)
  return { ...given, start: (role) => openMoose(config, { log: createLog('silent'), role }) }
}

const dueNow = ({ home }: Given) => sql`update notification_outbox set next_try_at = now()`.execute(home.database.db)
const comments = ({ github }: Given) => github.state.pulls.flatMap((pull) => pull.comments ?? [])
const sentOf = async (moose: Moose) => {
  const [endpoint] = await listed(moose)
  return [endpoint?.delivered, endpoint?.waiting, endpoint?.dead]
}

for (const moment of ['before', 'after']) {
  test(`killed ${moment} the comment is written: there is one comment, which is edited until the order is merged`, async (t) => {
    await using given = await onGitHub(t)
    if (given === null) return
    {
      await using client = await given.start('client')
      await added(client, { name: 'comments', format: 'github' })
    }
    const id = await fileOrder(given.home.database, { title: 'Greet', files: ['greeting.txt'] })
    {
      await using dying = launchWorker({ ...given.environment, MOOSE_FAULT: `comment:${moment}:kill` })
      if (dying.child.signalCode === null) await once(dying.child, 'exit')
      assert.equal(dying.child.signalCode, 'SIGKILL', dying.printed())
    }
    assert.equal(comments(given).length, moment === 'before' ? 0 : 1)

    await using moose = await given.start('service')
    await moose.orchestrator.start(null)
    await until('it is in review', async () => (await detailOf(moose, id)).phase === 'in_review', PATIENT)
    // The lease of the process that died.
    await dueNow(given)
    await sql`notify moose_outbox`.execute(given.home.database.db)
    await until('it is written', async () => (await sentOf(moose))[0] === 1, PATIENT)
    const [comment] = comments(given)
    const body = String(comment?.body)
    assert.match(body, /^\| Moose \| \|\n\|---\|---\|\n\| Phase \| in review \|\n\| Cost \| \$0\.00/)
    assert.ok(body.includes(`[\`${id.slice(0, 8)}\`](https://moose.example/orders/${id})`), body)
    await moose.orchestrator.merge(id)
    await until('it says so', async () => String(comments(given)[0]?.body).includes('| Phase | merged |'), PATIENT)
    assert.deepEqual(
      comments(given).map(({ id: one }) => one),
      [comment?.id],
    )
    const { rows } = await sql`select 1 from notification_outbox`.execute(given.home.database.db)
    assert.equal(rows.length, 1, 'one entry for the order')
  })
}

test('a comment that GitHub refuses holds no order up, is tried again, and is shown by doctor when it is given up', async (t) => {
  await using given = await onGitHub(t)
  if (given === null) return
  const { db } = given.home.database
  given.github.faults.push({ on: /OwnComment$/, what: { status: 403, body: { message: 'Forbidden' } }, times: 100 })
  await using moose = await given.start('service')
  await added(moose, { name: 'comments', format: 'github' })
  await moose.orchestrator.start(null)
  const id = await fileOrder(given.home.database, { title: 'Greet', files: ['greeting.txt'] })
  await until('it was tried', async () => (await listed(moose))[0]?.last_error !== null, PATIENT)
  assert.deepEqual(await sentOf(moose), [0, 1, 0])
  await until('it is in review', async () => (await detailOf(moose, id)).phase === 'in_review', PATIENT)
  await moose.orchestrator.merge(id)
  assert.equal((await detailOf(moose, id)).status, 'completed')
  await sql`update notification_outbox set tries = 7, next_try_at = now()`.execute(db)
  await sql`notify moose_outbox`.execute(db)
  await until('it is given up', async () => (await sentOf(moose))[2] === 1, PATIENT)
  const finding = (await moose.doctor(null)).find(({ name }) => name === 'notifications to comments')
  assert.match(String(finding?.detail), /^1 event was given up: .*Forbidden/)
  given.github.faults.length = 0
  assert.deepEqual((await call(moose, 'POST', '/api/notifications/comments/test')).said, {
    success: true,
    status: null,
  })
  await sql`notify moose_outbox`.execute(db)
  await until('it is written', async () => (await sentOf(moose))[0] === 1, PATIENT)
  assert.equal(comments(given).length, 1)
})

test('of two processes one writes the comment, and an event that comes meanwhile has it written again', async (t) => {
  await using given = await onGitHub(t)
  if (given === null) return
  const { db } = given.home.database
  const id = await fileOrder(given.home.database, { title: 'Greet', files: ['greeting.txt'] })
  {
    await using moose = await given.start('service')
    await moose.orchestrator.start(null)
    await until('it is in review', async () => (await detailOf(moose, id)).phase === 'in_review', PATIENT)
  }
  await using client = await given.start('client')
  await added(client, { name: 'comments', format: 'github' })
  const announce = (key: string) => sql`select moose_announce('order.blocked', ${key}, ${id}, '{}')`.execute(db)
  await announce('a')
  const written: string[] = []
  const { promise: isWriting, resolve: writes } = Promise.withResolvers<void>()
  const { promise: goesOn, resolve: goOn } = Promise.withResolvers<void>()
  const slow: typeof client.api.sending.keepComment = async (of, text, signal) => {
    writes()
    await goesOn
    written.push(text)
    return await client.api.sending.keepComment(of, text, signal)
  }
  const first = createSender({ ...client.api.sending, keepComment: slow }, { start: false })
  const second = createSender(client.api.sending, { start: false })
  const sending = first.sendDue()
  await isWriting
  await announce('b')
  assert.equal(await second.sendDue(), 0, 'it is being written')
  goOn()
  await sending
  assert.deepEqual(await sentOf(client), [0, 1, 0])
  assert.equal(await second.sendDue(), 1)
  assert.deepEqual([written.length, comments(given).length, await sentOf(client)], [1, 1, [1, 0, 0]])
})

test('GitHub: a revert on the base is seen and counted once, also after a restart', async (t) => {
  await using given = await onGitHub(t)
  if (given === null) return
  const { db } = given.home.database
  const id = await fileOrder(given.home.database, { title: 'Greet', files: ['greeting.txt'] })
  const row = () =>
    db
      .selectFrom('outcome_vectors')
      .select(['reverted_at', 'revert_looked_at'])
      .where('operation_type', '=', 'pull_request_end')
      .executeTakeFirst()
  const told = async () => {
    const events = await db
      .selectFrom('work_order_events')
      .select('message')
      .where('message', 'like', '%reverted%')
      .execute()
    return events.length
  }
  {
    await using moose = await given.start('service')
    await moose.orchestrator.start(null)
    await until('it is in review', async () => (await detailOf(moose, id)).phase === 'in_review', PATIENT)
    await moose.orchestrator.merge(id)
    const { remote } = given.home
    const undo = `Revert "Greet"\n\nThis reverts commit ${await remote.git('rev-parse', 'main')}.`
    const sha = await remote.git('commit-tree', 'main~^{tree}', '-p', 'main', '-m', undo)
    await remote.git('update-ref', 'refs/heads/main', sha)
    assert.deepEqual(await row(), { reverted_at: null, revert_looked_at: null }, 'it was merged just now')
    await sql`update outcome_vectors set created_at = created_at - interval '2 hours'`.execute(db)
    await until('it is seen', async () => (await row())?.reverted_at !== null, PATIENT)
    assert.equal(await told(), 1)
  }
  const before = await row()
  await sql`update outcome_vectors set revert_looked_at = revert_looked_at - interval '2 hours'`.execute(db)
  await using moose = await given.start('service')
  const looks = new Set<string | null>()
  // The second begins when the first has ended.
  await until(
    'it has looked',
    async () => looks.add((await moose.orchestrator.status()).github.last_look).size > 2,
    PATIENT,
  )
  assert.deepEqual([(await row())?.reverted_at, await told()], [before?.reverted_at, 1])
})

const OTHERS = Array.from({ length: 260 }, (_, i) => said(`F${i}`, 'mallory', `${i} ${'x'.repeat(65_000)}`))

test('however many long comments strangers add, there is one comment, also where it is not known which one', async (t) => {
  await using given = await onGitHub(t)
  if (given === null) return
  const { db } = given.home.database
  await using moose = await given.start('service')
  await moose.orchestrator.start(null)
  const id = await fileOrder(given.home.database, { title: 'Greet', files: ['greeting.txt'] })
  await until('it is in review', async () => (await detailOf(moose, id)).phase === 'in_review', PATIENT)
  const pull = given.github.state.pulls[0] ?? assert.fail()
  pull.comments = OTHERS.slice(0, 130)
  await added(moose, { name: 'comments', format: 'github' })
  const own = () => comments(given).filter(({ login }) => login === 'tester')
  let written = 0
  const announced = async () => {
    await sql`select moose_announce('order.blocked', ${String(written)}, ${id}, '{}')`.execute(db)
    await dueNow(given)
    await sql`notify moose_outbox`.execute(db)
    written += 1
    await until('it is written', async () => (await sentOf(moose))[1] === 0, PATIENT)
  }
  await announced()
  assert.equal(own().length, 1)
  const [comment] = own()
  pull.comments = [...comments(given), ...OTHERS.slice(130)]
  await announced()
  assert.deepEqual(own(), [comment])
  // As after a crash between the two, and by a process of before.
  await sql`update pull_requests set comment_id = null`.execute(db)
  await sql`update work_orders set attempts = 2`.execute(db)
  await announced()
  const [edited, ...more] = own()
  assert.deepEqual([edited?.id, more.length], [comment?.id, 0])
  assert.match(String(edited?.body), /\| Attempts \| 2 /)
  await sql`update work_orders set attempts = 3`.execute(db)
  await announced()
  assert.match(String(own()[0]?.body), /\| Attempts \| 3 /)
  // One that a person has deleted is written anew.
  pull.comments = comments(given).filter(({ login }) => login !== 'tester')
  await announced()
  assert.equal(own().length, 1)
})
