import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, afterEach, before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { graveViolations, openBrowser, openWatched, scrollsSideways, whyNoBrowser } from '../support/browser.ts'
import { logIn } from '../support/logged-in.ts'
import { createMooseHome, fileOrder, type MooseHome } from '../support/moose-home.ts'
import { mooseUp, type ServiceProcess } from '../support/service-process.ts'
import { until } from '../support/until.ts'

const FILES = {
  'src/greet.ts': 'export function greet(name: string): string {\n  // A word.\n  return "hello " + name\n}\n',
  'moose.yaml': `checks:
  - name: look
    run: |
      echo red and green
      echo still green
      echo '<b>no markup</b>'
`,
}
const GREET = 'export function greet(name: string): string {\n  // A word.\n  return "good evening " + name\n}'
const LONG = Array.from({ length: 9_000 }, (_, line) => `${line} of a long thought`).join('\n')
const write = (path: string, text: string) => `### write ${path}\n\`\`\`\n${text}\n\`\`\`\n`
const ANSWERS = [
  { task: 'Greet in the evening', turn: 1, text: write('src/greet.ts', GREET) },
  { task: 'Think long', turn: 1, text: `${LONG}\n${write('src/long.ts', 'export const long = true')}` },
  { task: 'Lock', turn: 1, text: write('package-lock.json', '{}') },
]
/** As it is asked of the page; the machine of a test does other things beside. */
const LONGEST_TASK_MS = 100
const EVENTS = 6_400

