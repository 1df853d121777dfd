import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { graveViolations, openBrowser, openWatched, scrollsSideways, whyNoBrowser } from '../support/browser.ts'
import { linkTo } from '../support/logged-in.ts'
import { type Scripted, startModelServer } from '../support/model-server.ts'
import { createMooseHome, fileOrder, type MooseHome } from '../support/moose-home.ts'
import { moose, mooseUp } from '../support/service-process.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'
import { write } from '../support/suspended-bench.ts'
import { until } from '../support/until.ts'

const FILES = {
  'greeting.txt': 'top\nhello\nbottom\n',
  'moose.yaml': 'checks:\n  - { name: polite, run: "! grep -q rude greeting.txt", proves: [1] }\n',
}
const answer = (line: string): Scripted => ({
  kind: 'text',
  text: write('greeting.txt', `top\n${line}\nbottom`),
})

const orderNow = ({ database }: MooseHome, id: string) =>
  database.db.selectFrom('work_orders').select(['status', 'phase']).where('id', '=', id).executeTakeFirstOrThrow()

const attemptEnded = (home: MooseHome, id: string, number: number) =>
  until(
    `attempt ${number} has ended`,
    async () => {
      const attempts = home.database.db.selectFrom('attempts').select('status').where('work_order_id', '=', id)
      const row = await attempts.where('number', '=', number).executeTakeFirst()
      return row !== undefined && row.status !== 'running' && (await orderNow(home, id)).phase === 'in_review'
    },
    { withinMs: 150_000 },
  )

const buttons = (page: Page) => page.locator('main .buttons').first().getByRole('button')

test('a conflict is told with its files, and is resolved by the model from the page once somebody has read what that costs', {
  skip: whyNoBrowser(),
  timeout: 600_000,
}, async () => {
  await using home = await createMooseHome(FILES, [])
  await using model = await startModelServer(answer('hello, world'), answer('rude'), answer('good evening, world'))
  await useStandIn(home, 'stand-in', { url: model.url, threshold: 1 })
  await using service = await mooseUp(home.environment, '--start')
  await using browser = await openBrowser()
  const filed = { title: 'Greet the world', files: ['greeting.txt'], criteria: ['It is polite'] }
  const id = await fileOrder(home.database, filed)
  await attemptEnded(home, id, 1)
  await home.remote.commit('main', { 'greeting.txt': 'top\ngood morning\nbottom\n' })
  const merged = await moose(home.environment, 'merge', id)
  assert.match(merged.stderr, /conflicts with main in: greeting\.txt/)

  const { context, complaints } = await openWatched(browser)
  const page = await context.newPage()
  await page.goto(await linkTo(home.environment, id.slice(0, 8)))
  const pull = page.getByRole('region', { name: 'Pull request', exact: true })
  await pull.getByText(/It conflicts with main in greeting\.txt, since/).waitFor()
  assert.deepEqual(await buttons(page).allInnerTexts(), ['Have it resolved by the model', 'Close unmerged'])
  assert.match(String(await buttons(page).first().getAttribute('class')), /primary/)
  await looksWell(page)

  const question = page.getByRole('alertdialog')
  const resolve = async () => {
    await buttons(page).first().click()
    const asked = await question.innerText()
    for (const said of [/paid for within the budget of the order/, /at most two answers/, /once for these two commits/])
      assert.match(asked, said)
    assert.match(asked, /files in scope alone/)
    await question.getByRole('button', { name: 'Have it resolved by the model' }).click()
    await question.waitFor({ state: 'detached' })
  }
  await resolve()
  await attemptEnded(home, id, 2)
  assert.equal(model.calls.length, 2)
  await pull.getByText(/Attempt 2 had the model resolve these two commits, which is done once/).waitFor()
  await pull.getByText(/Merge main into .* by hand, push that/).waitFor()
  await until(
    'resolving is not offered again',
    async () => (await buttons(page).allInnerTexts()).join() === 'Close unmerged',
  )

  await home.remote.commit('main', { 'greeting.txt': 'top\ngood evening\nbottom\n' })
  await moose(home.environment, 'verify', id)
  await attemptEnded(home, id, 3)
  await page.getByRole('button', { name: 'Have it resolved by the model' }).waitFor()
  await resolve()
  await attemptEnded(home, id, 4)
  await pull.getByText(/It conflicts with/).waitFor({ state: 'detached' })
  await until('merging is offered first', async () => (await buttons(page).first().innerText()) === 'Merge')
  assert.equal(
    await home.remote.git('show', `${await branchOf(home)}:greeting.txt`),
    'top\ngood evening, world\nbottom',
  )
  assert.deepEqual(complaints, [])
  assert.equal(new URL(page.url()).origin, service.url)
  await context.close()
})

async function branchOf({ database }: MooseHome): Promise<string> {
  const { branch } = await database.db.selectFrom('pull_requests').select('branch').executeTakeFirstOrThrow()
  return branch
}

async function looksWell(page: Page): Promise<void> {
  for (const [colorScheme, width] of [
    ['light', 1280],
    ['dark', 390],
  ] as const) {
    await page.emulateMedia({ colorScheme })
    await page.setViewportSize({ width, height: 844 })
    assert.deepEqual(await graveViolations(page), [], colorScheme)
    assert.ok(!(await scrollsSideways(page)), `at ${width} px`)
    const { MOOSE_TEST_SHOTS: folder } = process.env
    if (folder !== undefined) await page.screenshot({ path: `${folder}/conflict-${width}.png`, fullPage: true })
  }
  await page.setViewportSize({ width: 1280, height: 900 })
}
