import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser, Response } from 'playwright-core'
import { graveViolations, openBrowser, openWatched, scrollsSideways, whyNoBrowser } from '../support/browser.ts'
import { linkTo, logIn } from '../support/logged-in.ts'
import { createMooseHome, fileOrder, type MooseHome } from '../support/moose-home.ts'
import { moose, mooseUp, type ServiceProcess } from '../support/service-process.ts'
import { until } from '../support/until.ts'

const FILES = {
  'a.txt': 'a\n',
  'moose.yaml':
    'checks:\n  - { name: look, run: echo looked at one && test -s a.txt && sleep 1, proves: [There is a file] }\n',
}
const write = (path: string, text: string) => `### write ${path}\n\`\`\`\n${text}\n\`\`\`\n`
const ANSWERS = [
  { task: 'Write one', turn: 1, text: write('one.txt', 'the first line of one'), delay_ms: 300 },
  { task: 'Write two', turn: 1, text: 'I would rather not.' },
  { task: 'Lock', turn: 1, text: write('package-lock.json', '{}') },
  { task: 'Write slowly', turn: 1, text: write('slow.txt', 'slow'), delay_ms: 60_000 },
]
const MOST_SCRIPT_BYTES = 250_000

describe('Mission Control', { skip: whyNoBrowser(), timeout: 300_000 }, () => {
  let home: MooseHome
  let service: ServiceProcess
  let browser: Browser

  before(async () => {
    home = await createMooseHome(FILES, ANSWERS)
    service = await mooseUp(home.environment, '--start')
    browser = await openBrowser()
  })
  after(async () => {
    await browser?.close()
    await service?.[Symbol.asyncDispose]()
    await home?.[Symbol.asyncDispose]()
  })

  const loggedIn = (options?: Parameters<typeof openWatched>[1]) => logIn(browser, home.environment, options)

  const orderNow = (id: string) =>
    home.database.db
      .selectFrom('work_orders')
      .select(['status', 'phase', 'metadata'])
      .where('id', '=', id)
      .executeTakeFirstOrThrow()

  test('an order is seen filed, approved, watched, reviewed and merged in the page', async () => {
    const { page, complaints, asked, context } = await loggedIn()
    await page.getByText('Nothing waits for you.').waitFor()
    await page.locator('[data-live=live]').waitFor({ state: 'attached' })

    const added = await moose(
      home.environment,
      'add',
      '--title',
      'Write one',
      '--file',
      'one.txt',
      '--criterion',
      'There is a file',
      '--json',
    )
    assert.equal(added.exitCode, 0, added.stderr)
    const entry = page.getByRole('listitem').filter({ hasText: 'Write one' }).first()
    await entry.waitFor({ timeout: 3_000 })
    assert.match(await entry.innerText(), /to approve[\s\S]*at most \$/i)
    const { id } = await home.database.db.selectFrom('work_orders').select('id').executeTakeFirstOrThrow()

    await entry.getByRole('button', { name: 'Approve' }).click()
    const question = page.getByRole('alertdialog')
    assert.match(await question.innerText(), /may be spent/)
    assert.notEqual((await orderNow(id)).metadata?.['approved_by_director'], true)
    await question.getByRole('button', { name: 'Approve' }).click()
    await until('it is approved in the database', async () => {
      const { metadata } = await orderNow(id)
      return metadata?.['approved_by_director'] === true
    })

    await page.goto(`${service.url}/orders/${id}?part=attempts`)
    const step = (name: string, status: string) => page.locator(`[data-step=${name}][data-status=${status}]`)
    await step('verify', 'running').waitFor()
    await step('publish', 'succeeded').waitFor()
    await page.getByText('in review').first().waitFor()
    assert.deepEqual(await orderNow(id).then(({ status, phase }) => [status, phase]), ['in_progress', 'in_review'])

    await page.getByRole('tab', { name: 'Log' }).click()
    await page.getByRole('log').getByText('looked at one').last().waitFor()
    await page.getByRole('tab', { name: 'Prompts' }).click()
    await page.getByText('attempt 1, try 1').click()
    await page.getByText('### write one.txt').last().waitFor()
    await page.getByRole('tab', { name: 'Diff' }).click()
    await page.getByRole('region', { name: 'Lines of one.txt' }).getByText('the first line of one').waitFor()
    await page.getByRole('tab', { name: 'Checks' }).click()
    await page.getByText('proves: There is a file').waitFor()

    await page.goto(service.url)
    await page.getByRole('button', { name: 'Merge', exact: true }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Merge' }).click()
    await page.getByText('Nothing waits for you.').waitFor()
    assert.equal((await orderNow(id)).status, 'completed')
    const pull = await home.database.db.selectFrom('pull_requests').select('state').executeTakeFirstOrThrow()
    assert.equal(pull.state, 'merged')
    assert.match(await home.remote.git('show', 'main:one.txt'), /the first line of one/)

    assert.deepEqual(complaints, [])
    assert.deepEqual([...new Set(asked.map(({ origin }) => origin))], [service.url])
    await context.close()
  })

  test('a running order is cancelled and tried again, and two browsers see the same', async () => {
    const id = await fileOrder(home.database, { title: 'Write slowly', files: ['slow.txt'] })
    const [one, other] = [await loggedIn(), await loggedIn()]
    for (const { page } of [one, other]) {
      await page.goto(`${service.url}/orders/${id}?part=attempts`)
      await page.locator('[data-live=live]').waitFor({ state: 'attached' })
    }
    await one.page.locator('[data-step=propose][data-status=running]').waitFor()
    await one.page.getByRole('button', { name: 'Cancel' }).click()
    await one.page.getByRole('alertdialog').getByRole('button', { name: 'Cancel' }).click()
    await until('it is cancelled in the database', async () => (await orderNow(id)).status === 'cancelled')
    const began = performance.now()
    await other.page.locator('.badge.cancelled').first().waitFor()
    // On a machine that does nothing else it is less than a second.
    console.log(`Seen by the other browser ${Math.round(performance.now() - began)} ms after the database`)
    await other.page.getByRole('button', { name: 'Retry' }).click()
    await other.page.getByRole('alertdialog').getByRole('button', { name: 'Retry' }).click()
    await one.page.getByRole('heading', { name: 'Attempt 2' }).waitFor()
    const attempts = await home.database.db
      .selectFrom('attempts')
      .select('number')
      .where('work_order_id', '=', id)
      .execute()
    assert.equal(attempts.length, 2)
    await one.page.getByRole('button', { name: 'Cancel' }).click()
    await one.page.getByRole('alertdialog').getByRole('button', { name: 'Cancel' }).click()
    await until('it is cancelled again', async () => (await orderNow(id)).status === 'cancelled')
    for (const { context } of [one, other]) await context.close()
  })

  test('every view is without a serious violation, light and dark, wide and on a phone, and needs no sideways scrolling', async () => {
    const id = await fileOrder(home.database, { title: 'Write two', files: ['two.txt'] })
    await until('it has failed or rests', async () => ['failed', 'blocked'].includes((await orderNow(id)).status))
    await fileOrder(home.database, { title: 'Write three', files: ['three.txt'], approved: false })
    for (const [colorScheme, width] of [
      ['light', 1280],
      ['dark', 390],
    ] as const) {
      const { page, complaints, context } = await loggedIn({ colorScheme, viewport: { width, height: 844 } })
      const parts = ['asked', 'attempts', 'log', 'tries', 'diff', 'checks'].map((part) => `/orders/${id}?part=${part}`)
      for (const path of ['/', '/orders', '/orders?state=failed', ...parts, '/orders/00000000']) {
        await page.goto(service.url + path)
        await page.getByRole('main').waitFor()
        await page.getByText('Loading').waitFor({ state: 'detached' })
        assert.deepEqual(await graveViolations(page), [], `${path} ${colorScheme}`)
        const isWide = await scrollsSideways(page)
        assert.ok(!isWide, `${path} at ${width} px`)
      }
      await page.goto(service.url)
      await page.getByRole('button', { name: 'Approve' }).first().click()
      await page.getByRole('alertdialog').waitFor()
      assert.deepEqual(await graveViolations(page), [], `the question ${colorScheme}`)
      await page.goto(`${service.url}/login`)
      await page.getByRole('heading', { name: 'Log in to Moose' }).waitFor()
      assert.deepEqual(await graveViolations(page), [], `log in ${colorScheme}`)
      // That of the order that is not there.
      assert.deepEqual(
        complaints.filter((said) => !/status of 404/.test(said)),
        [],
      )
      await context.close()
    }
  })

  test('keys: j and k move, Enter opens, / searches, ? shows the keys, x asks before it cancels', async () => {
    const { page, context } = await loggedIn()
    await page.goto(`${service.url}/orders`)
    // By its name: the rest of a row says how long ago.
    const current = page.locator('.order-row[data-current=true]').getByRole('link')
    const first = await current.getAttribute('href')
    await page.keyboard.press('j')
    await until('the next is current', async () => (await current.getAttribute('href')) !== first)
    await page.keyboard.press('k')
    await until('the first is current again', async () => (await current.getAttribute('href')) === first)
    await page.keyboard.press('/')
    await page.keyboard.type('write thr')
    await until('one order is left', async () => (await page.locator('.order-rows .order-row').count()) === 1)
    assert.match(page.url(), /find=write/)
    await page.keyboard.press('Escape')
    await page.keyboard.press('x')
    await page
      .getByRole('alertdialog', { name: 'Reject: Write three' })
      .getByRole('button', { name: 'Leave it' })
      .click()
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keys' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Write three' }).waitFor()
    await context.close()
  })

  test('a change that is held is looked at, allowed, and then published', async () => {
    const id = await fileOrder(home.database, { title: 'Lock', files: ['package-lock.json'] })
    await until('it is held', async () => (await orderNow(id)).status === 'blocked')
    const { page, complaints, context } = await loggedIn()
    const entry = page.getByRole('listitem').filter({ hasText: 'to allow' })
    await entry.getByRole('link', { name: 'Look at it' }).click()
    await page.getByRole('region', { name: 'What waits to be allowed' }).getByText('package-lock.json').waitFor()
    await page.getByRole('tab', { name: 'Diff' }).click()
    await page.getByRole('region', { name: 'Lines of package-lock.json' }).getByText('{}').waitFor()
    await page.getByRole('button', { name: 'Allow it' }).click()
    const question = page.getByRole('alertdialog', { name: 'Allow: Lock' })
    await question.getByText('package-lock.json').waitFor()
    const sent = page.waitForRequest((request) => request.url().endsWith(`/${id}/approve`))
    await question.getByRole('button', { name: 'Allow it' }).click()
    assert.match(String((await sent).postData()), /"head_sha":"[0-9a-f]{40}"/)
    await until('it is in review', async () => (await orderNow(id)).phase === 'in_review')
    await page.getByText('in review', { exact: true }).waitFor()
    assert.deepEqual(complaints, [])
    await context.close()
  })

  test('what was stopped is named first in the inbox, and goes on once that is asked', async () => {
    const stopped = await moose(home.environment, 'budget', 'stop')
    assert.equal(stopped.exitCode, 0, stopped.stderr)
    const { page, context } = await loggedIn()
    assert.match(
      await page
        .getByRole('listitem')
        .filter({ has: page.getByRole('article') })
        .first()
        .innerText(),
      /^stopped/,
    )
    await page.getByRole('button', { name: 'Resume spending' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Resume' }).click()
    await page.locator('.badge.stopped').waitFor({ state: 'detached' })
    const { stdout } = await moose(home.environment, 'status', '--json')
    assert.equal(JSON.parse(stdout).status.budget.emergency_stop.active, false)
    await context.close()
  })

  test('a browser that is offline says so, shows what it had, and goes on by itself', async () => {
    const { page, context } = await loggedIn()
    await page.locator('[data-live=live]').waitFor({ state: 'attached' })
    const { port } = new URL(service.url)
    await context.setOffline(true)
    // Its stream ends with the network.
    await service[Symbol.asyncDispose]()
    await page.locator('[data-live=offline]').waitFor({ state: 'attached' })
    await page.getByText('This browser is offline.').waitFor()
    await page.getByRole('heading', { name: 'Inbox' }).waitFor()
    service = await mooseUp(home.environment, '--start', '--port', port)
    await context.setOffline(false)
    await page.locator('[data-live=live]').waitFor({ state: 'attached' })
    await page.getByText('This browser is offline.').waitFor({ state: 'detached' })
    await context.close()
  })

  test('the service restarts under an open page: the session holds, and what happened meanwhile is shown', async () => {
    const { page, context } = await loggedIn()
    await page.locator('[data-live=live]').waitFor({ state: 'attached' })
    const { port } = new URL(service.url)
    await service[Symbol.asyncDispose]()
    await page.locator('[data-live=reconnecting]').waitFor({ state: 'attached' })
    await page.getByText('Moose does not answer.').waitFor()
    await fileOrder(home.database, { title: 'Filed while it was away', files: ['four.txt'], approved: false })
    service = await mooseUp(home.environment, '--port', port)
    await page.locator('[data-live=live]').waitFor({ state: 'attached' })
    await page.getByText('Filed while it was away').first().waitFor()
    await context.close()
  })

  test('the link of moose open counts once, and the session ends with its token', async () => {
    const url = await linkTo(home.environment)
    const { page, context } = await (async () => {
      const watched = await openWatched(browser)
      return { ...watched, page: await watched.context.newPage() }
    })()
    await page.goto(url)
    await page.getByRole('heading', { name: 'Inbox' }).waitFor()
    const cookies = await context.cookies()
    assert.deepEqual(
      cookies.map(({ name, httpOnly, sameSite, path }) => ({ name, httpOnly, sameSite, path })),
      [{ name: 'moose_session', httpOnly: true, sameSite: 'Strict', path: '/' }],
    )
    const other = await openWatched(browser)
    const second = await other.context.newPage()
    await second.goto(url)
    await second.getByText('The link was used').waitFor()
    await other.context.close()
    const stored = await page.evaluate(
      '[JSON.stringify(localStorage), JSON.stringify(sessionStorage), document.cookie]',
    )
    assert.doesNotMatch(JSON.stringify(stored), /moose_/)
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.getByRole('heading', { name: 'Log in to Moose' }).waitFor()
    await context.addCookies(cookies)
    await page.goto(service.url)
    await page.getByRole('heading', { name: 'Log in to Moose' }).waitFor()
    await context.close()
  })

  test('the first view takes at most 250 kB of compressed JavaScript, each file kept by its hash', async () => {
    const { context } = await openWatched(browser)
    const page = await context.newPage()
    const scripts: Response[] = []
    page.on('response', (response) => {
      if (response.url().endsWith('.js')) scripts.push(response)
    })
    await page.goto(await linkTo(home.environment))
    await page.getByRole('heading', { name: 'Inbox' }).waitFor()
    const sizes = await Promise.all(scripts.map(async (script) => (await script.request().sizes()).responseBodySize))
    const sum = sizes.reduce((total, size) => total + size, 0)
    console.log(`JavaScript of the first view: ${sum} bytes in ${scripts.length} files`)
    assert.ok(scripts.length > 0 && sum > 0 && sum <= MOST_SCRIPT_BYTES, String(sum))
    for (const script of scripts) {
      assert.equal(await script.headerValue('content-encoding'), 'br')
      assert.match(String(await script.headerValue('cache-control')), /immutable/)
    }
    await context.close()
  })
})
