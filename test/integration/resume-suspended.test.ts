import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { describe, test } from 'node:test'
import { type Kysely, type KyselyPlugin, sql } from 'kysely'
import { setLimit } from '../../src/budget/limits.ts'
import { settleByHand } from '../../src/budget/reconcile.ts'
import { systemClock } from '../../src/clock.ts'
import type { Database } from '../../src/db/schema.ts'
import { moveWorkOrder } from '../../src/db/work-orders/work-orders.ts'
import { toFault } from '../../src/faults/fault.ts'
import { Usd } from '../../src/money.ts'
import { resumeSuspended } from '../../src/orchestrator/resume-suspended.ts'
import { createTestDatabase } from '../support/database.ts'

type Db = Kysely<Database>

/** A disk with room. */
const HERE = { clock: systemClock, home: tmpdir() }

/** As the refusal of a call tells it; a decimal. */
const noMoney = (needed_usd: string) => ({
  code: 'budget_exceeded',
  message: 'The cap has nothing left.',
  details: { needed_usd, proposer: 'p', provider: 'replay', model: 'm' },
})
const paused = (details: object) => ({ code: 'provider_paused', message: 'It rests.', details })

type Rests = { title: string; reason: { code: string }; cap?: string; project?: string }

/** Orders whose attempts rest, in the order in which they were filed. */
async function rest(db: Db, orders: readonly Rests[]): Promise<void> {
  for (const { title, reason, cap, project } of orders) {
    const { id } = await db
      .insertInto('work_orders')
      .values({
        title,
        description: '',
        risk_level: 'low',
        files_in_scope: '["a.ts"]',
        metadata: JSON.stringify({ approved_by_director: true }),
        budget_usd: cap === undefined ? null : cap,
        project_id: project === undefined ? null : project,
      })
      .returning('id')
      .executeTakeFirstOrThrow()
    await sql`
      insert into attempts (work_order_id, number, status, content, executor_id, project_id, ended_at)
      values (${id}, 1, 'running', '{}', 'e', ${project === undefined ? null : project}, null)`.execute(db)
    await sql`update work_orders set attempts = 1 where id = ${id}`.execute(db)
    await restAgain(db, title, reason)
  }
}

async function restAgain(db: Db, title: string, reason: object): Promise<void> {
  const told = JSON.stringify(reason)
  await sql`
    update attempts set status = 'blocked', error = ${told}::jsonb, ended_at = clock_timestamp(), resumed = resumed + 1
    where work_order_id = (select id from work_orders where title = ${title})`.execute(db)
  await sql`update work_orders set status = 'blocked', status_reason = ${told}::jsonb where title = ${title}`.execute(
    db,
  )
}

