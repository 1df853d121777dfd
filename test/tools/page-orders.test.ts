import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { graveViolations, openBrowser, openWatched, scrollsSideways, whyNoBrowser } from '../support/browser.ts'
import { logIn } from '../support/logged-in.ts'
import { createMooseHome, fileOrder, type MooseHome } from '../support/moose-home.ts'
import { moose, mooseUp, type ServiceProcess } from '../support/service-process.ts'
import { until } from '../support/until.ts'

const FILES = { 'a.txt': 'a\n', 'moose.yaml': 'checks:\n  - { name: look, run: test -s a.txt }\n' }
const write = (path: string) => `### write ${path}\n\`\`\`\n${path}\n\`\`\`\n`
const ANSWERS = [
  { task: 'Write one', turn: 1, text: write('one.txt') },
  { task: 'Write two', turn: 1, text: write('two.txt') },
  { task: 'Refuse', turn: 1, text: 'I would rather not.' },
  { task: 'Write slowly', turn: 1, text: write('slow.txt'), delay_ms: 120_000 },
]

describe('the orders of Mission Control', { skip: whyNoBrowser(), timeout: 600_000 }, () => {
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
  const file = (title: string, path: string, approved = false) =>
    fileOrder(home.database, { title, files: [path], approved })
  const rows = (page: Page) => page.locator('.order-rows .order-row')
  const titles = (page: Page) => rows(page).locator('.order-title a').allInnerTexts()
  const isLive = (page: Page) => page.locator('[data-live=live]').waitFor({ state: 'attached' })

  test('a batch is selected by keys, approved as it was looked at, merged, and each time summed up once', async () => {
    const ids = [await file('Write one', 'one.txt'), await file('Write two', 'two.txt')]
    const { page, complaints, context } = await loggedIn()
    await page.goto(`${service.url}/orders?sort=title`)
    await rows(page).nth(1).waitFor()
    assert.deepEqual(await titles(page), ['Write one', 'Write two'])
    await page.keyboard.press('s')
    await page.keyboard.press('j')
    await page.keyboard.press('s')
    const batch = page.getByRole('group', { name: 'Selected orders' })
    await batch.getByText('2 selected').waitFor()

    await batch.getByRole('button', { name: 'Approve 2' }).click()
    const question = page.getByRole('alertdialog', { name: 'Approve 2 orders' })
    await question.getByText(/At most \$10\.00 may be spent on all of them/).waitFor()
    // One of them becomes another while it is being looked at.
    const edited = await moose(home.environment, 'edit', String(ids[1]), '--title', 'Write something else')
    assert.equal(edited.exitCode, 0, edited.stderr)
    await question.getByRole('button', { name: 'Approve' }).click()
    const notice = page.locator('.toast-title').filter({ hasText: 'Approved: 1 of 2 orders' })
    await notice.waitFor()
    await page
      .locator('.toast')
      .getByText(/^Write two: /)
      .waitFor()
    assert.equal(await page.locator('.toast').count(), 1)
    await until('the other runs', async () => (await orderNow(String(ids[0]))).phase === 'in_review')
    assert.notEqual((await orderNow(String(ids[1]))).metadata?.['approved_by_director'], true)
    // A notice takes no key away.
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keys' }).getByRole('button', { name: 'Close' }).click()
    await page.locator('.toast button').click()

    await moose(home.environment, 'edit', String(ids[1]), '--title', 'Write two')
    await page.getByRole('button', { name: 'Select none' }).click()
    await page.goto(`${service.url}/orders?state=unapproved`)
    await page.getByRole('link', { name: 'Write two' }).waitFor()
    await page.keyboard.press('a')
    await page.getByRole('alertdialog', { name: 'Approve: Write two' }).getByRole('button', { name: 'Approve' }).click()
    await until('it is in review', async () => (await orderNow(String(ids[1]))).phase === 'in_review')

    await page.goto(`${service.url}/orders?state=review`)
    await rows(page).nth(1).waitFor()
    await page.getByRole('checkbox', { name: 'Select the 2 that are loaded' }).check()
    await batch.getByRole('button', { name: 'Merge 2' }).click()
    await page
      .getByRole('alertdialog', { name: 'Merge 2 orders' })
      .getByRole('button', { name: 'Merge', exact: true })
      .click()
    await page.locator('.toast-title').filter({ hasText: 'Merged: 2 orders' }).waitFor()
    for (const id of ids) assert.equal((await orderNow(id)).status, 'completed')
    await page.getByText('No order fits.').waitFor()
    // That of the order that had become another one.
    assert.deepEqual(
      complaints.filter((said) => !/status of 409/.test(said)),
      [],
    )
    await context.close()
  })

  test('lanes: what runs ticks without the board being drawn, moves when it is cancelled, and fails into its lane', async () => {
    const failing = await file('Refuse', 'r.txt', true)
    await until('it failed or rests', async () => ['failed', 'blocked'].includes((await orderNow(failing)).status))
    const slow = await file('Write slowly', 'slow.txt', true)
    const [one, other] = [await loggedIn(), await loggedIn()]
    for (const { page } of [one, other]) {
      await page.goto(`${service.url}/orders`)
      await page.getByRole('button', { name: 'Lanes' }).click()
      await isLive(page)
    }
    assert.match(one.page.url(), /view=lanes/)
    const lane = (page: Page, name: string) => page.getByRole('region', { name, exact: true })
    const card = lane(one.page, 'Running').locator('.card').filter({ hasText: 'Write slowly' })
    await card.waitFor()
    await lane(one.page, 'Blocked or failed').getByRole('link', { name: 'Refuse' }).waitFor()

    const before = await card.locator('.runs').innerText()
    await one.page.evaluate(`
      window.drawn = 0;
      new MutationObserver((changes) => {
        for (const { target } of changes)
          if (target.parentElement?.closest('.runs, time, .facts') == null && target.closest?.('.runs, time, .facts') == null) window.drawn += 1;
      }).observe(document.querySelector('.lanes'), { childList: true, characterData: true, subtree: true })
    `)
    await until('its time goes on', async () => (await card.locator('.runs').innerText()) !== before)
    assert.equal(await one.page.evaluate('window.drawn'), 0)

    await one.page.keyboard.press('Control+k')
    const box = one.page.getByRole('combobox', { name: 'View, order or action' })
    await box.fill(slow.slice(0, 8))
    await one.page.getByRole('option', { name: /Write slowly/ }).waitFor()
    await one.page.keyboard.press('Enter')
    await one.page.getByRole('heading', { name: 'Write slowly' }).waitFor()
    assert.ok(one.page.url().endsWith(`/orders/${slow}`))
    await one.page.keyboard.press('Control+k')
    await box.fill('canc')
    await one.page.getByRole('option', { name: /^Cancel/ }).waitFor()
    await one.page.keyboard.press('Enter')
    await one.page.getByRole('alertdialog').getByRole('button', { name: 'Cancel' }).click()
    await until('it is cancelled in the database', async () => (await orderNow(slow)).status === 'cancelled')
    const began = performance.now()
    await lane(other.page, 'Done').getByRole('link', { name: 'Write slowly' }).waitFor()
    // On a machine that does nothing else it is less than a second.
    console.log(`Seen by the other browser ${Math.round(performance.now() - began)} ms after the database`)
    assert.deepEqual([...one.complaints, ...other.complaints], [])
    for (const { context } of [one, other]) await context.close()
  })

  test('the palette goes to every view by its name, and the address holds filter, sort and search', async () => {
    const { page, context } = await loggedIn()
    await isLive(page)
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: 'View, order or action' }).fill('orders failed')
    await page.getByRole('option', { name: 'Orders: failed' }).click()
    await page.getByRole('heading', { name: 'Orders' }).waitFor()
    assert.match(page.url(), /state=failed/)
    await page.getByRole('button', { name: /^all/ }).click()
    await page.getByRole('columnheader', { name: 'Order' }).getByRole('button').click()
    await page.locator('[aria-sort=ascending]').waitFor()
    await page.getByRole('columnheader', { name: 'Order' }).getByRole('button').click()
    await page.locator('[aria-sort=descending]').waitFor()
    const shown = await titles(page)
    assert.deepEqual(shown, shown.toSorted().toReversed())
    await page.keyboard.press('/')
    await page.keyboard.type('WRITE')
    await until('the address has it', () => Promise.resolve(/find=WRITE/.test(page.url())))
    const areFound = async () => {
      const found = await titles(page)
      return found.length > 0 && found.every((title) => title.startsWith('Write'))
    }
    await until('they are found', areFound, { say: () => page.locator('#content').innerText() })
    await page.reload()
    await until('they are found again', areFound, { say: () => page.locator('body').innerText() })
    assert.equal(await page.getByRole('searchbox').inputValue(), 'WRITE')
    await page.locator('[aria-sort=descending]').waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type(' nothing of that')
    await page.getByText('No order fits.').waitFor()
    await page.getByRole('button', { name: 'Show all' }).click()
    await until('all are there', async () => (await titles(page)).includes('Refuse'))
    assert.equal(await page.getByRole('searchbox').inputValue(), '')
    await context.close()
  })

  test('a column head clicked while another list is read keeps what was asked for last', async () => {
    const { page, context } = await loggedIn()
    await page.goto(`${service.url}/orders?state=failed`)
    await page.locator('.order-rows .order-row').first().waitFor()
    let release = () => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    await page.route(/\/api\/work-orders\?/, async (route) => {
      await released
      await route.continue()
    })
    await page.getByRole('button', { name: /^all/ }).click()
    await until('all are asked for', () => Promise.resolve(!page.url().includes('state=')))
    await page.getByRole('columnheader', { name: 'Order' }).getByRole('button').click()
    await until('the address has the order', () => Promise.resolve(/sort=title/.test(page.url())))
    assert.doesNotMatch(page.url(), /state=/)
    release()
    await page.locator('[aria-sort=ascending]').waitFor()
    await until('all are there', async () => (await titles(page)).includes('Refuse'))
    await context.close()
  })

  test('table, lanes and palette are without a serious violation, and the page is not wider than a phone', async () => {
    for (const [colorScheme, width] of [
      ['light', 1440],
      ['dark', 390],
    ] as const) {
      const { page, complaints, context } = await loggedIn({ colorScheme, viewport: { width, height: 844 } })
      for (const path of ['/orders', '/orders?view=lanes', '/orders?find=nothing-of-that']) {
        await page.goto(service.url + path)
        await page.locator('.order-rows .order-row, .card, .empty').first().waitFor()
        await isLive(page)
        assert.deepEqual(await graveViolations(page), [], `${path} ${colorScheme}`)
        const isWide = await scrollsSideways(page)
        assert.ok(!isWide, `${path} at ${width} px`)
      }
      await page.getByRole('button', { name: 'Go to' }).click()
      await page.getByRole('option').first().waitFor()
      assert.deepEqual(await graveViolations(page), [], `the palette ${colorScheme}`)
      assert.deepEqual(complaints, [])
      await context.close()
    }
  })
})
