import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import pc from 'picocolors'
import type { Moose } from '../../src/app.ts'
import { createApiClient } from '../../src/cli/client/api-client.ts'
import { budgetPage } from '../../src/cli/pages/budget-page.ts'
import { eventLine } from '../../src/cli/pages/event-line.ts'
import { orderPage } from '../../src/cli/pages/order-page.ts'
import { BudgetResponse } from '../../src/contract/budget.ts'
import { EventsResponse, type EventView } from '../../src/contract/events.ts'
import { EndpointView } from '../../src/contract/notifications/endpoints.ts'
import { OrchestratorStatusResponse } from '../../src/contract/orchestrator.ts'
import { ListedWorkOrdersResponse } from '../../src/contract/order-list.ts'
import { ProjectsResponse } from '../../src/contract/projects.ts'
import { ListedWorkOrder, WorkOrderDetailResponse } from '../../src/contract/work-orders.ts'
import { examineRecords } from '../../src/doctor/examine-records.ts'
import { createMooseHome, fileOrder, type MooseHome } from '../support/moose-home.ts'
import { assertConforms } from '../support/openapi-contract.ts'
import { listed } from '../support/watch-facts.ts'

const PLAIN = pc.createColors(false)

/** Of each order: what another writer, or a newer version with other constraints, has left in its row. */
const ORDERS: Record<string, string> = {
  'an unknown phase': `status = 'in_progress', phase = 'judging'`,
  'an unknown risk': `risk_level = 'extreme'`,
  'a reason that is a text': `status_reason = '"out of milk"'`,
  'a reason without words': `status = 'blocked', status_reason = '{"code": "budget_exceeded"}'`,
  'a reason of numbers': `status_reason = '{"code": 5, "message": 6, "details": [7]}'`,
  'a reason that is a list': `status_reason = '[1]'`,
  'metadata that is no object': `metadata = '[1, 2]'`,
  'times without end': `created_at = 'infinity', updated_at = '-infinity', completed_at = 'infinity'`,
  'a time far away': `created_at = '20000-01-01', completed_at = '4000-01-01 BC'`,
  'a time no Date can hold': `completed_at = '275761-01-01'`,
  'lists of anything': `acceptance_criteria = '{"a": 1}', files_in_scope = '[1, null, "a.txt"]'`,
}

const EVENTS: [type: string, data: string, at: string][] = [
  ['added', '{}', 'now()'],
  ['sentinel_verdict', '{"verdict": "sound"}', 'now()'],
  ['end', '{"reason": "attempt_ended"}', 'now()'],
  ['service_stopping', '{}', 'now()'],
  ['two\nlines\ndata: forged', '{}', 'now()'],
  ['', '[1]', 'now()'],
  ['progress', '"text"', `'infinity'`],
  ['progress', 'null', `'20000-01-01'`],
  ['progress', '{}', `'275761-01-01'`],
  ['progress', '{}', 'now()'],
]

let home: MooseHome
let moose: Moose
let id: string

