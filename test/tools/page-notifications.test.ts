import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import type { Browser } from 'playwright-core'
import { graveViolations, openBrowser, scrollsSideways, whyNoBrowser } from '../support/browser.ts'
import { logIn } from '../support/logged-in.ts'
import { createMooseHome, type MooseHome } from '../support/moose-home.ts'
import { receiver } from '../support/notification-receiver.ts'
import { mooseUp, type ServiceProcess } from '../support/service-process.ts'

describe('Operate: notifications', { skip: whyNoBrowser(), timeout: 400_000 }, () => {
  let home: MooseHome
  let service: ServiceProcess
  let browser: Browser

  before(async () => {
    home = await createMooseHome({ 'a.txt': 'a\n' }, [])
    service = await mooseUp(home.environment)
    browser = await openBrowser()
  })
  after(async () => {
    await browser?.close()
    await service?.[Symbol.asyncDispose]()
    await home?.[Symbol.asyncDispose]()
  })

  test('an address is added with its secret shown once, tested, shown with what was given up, and removed', async () => {
    await using hooks = await receiver(200, 503)
    await home.database.db
      .insertInto('projects')
      .values({ name: 'other', repository: home.remote.path, forge: 'local', default_branch: 'main' })
      .execute()
    const { page, complaints, context } = await logIn(browser, home.environment)
    await page.goto(`${service.url}/operate/notifications`)
    await page.getByText('Events are sent nowhere.').waitFor()
    assert.deepEqual(await graveViolations(page), [])

    await page.getByRole('button', { name: 'Add an address' }).click()
    const form = page.getByRole('dialog', { name: 'Add an address' })
    await form.getByLabel('Name').fill('ops')
    await form.getByLabel('Address', { exact: true }).fill('http://example.com/')
    assert.deepEqual(await graveViolations(page), [])
    await form.getByRole('button', { name: 'Add it' }).click()
    await form.getByRole('alert').getByText('is not an https URL').waitFor()
    await form.getByLabel('Address', { exact: true }).fill(hooks.url)
    await form.getByLabel('a decision is needed').check()
    await form
      .getByRole('group', { name: /Of which projects/ })
      .getByLabel('other')
      .check()
    await form.getByRole('button', { name: 'Add it' }).click()
    const shown = page.getByRole('dialog', { name: 'The secret of ops' })
    const secret = await shown.getByLabel('The secret of ops').inputValue()
    assert.match(secret, /^whsec_/)
    await shown.getByRole('button', { name: 'I have it' }).click()
    const card = page.locator('.provide-card', { hasText: 'ops' })
    await card.getByText('escalation.opened').waitFor()
    await card.getByText('of other').waitFor()
    assert.ok(!(await page.content()).includes(secret), 'it is gone from the page')

    await card.getByRole('button', { name: 'Test ops' }).click()
    await page.getByText('ops took the test: HTTP 200').waitFor()
    await card.getByRole('button', { name: 'Test ops' }).click()
    await card.getByRole('alert').getByText('it answered HTTP 503').waitFor()
    assert.equal(hooks.received.length, 2)

    await sql`insert into notification_outbox (endpoint_id, kind, event_key, data, tries, dead_at, last_error)
      select id, 'order.failed', 'x', '{}', 8, now(), 'it answered HTTP 500' from notification_endpoints`.execute(
      home.database.db,
    )
    await card.getByText('1 given up', { exact: true }).waitFor()
    await card.getByText('it answered HTTP 500').waitFor()
    assert.deepEqual([await graveViolations(page), await scrollsSideways(page)], [[], false])

    await page.getByRole('button', { name: 'Add an address' }).click()
    await form.getByLabel('Name').fill('comments')
    await form.getByLabel('a comment on the pull request').check()
    await form.getByRole('button', { name: 'Add it' }).click()
    await form.waitFor({ state: 'detached' })
    await page.getByText('a comment on each pull request on GitHub').waitFor()

    await page.getByRole('button', { name: 'Remove ops' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Remove' }).click()
    await card.waitFor({ state: 'detached' })
    const left = await home.database.db.selectFrom('notification_endpoints').select('name').execute()
    assert.deepEqual(left, [{ name: 'comments' }])
    const unmeant = complaints.filter((said) => !/status of (400|503)/.test(said))
    assert.deepEqual(unmeant, [])
    await context.close()
  })
})
