import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { setLimit } from '../../src/budget/limits.ts'
import { findWorkOrder } from '../../src/db/work-orders/work-orders.ts'
import { Fault } from '../../src/faults/fault.ts'
import { Usd } from '../../src/money.ts'
import { startModelServer } from '../support/model-server.ts'
import { createMooseHome, fileOrder, settled } from '../support/moose-home.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'
import {
  atRest,
  bench,
  claims,
  FILES,
  greet,
  KEY,
  NEVER_POLLS,
  noMoney,
  stands,
  write,
} from '../support/suspended-bench.ts'
import { until } from '../support/until.ts'

describe('the service lets orders go on by itself', () => {
  test('when the cap is raised, those there is room for and no others', async () => {
    await using home = await createMooseHome(FILES, [], { ...KEY, ...NEVER_POLLS })
    await using server = await startModelServer({ kind: 'text', text: write('greeting.txt', 'x'), headersAfterMs: 400 })
    await useStandIn(home, 'small', { url: server.url, threshold: 1 })
    const { db } = home.database
    await setLimit(db, 'daily_hard_cap', new Usd(0))
    await using moose = await bench(home)
    await moose.orchestrator.start(null)
    const files = ['1.txt', '2.txt', '3.txt', '4.txt', '5.txt']
    const ids: string[] = []
    for (const file of files) ids.push(await fileOrder(home.database, { title: 'Change', files: [file] }))
    const needed = await Promise.all(
      ids.map(async (id) => {
        const resting = await atRest(home, id)
        assert.equal(stands(resting), 'blocked/budget_exceeded', JSON.stringify(resting.status_reason))
        return new Usd(String(resting.status_reason?.details?.['needed_usd']))
      }),
    )
    await setLimit(db, 'daily_hard_cap', Usd.max(...needed).times(2))
    const goneOn = async () =>
      (await Promise.all(ids.map((id) => claims(home, id)))).filter(({ length }) => length > 1).length
    await until('two go on', async () => (await goneOn()) === 2)
    for (let looks = 0; looks < 20; looks += 1) {
      moose.orchestrator.wake()
      await delay(10)
    }
    assert.equal(await goneOn(), 2)
    await setLimit(db, 'daily_hard_cap', new Usd(100))
    await until('all go on', async () => (await goneOn()) === 5)
    const orders = await Promise.all(ids.map((id) => atRest(home, id)))
    // Each was let go on once: none was sent for money that was promised to another.
    for (const { attempts, history, id } of orders) {
      assert.equal(attempts, 1)
      assert.notEqual(history[0]?.error?.code, 'budget_exceeded')
      assert.equal((await claims(home, id)).length, 2)
    }
  })

  test('when the metadata of another order is nonsense, all the same', async () => {
    await using home = await createMooseHome(FILES, [greet], NEVER_POLLS)
    await using moose = await bench(home)
    const { db } = home.database
    moose.trouble.propose.push('hangs', noMoney('0.01'))
    await moose.orchestrator.start(null)
    const odd = await fileOrder(home.database, { title: 'Odd', files: ['other.txt'], approved: false })
    const nonsense = { usd: 'all of it', after_entry: 'never', provider: [1] }
    const metadata = JSON.stringify({ approved_by_director: true, released_for: nonsense })
    await db.updateTable('work_orders').set({ metadata }).where('id', '=', odd).execute()
    await until('a proposal', () => moose.calls.propose === 1)
    const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
    await until('a second proposal', async () => (await claims(home, id)).length === 1 && moose.calls.propose === 2)
    const isSuspended = async () => (await findWorkOrder(db, id)).status === 'blocked'
    await until('it is suspended', async () => (await isSuspended()) || (await claims(home, id)).length === 2)
    moose.orchestrator.configChanged()
    await until('it is claimed again', async () => (await claims(home, id)).length === 2)
    assert.equal((await atRest(home, id)).phase, 'in_review')
    await moose.orchestrator.cancel(odd)
  })

  test('when its provider is back: one finds out, the others follow', async () => {
    await using home = await createMooseHome(FILES, [], NEVER_POLLS)
    const { db } = home.database
    const asked = { proposer: 'scripted' }
    const paused = () => new Fault('provider_paused', 'It rests.', { ...asked, provider: 'replay' })
    await using moose = await bench(home)
    // The one that met the outage itself knows only whom it asked.
    const met = new Fault('provider_paused', 'It did not answer.', asked)
    moose.trouble.propose.push(met, paused(), paused(), 'hangs', 'hangs', 'hangs')
    const ids: string[] = []
    for (const file of ['1.txt', '2.txt', '3.txt']) {
      const id = await fileOrder(home.database, { title: 'Change', files: [file] })
      const ran = moose.orchestrator.execute(id, new AbortController().signal)
      await assert.rejects(ran, { code: 'provider_paused' })
      ids.push(id)
    }
    const pause = { provider: 'replay', failures: 1, reason: 'HTTP 503', until: new Date(Date.now() + 3_600_000) }
    await db.insertInto('provider_pauses').values(pause).execute()
    await moose.orchestrator.start(null)
    await delay(200)
    assert.equal(moose.calls.propose, 3)
    await db
      .updateTable('provider_pauses')
      .set({ until: new Date(Date.now() - 1_000) })
      .execute()
    moose.orchestrator.configChanged()
    await until('one finds out', () => moose.calls.propose === 4)
    assert.equal((await db.selectFrom('attempts').selectAll().where('status', '=', 'running').execute()).length, 1)
    await db.deleteFrom('provider_pauses').execute()
    moose.orchestrator.configChanged()
    await until('the others follow', () => moose.calls.propose === 6)
    for (const id of ids) await moose.orchestrator.cancel(id)
  })

  test('when a price is stated', async () => {
    await using home = await createMooseHome(FILES, [], { ...KEY, ...NEVER_POLLS })
    await using server = await startModelServer({ kind: 'text', text: greet.text })
    await useStandIn(home, 'small', { url: server.url, threshold: 1 })
    const { db } = home.database
    const { cost_profile } = await db
      .selectFrom('proposer_configs')
      .select('cost_profile')
      .where('name', '=', 'small')
      .executeTakeFirstOrThrow()
    const priced = (profile: string) =>
      db.updateTable('proposer_configs').set({ cost_profile: profile }).where('name', '=', 'small').execute()
    await priced('{}')
    await using moose = await bench(home)
    await moose.orchestrator.start(null)
    const id = await fileOrder(home.database, { title: 'Change', files: ['greeting.txt'] })
    assert.equal(stands(await atRest(home, id)), 'blocked/price_unknown')
    moose.orchestrator.configChanged()
    await delay(200)
    assert.equal((await claims(home, id)).length, 1)
    await priced(JSON.stringify(cost_profile))
    await until('it is claimed again', async () => (await claims(home, id)).length === 2)
    const order = await atRest(home, id)
    assert.deepEqual([order.phase, order.attempts], ['in_review', 1])
  })

  test('with the real ledger, from one process to its end, and the decision is booked with the calls', async () => {
    await using home = await createMooseHome(FILES, [], { ...KEY, ...NEVER_POLLS })
    await using server = await startModelServer({ kind: 'text', text: greet.text })
    await useStandIn(home, 'small', { url: server.url, threshold: 1 })
    const { db } = home.database
    const id = await fileOrder(home.database, { title: 'Change', files: ['greeting.txt'] })
    await db.updateTable('work_orders').set({ budget_usd: '0' }).where('id', '=', id).execute()
    await using moose = await home.open()
    await moose.orchestrator.start(null)
    const resting = await settled(moose, id)
    assert.deepEqual([resting.status, resting.status_reason?.code], ['blocked', 'budget_exceeded'])
    assert.equal(server.calls.length, 0)
    await db.updateTable('work_orders').set({ budget_usd: '5' }).where('id', '=', id).execute()
    await until('it goes on', async () => (await findWorkOrder(db, id)).status !== 'blocked')
    const order = await settled(moose, id)
    assert.deepEqual([order.phase, order.attempts, server.calls.length], ['in_review', 1, 1])
    const { decision_id } = await db.selectFrom('attempts').select('decision_id').executeTakeFirstOrThrow()
    const entries = await db.selectFrom('budget_entries').select(['kind', 'decision_id', 'cost_usd']).execute()
    assert.match(String(decision_id), /^[0-9a-f-]{36}$/)
    assert.deepEqual(
      entries.map((entry) => [entry.kind, entry.decision_id]),
      [
        ['reserved', decision_id],
        ['settled', decision_id],
      ],
    )
    const { actual_cost } = await db.selectFrom('work_orders').select('actual_cost').executeTakeFirstOrThrow()
    assert.equal(Number(actual_cost), Number(entries[1]?.cost_usd))
  })
})
