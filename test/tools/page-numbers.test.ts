import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import { parse } from 'csv-parse/sync'
import type { Browser, Page } from 'playwright-core'
import { NumbersResponse } from '../../src/contract/numbers.ts'
import { fetchAt } from '../support/api-token.ts'
import { graveViolations, openBrowser, openWatched, scrollsSideways, whyNoBrowser } from '../support/browser.ts'
import { project } from '../support/ledger-rows.ts'
import { logIn } from '../support/logged-in.ts'
import { createMooseHome, fileOrder, type MooseHome } from '../support/moose-home.ts'
import { loadNumbers } from '../support/numbers-load.ts'
import { moose, mooseUp, type ServiceProcess } from '../support/service-process.ts'
import { until } from '../support/until.ts'

const FILES = { 'a.txt': 'a\n', 'moose.yaml': 'checks:\n  - { name: look, run: test -s a.txt }\n' }
const ANSWERS = [
  { task: 'Write one', turn: 1, text: '### write one.txt\n```\none\n```\n' },
  { task: 'Write two', turn: 1, text: 'I would rather not.' },
]
/** Where the screenshots go of who wants to look; nowhere otherwise. */
const SHOTS = process.env['SHOTS']

describe('the numbers of Mission Control', { skip: whyNoBrowser(), timeout: 300_000 }, () => {
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

  async function open(path: string, options?: Parameters<typeof openWatched>[1]) {
    const watched = await logIn(browser, home.environment, options)
    const { page } = watched
    await page.goto(service.url + path)
    await page.getByRole('heading', { name: 'Numbers' }).waitFor()
    await page.getByText('Loading').waitFor({ state: 'detached' })
    return watched
  }

  const numbersNow = async (query = '') => {
    const response = await fetchAt(home.config.home, `${service.url}/api/numbers${query}`)
    return NumbersResponse.parse(await response.json()).numbers
  }
  const rowOf = (page: Page, table: string, name: string) =>
    page
      .getByRole('region', { name: `Table: ${table}` })
      .getByRole('row')
      .filter({ hasText: name })

  test('say what will be there, and move while orders are carried out, fail and are merged', async () => {
    const { page, complaints, context } = await open('/numbers')
    await page.getByText('Nothing was spent and nothing has ended in these days.').waitFor()
    assert.deepEqual(await graveViolations(page), [])
    await shoot(page, 'empty')
    await page.locator('[data-live=live]').waitFor({ state: 'attached' })
    const id = await fileOrder(home.database, { title: 'Write one', files: ['one.txt'] })
    await rowOf(page, 'Rates', 'Attempts that opened a pull request').getByText('1 of 1').waitFor()
    await fileOrder(home.database, { title: 'Write two', files: ['two.txt'] })
    await rowOf(page, 'Rates', 'Attempts that opened a pull request').getByText('1 of 2').waitFor()
    await rowOf(page, 'Failures by kind', 'recording_missing').waitFor()
    const merged = await moose(home.environment, 'merge', id)
    assert.equal(merged.exitCode, 0, merged.stderr)
    await rowOf(page, 'Rates', 'Pull requests that were merged').getByText('1 of 1').waitFor()
    const { db } = home.database
    const ends = await db.selectFrom('outcome_vectors').select('outcome').orderBy('outcome').execute()
    assert.deepEqual(
      ends.map(({ outcome }) => outcome),
      ['failed', 'merged', 'pull_request_opened'],
    )
    assert.deepEqual(complaints, [])
    await context.close()
  })

  test('of 10,000 orders are those of the API and the ledger, in chart, table and CSV', async () => {
    await project(home.database, 'another')
    await loadNumbers(home.database.db, { orders: 10_000, end: new Date().toISOString().slice(0, 10) })
    const began = performance.now()
    const numbers = await numbersNow()
    console.log(`30 days of 10,000 orders and 100,000 calls: ${Math.round(performance.now() - began)} ms`)
    const { page, complaints, context } = await open('/numbers', { acceptDownloads: true })
    const days = page.getByRole('region', { name: 'Table: Spent by day' })
    assert.equal(await days.locator('tbody tr').count(), numbers.days.length)
    const day = numbers.days.at(-2)
    const shown = new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD' })
    await rowOf(page, 'Spent by day', String(day?.day))
      .getByText(shown.format(Number(day?.spent_usd)), { exact: true })
      .waitFor()

    const downloading = page.waitForEvent('download')
    await page.getByRole('link', { name: 'CSV of Spent by day' }).click()
    const download = await downloading
    assert.match(download.suggestedFilename(), /^moose-days-\d{4}-\d\d-\d\d-\d{4}-\d\d-\d\d\.csv$/)
    const rows: Record<string, string>[] = parse(await readFile(await download.path(), 'utf8'), { columns: true })
    assert.deepEqual(
      rows.map((row) => [row['day'], row['spent_usd']]),
      numbers.days.map((row) => [row.day, row.spent_usd]),
    )

    // A screen reader is told what the slider says; the keys of a slider are those of the browser.
    const slider = page.getByRole('slider', { name: 'Day of the chart' }).first()
    await slider.focus()
    await page.keyboard.press('ArrowLeft')
    assert.match(
      String(await slider.getAttribute('aria-valuetext')),
      new RegExp(`: \\${shown.format(Number(day?.spent_usd))} spent`),
    )
    await page.keyboard.press('Home')
    const [first] = numbers.days
    assert.match(
      String(await slider.getAttribute('aria-valuetext')),
      new RegExp(`: \\${shown.format(Number(first?.spent_usd))} spent`),
    )
    assert.deepEqual(complaints, [])
    await context.close()
  })

  test('range, project and zone are in the address, and are what is asked', async () => {
    const { page, context } = await open('/numbers?range=7d', { timezoneId: 'Asia/Tokyo' })
    const days = page.getByRole('region', { name: 'Table: Spent by day' }).locator('tbody tr')
    await until('seven days are shown', async () => (await days.count()) === 7)
    await page.getByRole('button', { name: 'a year' }).click()
    await page.waitForURL(/range=365d/)
    await until('a year is shown', async () => (await days.count()) === 365)
    await page.getByRole('button', { name: '30 days' }).click()
    await page.getByRole('combobox', { name: 'Project' }).selectOption('another')
    await page.waitForURL(/project=another/)
    const ofOne = await numbersNow('?project=another')
    await until('what that project has merged is shown', async () => {
      const total = await page.locator('.totals > div', { hasText: 'attempts ended' }).locator('.total').innerText()
      return total === ofOne.totals.merged.toLocaleString('en')
    })
    await page.getByRole('combobox', { name: 'Time zone of the days' }).selectOption('Asia/Tokyo')
    await page.waitForURL(/tz=Asia/)
    await page.getByText('Day in Asia/Tokyo').waitFor()
    await page.goto(`${service.url}/numbers?from=2026-02-03&to=2026-02-01`)
    await page.getByRole('alert').getByText('before it begins').waitFor()
    await page.goto(`${service.url}/numbers?project=nowhere`)
    await page.getByRole('alert').getByText('There is no project "nowhere"').waitFor()
    await context.close()
  })

  test('are without a serious violation, light and dark, wide and on a phone, and need no sideways scrolling', async () => {
    for (const [colorScheme, width] of [
      ['light', 1440],
      ['dark', 1440],
      ['light', 390],
      ['dark', 390],
    ] as const) {
      const { page, complaints, context } = await open('/numbers?range=90d', {
        colorScheme,
        viewport: { width, height: 900 },
      })
      await page.getByRole('slider').first().waitFor()
      assert.deepEqual(await graveViolations(page), [], `${colorScheme} ${width}`)
      const isWide = await scrollsSideways(page)
      assert.ok(!isWide, `${width} px`)
      await shoot(page, `${colorScheme}-${width}`)
      assert.deepEqual(complaints, [])
      await context.close()
    }
  })
})

async function shoot(page: Page, name: string): Promise<void> {
  if (SHOTS !== undefined) await page.screenshot({ path: `${SHOTS}/${name}.png`, fullPage: true })
}
