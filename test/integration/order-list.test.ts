import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import { FaultBody } from '../../src/contract/faults.ts'
import { LANES, LanesResponse, ListedWorkOrdersResponse, ORDER_SORTS } from '../../src/contract/order-list.ts'
import { openApiHome } from '../support/api-home.ts'
import { createTokenApp, type TokenApp } from '../support/api-token.ts'
import { assertConforms } from '../support/openapi-contract.ts'
import { moose, mooseUp, type ServiceProcess } from '../support/service-process.ts'

const COUNT = 60

describe('the list of orders, read page by page', () => {
  let api: Awaited<ReturnType<typeof openApiHome>>
  let app: TokenApp

  before(async () => {
    api = await openApiHome()
    app = createTokenApp(api.deps())
    await fill()
  })
  after(() => api[Symbol.asyncDispose]())

  /** Orders of every state, many of which share what they are sorted by, filed in pairs at the same moment. */
  async function fill() {
    await sql`
      insert into work_orders (title, description, status, phase, risk_level, actual_cost, metadata, created_at, updated_at)
      select
        case n when 7 then 'Raise by 100% {a_b}' when 8 then 'Back\\slash' when 9 then 'Ünïcode Größe' else 'Order ' || n end,
        case when n % 10 = 0 then 'The Login page' else '' end,
        (array['pending', 'pending', 'in_progress', 'in_progress', 'blocked', 'failed', 'completed', 'cancelled'])[1 + n % 8],
        (array[null, null, 'proposing', 'in_review'])[1 + n % 8],
        (array['low', 'medium', 'high'])[1 + n % 3],
        case when n % 4 = 0 then n % 5 end,
        case when n % 8 = 1 then '{"approved_by_director": true}'::jsonb else '{}' end,
        '2026-01-31 12:00:00.123456+00'::timestamptz + make_interval(secs => n / 2),
        '2026-02-01 12:00:00.000001+00'::timestamptz + make_interval(secs => n % 7)
      from generate_series(0, ${COUNT - 1}) as n
    `.execute(api.home.database.db)
  }

  const get = async (query: string) => {
    const response = await app.request(`/api/work-orders?${query}`)
    assert.equal(response.status, 200, await response.clone().text())
    return ListedWorkOrdersResponse.parse(await assertConforms('GET', '/api/work-orders', response))
  }
  const refused = async (query: string) => {
    const response = await app.request(`/api/work-orders?${query}`)
    return [response.status, FaultBody.parse(await response.json()).error.code]
  }
  const titles = async (query: string) => (await get(query)).work_orders.map(({ title }) => title)

  test('every sort, from both ends, gives each order once, as one page of all of them does', async () => {
    for (const sort of ORDER_SORTS) {
      for (const reverse of ['true', 'false']) {
        const whole = await get(`sort=${sort}&reverse=${reverse}&limit=1000`)
        assert.deepEqual([whole.work_orders.length, whole.next_cursor], [COUNT, null])
        const read: string[] = []
        let cursor: string | null = ''
        while (cursor !== null) {
          const behind: string = cursor === '' ? '' : `&cursor=${cursor}`
          const page = await get(`sort=${sort}&reverse=${reverse}&limit=7${behind}`)
          read.push(...page.work_orders.map(({ id }) => id))
          cursor = page.next_cursor
        }
        const expected = whole.work_orders.map(({ id }) => id)
        assert.deepEqual(read, expected, `${sort} ${reverse}`)
        if (reverse === 'false') {
          const turned = await get(`sort=${sort}&reverse=true&limit=1000`)
          assert.deepEqual(turned.work_orders.map(({ id }) => id).toReversed(), expected, sort)
        }
      }
    }
  })

  test('sorts begin with what is looked for: the dearest, the riskiest, the last changed, what needs a human', async () => {
    const [dearest] = (await get('sort=cost')).work_orders
    assert.equal(dearest?.actual_cost, 4)
    const [cheapest] = (await get('sort=cost&reverse=true')).work_orders
    assert.equal(cheapest?.actual_cost, null)
    assert.equal((await get('sort=risk')).work_orders[0]?.risk_level, 'high')
    assert.equal((await get('sort=updated')).work_orders[0]?.updated_at, '2026-02-01T12:00:06.000Z')
    assert.equal((await get('sort=state')).work_orders[0]?.state, 'failed')
    assert.equal((await titles('sort=title'))[0], 'Back\\slash')
  })

  test('without a sort it is the newest, oldest first, and the cursor leads to older ones', async () => {
    const newest = await get('limit=3')
    const older = await get(`limit=3&cursor=${newest.next_cursor}`)
    const all = (await get('limit=1000')).work_orders.map(({ id }) => id)
    const read = [...older.work_orders, ...newest.work_orders].map(({ id }) => id)
    assert.deepEqual(read, all.slice(-6))
  })

  test('a page that was read is read again within its bounds, with what came into it meanwhile', async () => {
    const first = await get('sort=title&limit=5&q=order')
    const second = await get(`sort=title&limit=5&q=order&cursor=${first.next_cursor}`)
    const between = `sort=title&q=order&cursor=${first.next_cursor}&until=${second.next_cursor}`
    const ids = async () => (await get(between)).work_orders.map(({ id }) => id)
    assert.deepEqual(
      await ids(),
      second.work_orders.map(({ id }) => id),
    )
    const last = String(first.work_orders.at(-1)?.title)
    const id = await api.place({ title: `${last}0` })
    assert.ok((await ids()).includes(id))
    assert.equal((await ids()).length, 6)
    await api.home.database.db.deleteFrom('work_orders').where('id', '=', id).execute()
  })

  test('an order that is gone, or has moved, is no end of the list that began behind it', async () => {
    const id = await api.place({ title: 'Aaa' })
    const first = await get('sort=title&limit=1')
    assert.equal(first.work_orders[0]?.id, id)
    await api.home.database.db.deleteFrom('work_orders').where('id', '=', id).execute()
    assert.equal((await get(`sort=title&limit=1000&cursor=${first.next_cursor}`)).work_orders.length, COUNT)
  })

  test('a search finds all its words anywhere, in upper or lower case, and takes every sign as it is', async () => {
    assert.equal((await titles('q=login')).length, 6)
    assert.deepEqual(await titles('q=LOGIN%20%20order%2050'), ['Order 50'])
    assert.deepEqual(await titles('q=100%25'), ['Raise by 100% {a_b}'])
    assert.deepEqual(await titles('q=%25'), ['Raise by 100% {a_b}'])
    assert.deepEqual(await titles('q=_'), ['Raise by 100% {a_b}'])
    assert.deepEqual(await titles('q=%5C'), ['Back\\slash'])
    assert.deepEqual(await titles('q=%C3%9CN%C3%8FCODE%20gr%C3%B6%C3%9Fe'), ['Ünïcode Größe'])
    assert.deepEqual(await titles(`q=${encodeURIComponent("' or true --")}`), [])
    assert.equal((await titles('q=%20')).length, COUNT)
    const [order] = (await get('limit=1')).work_orders
    assert.deepEqual(await titles(`q=${order?.id.slice(0, 13)}`), [order?.title])
  })

  test('totals count what fits, by state, whatever state is listed', async () => {
    const { totals, work_orders } = await get('q=login&state=failed&totals=true')
    assert.ok(totals !== undefined && work_orders.every(({ state }) => state === 'failed'))
    assert.equal(
      Object.values(totals).reduce((sum, count) => sum + count, 0),
      6,
    )
    assert.equal((await get('q=login')).totals, undefined)
    assert.equal((await get('totals=true')).totals?.unapproved, 8)
  })

  test('a cursor of another list, or of nothing, is refused', async () => {
    const { next_cursor: cursor } = await get('sort=cost&limit=1')
    const forged = (place: unknown) => Buffer.from(JSON.stringify(place)).toString('base64url')
    const id = '00000000-0000-4000-8000-000000000000'
    for (const bad of [
      `sort=title&cursor=${cursor}`,
      'cursor=AAAA',
      'cursor=%25',
      `cursor=${forged(['created', '1; select', '1', id])}`,
      `cursor=${forged(['created', '1', '1', 'x'])}`,
      `sort=title&cursor=${forged(['title', 'a\0', '1', id])}`,
      `sort=title&cursor=${forged(['title', '\ud800', '1', id])}`,
      `sort=cost&until=${forged(['cost', '1e9', '1', id])}`,
      `q=${'x'.repeat(201)}`,
      'sort=secret',
      'reverse=yes',
    ])
      assert.deepEqual(await refused(bad), [400, 'request_invalid'], bad)
  })

  test('the board has every order that fits in one lane, the last changed first, and counts those it leaves out', async () => {
    const board = async (query: string) => {
      const response = await app.request(`/api/lanes?${query}`)
      return LanesResponse.parse(await assertConforms('GET', '/api/lanes', response)).lanes
    }
    const lanes = await board('limit=3')
    assert.deepEqual(
      lanes.map(({ lane }) => lane),
      LANES.map(({ lane }) => lane),
    )
    assert.equal(
      lanes.reduce((sum, { total }) => sum + total, 0),
      COUNT,
    )
    for (const { states, work_orders } of lanes) {
      assert.equal(work_orders.length, 3)
      assert.ok(work_orders.every(({ state }) => states.includes(state)))
      const changed = work_orders.map(({ updated_at }) => updated_at)
      assert.deepEqual(changed, changed.toSorted().toReversed())
    }
    assert.equal(
      (await board('q=login')).reduce((sum, { total }) => sum + total, 0),
      6,
    )
    assert.equal((await app.request('/api/lanes?project=none')).status, 404)
  })
})