describe('the texts of an order', { skip: whyNoBrowser(), timeout: 400_000 }, () => {
  let home: MooseHome
  let service: ServiceProcess
  let browser: Browser
  let greeted: string
  let isTraced = false

  before(async () => {
    home = await createMooseHome(FILES, ANSWERS)
    service = await mooseUp(home.environment, '--start')
    browser = await openBrowser()
    greeted = await fileOrder(home.database, { title: 'Greet in the evening', files: ['src/'] })
    await rests(greeted, 'in_review')
  })
  afterEach(async () => {
    // Only one is made at a time, also of a test that failed.
    if (isTraced) await browser.stopTracing()
    isTraced = false
  })
  after(async () => {
    await browser?.close()
    await service?.[Symbol.asyncDispose]()
    await home?.[Symbol.asyncDispose]()
  })

  const rests = (id: string, at: 'in_review' | 'blocked') =>
    until(`it is ${at}`, async () => {
      const { db } = home.database
      const order = await db
        .selectFrom('work_orders')
        .select(['status', 'phase'])
        .where('id', '=', id)
        .executeTakeFirstOrThrow()
      return order.phase === at || order.status === at
    })

  const trace = async (page: Page) => {
    await browser.startTracing(page)
    isTraced = true
  }
  const traced = async () => {
    isTraced = false
    return await browser.stopTracing()
  }

  async function opened(path: string, options?: Parameters<typeof openWatched>[1]) {
    const watched = await logIn(browser, home.environment, options)
    await watched.page.goto(service.url + path)
    return watched
  }

  test('the log is searched by the database, and shows what was found in its place', async () => {
    const { page, complaints, context } = await opened(`/orders/${greeted}?part=log`)
    const log = page.getByRole('log')
    await log.getByText('<b>no markup</b>').first().waitFor()
    await page.getByRole('searchbox', { name: 'Search the log' }).fill('RED AND')
    await page.getByText(/\d+ lines? found/).waitFor()
    await log.locator('mark').first().waitFor()
    assert.equal(await log.getByText('still green').count(), 0)
    await log.getByRole('button').first().click()
    await log.locator('[data-current=true]', { hasText: 'red and' }).waitFor()
    await log.getByText('still green').first().waitFor()
    assert.equal(await page.getByRole('checkbox', { name: 'Follow' }).isChecked(), false)
    assert.deepEqual(complaints, [])
    await context.close()
  })

  test('prompt and answer are told apart, copied, and folded or rolled when they are long', async () => {
    const id = await fileOrder(home.database, { title: 'Think long', files: ['src/long.ts'] })
    await rests(id, 'in_review')
    const { page, complaints, context } = await opened(`/orders/${id}?part=tries#try-1-1`)
    await context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.getByRole('figure').filter({ hasText: 'System' }).waitFor()
    const answer = page.locator('.said.answer')
    assert.match(await answer.locator('figcaption').innerText(), /\d{3},\d{3} characters, 9,\d{3} lines/)
    const rolled = answer.getByRole('region')
    await rolled.getByText('0 of a long thought', { exact: true }).waitFor()
    assert.ok((await rolled.locator('.long-line').count()) < 200)
    await page.evaluate(`for (const box of document.querySelectorAll('.long-text')) box.scrollTop = box.scrollHeight`)
    await rolled.getByText('export const long = true').waitFor()
    await answer.getByRole('button', { name: /^Copy/ }).click()
    await answer.getByRole('button', { name: 'Copied' }).waitFor()
    const copied = await page.evaluate<string>('navigator.clipboard.readText()')
    assert.equal(copied, ANSWERS[1]?.text)
    await answer.getByRole('button', { name: 'Fold' }).click()
    await rolled.waitFor({ state: 'detached' })
    assert.deepEqual(complaints, [])
    await context.close()
  })

  test('a diff has its files, scope marks, colours and changed words, and the view that was chosen', async () => {
    const { page, complaints, context } = await opened(`/orders/${greeted}?part=diff`)
    const tree = page.getByRole('navigation', { name: 'Changed files' })
    assert.match(await tree.getByRole('listitem').last().innerText(), /greet\.ts[\s\S]*\+1 −1/)
    assert.match(await tree.getByRole('listitem').last().innerText(), /in scope/)
    const lines = page.getByRole('region', { name: 'Lines of src/greet.ts' })
    await lines.locator('.hljs-keyword', { hasText: 'return' }).first().waitFor()
    assert.match(await lines.locator('.diff-code-insert .diff-code-edit').first().innerText(), /good|evening/)
    await lines.locator('.diff-split').first().waitFor()
    await page.getByRole('button', { name: 'Unified' }).click()
    await lines.locator('.diff-unified').first().waitFor()
    await page.reload()
    await lines.locator('.diff-unified').first().waitFor()
    await tree.getByRole('link', { name: 'greet.ts' }).click()
    assert.match(page.url(), /part=diff#file-/)
    assert.deepEqual(complaints, [])

    const id = await fileOrder(home.database, { title: 'Lock', files: ['package-lock.json'] })
    await rests(id, 'blocked')
    await page.goto(`${service.url}/orders/${id}?part=diff`)
    await page.getByText('held until it is allowed').waitFor()
    await page
      .locator('.file-head')
      .getByText(/^protected: /)
      .waitFor()
    await context.close()
  })

  test('texts are without a serious violation, light and dark, wide and on a phone', async () => {
    for (const [colorScheme, width] of [
      ['light', 1440],
      ['dark', 390],
    ] as const) {
      const { page, context } = await opened('/', { colorScheme, viewport: { width, height: 844 } })
      const paths = ['log', 'tries#try-1-1', 'diff'].map((part) => `/orders/${greeted}?part=${part}`)
      for (const path of paths) {
        await page.goto(service.url + path)
        await page.getByRole('tabpanel').waitFor()
        await page.getByText('Loading').waitFor({ state: 'detached' })
        assert.deepEqual(await graveViolations(page), [], `${path} ${colorScheme}`)
        const isWide = await scrollsSideways(page)
        assert.ok(!isWide, `${path} at ${width} px`)
      }
      await context.close()
    }
  })

  test('a log of 50 MB is shown, rolled, searched and downloaded without a long task and within bounded memory', async () => {
    const id = await fileOrder(home.database, { title: 'Much to say', files: ['much.txt'], approved: false })
    await home.database.pool.query(LOG_OF_50_MB, [id, EVENTS])
    const { page, complaints, context } = await opened(`/orders/${id}?part=log`)
    const log = page.getByRole('log')
    await trace(page)
    const last = `event ${EVENTS} line 99`
    await log.getByText(last).waitFor()
    await log.locator('.ansi-green', { hasText: 'passed' }).last().waitFor()
    await log.locator('.ansi-brightGreen.ansi-bold', { hasText: 'palette' }).last().waitFor()
    const heapBefore = await heapOf(page)
    await home.database.pool.query(
      `insert into work_order_events (work_order_id, type, message) values ($1, 'output', 'and one more')`,
      [id],
    )
    await log.getByText('and one more').waitFor()
    for (let turn = 0; turn < 40; turn += 1) {
      await page.evaluate(`document.querySelector('.log').scrollTop = 0`)
      await page.evaluate('new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 20)))')
    }
    assert.equal(await page.getByRole('checkbox', { name: 'Follow' }).isChecked(), false)
    const heapAfter = await heapOf(page)
    await page.getByRole('button', { name: 'To the beginning' }).click()
    await log.getByText('event 1 line 0').first().waitFor()
    await page.getByRole('searchbox', { name: 'Search the log' }).fill('event 3000 line 7 ')
    await page.getByText('1 line found').waitFor()
    await log.getByRole('button').first().click()
    await log.locator('[data-current=true]', { hasText: 'event 3000 line 7 ' }).waitFor()
    await page.getByRole('checkbox', { name: 'Follow' }).check()
    await log.getByText('and one more').waitFor()
    const coming = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Download' }).click()
    const saved = await readFile(await (await coming).path(), 'utf8')
    assert.equal(saved.split('\n').filter((line) => line.includes(' event ')).length, EVENTS * 100)
    assert.match(saved, new RegExp(`event 1 line 0 [\\s\\S]*${last}[\\s\\S]*and one more\\n$`))
    const longest = longestTask(await traced())
    console.log(
      `50 MB: ${saved.length} bytes saved; heap ${mb(heapBefore)} at the end, ${mb(heapAfter)} rolled; longest task ${longest} ms`,
    )
    assert.ok(heapAfter < 150_000_000, mb(heapAfter))
    assert.ok(longest <= LONGEST_TASK_MS, `${longest} ms`)
    assert.deepEqual(complaints, [])
    await context.close()
  })

  test('a diff of a megabyte is shown and rolled without a long task', async () => {
    const { db } = home.database
    const diff = bigDiff()
    await db.updateTable('pull_requests').set({ diff }).where('work_order_id', '=', greeted).execute()
    const { page, complaints, context } = await opened(`/orders/${greeted}?part=diff`)
    await trace(page)
    await page.reload()
    await page.getByRole('region', { name: 'Lines of src/file-0.ts' }).locator('.hljs-keyword').first().waitFor()
    await page.getByText('1 out of scope').waitFor()
    for (let turn = 0; turn < 60; turn += 1) {
      await page.mouse.wheel(0, 1_500)
      await page.evaluate('new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 20)))')
    }
    await page.evaluate('window.scrollTo(0, 0)')
    await page.getByRole('button', { name: 'Unified' }).click()
    await page.locator('.diff-unified').first().waitFor()
    await page
      .getByRole('button', { name: /Show a long change/ })
      .first()
      .scrollIntoViewIfNeeded()
    await page
      .getByRole('button', { name: /Show a long change/ })
      .first()
      .click()
    const longest = longestTask(await traced())
    console.log(`diff of ${diff.length} characters: longest task ${longest} ms`)
    assert.ok(longest <= LONGEST_TASK_MS, `${longest} ms`)
    assert.deepEqual(complaints, [])
    await context.close()
  })
})

type TraceEvent = { name: string; ph: string; pid: number; tid: number; ts: number; dur?: number; tdur?: number }
type Named = TraceEvent & { args?: { name?: string; chrome_mojo_event_info?: { mojo_interface_tag?: string } } }

/** What Playwright does in the page by itself. */
const OURS = new Set(['V8.InvokeApiInterruptCallbacks'])

/** Milliseconds of the processor: what other programs of the machine take is not counted, nor what the test itself has the page do. */
function longestTask(trace: Buffer): number {
  const { traceEvents: events }: { traceEvents: Named[] } = JSON.parse(trace.toString())
  const threadOf = ({ pid, tid }: TraceEvent) => `${pid}.${tid}`
  const main = new Set(
    events.filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain').map(threadOf),
  )
  const ofMain = events.filter((event) => event.ph === 'X' && main.has(threadOf(event)))
  const ours = ofMain.filter(
    ({ name, args }) =>
      OURS.has(name) || args?.chrome_mojo_event_info?.mojo_interface_tag?.includes('DevToolsSession') === true,
  )
  const tasks = ofMain.filter(({ name }) => name === 'RunTask')
  assert.ok(tasks.length > 100, `${tasks.length} tasks were traced`)
  const times = tasks
    .filter((task) => !ours.some((one) => threadOf(one) === threadOf(task) && isWithin(one, task)))
    .map(({ tdur }) => Number(tdur) / 1_000)
  return Math.round(times.reduce((longest, time) => Math.max(longest, time), 0))
}

function isWithin(inner: TraceEvent, outer: TraceEvent): boolean {
  return inner.ts >= outer.ts && inner.ts <= outer.ts + Number(outer.dur)
}

/** Bytes of JavaScript once what is not needed is gone. */
async function heapOf(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page)
  await session.send('HeapProfiler.collectGarbage')
  const { usedSize } = await session.send('Runtime.getHeapUsage')
  await session.detach()
  return usedSize
}

