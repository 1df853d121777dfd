import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import type { Browser, Page } from 'playwright-core'
import { openBrowser, whyNoBrowser } from '../support/browser.ts'
import { logIn } from '../support/logged-in.ts'
import { createMooseHome, type MooseHome } from '../support/moose-home.ts'
import { moose, mooseUp, type ServiceProcess } from '../support/service-process.ts'
import { until } from '../support/until.ts'

const ORDERS = 10_000
/** More of the list is not asked for before it is scrolled. */
const MOST_FIRST_BYTES = 250_000
const MOST_ELEMENTS = 1_500

/** Watches for what keeps the page from answering, from before its first script. */
const OBSERVE = `
  window.longTasks = [];
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) window.longTasks.push([Math.round(startTime), Math.round(duration)]);
  }).observe({ type: 'longtask', buffered: true });
  new MutationObserver(() => {
    if (window.usableAt === undefined && document.querySelector('.order-rows .order-row, .lane .card'))
      window.usableAt = Math.round(performance.now());
  }).observe(document, { childList: true, subtree: true });
`

describe('the page with ten thousand orders', { skip: whyNoBrowser(), timeout: 600_000 }, () => {
  let home: MooseHome
  let service: ServiceProcess
  let browser: Browser

  before(async () => {
    home = await createMooseHome({ 'a.txt': 'a\n' }, [])
    await fill()
    service = await mooseUp(home.environment)
    browser = await openBrowser()
  })
  after(async () => {
    await browser?.close()
    await service?.[Symbol.asyncDispose]()
    await home?.[Symbol.asyncDispose]()
  })

  /** Rows for load alone, of every state but those that somebody carries out. */
  async function fill() {
    await sql`
      insert into work_orders (title, description, status, risk_level, actual_cost, attempts, metadata, project_id,
        files_in_scope, acceptance_criteria, status_reason, created_at, updated_at)
      select 'Order ' || n || ' of many', repeat('What is wanted of it, in some words. ', 12),
        (array['pending', 'pending', 'blocked', 'failed', 'completed', 'completed', 'completed', 'cancelled'])[1 + n % 8],
        (array['low', 'medium', 'high'])[1 + n % 3], (n % 500) / 100.0, n % 3,
        case when n % 8 = 0 then '{}'::jsonb else '{"approved_by_director": true}' end, (select id from projects limit 1),
        '["src/a.ts"]', '["It works"]',
        case when n % 8 in (2, 3) then '{"code": "check_failed", "message": "The check test failed."}'::jsonb end,
        now() - make_interval(mins => n), now() - make_interval(mins => n / 2)
      from generate_series(1, ${ORDERS}) as n
    `.execute(home.database.db)
    await sql`analyze work_orders`.execute(home.database.db)
  }

  async function opened(path: string) {
    const { context, page } = await logIn(browser, home.environment)
    // What the page asked for that it was led to by logging in is answered, or given up, before anything is counted.
    await page.goto('about:blank')
    await page.addInitScript(OBSERVE)
    const answers: { path: string; bytes: Promise<number> }[] = []
    page.on('response', (response) => {
      const { pathname, search } = new URL(response.url())
      if (!/^\/api\/(work-orders|lanes)/.test(pathname)) return
      // One that the page no longer waits for, because it was led elsewhere, counts for nothing.
      const bytes = response.body().then(
        (body) => body.length,
        () => 0,
      )
      answers.push({ path: pathname + search, bytes })
    })
    await page.goto(service.url + path)
    await page.locator('.order-rows .order-row, .lane .card').first().waitFor()
    await page.locator('[data-live=live]').waitFor({ state: 'attached' })
    return { page, context, answers }
  }

  const number = (page: Page, expression: string) => page.evaluate<number>(expression)
  const elements = (page: Page) => number(page, 'document.querySelectorAll("*").length')
  /** Times are told, not judged: they are those of a machine that does other things too. */
  async function tell(page: Page, what: string) {
    const usable = await number(page, 'window.usableAt')
    const tasks = await page.evaluate<[number, number][]>('window.longTasks')
    const longest = tasks.reduce((most, [, duration]) => Math.max(most, duration), 0)
    console.log(`${what}: usable after ${usable} ms, ${tasks.length} long tasks, the longest ${longest} ms`)
  }

  test('the table asks for one page of them and draws what is in sight', async () => {
    const { page, context, answers } = await opened('/orders')
    await page.getByRole('button', { name: `all ${ORDERS}` }).waitFor()
    await tell(page, 'table')
    const bytes = await Promise.all(answers.map((answer) => answer.bytes))
    const sum = bytes.reduce((total, each) => total + each, 0)
    console.log(`${answers.length} answers of the list, ${sum} bytes; ${await elements(page)} elements`)
    assert.ok(sum < MOST_FIRST_BYTES, `${sum} bytes: ${answers.map(({ path }) => path).join(' ')}`)
    assert.ok((await elements(page)) < MOST_ELEMENTS)
    await context.close()
  })

  test('the board asks once, and counts what it leaves out', async () => {
    const { page, context, answers } = await opened('/orders?view=lanes')
    await tell(page, 'lanes')
    assert.deepEqual(
      answers.map(({ path }) => path),
      ['/api/lanes'],
    )
    assert.ok((await elements(page)) < MOST_ELEMENTS)
    assert.match(await page.getByRole('region', { name: 'Done' }).innerText(), /^Done 5000/)
    await context.close()
  })

  test('who scrolls gets to every order, and an event has no more than what is in sight read again', async () => {
    const { page, context, answers } = await opened('/orders?sort=title')
    const loaded = () => number(page, 'document.querySelector(".order-rows").getBoundingClientRect().height / 62')
    const last = page.getByRole('row').filter({ hasText: 'Order 9999 of many' })
    // A page of orders that arrives after a scroll makes the list longer than what was scrolled to.
    await until(
      'every order is loaded, and the last one in sight',
      async () => {
        await page.evaluate('window.scrollTo(0, document.documentElement.scrollHeight)')
        return (await loaded()) === ORDERS && (await last.isVisible())
      },
      { withinMs: 200_000, everyMs: 50 },
    )
    assert.ok((await elements(page)) < MOST_ELEMENTS)
    const tasks = await page.evaluate<[number, number][]>('window.longTasks')
    console.log(`scrolled: ${answers.length} answers, long tasks ${JSON.stringify(tasks.slice(0, 20))}`)

    await page.locator('[data-live=live]').waitFor({ state: 'attached' })
    const before = answers.length
    const { id } = await home.database.db
      .selectFrom('work_orders')
      .select('id')
      .where('title', '=', 'Order 9999 of many')
      .executeTakeFirstOrThrow()
    const { exitCode, stderr } = await moose(home.environment, 'retry', id)
    assert.equal(exitCode, 0, stderr)
    await last.getByText('waiting', { exact: true }).waitFor()
    const asked = answers.slice(before).map(({ path }) => path)
    console.log(`read again after an event: ${asked.length} answers`)
    assert.ok(asked.length <= 8, asked.join('\n'))
    await context.close()
  })

  test('a search is answered by the server, of all of them', async () => {
    const fitting = Array.from({ length: ORDERS }, (_, n) => String(n + 1)).filter((n) => n.includes('77')).length
    const { page, context } = await opened('/orders')
    await page.keyboard.press('/')
    await page.keyboard.type('order 77 MANY')
    await page.getByRole('button', { name: `all ${fitting}` }).waitFor()
    await page.getByRole('link', { name: 'Order 77 of many', exact: true }).waitFor()
    await tell(page, 'searched')
    await context.close()
  })
})
