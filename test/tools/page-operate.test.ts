import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { Browser, Locator, Page } from 'playwright-core'
import { lengthenRow } from '../../src/db/work-orders/failure-rows.ts'
import { graveViolations, openBrowser, openWatched, scrollsSideways, whyNoBrowser } from '../support/browser.ts'
import { createGitRemote, type GitRemote } from '../support/git-remote.ts'
import { logIn } from '../support/logged-in.ts'
import { createMooseHome, fileOrder, type MooseHome } from '../support/moose-home.ts'
import { moose, mooseUp, type ServiceProcess } from '../support/service-process.ts'
import { until } from '../support/until.ts'

const FILES = {
  'a.txt': 'a\n',
  'moose.yaml': 'checks:\n  - { name: look, run: echo looked at it && sleep 1 && test -s a.txt }\n',
}
const ANSWERS = [{ task: 'Write slowly', turn: 1, text: '### write slow.txt\n```\nslow\n```\n', delay_ms: 60_000 }]

/** Settings, switches and projects in the page of a real service: what it does is looked at in the database and by the command line. */
describe('Operate', { skip: whyNoBrowser(), timeout: 300_000 }, () => {
  let home: MooseHome
  let other: GitRemote
  let service: ServiceProcess
  let browser: Browser

  before(async () => {
    home = await createMooseHome(FILES, ANSWERS)
    other = await createGitRemote({
      ...FILES,
      'moose.yaml': 'checks:\n  - { name: fails, run: echo not so >&2; sleep 2; exit 3 }\n',
    })
    service = await mooseUp(home.environment)
    browser = await openBrowser()
  })
  after(async () => {
    await browser?.close()
    await service?.[Symbol.asyncDispose]()
    await other?.[Symbol.asyncDispose]()
    await home?.[Symbol.asyncDispose]()
  })

  async function cli(...words: string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await moose(home.environment, ...words)
    assert.equal(exitCode, 0, stderr)
    return stdout
  }

  const loggedIn = (options?: Parameters<typeof openWatched>[1], more: Record<string, string> = {}) =>
    logIn(browser, { ...home.environment, ...more }, options)

  async function showing(page: Page, part: string): Promise<void> {
    await page.goto(`${service.url}/operate/${part}`)
    await page.locator('[data-live=live]').waitFor({ state: 'attached' })
    await page.getByText('Loading').waitFor({ state: 'detached' })
  }

  const confirm = (page: Page, name: string) =>
    page.getByRole('alertdialog').getByRole('button', { name, exact: true }).click()
  const setting = async (key: string) =>
    (await home.database.db.selectFrom('system_config').select('value').where('key', '=', key).executeTakeFirst())
      ?.value
  const projectNow = (name: string) =>
    home.database.db.selectFrom('projects').selectAll().where('name', '=', name).executeTakeFirst()
  const status = async () => JSON.parse(await cli('status', '--json')).status
  /** How long after the database another page shows it; on a machine that does nothing else it is less than a second. */
  async function seenBy(what: string, place: Locator): Promise<void> {
    const began = performance.now()
    await place.first().waitFor({ timeout: 5_000 })
    console.log(`${what}: seen ${Math.round(performance.now() - began)} ms later`)
  }

  test('orders are taken on after they were asked about, and no more without a question; two browsers see the same', async () => {
    const [one, two] = [await loggedIn(), await loggedIn()]
    await showing(one.page, 'service')
    await two.page.locator('[data-live=live]').waitFor({ state: 'attached' })
    await one.page.getByRole('banner').getByRole('button', { name: 'Start' }).click()
    assert.match(await one.page.getByRole('alertdialog').innerText(), /No approved order waits[\s\S]*At most \$\d+/)
    assert.equal((await status()).polling, false)
    await confirm(one.page, 'Start')
    await seenBy('taking on orders', two.page.getByRole('banner').getByText('takes on orders'))
    assert.equal((await status()).polling, true)
    await one.page.getByRole('button', { name: 'Take on no more' }).click()
    await seenBy('taking on nothing', two.page.getByRole('banner').getByText('takes on nothing'))
    assert.equal((await status()).polling, false)
    assert.deepEqual([...one.complaints, ...two.complaints], [])
    await cli('start')
    for (const { context } of [one, two]) await context.close()
  })

  test('stopping all spending names what it ends, ends it, and what was suspended goes on after it is resumed', async () => {
    const id = await fileOrder(home.database, { title: 'Write slowly', files: ['slow.txt'] })
    const { page, complaints, context } = await loggedIn()
    await showing(page, 'workers')
    await page.getByRole('link', { name: /Write slowly/ }).waitFor()
    await showing(page, 'service')
    const orderNow = () =>
      home.database.db
        .selectFrom('work_orders')
        .select(['status', 'phase'])
        .where('id', '=', id)
        .executeTakeFirstOrThrow()
    await until('a model is called', async () => (await orderNow()).phase === 'proposing')
    await page.getByRole('button', { name: 'Stop all spending' }).click()
    const question = page.getByRole('alertdialog')
    await question.getByRole('link', { name: /Write slowly/ }).waitFor()
    assert.notEqual(await setting('emergency_stop'), 'true')
    await confirm(page, 'Stop all spending')
    await page.getByRole('banner').getByText('nothing is spent').waitFor()
    assert.equal(await setting('emergency_stop'), 'true')
    await until('its attempt is suspended', async () => (await orderNow()).status === 'blocked')
    await page
      .getByText(/Stopped: .* and 1 attempt/)
      .first()
      .waitFor()

    await page.getByRole('button', { name: 'Resume spending' }).click()
    assert.match(await page.getByRole('alertdialog').innerText(), /At most \$/)
    await confirm(page, 'Resume')
    await until('spending is allowed', async () => (await setting('emergency_stop')) === 'false')
    await until('it goes on', async () => (await orderNow()).status === 'in_progress')
    await cli('cancel', id)
    assert.deepEqual(complaints, [])
    await context.close()
  })

  test('a cap is changed with the worst case said as it is typed; one that the command line changes is shown at once', async () => {
    const { page, complaints, context } = await loggedIn()
    await showing(page, 'caps')
    const day = page.locator('[data-row=day]')
    await day.getByText('$100.00').first().waitFor()
    await day.getByRole('button', { name: 'Change' }).click()
    const question = page.getByRole('alertdialog')
    const amount = question.getByLabel('USD')
    await amount.fill('a lot')
    await question.getByText('An amount in USD').waitFor()
    assert.ok(await question.getByRole('button', { name: 'Set the cap' }).isDisabled())
    await amount.fill('300')
    await question.getByText('The emergency kill is below the cap of the day').waitFor()
    await amount.fill('20')
    await question.getByText('At worst $20.00 more is spent today').waitFor()
    await question.getByText('The warning of the day is above its cap').waitFor()
    await confirm(page, 'Set the cap')
    await page.getByRole('alertdialog').waitFor({ state: 'detached' })
    await day.getByText('$20.00').first().waitFor()
    assert.equal(JSON.parse(String(await setting('budget_limits'))).daily_hard_cap, '20')

    await cli('budget', 'cap', 'day', '30')
    await seenBy('a cap by the command line', day.getByText('$30.00'))
    await page.getByRole('link', { name: /today .* of \$30\.00/ }).waitFor()
    await home.database.pool.query(`update projects set budget_usd = 7 where name = 'sample'`)
    await seenBy('a cap by SQL', page.locator('[data-row=sample]').getByText('$7.00'))
    assert.deepEqual(complaints, [])
    await context.close()
  })

  test('places are set, refused where they make no sense, and given back to the environment', async () => {
    const { page, context } = await loggedIn()
    await showing(page, 'service')
    const places = page.getByRole('region', { name: 'Places' })
    await places.getByLabel('Attempts at once').fill('101')
    await places.getByText('A whole number from 1 to 100').waitFor()
    assert.ok(await places.getByRole('button', { name: 'Set places' }).isDisabled())
    await places.getByLabel('Attempts at once').fill('5')
    await places.getByLabel('Of these in one repository').fill('2')
    await places.getByRole('button', { name: 'Set places' }).click()
    await until('they are set', async () => (await setting('orchestrator_max_per_repository')) === '2')
    assert.equal(await setting('orchestrator_max_concurrent'), '5')
    await cli('places', '7')
    await page.getByRole('banner').getByText('of 7 running').waitFor({ timeout: 5_000 })
    await places.getByRole('button', { name: 'As the environment says' }).click()
    await page.getByRole('banner').getByText('of 3 running').waitFor()
    assert.equal(await setting('orchestrator_max_concurrent'), undefined)
    await context.close()
  })

  test('a paused project says so in the list of projects, until its orders are taken on again', async () => {
    const { page, context } = await loggedIn()
    await showing(page, 'projects')
    const sample = page.locator('li.card').filter({ hasText: 'sample' })
    assert.equal(await sample.getByText('paused', { exact: true }).count(), 0)
    const { db } = home.database
    const project = await projectNow('sample')
    assert.ok(project !== undefined)
    const failure = { projectId: project.id, code: 'check_failed', step: 'verify', message: 'It failed.' }
    for (let n = 0; n < 5; n += 1)
      await lengthenRow(db, { kind: 'project', subject: project.id }, { ...failure, workOrderId: randomUUID() })
    await seenBy('the pause', sample.getByText('paused', { exact: true }))
    await sample.getByText('Its last 5 orders failed with check_failed at verify').waitFor()
    await cli('project', 'resume', 'sample')
    await sample.getByText('paused', { exact: true }).waitFor({ state: 'detached' })
    await context.close()
  })

  test('a project is added, edited, granted a host, checked live and removed', async () => {
    const { page, complaints, context } = await loggedIn()
    await showing(page, 'projects')
    await page.getByRole('link', { name: 'sample' }).waitFor()
    await page.getByRole('button', { name: 'Add a project' }).click()
    const question = page.getByRole('alertdialog')
    await question.getByLabel('Name').fill('no name')
    await question.getByText('Letters, digits, dots').waitFor()
    await question.getByLabel('Name').fill('second')
    await question.getByLabel('Repository').fill('/nonexistent/repository')
    await confirm(page, 'Try it and add it')
    await question.getByRole('alert').waitFor()
    assert.equal(await projectNow('second'), undefined)
    await question.getByLabel('Repository').fill(other.path)
    await confirm(page, 'Try it and add it')
    await page.getByRole('heading', { name: 'second', exact: true }).waitFor()
    assert.equal((await projectNow('second'))?.default_branch, 'main')

    await page.getByRole('button', { name: 'Run the checks' }).click()
    await page.getByText('not so').last().waitFor()
    await page.locator('[data-check=done]').getByText('1 of 1 fail before any change').waitFor()

    const settings = page.getByRole('region', { name: 'Settings' })
    await settings.getByLabel('Author of commits').fill('Ada')
    await settings.getByText('A name and a mail address').waitFor()
    await settings.getByLabel('Author of commits').fill('Ada Lovelace <ada@example.org>')
    await settings.getByLabel('Protected too').fill('infra/\n/schema.sql')
    await settings.getByRole('button', { name: 'Save' }).click()
    await until('it is saved', async () => (await projectNow('second'))?.author === 'Ada Lovelace <ada@example.org>')
    assert.deepEqual((await projectNow('second'))?.protect, ['infra/', '/schema.sql'])

    await page.getByRole('button', { name: 'Grant a host' }).click()
    await question.getByLabel('Host').fill('registry.example')
    await confirm(page, 'Grant it')
    const hosts = page.getByRole('region', { name: 'Hosts it may reach' })
    await hosts.getByText('registry.example').waitFor()
    assert.deepEqual((await projectNow('second'))?.allowed_hosts, [{ for: 'setup', host: 'registry.example' }])
    await hosts.getByRole('button', { name: 'Take back' }).click()
    await confirm(page, 'Take it back')
    await hosts.getByText('No host').waitFor()

    await page.getByRole('button', { name: 'Remove it' }).click()
    await confirm(page, 'Remove it')
    await until('it is out of use', async () => {
      const gone = await projectNow('second')
      return gone !== undefined && gone.removed_at !== null
    })
    await page.getByRole('alertdialog').waitFor({ state: 'detached' })
    await page.getByRole('link', { name: 'second' }).waitFor({ state: 'detached' })
    // The browser says so of the repository that is not there.
    assert.deepEqual(
      complaints.filter((said) => !/status of [45]\d\d/.test(said)),
      [],
    )
    await context.close()
  })

  test('checks that are ended by hand end there too', async () => {
    const { page, context } = await loggedIn()
    await page.goto(`${service.url}/operate/projects?name=sample`)
    await page.getByLabel('Set up anew').check()
    await page.getByRole('button', { name: 'Run the checks' }).click()
    await page.locator('[data-check=running]').waitFor({ state: 'attached' })
    await page.getByRole('button', { name: 'End them' }).click()
    await page.locator('[data-check=stopped]').getByText('They were ended').waitFor()
    await page.getByRole('button', { name: 'Run the checks' }).click()
    await page.locator('[data-check=done]').getByText('All 1 pass').waitFor()
    await context.close()
  })

  test('a provider that is paused, and a cap that is used up, are dealt with from the inbox', async () => {
    const { page, context } = await loggedIn()
    await page.locator('[data-live=live]').waitFor({ state: 'attached' })
    const { provider } = await home.database.db
      .selectFrom('proposer_configs')
      .select('provider')
      .where('active', '=', true)
      .executeTakeFirstOrThrow()
    await home.database.pool.query(
      `insert into provider_pauses (provider, failures, reason, until) values ($1, 2, 'it answers 503', now() + interval '1 hour')`,
      [provider],
    )
    const paused = page.getByRole('listitem').filter({ hasText: 'it answers 503' })
    await seenBy('a pause', paused)
    await paused.getByRole('button', { name: 'Call it again now' }).click()
    await confirm(page, 'Call it again')
    const pauses = async () => (await home.database.pool.query('select from provider_pauses')).rowCount
    await until('its pause has ended', async () => (await pauses()) === 0)
    await page.getByRole('alertdialog').waitFor({ state: 'detached' })
    await paused.waitFor({ state: 'detached' })

    await cli('budget', 'cap', 'day', '0')
    const used = page.getByRole('listitem').filter({ hasText: 'Nothing is left of the day' })
    await seenBy('a cap that is used up', used)
    await used.getByRole('button', { name: 'Change the cap' }).click()
    await page.getByRole('alertdialog').getByLabel('USD').fill('50')
    await confirm(page, 'Set the cap')
    await until('it is raised', async () => JSON.parse(String(await setting('budget_limits'))).daily_hard_cap === '50')
    await page.getByRole('alertdialog').waitFor({ state: 'detached' })
    await used.waitFor({ state: 'detached' })
    await context.close()
  })

  test('a session that may only read sees every part, and can change nothing', async () => {
    const { secret } = JSON.parse(await cli('token', 'create', 'looker', '--scope', 'read', '--json'))
    const { page, context } = await loggedIn({}, { MOOSE_API_TOKEN: secret })
    for (const part of ['service', 'caps', 'projects', 'projects?name=sample']) {
      await showing(page, part)
      const main = page.getByRole('main')
      await main.getByRole('button').first().waitFor()
      const open = await main.getByRole('button', { disabled: false }).allInnerTexts()
      assert.deepEqual(open, [], part)
    }
    await context.close()
  })

  test('every part is without a serious violation, light and dark, wide and on a phone, and needs no sideways scrolling', async () => {
    await cli('stop')
    for (const [colorScheme, width] of [
      ['light', 1280],
      ['dark', 390],
    ] as const) {
      const { page, complaints, context } = await loggedIn({ colorScheme, viewport: { width, height: 844 } })
      const dialogs: Record<string, string> = {
        service: 'Stop all spending',
        caps: 'Change',
        projects: 'Add a project',
      }
      for (const part of ['service', 'workers', 'caps', 'projects', 'projects?name=sample', 'nothing']) {
        await showing(page, part)
        assert.deepEqual(await graveViolations(page), [], `${part} ${colorScheme}`)
        const isWide = await scrollsSideways(page)
        assert.ok(!isWide, `${part} at ${width} px`)
        const dialog = dialogs[part]
        if (dialog === undefined) continue
        await page.getByRole('main').getByRole('button', { name: dialog }).first().click()
        await page.getByRole('alertdialog').waitFor()
        assert.deepEqual(await graveViolations(page), [], `${dialog} ${colorScheme}`)
      }
      assert.deepEqual(complaints, [])
      await context.close()
    }
  })

  test('a link to an order leads there once it has logged in', async () => {
    const id = await fileOrder(home.database, { title: 'Linked to', files: ['l.txt'], approved: false })
    const { context } = await openWatched(browser)
    const page = await context.newPage()
    await page.goto(JSON.parse(await cli('open', id.slice(0, 8), '--json')).url)
    await page.getByRole('heading', { name: 'Linked to' }).waitFor()
    assert.equal(page.url(), `${service.url}/orders/${id}`)
    await context.close()
  })
})
