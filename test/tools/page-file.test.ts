import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { graveViolations, openBrowser, openWatched, scrollsSideways, whyNoBrowser } from '../support/browser.ts'
import { logIn } from '../support/logged-in.ts'
import { createMooseHome, fileOrder, type MooseHome } from '../support/moose-home.ts'
import { moose, mooseUp, type ServiceProcess } from '../support/service-process.ts'
import { until } from '../support/until.ts'

const FILES = {
  'moose.yaml': 'checks:\n  - { name: greets, run: "true", proves: [It greets] }\n',
  'src/greet.js': '',
  'src/deep/down.js': '',
  'package-lock.json': '{}',
}

describe('Filing and editing orders in the page', { skip: whyNoBrowser(), timeout: 600_000 }, () => {
  let home: MooseHome
  let service: ServiceProcess
  let browser: Browser

  before(async () => {
    home = await createMooseHome(FILES, [])
    service = await mooseUp(home.environment)
    browser = await openBrowser()
  })
  after(async () => {
    await browser?.close()
    await service?.[Symbol.asyncDispose]()
    await home?.[Symbol.asyncDispose]()
  })

  const loggedIn = (options?: Parameters<typeof openWatched>[1]) => logIn(browser, home.environment, options)

  const stored = () =>
    home.database.db
      .selectFrom('work_orders')
      .select([
        'id',
        'title',
        'acceptance_criteria',
        'files_in_scope',
        'risk_level',
        'budget_usd',
        'metadata',
        'filed_by',
      ])
      .orderBy('created_at')
      .orderBy('title')
      .execute()
  const storedAs = async (title: string) => (await stored()).find((order) => order.title === title)
  const outlook = (page: Page) => page.getByRole('complementary', { name: 'What it would mean' })

  test('an order is typed, checked as it is typed, completed by files, outlives a reload, and is filed as a draft', async () => {
    const { page, complaints, asked, context } = await loggedIn()
    await page.keyboard.press('n')
    await page.getByRole('heading', { name: 'New order' }).waitFor()
    await page.getByRole('button', { name: 'File it as a draft' }).click()
    await outlook(page).getByText('The title is empty.').waitFor()
    await until('the first field that is wrong has the focus', () =>
      page.evaluate<boolean>('document.activeElement?.id === "form-title"'),
    )
    assert.equal(await page.getByLabel('Title').getAttribute('aria-invalid'), 'true')
    assert.deepEqual(await stored(), [])

    await page.getByLabel('Title').fill('Greet in French')
    await page.getByLabel('Acceptance criteria').fill('It greets\nIt is polite')
    await page.getByLabel('Budget in USD').fill('much')
    await page.getByText('The budget must be an amount in USD').first().waitFor()
    await page.getByLabel('Budget in USD').fill('2.50')
    await page.getByLabel('Risk').selectOption('high')

    const file = page.getByRole('combobox', { name: 'Add a file or a folder' })
    await file.fill('sr')
    await page.getByRole('option', { name: 'src/', exact: true }).click()
    await page.getByRole('option', { name: 'src/deep/', exact: true }).waitFor()
    assert.equal(await file.inputValue(), 'src/')
    await file.pressSequentially('gr')
    await until('one file fits', async () => (await page.locator('[role=option]').count()) === 1)
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Take src/greet.js out' }).waitFor()
    await file.fill('DOWN')
    await page.getByRole('option', { name: 'src/deep/down.js' }).waitFor()
    await file.fill('../outside')
    await page.keyboard.press('Enter')
    await page.getByText('"../outside" leaves the repository').first().waitFor()
    await page.getByRole('button', { name: 'Take ../outside out' }).click()
    await file.fill('src/new.js')
    await page.keyboard.press('Enter')
    await page.getByText('"src/new.js" is not there at the base commit: it would be new.').waitFor()

    await outlook(page).getByText('It can be filed.').waitFor()
    assert.match(
      await outlook(page).innerText(),
      /\$2\.50[^]*It greets proved by greets[^]*It is polite no check proves it/,
    )
    await page.reload()
    await page.getByRole('button', { name: 'Take src/new.js out' }).waitFor()
    assert.equal(await page.getByLabel('Title').inputValue(), 'Greet in French')

    await page.getByLabel('Title').press('Control+Enter')
    await page.getByRole('heading', { name: 'Greet in French', exact: true }).waitFor()
    const [order] = await stored()
    assert.deepEqual(
      [order?.title, order?.acceptance_criteria, order?.files_in_scope, order?.risk_level, Number(order?.budget_usd)],
      ['Greet in French', ['It greets', 'It is polite'], ['src/greet.js', 'src/new.js'], 'high', 2.5],
    )
    assert.notEqual(order?.metadata?.['approved_by_director'], true)
    await page.goto(`${service.url}/new`)
    assert.equal(await page.getByLabel('Title').inputValue(), '')
    assert.deepEqual(complaints, [])
    assert.deepEqual([...new Set(asked.map(({ origin }) => origin))], [service.url])
    await context.close()
  })

  test('an order is filed and approved in one go, once its worst case was said yes to', async () => {
    const { page, context } = await loggedIn()
    await page.goto(`${service.url}/new`)
    await page.getByLabel('Title').fill('Lock it')
    await page.getByRole('combobox', { name: 'Add a file or a folder' }).fill('package-lock.json')
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    await outlook(page).getByText('its change waits for you once more').waitFor()
    await page.getByRole('button', { name: 'File and approve …' }).click()
    const question = page.getByRole('alertdialog', { name: 'File and approve: Lock it' })
    assert.match(await question.innerText(), /At most \$5\.00 may be spent/)
    assert.equal(await storedAs('Lock it'), undefined)
    await question.getByRole('button', { name: 'File and approve' }).click()
    await page.getByRole('heading', { name: 'Lock it', exact: true }).waitFor()
    assert.equal((await storedAs('Lock it'))?.metadata?.['approved_by_director'], true)
    await context.close()
  })

  test('an edit says that the approval is lost, is told of another one meanwhile, and keeps both', async () => {
    const id = await fileOrder(home.database, { title: 'Wave', files: ['src/greet.js'] })
    const { page, context } = await loggedIn()
    await page.goto(`${service.url}/orders/${id}`)
    await page.getByRole('heading', { name: 'Wave' }).waitFor()
    await page.keyboard.press('e')
    await page.getByText('A change withdraws the approval').waitFor()
    await page.locator('[data-live=live]').waitFor({ state: 'attached' })
    const save = page.getByRole('button', { name: 'Save' })
    assert.equal(await save.isDisabled(), true)
    await page.getByLabel('Title').fill('Wave twice')
    await page.getByText('Changed: title.').waitFor()

    const other = await moose(home.environment, 'edit', id, '--risk', 'high', '--title', 'Wave once')
    assert.equal(other.exitCode, 0, other.stderr)
    const conflict = page.getByRole('alert', { name: 'Edited meanwhile' })
    await conflict.waitFor()
    assert.match(await conflict.innerText(), /title[^]*Wave once[^]*risk level[^]*high/)
    assert.equal(await save.isDisabled(), true)
    assert.equal((await storedAs('Wave once'))?.id, id)
    await page.reload()
    await conflict.waitFor()
    await conflict.getByRole('button', { name: 'Keep what I typed, also of title' }).click()
    assert.equal(await page.getByLabel('Risk').inputValue(), 'high')
    await save.click()
    await page.getByRole('heading', { name: 'Wave twice' }).waitFor()
    const order = await storedAs('Wave twice')
    assert.deepEqual([order?.id, order?.risk_level], [id, 'high'])
    assert.notEqual(order?.metadata?.['approved_by_director'], true)
    await context.close()
  })

  test('files that are to be read are typed, filed and edited', async () => {
    const { page, context } = await loggedIn()
    await page.goto(`${service.url}/new`)
    const toRead = page.getByLabel('Files to read')
    await page.getByLabel('Title').fill('Read the style')
    await toRead.fill('STYLE.md\ndocs/')
    const files = page.getByRole('combobox', { name: 'Add a file or a folder' })
    await files.fill('src/greet.js')
    await files.press('Enter')
    await page.getByRole('button', { name: 'Take src/greet.js out' }).waitFor()
    await page.getByLabel('Title').press('Control+Enter')
    const stored = async () =>
      await home.database.db
        .selectFrom('work_orders')
        .select(['id', 'context'])
        .where('title', '=', 'Read the style')
        .executeTakeFirst()
    await until('it is filed', async () => JSON.stringify((await stored())?.context) === '["STYLE.md","docs/"]')
    await page.goto(`${service.url}/orders/${(await stored())?.id}/edit`)
    assert.equal(await toRead.inputValue(), 'STYLE.md\ndocs/')
    await toRead.fill('docs/')
    await page.getByRole('button', { name: 'Save' }).click()
    await until('it is edited', async () => JSON.stringify((await stored())?.context) === '["docs/"]')
    await context.close()
  })

  test('an edit that was overtaken before the page heard of it is refused, and told', async () => {
    const id = await fileOrder(home.database, { title: 'Nod', files: ['src/greet.js'], approved: false })
    const { page, context } = await loggedIn()
    // The page hears of nothing.
    await context.route('**/api/events**', (request) => request.abort())
    await page.goto(`${service.url}/orders/${id}/edit`)
    await page.getByLabel('Title').fill('Nod twice')
    await page.getByText('Changed: title.').waitFor()
    await moose(home.environment, 'edit', id, '--description', 'Slowly.')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('alert', { name: 'Edited meanwhile' }).waitFor()
    assert.notEqual(await storedAs('Nod'), undefined)
    await page.getByRole('button', { name: 'Take theirs' }).click()
    assert.equal(await page.getByLabel('Description').inputValue(), 'Slowly.')
    assert.equal(await page.getByLabel('Title').inputValue(), 'Nod')
    await context.close()
  })

  test('a file of orders is previewed, refused line by line, corrected, and filed as a whole', async () => {
    const { page, complaints, context } = await loggedIn()
    await page.goto(`${service.url}/import`)
    const before = (await stored()).length
    await page.getByLabel('A file').setInputFiles({
      name: 'orders.csv',
      mimeType: 'text/csv',
      buffer: Buffer.from(
        'title,acceptance_criteria,files_in_scope\nFirst,It greets,src/greet.js\nSecond,,/etc/passwd\n',
      ),
    })
    await page.getByText('Nothing can be filed yet: 1 of 2 orders have to be corrected.').waitFor()
    const table = page.getByRole('region', { name: 'Orders of the file' })
    assert.match(await table.getByRole('row').nth(1).innerText(), /^3\b[^]*"\/etc\/passwd" is absolute/)
    assert.match(
      await table.getByRole('row').nth(2).innerText(),
      /^2\b[^]*First[^]*\$5\.00[^]*one check; 1 of 1 criteria/,
    )
    assert.equal(await page.getByRole('button', { name: 'File all as drafts' }).isDisabled(), true)
    const text = page.getByLabel('or its text')
    await text.fill((await text.inputValue()).replace('/etc/passwd', 'src/'))
    await page.getByText('2 orders, all of which can be filed.').waitFor()
    await page.reload()
    await page.getByText('2 orders, all of which can be filed.').waitFor()
    await page.getByRole('button', { name: 'File and approve all …' }).click()
    assert.match(await page.getByRole('alertdialog').innerText(), /File and approve 2 orders[^]*At most \$10\.00/)
    await page.getByRole('button', { name: 'Leave it' }).click()
    await page.getByRole('button', { name: 'File all as drafts' }).click()
    await page.getByRole('heading', { name: 'Orders', exact: true }).waitFor()
    assert.equal((await stored()).length, before + 2)
    assert.deepEqual((await storedAs('Second'))?.files_in_scope, ['src/'])
    assert.deepEqual(complaints, [])
    await context.close()
  })

  test('a draft that another version has left is dropped, and who logs out leaves none to the next', async () => {
    const { page, complaints } = await loggedIn()
    for (const [view, key, heading] of [
      ['/new', 'draft new order', 'New order'],
      ['/import', 'draft import', 'Import orders'],
    ] as const) {
      for (const left of ['{half', '5', '[]', 'null', '{"title":{"a":1},"files":5,"text":7}']) {
        await page.evaluate(`sessionStorage.setItem(${JSON.stringify(key)}, ${JSON.stringify(left)})`)
        await page.goto(service.url + view)
        await page.getByRole('heading', { name: heading }).waitFor({ timeout: 20_000 })
      }
    }
    await page.goto(`${service.url}/new`)
    await page.getByLabel('Title').fill('Something confidential')
    await until('it is kept', () =>
      page.evaluate<boolean>(`JSON.stringify({ ...sessionStorage }).includes('confidential')`),
    )
    assert.deepEqual(complaints, [])
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.getByRole('heading', { name: 'Log in to Moose' }).waitFor()
    assert.equal(await page.evaluate('sessionStorage.length'), 0)
  })

  test('a session that may only read is told so, and can file nothing; one that may file cannot approve', async () => {
    const sessionOf = async (scopes: readonly string[]) => {
      const made = await moose(home.environment, 'token', 'create', scopes.join('-'), '--scope', ...scopes, '--json')
      assert.equal(made.exitCode, 0, made.stderr)
      const token = String(JSON.parse(made.stdout).secret)
      const { stdout } = await moose({ ...home.environment, MOOSE_API_TOKEN: token }, 'open', '--json')
      const watched = await openWatched(browser)
      const page = await watched.context.newPage()
      await page.goto(JSON.parse(stdout).url)
      await page.getByRole('heading', { name: 'Inbox' }).waitFor()
      await page.goto(`${service.url}/new`)
      await page.getByRole('heading', { name: 'New order' }).waitFor()
      return { page, context: watched.context }
    }
    const reader = await sessionOf(['read'])
    await reader.page.getByText('so it cannot file orders').waitFor()
    assert.equal(await reader.page.getByRole('button', { name: 'File it as a draft' }).isDisabled(), true)
    const filer = await sessionOf(['file'])
    const approve = filer.page.getByRole('button', { name: 'File and approve …' })
    assert.deepEqual(
      [await approve.isDisabled(), await approve.getAttribute('title')],
      [true, 'This session has not the scope approve'],
    )
    for (const { context } of [reader, filer]) await context.close()
  })

  test('no view of these has a serious violation, light and dark, wide and on a phone, nor is scrolled sideways', async () => {
    const id = await fileOrder(home.database, { title: 'Look at me', files: ['src/greet.js', 'package-lock.json'] })
    for (const [colorScheme, width] of [
      ['light', 1280],
      ['dark', 390],
    ] as const) {
      const { page, complaints, context } = await loggedIn({ colorScheme, viewport: { width, height: 844 } })
      const look = async (what: string) => {
        assert.deepEqual(await graveViolations(page), [], `${what} ${colorScheme}`)
        const isWide = await scrollsSideways(page)
        assert.ok(!isWide, `${what} at ${width} px`)
      }
      await page.goto(`${service.url}/new`)
      await page.getByRole('button', { name: 'File it as a draft' }).click()
      await outlook(page).getByText('The title is empty.').waitFor()
      await look('/new, with problems')
      await page.getByRole('combobox', { name: 'Add a file or a folder' }).fill('s')
      await page.getByRole('option', { name: 'src/', exact: true }).waitFor()
      await look('/new, with files offered')
      await page.goto(`${service.url}/orders/${id}/edit`)
      await outlook(page).getByText('It can be saved.').waitFor()
      await look('/orders/ID/edit')
      await page.goto(`${service.url}/import`)
      await page.getByLabel('or its text').fill('- title: A\n  files_in_scope: [src/]\n- title: B\n')
      await page.getByText('1 of 2 orders have to be corrected').waitFor()
      await look('/import')
      assert.deepEqual(complaints, [])
      await context.close()
    }
  })
})