before(async () => {
  home = await createMooseHome({ 'a.txt': 'a' }, [])
  moose = await home.open('client')
  const { pool } = home.database
  for (const [table, constraint] of [
    ['work_orders', 'work_orders_phase_check'],
    ['work_orders', 'work_orders_risk_level_check'],
    ['work_orders', 'work_orders_metadata_check'],
    ['work_orders', 'work_orders_times_check'],
    ['work_orders', 'work_orders_status_check'],
    ['attempts', 'attempts_status_check'],
    ['attempt_steps', 'attempt_steps_status_check'],
    ['pull_requests', 'pull_requests_state_check'],
  ]) {
    await pool.query(`alter table ${table} drop constraint ${constraint}`)
  }
  await pool.query('alter table work_orders disable trigger all')
  for (const [title, change] of Object.entries(ORDERS)) {
    const odd = await fileOrder(home.database, { title, files: ['a.txt'], approved: false })
    await pool.query(`update work_orders set ${change} where id = $1`, [odd])
  }
  id = await fileOrder(home.database, { title: 'Unknown', files: ['a.txt'], approved: false })
  await pool.query(`insert into projects (name, repository, forge) values ('else', '/srv/else', 'gitlab')`)
  await pool.query(
    `insert into attempts (work_order_id, number, status, content, executor_id, error, claimed_at, ended_at)
     values ($1, 1, 'paused', '{}', 'elsewhere', '"it rests"', 'infinity', '-infinity')`,
    [id],
  )
  await pool.query(
    `insert into attempt_steps (work_order_id, attempt, name, status, input, output, error, started_at)
     values ($1, 1, 'judge', 'skipped', '1', '"no"', '{"code": 1}', 'infinity'), ($1, 1, 'route', 'running', null, null, '[]', now())`,
    [id],
  )
  await pool.query(`update work_orders set attempts = 1 where id = $1`, [id])
  await pool.query(
    `insert into pull_requests (project_id, number, work_order_id, attempt, title, body, base, branch, base_sha, head_sha, diff, state, checks, review)
     select id, 1, $1, 1, 't', 'b', 'main', 'f', 'a', 'b', '', 'queued', 'WAITING', 'DISMISSED' from projects where name = 'sample'`,
    [id],
  )
  await pool.query(
    `insert into github_events (event_type, action, status, work_order_id) values ('merge_group', 'enqueued', 'odd', $1)`,
    [id],
  )
  for (const [type, data, at] of EVENTS) {
    await pool.query(
      `insert into work_order_events (work_order_id, type, message, data, at) values ($1, $2, 'm', $3, ${at})`,
      [id, type, data],
    )
  }
  await pool.query(
    `insert into provider_pauses (provider, failures, reason, since, until) values ('x', 1, 'r', '-infinity', 'infinity')`,
  )
  await pool.query(
    `insert into workers (executor_id, holder, host, pid, version, revision, started_at, lease_until)
     values ('w', gen_random_uuid(), 'h', 1, '9', 'pipeline-99', '-infinity', 'infinity')`,
  )
  await pool.query(`insert into proposer_configs (name, provider, model) values ('odd', 'quantum', 'q-1')`)
  const other = await fileOrder(home.database, { title: 'Elsewhere', files: ['a.txt'], approved: false })
  await pool.query(`update work_orders set status = 'escalated' where id = $1`, [other])
  await pool.query(
    `insert into budget_entries (reservation_id, kind, amount_usd, work_order_id, proposer, provider, model, holder, day, month, at)
     select gen_random_uuid(), 'reserved', 1, $1, 'odd', 'quantum', 'q-1', gen_random_uuid(), now()::date, date_trunc('month', now())::date, 'infinity'`,
    [other],
  )
})
after(async () => {
  await moose[Symbol.asyncDispose]()
  await home[Symbol.asyncDispose]()
})

async function get(path: string, route = path): Promise<unknown> {
  const headers = { accept: 'application/json' }
  const response = await moose.http.fetch(new Request(`http://127.0.0.1${path}`, { headers }))
  assert.equal(response.status, 200, `${path}: ${response.status === 200 ? '' : await response.text()}`)
  return assertConforms('GET', route, response)
}