describe('moose list', () => {
  let api: Awaited<ReturnType<typeof openApiHome>>
  let service: ServiceProcess

  before(async () => {
    api = await openApiHome()
    for (const title of ['Mend the login', 'Paint the shed', 'Mend the roof']) await api.place({ title })
    service = await mooseUp(api.home.environment)
  })
  after(async () => {
    await service?.[Symbol.asyncDispose]()
    await api[Symbol.asyncDispose]()
  })

  test('searches, sorts, goes on behind a page, and shows the board', async () => {
    const run = async (...args: string[]) => {
      const ended = await moose(api.home.environment, 'list', ...args)
      assert.equal(ended.exitCode, 0, ended.stderr)
      return ended
    }
    const first = await run('--search', 'MEND', '--sort', 'title', '-n', '1')
    assert.match(first.stdout, /Mend the login/)
    assert.doesNotMatch(first.stdout, /roof|shed/)
    const [, cursor] = /--after (\S+)/.exec(first.stderr) ?? []
    const next = await run('--search', 'MEND', '--sort', 'title', '-n', '1', '--after', String(cursor))
    assert.match(next.stdout, /Mend the roof/)
    assert.doesNotMatch(next.stderr, /--after/)
    const board = await run('--lanes', '--search', 'mend')
    assert.match(board.stdout, /^to approve 2$[^]*^done 0$/m)
    const both = await moose(api.home.environment, 'list', '--lanes', '--sort', 'cost')
    assert.equal(both.exitCode, 2)
    assert.match((await run('--search', 'nothing of that')).stderr, /No such work orders/)
  })
})
