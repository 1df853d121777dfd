import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import type { Browser, Page } from 'playwright-core'
import { getProposerConfig } from '../../src/db/proposer-configs.ts'
import { countOutage } from '../../src/db/provider-pauses.ts'
import { providerKey } from '../../src/models/provider-pause.ts'
import { graveViolations, openBrowser, openWatched, scrollsSideways, whyNoBrowser } from '../support/browser.ts'
import { logIn } from '../support/logged-in.ts'
import { type ModelServer, startModelServer } from '../support/model-server.ts'
import { createMooseHome, fileOrder, type MooseHome } from '../support/moose-home.ts'
import { moose, mooseUp, type ServiceProcess } from '../support/service-process.ts'
import { until } from '../support/until.ts'

const PARTS = ['proposers', 'doctor', 'audit', 'tokens'] as const

describe('Operate: proposers, doctor, audit, tokens', { skip: whyNoBrowser(), timeout: 400_000 }, () => {
  let home: MooseHome
  let service: ServiceProcess
  let browser: Browser
  let server: ModelServer

  before(async () => {
    server = await startModelServer({ kind: 'text', text: 'ready', input: 20, output: 3 })
    home = await createMooseHome({ 'a.txt': 'a\n' }, [], { OWN_API_KEY: 'sk-own-0123456789' })
    service = await mooseUp(home.environment)
    browser = await openBrowser()
  })
  after(async () => {
    await browser?.close()
    await service?.[Symbol.asyncDispose]()
    await home?.[Symbol.asyncDispose]()
    await server?.[Symbol.asyncDispose]()
  })

  async function run(args: readonly string[], environment: Record<string, string> = {}): Promise<string> {
    const { exitCode, stdout, stderr } = await moose({ ...home.environment, ...environment }, ...args)
    assert.equal(exitCode, 0, stderr)
    return stdout
  }

  /** @param token whose session it is; undefined: that of the home */
  async function opened(part: string, token?: string, options?: Parameters<typeof openWatched>[1]) {
    const shown = token === undefined ? {} : { MOOSE_API_TOKEN: token }
    const watched = await logIn(browser, { ...home.environment, ...shown }, options)
    await goTo(watched.page, `/operate/${part}`)
    return watched
  }

  async function goTo(page: Page, path: string): Promise<void> {
    await page.goto(service.url + path)
    await page.getByRole('heading', { name: 'Operate', exact: true }).waitFor()
    await page.getByText('Loading').waitFor({ state: 'detached' })
  }

  const proposerNow = () =>
    home.database.db
      .selectFrom('proposer_configs')
      .select(['model', 'complexity_threshold', 'active', 'cost_profile', 'extra_headers'])
      .where('name', '=', 'own')
      .executeTakeFirst()

  test('a proposer is added, tested for a price that is said before, edited, paused, resumed and removed', async () => {
    const { page, complaints, context } = await opened('proposers')
    const card = page.locator('[data-proposer=own]')
    await page.getByRole('button', { name: 'Add a proposer' }).click()
    const form = page.getByRole('dialog', { name: 'Add a proposer' })
    await form.getByLabel('Name', { exact: true }).fill('own')
    await form.getByLabel('Kind').selectOption('openai-compatible')
    await form.getByLabel('Model').fill('m-1')
    await form.getByLabel('Address').fill(server.url)
    await form.getByLabel('Variable of its key').fill('OWN_API_KEY')
    await form.getByLabel('Used up to complexity').fill('0.6')
    await form.getByRole('button', { name: 'Add it' }).click()
    await form.getByRole('alert').getByText('No price is known for the model m-1').waitFor()
    assert.equal(await proposerNow(), undefined)
    await form.getByLabel('as stated here').check()
    await form.getByLabel('Input').fill('1')
    await form.getByLabel('Output').fill('2')
    await form.getByText('What is sent with every call').click()
    await form.getByLabel('Headers').fill('X-Title: Moose\nX-Other: one')
    await form.getByRole('button', { name: 'Add it' }).click()
    await card.getByText('$1.00 in, $2.00 out per million tokens, as you say, since just now').waitFor()
    await card.getByText('orders of a complexity up to 0.6 of 1').waitFor()
    assert.deepEqual((await proposerNow())?.extra_headers, { 'X-Title': 'Moose', 'X-Other': 'one' })

    await card.getByRole('button', { name: 'Test' }).click()
    const testing = page.getByRole('dialog', { name: 'Test own' })
    await testing.getByText('at most $0.0016, booked outside of any order').waitFor()
    assert.equal(server.calls.length, 0)
    await testing.getByRole('button', { name: 'Test it for at most $0.0016' }).click()
    await testing.getByText('“ready”').waitFor()
    await testing.getByText('$0.000026').waitFor()
    assert.equal(server.calls.length, 1)
    const { rows: booked } = await sql<{ cost: string }>`
      select sum(cost_usd)::text as cost from budget_entries where proposer = 'own'`.execute(home.database.db)
    assert.equal(Number(booked[0]?.cost), 0.000026)
    await testing.getByRole('button', { name: 'Close' }).click()

    await card.getByRole('button', { name: 'Edit' }).click()
    const editing = page.getByRole('dialog', { name: 'Edit own' })
    await editing.getByLabel('Used up to complexity').fill('0.4')
    await editing.getByText('What is sent with every call').click()
    await editing.getByLabel('Headers').fill('X-Title: Moose')
    await editing.getByRole('button', { name: 'Save' }).click()
    await card.getByText('up to 0.4 of 1').waitFor()
    const edited = await proposerNow()
    assert.deepEqual([Number(edited?.complexity_threshold), edited?.extra_headers], [0.4, { 'X-Title': 'Moose' }])

    await card.getByRole('button', { name: 'Pause' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Pause' }).click()
    await card.getByText('paused by you').waitFor()
    assert.equal((await proposerNow())?.active, false)
    await card.getByRole('button', { name: 'Resume' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Resume' }).click()
    await card.getByText('ready', { exact: true }).waitFor()
    assert.equal((await proposerNow())?.active, true)

    await pauseProvider()
    await goTo(page, '/operate/proposers')
    await card.getByText('HTTP 503').waitFor()
    await card.getByRole('button', { name: 'Call its provider again' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Call it again' }).click()
    await card.getByText('ready', { exact: true }).waitFor()
    const pauses = await home.database.db.selectFrom('provider_pauses').select('provider').execute()
    assert.deepEqual(pauses, [])

    await card.getByRole('button', { name: 'Remove' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Remove' }).click()
    await card.waitFor({ state: 'detached' })
    assert.equal(await proposerNow(), undefined)
    // That of the price that is not known.
    assert.deepEqual(
      complaints.filter((said) => !/status of 409/.test(said)),
      [],
    )
    await context.close()
  })

  async function pauseProvider(): Promise<void> {
    const { db } = home.database
    const own = await getProposerConfig(db, 'own')
    const outage = { kind: 'outage', keyMark: null, reason: 'HTTP 503', tested: false, askedMs: 0, chance: 0 } as const
    await countOutage(db, { ...outage, provider: providerKey(own) })
  }

  test('the doctor says what moose doctor --service says, each with what to type', async () => {
    const { findings }: { findings: { name: string; state: string; remedy: string | null }[] } = JSON.parse(
      await run(['doctor', '--service', '--json']),
    )
    const { page, complaints, context } = await opened('doctor')
    await page.getByText('Nothing was changed or spent.').waitFor()
    await page.getByText(/\d+ are as they should be/).click()
    const shown = await page.locator('[data-finding]').allTextContents()
    assert.equal(shown.length, findings.length)
    for (const { name, state, remedy } of findings) {
      const fits = shown.some((text) => text.startsWith(state + name) && text.includes(remedy ?? ''))
      assert.ok(fits, `${state} ${name}`)
    }
    await home.database.db
      .updateTable('projects')
      .set({ repository: '/nowhere/at/all' })
      .where('name', '=', 'sample')
      .execute()
    await page.getByRole('button', { name: 'Look again' }).click()
    const broken = page.locator('[data-finding="project sample"]')
    await broken.getByText('moose project edit sample --repository URL').waitFor()
    await page.getByText(/^1 of \d+ has to be mended\.$/).waitFor()
    await home.database.db
      .updateTable('projects')
      .set({ repository: home.remote.path })
      .where('name', '=', 'sample')
      .execute()
    assert.deepEqual(complaints, [])
    await context.close()
  })

  test('the audit is filtered by its address, opened by keys, led to from an order, and verified', async () => {
    const id = await fileOrder(home.database, { title: 'Write one', files: ['one.txt'], approved: false })
    await run(['approve', id])
    const { page, context } = await opened('audit')
    const acts = () => page.locator('.audit-act > strong').allTextContents()
    await page.getByLabel('Act', { exact: true }).fill('order.approve')
    await page.getByRole('button', { name: 'Filter' }).click()
    await until('one act is left', async () => (await acts()).join() === 'order.approve')
    assert.match(page.url(), /\/operate\/audit\?act=order\.approve$/)

    await page.goto(`${service.url}/orders/${id}`)
    await page.getByRole('link', { name: 'who did what' }).click()
    await until('those of the order are shown', async () => (await acts()).join() === 'order.approve,order.file')
    assert.equal(new URL(page.url()).searchParams.get('order'), id)
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.locator('[data-act="order.file"] details[open]').waitFor()
    await page.getByRole('button', { name: 'Show all' }).click()
    await until('all are shown', async () => (await acts()).includes('audit.begin'))

    await page.getByRole('button', { name: 'Verify all' }).click()
    await page.getByText('in order and unchanged').waitFor()
    await home.database.db.transaction().execute(async (transaction) => {
      await sql`set local session_replication_role = replica`.execute(transaction)
      await sql`update audit_entries set actor_name = 'somebody else' where seq = 3`.execute(transaction)
    })
    await page.getByRole('button', { name: 'Verify all' }).click()
    await page.getByRole('alert').getByText('The audit was tampered with').waitFor()
    await page
      .getByRole('alert')
      .getByText(/entry 3 /i)
      .waitFor()
    await context.close()
  })

  test('a token is shown once, allows what was chosen, is kept nowhere, and is revoked', async () => {
    const { page, complaints, context } = await opened('tokens')
    await page
      .getByRole('listitem')
      .filter({ hasText: 'this browser' })
      .getByText(/^home-/)
      .waitFor()
    await page.getByRole('button', { name: 'Make a token' }).click()
    const form = page.getByRole('dialog')
    await form.getByLabel('Name').fill('planner')
    await form.getByLabel('file:').check()
    await form.getByLabel('Days until it expires').fill('30')
    await form.getByRole('button', { name: 'Make it' }).click()
    const secret = await form.getByLabel('The token planner').inputValue()
    assert.match(secret, /^moose_/)
    const status = async (path: string, method = 'GET') =>
      (await fetch(service.url + path, { method, headers: { authorization: `Bearer ${secret}` } })).status
    assert.deepEqual([await status('/api/inbox'), await status('/api/tokens')], [200, 403])
    await form.getByRole('button', { name: 'I have it' }).click()
    await form.waitFor({ state: 'detached' })
    const kept = await page.evaluate<string>(
      'document.documentElement.outerHTML + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)',
    )
    assert.ok(!kept.includes(secret))
    const made = page.getByRole('listitem').filter({ hasText: 'planner' })
    assert.match(await made.innerText(), /read, file[\s\S]*expires in 30 days/)

    await made.getByRole('button', { name: 'Revoke planner' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Revoke' }).click()
    await page.getByText('1 expired or revoked').waitFor()
    assert.equal(await status('/api/inbox'), 401)
    assert.deepEqual(complaints, [])
    await context.close()
  })

  test('a session that may only read sees what it may, and is told why it may not do the rest', async () => {
    const reader = (await run(['token', 'create', 'reader', '--scope', 'read'])).trim()
    const { page, context } = await opened('proposers', reader)
    const add = page.getByRole('button', { name: 'Add a proposer' })
    assert.equal(await add.isDisabled(), true)
    assert.equal(await add.getAttribute('title'), 'This session has not the scope operate')
    await page.keyboard.press('x')
    assert.equal(await page.getByRole('alertdialog').count(), 0)
    for (const part of ['doctor', 'tokens']) {
      await goTo(page, `/operate/${part}`)
      await page.getByText('it has not the scope operate').waitFor()
    }
    await context.close()

    const operator = (await run(['token', 'create', 'operator', '--scope', 'operate'])).trim()
    const own = await opened('tokens', operator)
    await own.page.getByRole('button', { name: 'Revoke operator' }).click()
    await own.page.getByText('This browser acts with it').waitFor()
    await own.page.getByRole('alertdialog').getByRole('button', { name: 'Revoke' }).click()
    await own.page.getByRole('heading', { name: 'Log in to Moose' }).waitFor()
    await own.context.close()
  })

  test('each part is without a serious violation, light and dark, wide and on a phone, and needs no sideways scrolling', async () => {
    for (const [colorScheme, width] of [
      ['light', 1280],
      ['dark', 390],
    ] as const) {
      const { page, context } = await opened('proposers', undefined, { colorScheme, viewport: { width, height: 844 } })
      for (const part of [...PARTS, 'audit?act=nothing.like.it']) {
        await goTo(page, `/operate/${part}`)
        if (part === 'doctor') await page.getByText('Nothing was changed or spent.').waitFor()
        assert.deepEqual(await graveViolations(page), [], `${part} ${colorScheme}`)
        const isWide = await scrollsSideways(page)
        assert.ok(!isWide, `${part} at ${width} px`)
      }
      for (const [part, button] of [
        ['proposers', 'Add a proposer'],
        ['tokens', 'Make a token'],
      ] as const) {
        await goTo(page, `/operate/${part}`)
        await page.getByRole('button', { name: button }).click()
        await page.getByRole('dialog').waitFor()
        assert.deepEqual(await graveViolations(page), [], `${button} ${colorScheme}`)
        await page.keyboard.press('Escape')
      }
      await context.close()
    }
  })
})
