import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { graveViolations, openBrowser, openWatched, scrollsSideways, whyNoBrowser } from '../support/browser.ts'
import { linkTo } from '../support/logged-in.ts'
import { createMooseHome, fileOrder, type MooseHome } from '../support/moose-home.ts'
import { mooseUp, type ServiceProcess } from '../support/service-process.ts'
import { until } from '../support/until.ts'

const FILES = {
  'a.txt': 'a\n',
  'moose.yaml': [
    'checks:',
    '  - { name: there, run: test -s a.txt && echo seen, proves: [There is a file] }',
    '  - name: spelling',
    '    proves: [It is spelt well]',
    '    run: |',
    '      for n in $(seq 1 40); do echo "ok $n - word $n"; done',
    '      if [ -f good.txt ] || [ -f slow.txt ]; then sleep 1; exit 0; fi',
    '      echo "not ok 41 - teh"; echo "  expected: the"; echo "  actual: teh"',
    '      for n in $(seq 42 80); do echo "ok $n - word $n"; done',
    '      exit 1',
    '',
  ].join('\n'),
}
const CRITERIA = ['There is a file', 'It is spelt well', 'It is beautiful']
const write = (path: string, text: string) => `### write ${path}\n\`\`\`\n${text}\n\`\`\`\n`
const bad = { task: 'Write badly', text: write('bad.txt', 'teh') }
const ANSWERS = [
  { task: 'Write well', turn: 1, text: write('good.txt', 'the'), delay_ms: 300 },
  ...[1, 2, 3, 4].map((turn) => ({ ...bad, turn })),
  { task: 'Write slowly', turn: 1, text: write('slow.txt', 'slow'), delay_ms: 60_000 },
]