describe('a row with values that this version does not know takes nothing down:', () => {
  test('the list of orders has every order', async () => {
    const { work_orders: orders } = ListedWorkOrdersResponse.parse(await get('/api/work-orders'))
    assert.deepEqual(new Set(orders.map(({ title }) => title)), new Set([...Object.keys(ORDERS), 'Unknown']))
    const of = (title: string) => orders.find((order) => order.title === title)
    assert.equal(of('an unknown phase')?.phase, 'judging')
    assert.deepEqual(of('a reason that is a text')?.status_reason, { code: 'unknown', message: '"out of milk"' })
    assert.deepEqual(of('a reason without words')?.status_reason?.code, 'budget_exceeded')
    assert.equal(of('times without end')?.completed_at, '9999-12-31T23:59:59.999Z')
  })

  test('every order is shown, on a page too', async () => {
    const { work_orders: orders } = ListedWorkOrdersResponse.parse(await get('/api/work-orders'))
    for (const order of orders) {
      const detail = await get(`/api/work-orders/${order.id}`, '/api/work-orders/{id}')
      const { work_order } = WorkOrderDetailResponse.parse(detail)
      const page = orderPage(work_order, {
        paint: PLAIN,
        hint: (text) => text,
        now: new Date(),
        waits: null,
        steps: true,
      })
      assert.match(page, new RegExp(order.title))
      if (order.id !== id) continue
      assert.deepEqual([work_order.attempt_history[0]?.status, work_order.pull_request?.state], ['paused', 'queued'])
      assert.deepEqual(
        new Set(work_order.attempt_history[0]?.steps.map(({ status }) => status)),
        new Set(['skipped', 'running']),
      )
      assert.match(page, /judge/)
    }
  })

  test('events are listed and printed as they are', async () => {
    for (const [path, route] of [['/api/events'], [`/api/work-orders/${id}/events`, '/api/work-orders/{id}/events']]) {
      const { events } = EventsResponse.parse(await get(String(path), route))
      assert.deepEqual(
        events.map(({ type }) => type),
        EVENTS.map(([type]) => type),
      )
      for (const event of events) assert.match(eventLine(event, PLAIN, { time: true }), / m|end/)
      assert.deepEqual(events[1]?.data, { verdict: 'sound' })
      assert.deepEqual(events[5]?.data, { value: [1] })
    }
  })

  test('a live log passes on all of them and goes on', async () => {
    for (const workOrderId of [null, id]) {
      const left = new AbortController()
      const api = createApiClient('http://127.0.0.1', (request) => moose.http.fetch(request))
      const heard: EventView[] = []
      for await (const event of api.follow({ workOrderId, afterId: '0', signal: left.signal })) {
        heard.push(event)
        if (heard.length === EVENTS.length) left.abort()
      }
      assert.deepEqual(
        heard.map(({ type }) => type),
        EVENTS.map(([type]) => type),
      )
    }
  })

  test('budget, status and projects answer', async () => {
    const { budget } = BudgetResponse.parse(await get('/api/budget'))
    assert.equal(budget.orders[0]?.status, 'escalated')
    assert.equal(budget.paused_providers[0]?.until, '9999-12-31T23:59:59.999Z')
    assert.ok(budget.waiting.some(({ title }) => title === 'a reason without words'))
    assert.match(budgetPage(budget, { paint: PLAIN, hint: (text) => text, columns: null }), /escalated/)
    const { status } = OrchestratorStatusResponse.parse(await get('/api/orchestrator'))
    assert.equal(status.workers[0]?.version, '9')
    const { projects } = ProjectsResponse.parse(await get('/api/projects'))
    assert.deepEqual(
      projects.map(({ name }) => name),
      ['sample'],
    )
  })

  test('a project of an unknown forge is passed over with a word', async () => {
    const findings = await examineRecords(home.database.db, home.config)
    const finding = findings.find(({ name }) => name === 'project else')
    assert.match(`${finding?.detail} ${finding?.remedy}`, /forge "gitlab".*update projects set forge/)
  })
})

test('answers of a service of before that say less are read', () => {
  const { pull_request_closed: _, ...order } = listed(1, 'waiting')
  assert.equal(ListedWorkOrder.safeParse(order).success, true)
  const endpoint = { name: 'ops', url: null, format: 'github', kinds: [], projects: [], created_at: order.created_at }
  const counts = { delivered: 0, waiting: 0, dead: 0 }
  const view = { ...endpoint, ...counts, created_by: 'somebody', last_error: null }
  assert.equal(EndpointView.safeParse(view).success, true)
})