const mb = (bytes: number) => `${(bytes / 1_000_000).toFixed(1)} MB`

/** Of each event a hundred lines of about 80 characters, two of them coloured. */
const LOG_OF_50_MB = `
  insert into work_order_events (work_order_id, attempt, step, type, message)
  select $1, null, 'verify', 'output', string_agg(
    'event ' || n || ' line ' || line || case line
      when 95 then chr(27) || '[32m passed' || chr(27) || '[0m '
      when 96 then chr(27) || '[1;38;5;46m palette' || chr(27) || '[0m '
      else ' ' end
      || repeat('words ', 10), E'\\n' order by line)
  from generate_series(1, $2::int) as n, generate_series(0, 99) as line group by n order by n`

function bigDiff(): string {
  const file = (path: string, count: number) => {
    const lines = Array.from({ length: count }, (_, at) =>
      at % 4 === 3
        ? `-const old${at} = compute(${at}, "a")\n+const next${at} = compute(${at}, "b")`
        : ` const same${at} = "x"`,
    ).join('\n')
    const changed = Math.floor(count / 4)
    const span = `1,${count - changed + changed}`
    return `diff --git a/${path} b/${path}\nindex 1..2 100644\n--- a/${path}\n+++ b/${path}\n@@ -${span} +${span} @@\n${lines}\n`
  }
  const files = Array.from({ length: 60 }, (_, at) => file(`src/file-${at}.ts`, 300))
  return [...files, file('src/long.ts', 6_000), file('elsewhere/a.ts', 4)].join('')
}