describe('an order in the page: its facts', { skip: whyNoBrowser(), timeout: 600_000 }, () => {
  let home: MooseHome
  let service: ServiceProcess
  let browser: Browser
  const ids = { good: '', bad: '', slow: '', pending: '' }

  before(async () => {
    home = await createMooseHome(FILES, ANSWERS)
    service = await mooseUp(home.environment, '--start')
    browser = await openBrowser()
    ids.good = await fileOrder(home.database, { title: 'Write well', files: ['good.txt'], criteria: CRITERIA })
    ids.bad = await fileOrder(home.database, { title: 'Write badly', files: ['bad.txt'], criteria: CRITERIA })
    await until('one is in review', async () => (await orderNow(ids.good)).phase === 'in_review', { withinMs: 150_000 })
    await until('one has failed', async () => (await orderNow(ids.bad)).status === 'failed', { withinMs: 150_000 })
    const asked = { title: 'Write later', files: ['later.txt'], criteria: CRITERIA, approved: false }
    ids.pending = await fileOrder(home.database, asked)
  })
  after(async () => {
    await browser?.close()
    await service?.[Symbol.asyncDispose]()
    await home?.[Symbol.asyncDispose]()
  })

  const orderNow = (id: string) =>
    home.database.db
      .selectFrom('work_orders')
      .select(['status', 'phase'])
      .where('id', '=', id)
      .executeTakeFirstOrThrow()

  /** As a user gets there: by what `moose open ORDER` prints. */
  async function at(id: string, options?: Parameters<typeof openWatched>[1]) {
    const watched = await openWatched(browser, options)
    const page = await watched.context.newPage()
    await page.goto(await linkTo(home.environment, id.slice(0, 8)))
    await page.waitForURL(`**/orders/${id}`)
    await page.getByRole('tab', { name: 'Overview', selected: true }).waitFor()
    return { ...watched, page }
  }
  const part = (page: Page, name: string) => page.getByRole('region', { name, exact: true })

  test('moose open ORDER lands at the order; of a failed one the failing lines are seen first, the rest is folded', async () => {
    const { page, complaints, context } = await at(ids.bad)
    await part(page, 'Why it is here')
      .getByText(/failed at verify with check_failed/)
      .waitFor()
    const fails = part(page, 'What fails')
    const shown = await fails.getByLabel('Failing part of spelling').innerText()
    assert.match(shown, /not ok 41 - teh\n {2}expected: the\n {2}actual: teh/)
    assert.ok(shown.split('\n').length < 10, shown)
    assert.ok(!(await fails.getByText('ok 12 - word 12').isVisible()))
    await fails
      .getByText(/\d+ more lines/)
      .first()
      .click()
    await fails.getByText('ok 12 - word 12').waitFor()
    assert.equal(await fails.getByText('there', { exact: true }).count(), 0, 'a check that passed')
    await page.getByRole('link', { name: 'Edit what it asks for' }).waitFor()
    await page.getByRole('tab', { name: 'Checks' }).click()
    const names = await page.getByRole('tabpanel').locator('.checks strong').allInnerTexts()
    assert.deepEqual(names, ['spelling', 'there'])
    assert.deepEqual(complaints, [])
    await context.close()
  })

  test('of one in review the evidence says which check proves what, and what nothing proves; local ones have no CI', async () => {
    const { page, complaints, context } = await at(ids.good)
    const evidence = part(page, 'Evidence')
    await evidence.getByText('2 of 3 criteria are proved.').waitFor()
    const results = await page.evaluate<string[]>(
      `[...document.querySelectorAll('.criteria > li')].map((one) => one.dataset.result)`,
    )
    assert.deepEqual(results, ['proved', 'proved', 'unproved'])
    await evidence.getByText('Proved: there passed.').waitFor()
    await evidence.getByText('No check proves it: look at it yourself.').waitFor()
    await part(page, 'Pull request').getByText('no reviews and no CI').waitFor()
    await part(page, 'Pull request').getByText('Its text').click()
    await part(page, 'Pull request').getByText('criteria proved').waitFor()
    await part(page, 'Change').getByText('good.txt').first().waitFor()
    const edit = page.getByRole('link', { name: 'Edit what it asks for' })
    assert.equal(await edit.count(), 0, 'the API refuses that while it is in progress, and once it is completed')
    assert.deepEqual(complaints, [])
    await context.close()
  })

  test('steps are bars to one scale of time, with their calls, costs and reasons; one that runs grows', async () => {
    ids.slow = await fileOrder(home.database, { title: 'Write slowly', files: ['slow.txt'], criteria: CRITERIA })
    const { page, complaints, context } = await at(ids.slow)
    const running = part(page, 'Timeline').locator('[data-step=propose][data-status=running]')
    await running.waitFor()
    const place = () => running.locator('.bar').getAttribute('style')
    const before = await place()
    await until('it grows', async () => (await place()) !== before)
    await part(page, 'Log').waitFor()

    await page.goto(`${service.url}/orders/${ids.good}?part=attempts`)
    const steps = page.getByRole('list', { name: 'Steps of attempt 1' })
    await steps.locator('[data-step=publish]').waitFor()
    const lefts = await page.evaluate<number[]>(
      `[...document.querySelectorAll('.timeline .bar')].map((bar) => bar.offsetLeft)`,
    )
    assert.equal(lefts.length, 7)
    assert.deepEqual(
      lefts,
      lefts.toSorted((one, other) => one - other),
    )
    assert.ok(Number(lefts.at(-1)) > Number(lefts[0]), String(lefts))
    const propose = steps.locator('[data-step=propose]')
    await propose.getByText(/scripted · 100 → 20 tokens/).waitFor()
    await steps
      .locator('[data-step=route]')
      .getByText(/^scripted: /)
      .waitFor()
    await steps.locator('[data-step=verify]').getByText('2 of 2 checks passed').waitFor()
    await propose.getByRole('link', { name: 'try 1' }).click()
    await page.getByRole('tab', { name: 'Prompts', selected: true }).waitFor()

    await page.getByRole('tab', { name: 'Routing' }).click()
    await page
      .getByRole('region', { name: 'Attempt 1 went to scripted' })
      .getByRole('row', { name: /scripted.*chosen/ })
      .waitFor()
    assert.deepEqual(complaints, [])
    await context.close()
  })

  test('every state is without a serious violation, light and dark, wide and on a phone', async () => {
    for (const [colorScheme, width] of [
      ['light', 1440],
      ['dark', 390],
    ] as const) {
      const { page, complaints, context } = await at(ids.bad, { colorScheme, viewport: { width, height: 900 } })
      for (const id of Object.values(ids))
        for (const query of id === ids.bad ? ['', '?part=attempts', '?part=checks', '?part=routing'] : ['']) {
          await page.goto(`${service.url}/orders/${id}${query}`)
          await page.getByRole('tabpanel').waitFor()
          await page.getByText('Loading').waitFor({ state: 'detached' })
          assert.deepEqual(await graveViolations(page), [], `${id}${query} ${colorScheme}`)
          const isWide = await scrollsSideways(page)
          assert.ok(!isWide, `${id}${query} at ${width} px`)
          const { MOOSE_TEST_SHOTS: folder } = process.env
          if (folder !== undefined) {
            const state = Object.entries(ids).find(([, one]) => one === id)?.[0]
            await page.screenshot({
              path: `${folder}/${state}${query.slice(1)}-${colorScheme}-${width}.png`,
              fullPage: true,
            })
          }
        }
      assert.deepEqual(complaints, [])
      await context.close()
    }
  })

  test('a change that was merged at a commit which was not verified says so, with both commits', async () => {
    const [verified, merged] = ['d'.repeat(40), 'e'.repeat(40)]
    await home.database.pool.query(
      `insert into outcome_vectors (work_order_id, attempt, operation_type, outcome, metadata)
       values ($1, 1, 'pull_request_end', 'merged_unverified', $2)`,
      [ids.good, { verified_sha: verified, merged_sha: merged }],
    )
    const { page, complaints, context } = await at(ids.good)
    await part(page, 'Pull request')
      .getByText(`It was merged at ${merged.slice(0, 12)}, which Moose has not verified`)
      .waitFor()
    await page
      .getByText(`What was merged is ${merged.slice(0, 12)}.`)
      .first()
      .waitFor()
    assert.deepEqual(complaints, [])
    await context.close()
    await home.database.pool.query("delete from outcome_vectors where operation_type = 'pull_request_end'")
  })

  test('a merged change that was reverted says so, by which commit and when that was seen', async () => {
    const by = 'c'.repeat(40)
    await home.database.pool.query(
      `insert into outcome_vectors (work_order_id, attempt, operation_type, outcome, reverted_at, revert_looked_at, reverted_by)
       values ($1, 1, 'pull_request_end', 'merged', now(), now(), $2)`,
      [ids.good, by],
    )
    const { page, complaints, context } = await at(ids.good)
    const said = part(page, 'Pull request').getByText(`Its change was reverted on main by ${by.slice(0, 12)}, seen`)
    await said.waitFor()
    assert.deepEqual(complaints, [])
    await context.close()
  })

  test('a conflict that no model may resolve is left to a person also once its base has moved and was looked at', async () => {
    const resolve = 'Have it resolved by the model'
    const stands = (code: string | null) =>
      home.database.pool.query(
        `update pull_requests set follow_up = $2, conflict = jsonb_build_object('base_sha', 'b', 'seen_base_sha', 'c',
           'head_sha', head_sha, 'files', '["good.txt"]'::jsonb, 'by_hand', 'It is no text.', 'since', now()) where work_order_id = $1`,
        [ids.good, JSON.stringify({ state: 'conflict', why: 'it conflicts', code, at: new Date().toISOString() })],
      )
    await stands(null)
    const { page, context } = await at(ids.good)
    await page.getByRole('button', { name: resolve }).waitFor()
    await stands('follow_up_exhausted')
    await page.reload()
    await part(page, 'Pull request').getByText('It is no text. Merge').waitFor()
    assert.equal(await page.getByRole('button', { name: resolve }).count(), 0)
    await context.close()
    await home.database.pool.query(
      'update pull_requests set follow_up = null, conflict = null where work_order_id = $1',
      [ids.good],
    )
  })

  test('while its pull request is open what it asks for stays, and is amended where it has to be decided about', async () => {
    await home.database.pool.query("delete from outcome_vectors where operation_type = 'pull_request_end'")
    // What has become of its pull request was reacted to by another attempt.
    await home.database.pool.query(
      `insert into attempts (work_order_id, number, project_id, content, executor_id)
       select work_order_id, 2, project_id, content, executor_id from attempts where work_order_id = $1`,
      [ids.good],
    )
    await home.database.pool.query(
      "update attempts set status = 'failed', ended_at = now() where work_order_id = $1 and number = 2",
      [ids.good],
    )
    const stops = (status: string, description: string, code: string | null) =>
      home.database.pool.query(
        'update work_orders set status = $2, phase = null, description = $3, status_reason = $4, attempts = 2 where id = $1',
        [ids.good, status, description, code === null ? null : JSON.stringify({ code, message: 'It is held.' })],
      )
    await stops('blocked', 'Changed by SQL.', 'protected_change')
    await stops('pending', 'Changed by SQL.', null)
    const { page, complaints, context } = await at(ids.good)
    const link = page.getByRole('link', { name: 'Edit what it asks for' })
    await page.getByRole('button', { name: 'Approve' }).waitFor()
    assert.equal(await link.count(), 0, 'the API refuses that while its pull request is open')
    await page.goto(`${service.url}/orders/${ids.good}/edit`)
    await page.getByText('Its pull request is open, so what it asks for stays as it is').waitFor()
    assert.ok(await page.getByLabel('Description').isDisabled())

    await stops('blocked', 'Changed by SQL.', 'protected_change')
    await page.goto(`${service.url}/orders/${ids.good}`)
    await link.click()
    await page.getByText('Its pull request is closed unmerged; the order is approved as changed').waitFor()
    await page.getByLabel('Budget in USD').fill('4')
    await page.getByRole('button', { name: 'Save' }).waitFor()
    await page.getByLabel('Description').fill('Write it so that it is read.')
    await page.getByRole('button', { name: 'Amend and make anew' }).click()
    await page.getByText('Its pull request is closed.').waitFor()
    const { rows } = await home.database.pool.query(
      'select state from pull_requests where work_order_id = $1 and attempt = 1',
      [ids.good],
    )
    assert.deepEqual(rows, [{ state: 'closed' }])
    assert.deepEqual(complaints, [])
    await context.close()
  })
})
