import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Moose } from '../../src/app.ts'
import { OrchestratorStatusResponse } from '../../src/contract/orchestrator.ts'
import { ListedWorkOrdersResponse } from '../../src/contract/order-list.ts'
import { type InboxEntry, InboxResponse, WhyResponse } from '../../src/contract/why/inbox.ts'
import { WorkOrderDetailResponse } from '../../src/contract/work-orders.ts'
import { countOutage, endPause } from '../../src/db/provider-pauses.ts'
import { setEmergencyStop } from '../../src/db/system-config.ts'
import { Fault } from '../../src/faults/fault.ts'
import { calledWithin, createHttpApp } from '../../src/http/http-app.ts'
import { createMooseHome, fileOrder, type MooseHome } from '../support/moose-home.ts'
import type { OrchestratorBench } from '../support/orchestrator-bench.ts'
import { atRest, bench, FILES, greet, NEVER_POLLS, noMoney, stands, write } from '../support/suspended-bench.ts'
import { until } from '../support/until.ts'

const takeOver = { task: 'Take it over', turn: 1, text: write('CODEOWNERS', '* @mallory') }
const useless = { task: 'Say nothing', turn: 1, text: 'I would rather not.' }

describe('why an order stands where it stands, and what waits for a human: the API on a real orchestrator', () => {
  let home: MooseHome
  let moose: Moose
  let orders: OrchestratorBench

  before(async () => {
    home = await createMooseHome({ ...FILES, CODEOWNERS: '* @ada\n' }, [greet, takeOver, useless], {
      ...NEVER_POLLS,
      ORCHESTRATOR_EXECUTOR: 'patch',
    })
    moose = await home.open('client')
    orders = await bench(home)
  })
  after(async () => {
    await orders[Symbol.asyncDispose]()
    await moose[Symbol.asyncDispose]()
    await home[Symbol.asyncDispose]()
  })

  const get = async (path: string, status = 200): Promise<unknown> => {
    const app = calledWithin(createHttpApp({ ...moose.api, orchestrator: orders.orchestrator }), {
      kind: 'os_user',
      name: 'ada',
    })
    const response = await app.fetch(new Request(`http://127.0.0.1${path}`))
    assert.equal(response.status, status, await response.clone().text())
    return await response.json()
  }
  const why = async (id: string) => WhyResponse.parse(await get(`/api/work-orders/${id}/why`))
  const list = async (query: string) =>
    ListedWorkOrdersResponse.parse(await get(`/api/work-orders?${query}`)).work_orders
  const inbox = async () => InboxResponse.parse(await get('/api/inbox')).inbox
  const entryOf = async (id: string): Promise<InboxEntry | undefined> =>
    (await inbox()).find((entry) => entry.work_order?.id === id)
  const status = async () => OrchestratorStatusResponse.parse(await get('/api/orchestrator')).status
  const config = (key: string, value: string) =>
    home.database.db
      .insertInto('system_config')
      .values({ key, value })
      .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
      .execute()
  const texts = (rows: { name: string; text: string }[]) => rows.map(({ name, text }) => `${name}: ${text}`)
  const cancel = async (id: string) => {
    await orders.orchestrator.cancel(id)
    await atRest(home, id)
  }

  test('not approved, and behind a cancelled order: that it could not start is said before it is approved', async () => {
    const first = await fileOrder(home.database, { title: 'Comes first', files: ['greeting.txt'], approved: false })
    const id = await fileOrder(home.database, { title: 'Comes then', files: ['greeting.txt'], approved: false })
    const dependencies = JSON.stringify([first])
    await home.database.pool.query(
      `update work_orders set metadata = metadata || jsonb_build_object('dependencies', $2::jsonb) where id = $1`,
      [id, dependencies],
    )
    const named = `${first.slice(0, 8)} "Comes first"`
    const depends = `depends on: ${first}, `
    const waiting = (await why(id)).why
    assert.doesNotMatch(waiting.sentence, /could not start/)
    assert.ok(texts(waiting.evidence).includes(`${depends}waits too`), texts(waiting.evidence).join('\n'))
    await cancel(first)
    const { why: answer } = await why(id)
    assert.equal(answer.short, `is not approved, and depends on ${first.slice(0, 8)}, which was cancelled`)
    const said = ` If it was approved, it could not start: it depends on ${named}, which was cancelled.`
    assert.ok(answer.sentence.includes(said), answer.sentence)
    assert.ok(texts(answer.evidence).includes(`${depends}was cancelled`))
    assert.ok(answer.next.includes(`moose retry ${first.slice(0, 8)}`), answer.next.join('\n'))
    const entry = await entryOf(id)
    assert.ok(entry !== undefined)
    assert.ok(entry.sentence.includes(said), entry.sentence)
    assert.ok(texts(entry.evidence).includes(`${depends}was cancelled`))
    const { work_order } = WorkOrderDetailResponse.parse(await get(`/api/work-orders/${id}`))
    assert.deepEqual(work_order.dependencies, [{ id: first, title: 'Comes first', status: 'cancelled' }])
    await cancel(id)
  })

  test('not approved: what approving would cost and what will be verified', async () => {
    const id = await fileOrder(home.database, {
      title: 'Ask first',
      files: ['greeting.txt'],
      criteria: ['It greets'],
      approved: false,
    })
    const { why: answer, worst_case_usd, work_order } = await why(id)
    assert.equal(answer.kind, 'unapproved')
    assert.equal(worst_case_usd, 5)
    assert.match(
      answer.sentence,
      /allows \$5\.00 to be spent at most, by the cap of this order\. The check "has greeting" verifies it/,
    )
    assert.deepEqual(work_order.verification?.unproved, [])
    const entry = await entryOf(id)
    assert.deepEqual([entry?.kind, entry?.worst_case_usd], ['approval', 5])
    const risk = entry?.work_order?.risk
    assert.deepEqual([risk?.level, work_order.risk], ['low', risk])
    assert.ok(entry?.next.includes(`moose approve ${id.slice(0, 8)}`))
    assert.deepEqual(
      (await list('state=unapproved')).map((order) => [order.id, order.state, order.why.short]),
      [[id, 'unapproved', 'is not approved']],
    )
    await cancel(id)
    const { why: over } = await why(id)
    assert.deepEqual([over.kind, await entryOf(id)], ['cancelled', undefined])
  })

  test('approved: it waits for a service, and then for the scope and the place of the order that runs', async () => {
    orders.trouble.propose.push('hangs')
    const first = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
    assert.equal((await why(first)).why.kind, 'service')
    await orders.orchestrator.start(null)
    await until('it proposes', async () => (await why(first)).why.short.startsWith('attempt 1, propose'))
    const { why: runs } = await why(first)
    assert.equal(runs.kind, 'running')
    assert.ok(
      texts(runs.evidence).some((text) => text.startsWith('attempt: 1, running, at propose')),
      JSON.stringify(runs),
    )

    await config('orchestrator_max_concurrent', '1')
    const second = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt', 'new.txt'] })
    const third = await fileOrder(home.database, { title: greet.task, files: ['other.txt'] })
    const behind = (await why(second)).why
    assert.deepEqual([behind.kind, behind.orders], ['scope', [first]])
    assert.equal(behind.short, `waits for ${first.slice(0, 8)}, which may change greeting.txt too`)
    const without = (await why(third)).why
    assert.deepEqual([without.kind, without.orders], ['place', [first]])
    assert.equal(without.short, 'waits for a place: 1 of 1 are taken')
    assert.deepEqual(
      (await list('state=waiting')).map((order) => [order.id, order.why.kind]),
      [
        [second, 'scope'],
        [third, 'place'],
      ],
    )
    const { states } = await status()
    assert.deepEqual([states.running, states.waiting, states.review], [1, 2, 0])

    await config('orchestrator_max_per_repository', '1')
    await config('orchestrator_max_concurrent', '2')
    assert.match((await why(third)).why.sentence, /a place in its repository: 1 of 1 are taken/)
    await config('orchestrator_enabled', 'false')
    assert.equal((await why(third)).why.kind, 'settings')
    await config('orchestrator_enabled', 'perhaps')
    assert.match((await why(third)).why.sentence, /Bad row in system_config/)
    await setEmergencyStop(home.database.db, true)
    await home.database.db.deleteFrom('system_config').where('key', 'like', 'orchestrator_%').execute()
    assert.equal((await why(third)).why.kind, 'emergency_stop')
    assert.deepEqual((await inbox()).map(({ kind }) => kind).slice(0, 1), ['stopped'])
    await setEmergencyStop(home.database.db, false)

    for (const id of [second, third, first]) await cancel(id)
  })

  test('blocked by a cap: which one, with what is spent; it goes on when the cap is raised, as the answer says', async () => {
    orders.trouble.propose.push(noMoney('9'))
    const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
    assert.equal(stands(await atRest(home, id)), 'blocked/budget_exceeded')
    const { why: answer } = await why(id)
    assert.equal(answer.kind, 'cap')
    assert.equal(answer.short, 'waits for money: the cap of this order, $5.00, has $5.00 left')
    assert.equal(answer.next[0], `moose decide ${id.slice(0, 8)}`)
    assert.equal((await entryOf(id))?.kind, 'blocked')
    assert.equal((await list('state=blocked'))[0]?.why.short, answer.short)

    await home.database.db.updateTable('work_orders').set({ budget_usd: '9' }).where('id', '=', id).execute()
    const order = await atRest(home, id)
    await until('it goes on', async () => (await why(id)).why.kind === 'review')
    assert.equal(order.attempts, 1)
    const { why: reviewed } = await why(id)
    assert.match(reviewed.short, /^pull request #1: it is ready to be merged$/)
    assert.equal((await entryOf(id))?.kind, 'merge')
    assert.equal((await status()).states.review, 1)
    await orders.orchestrator.close(id)
    assert.equal((await why(id)).why.sentence, 'It is cancelled: pull request #1 was closed.')
  })

  test('blocked by a provider: until when; the status and the inbox name it with who calls it', async () => {
    const { db } = home.database
    const details = { proposer: 'scripted', provider: 'replay' }
    const outage = { kind: 'outage', keyMark: null, reason: 'HTTP 503', tested: false, askedMs: 0, chance: 0 } as const
    await countOutage(db, { provider: 'replay', ...outage })
    orders.trouble.propose.push(new Fault('provider_paused', 'It is paused.', details))
    const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
    assert.equal(stands(await atRest(home, id)), 'blocked/provider_paused')
    const { why: answer } = await why(id)
    assert.equal(answer.kind, 'provider')
    assert.match(answer.short, /^waits for replay, paused until 20/)
    const { paused_providers: paused } = await status()
    assert.deepEqual(
      paused.map(({ provider, proposers, until: end }) => [provider, proposers, end]),
      [['replay', ['scripted'], answer.until]],
    )
    const entry = (await inbox()).find(({ kind }) => kind === 'paused_provider')
    assert.deepEqual(entry?.next, ['moose proposer test scripted', 'moose proposer resume scripted --now'])
    assert.equal(await entryOf(id), undefined)
    await endPause(db, 'replay')
    await until('it goes on', async () => (await why(id)).why.kind === 'review')
    await orders.orchestrator.merge(id)
    assert.equal((await why(id)).why.sentence, 'It is completed: pull request #2 was merged.')
  })

  test('held for a human, and failed: the paths, the step and the code, each with what to type', async () => {
    const held = await fileOrder(home.database, { title: takeOver.task, files: ['CODEOWNERS'] })
    assert.equal(stands(await atRest(home, held)), 'blocked/protected_change')
    const { why: answer } = await why(held)
    assert.equal(answer.kind, 'held_change')
    assert.ok(answer.next.includes(`moose approve ${held.slice(0, 8)} --allow CODEOWNERS`), answer.next.join('\n'))
    assert.equal((await entryOf(held))?.kind, 'held_change')

    const failed = await fileOrder(home.database, { title: useless.task, files: ['greeting.txt'] })
    await atRest(home, failed)
    const { why: told } = await why(failed)
    assert.deepEqual([told.kind, told.code], ['failed', 'recording_missing'])
    assert.match(told.sentence, /^Attempt 1 failed at propose with recording_missing: /)
    const kinds = (await inbox()).map(({ kind }) => kind)
    assert.deepEqual(kinds, ['held_change', 'failed'])
    await cancel(held)
  })

  test('an unknown state is refused with those there are; an unknown order too', async () => {
    const refused = JSON.stringify(await get('/api/work-orders?state=merged', 400))
    for (const state of ['unapproved', 'waiting', 'running', 'review', 'blocked', 'failed'])
      assert.match(refused, new RegExp(state))
    await get('/api/work-orders/00000000-0000-4000-8000-000000000000/why', 404)
  })
})