async function addProject(db: Db, name: string, cap: string): Promise<string> {
  const { id } = await db
    .insertInto('projects')
    .values({ name, repository: `/${name}`, default_branch: 'main', forge: 'local', budget_usd: cap })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

const proposers = async () => ({
  isPriceKnown: () => true,
  providerOf: (name: string) => (name === 'p' ? 'replay' : null),
  rowOf: () => null,
  rowOfProject: () => null,
  behind: () => [],
})

/** One look. @returns the titles of all orders that may go on now */
async function released(db: Db): Promise<string[]> {
  const errors: unknown[] = []
  await resumeSuspended({ ...HERE, db, proposers }, (error) => errors.push(error))
  assert.deepEqual(errors, [])
  const rows = await db.selectFrom('work_orders').select('title').where('status', '=', 'pending').execute()
  return rows.map(({ title }) => title).toSorted()
}

const pause = (db: Db) =>
  db
    .insertInto('provider_pauses')
    .values({ provider: 'replay', failures: 1, reason: 'r', until: new Date(Date.now() - 60_000) })
    .execute()

describe('who finds out whether a provider is back', () => {
  test('one after the other: whose test fails goes to the back', async () => {
    await using database = await createTestDatabase()
    const { db } = database
    const reason = paused({ provider: 'replay', proposer: 'p' })
    await rest(db, [
      { title: 'a', reason },
      { title: 'b', reason },
      { title: 'c', reason },
    ])
    await pause(db)
    const probes: string[] = []
    for (let look = 0; look < 4; look += 1) {
      const [probe, ...others] = await released(db)
      assert.deepEqual(others, [])
      probes.push(String(probe))
      await restAgain(db, String(probe), reason)
    }
    assert.deepEqual(probes, ['a', 'b', 'c', 'a'])
  })

  test('nobody who has asked since he went on, or checks a change, or was retried, is waited for', async () => {
    for (const since of ['asked', 'checks', 'retried'] as const) {
      await using database = await createTestDatabase()
      const { db } = database
      const reason = paused({ provider: 'replay', proposer: 'p' })
      await rest(db, [
        { title: 'a', reason },
        { title: 'b', reason },
      ])
      await pause(db)
      assert.deepEqual(await released(db), ['a'])
      assert.deepEqual(await released(db), ['a'])
      const { id } = await db.selectFrom('work_orders').select('id').where('title', '=', 'a').executeTakeFirstOrThrow()
      if (since === 'asked') await reserved(db, { order: id, usd: '0.1' })
      if (since === 'checks') {
        await sql`update work_orders set status = 'in_progress', phase = 'verifying' where id = ${id}`.execute(db)
      }
      if (since === 'retried') {
        await moveWorkOrder(db, id, { from: ['pending'], to: 'cancelled' })
        await moveWorkOrder(db, id, { from: ['cancelled'], to: 'pending', reason: null })
        const { metadata } = await db
          .selectFrom('work_orders')
          .select('metadata')
          .where('id', '=', id)
          .executeTakeFirstOrThrow()
        assert.deepEqual(metadata, { approved_by_director: true })
      }
      assert.ok((await released(db)).includes('b'), since)
    }
  })

  test('by the proposer that was asked, whatever else an outage says of itself', async () => {
    await using database = await createTestDatabase()
    const { db } = database
    await rest(db, [
      { title: 'by proposer', reason: paused({ proposer: 'p', outage: 'model_overloaded' }) },
      { title: 'by both', reason: paused({ proposer: 'p', provider: 'another spelling' }) },
      { title: 'by provider', reason: paused({ proposer: 'gone', provider: 'replay' }) },
      { title: 'by nothing', reason: paused({}) },
    ])
    await pause(db)
    await sql`update provider_pauses set until = moose_now() + interval '1 hour'`.execute(db)
    assert.deepEqual(await released(db), [])
    await sql`delete from provider_pauses`.execute(db)
    assert.deepEqual(await released(db), ['by both', 'by proposer', 'by provider'])
  })
})

test('what waits for a ledger that cannot be added up goes on when it is put right', async () => {
  await using database = await createTestDatabase()
  const { db, pool } = database
  await rest(db, [{ title: 'a', reason: { code: 'ledger_unsound' } }])
  await rest(db, [{ title: 'b', reason: noMoney('0.1') }])
  await pool.query('alter table budget_entries drop constraint budget_entries_amounts_check')
  await pool.query('alter table budget_entries disable trigger budget_entries_sound')
  await reserved(db, { order: crypto.randomUUID(), usd: 'NaN' })
  const { reservation_id: id } = await db.selectFrom('budget_entries').selectAll().executeTakeFirstOrThrow()
  assert.deepEqual(await released(db), [])
  await pool.query('alter table budget_entries enable trigger budget_entries_sound')
  await settleByHand(db, id, new Usd(0))
  assert.deepEqual(await released(db), ['a', 'b'])
})

async function reserved(db: Db, { order, usd }: { order: string; usd: string }): Promise<void> {
  await sql`
    insert into budget_entries (reservation_id, kind, amount_usd, proposer, provider, model, holder, day, month, work_order_id)
    select gen_random_uuid(), 'reserved', ${usd}::numeric, 'p', 'replay', 'm', gen_random_uuid(), at::date,
      date_trunc('month', at)::date, ${order}
    from (select moose_now() at time zone 'utc' as at) as now`.execute(db)
}

describe('what is promised counts where it is paid', () => {
  test('not against the own cap of another order', async () => {
    await using database = await createTestDatabase()
    const { db } = database
    const titles = Array.from({ length: 10 }, (_, index) => `t${index}`)
    await rest(
      db,
      titles.map((title) => ({ title, reason: noMoney('0.5'), cap: '0.5' })),
    )
    assert.deepEqual(await released(db), titles)
  })

  test('against the cap of its project, and of no other', async () => {
    await using database = await createTestDatabase()
    const { db } = database
    const one = await addProject(db, 'one', '0.6')
    const two = await addProject(db, 'two', '1.5')
    const reason = noMoney('0.5')
    await rest(db, [
      { title: 'a1', reason, project: one },
      { title: 'a2', reason, project: one },
      { title: 'b1', reason, project: two },
      { title: 'b2', reason, project: two },
      { title: 'b3', reason, project: two },
      { title: 'b4', reason, project: two },
    ])
    assert.deepEqual(await released(db), ['a1', 'b1', 'b2', 'b3'])
    // The promises of the look before stand.
    assert.deepEqual(await released(db), ['a1', 'b1', 'b2', 'b3'])
  })

  for (const limit of ['daily_hard_cap', 'monthly_hard_cap', 'emergency_kill'] as const) {
    test(`against ${limit}`, async () => {
      await using database = await createTestDatabase()
      const { db } = database
      await setLimit(db, limit, new Usd('1.2'))
      const reason = noMoney('0.5')
      await rest(db, [
        { title: 'dear', reason: noMoney('1.3') },
        { title: 'a', reason },
        { title: 'b', reason },
        { title: 'c', reason },
      ])
      assert.deepEqual(await released(db), ['a', 'b'])
      assert.deepEqual(await released(db), ['a', 'b'])
    })
  }

  test('an order that has spent its own waits', async () => {
    await using database = await createTestDatabase()
    const { db } = database
    await rest(db, [{ title: 'a', reason: noMoney('0.5'), cap: '0.6' }])
    const { id } = await db.selectFrom('work_orders').select('id').executeTakeFirstOrThrow()
    await reserved(db, { order: id, usd: '0.2' })
    assert.deepEqual(await released(db), [])
  })

  test('limits nobody can read let nobody go on, and say so once', async () => {
    await using database = await createTestDatabase()
    const { db } = database
    const reason = noMoney('0.5')
    await rest(db, [
      { title: 'a', reason },
      { title: 'b', reason },
    ])
    await sql`insert into system_config (key, value) values ('budget_limits', 'nonsense')`.execute(db)
    const errors: unknown[] = []
    await resumeSuspended({ ...HERE, db, proposers }, (error) => errors.push(error))
    assert.deepEqual(
      errors.map((error) => toFault(error).code),
      ['config_invalid'],
    )
  })
})

test('300 orders that wait cost as many questions as three', async (context) => {
  await using database = await createTestDatabase()
  const { db } = database
  const asked: string[] = []
  const counting: KyselyPlugin = {
    transformQuery({ node }) {
      asked.push(node.kind)
      return node
    },
    transformResult: async ({ result }) => result,
  }
  const told = JSON.stringify(noMoney('5'))
  const fill = async (count: number) => {
    await sql`
      insert into work_orders (title, description, files_in_scope, metadata, status, status_reason, attempts)
      select 't', '', '["a.ts"]', '{"approved_by_director": true}', 'blocked', ${told}::jsonb, 1
      from generate_series(1, ${count}::int)`.execute(db)
    await sql`
      insert into attempts (work_order_id, number, status, content, executor_id, error, ended_at)
      select id, 1, 'blocked', '{}', 'e', ${told}::jsonb, now() from work_orders
      on conflict do nothing`.execute(db)
  }
  await sql`
    insert into budget_entries
      (reservation_id, kind, amount_usd, cost_usd, proposer, provider, model, holder, day, month, work_order_id)
    select md5(i::text)::uuid, kind, amount, cost, 'p', 'x', 'm', md5('h')::uuid, at::date,
      date_trunc('month', at)::date, md5((i / 5)::text)::uuid
    from generate_series(1, 50000) as i,
      (values ('reserved', 0.01, null::numeric), ('settled', -0.005, 0.005)) as entry (kind, amount, cost),
      (select moose_now() at time zone 'utc' as at) as now`.execute(db)
  for (const limit of ['daily_hard_cap', 'monthly_hard_cap', 'emergency_kill']) await setLimit(db, limit, null)
  await setLimit(db, 'order_cap', new Usd('1'))
  const questions = async () => {
    asked.length = 0
    const begun = performance.now()
    await resumeSuspended({ ...HERE, db: db.withPlugin(counting), proposers }, (error) => assert.fail(String(error)))
    context.diagnostic(`${Math.round(performance.now() - begun)} ms, ${asked.length} questions`)
    return asked.length
  }
  await fill(3)
  const few = await questions()
  await fill(297)
  assert.equal(await questions(), few)
  await setLimit(db, 'daily_hard_cap', new Usd('0'))
  assert.ok((await questions()) < few, 'where nothing is left for anybody, nobody is looked at')
})
