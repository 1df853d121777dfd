import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { LoginLinkResponse } from '../../src/contract/session.ts'
import { afterMergesOf } from '../../src/db/reverts.ts'
import { createHttpApp } from '../../src/http/http-app.ts'
import { type ApiHome, openApiHome } from '../support/api-home.ts'
import { TEST_TOKEN } from '../support/api-token.ts'
import { createTestDatabase } from '../support/database.ts'
import { moose } from '../support/moose-command.ts'
import { fileOrder } from '../support/moose-home.ts'

const CHECKS = `checks:
  - { name: there, run: echo seen, proves: [There is a file] }
  - name: spelling
    run: 'for n in $(seq 1 40); do echo "ok $n"; done; test ! -f bad.txt || { echo "not ok 41 - teh"; exit 1; }'
    proves: [It is spelt well]
`
const CRITERIA = ['There is a file', 'It is spelt well', 'It is beautiful']
const write = (path: string) => `### write ${path}\n\`\`\`\nthe\n\`\`\`\n`

/** Of orders that were really carried out, through the API and the command line. */
describe('the facts of an order', () => {
  let api: ApiHome
  const ids = { good: '', bad: '' }

  before(async () => {
    api = await openApiHome({
      role: 'service',
      files: { 'a.txt': 'a\n', 'moose.yaml': CHECKS },
      answers: [
        { task: 'Write well', turn: 1, text: write('good.txt') },
        ...[1, 2, 3, 4].map((turn) => ({ task: 'Write badly', turn, text: write('bad.txt') })),
      ],
      settings: { MOOSE_PUBLIC_URL: 'https://moose.example:8443/' },
    })
    ids.good = await fileOrder(api.home.database, { title: 'Write well', files: ['good.txt'], criteria: CRITERIA })
    ids.bad = await fileOrder(api.home.database, { title: 'Write badly', files: ['bad.txt'], criteria: CRITERIA })
    const { signal } = new AbortController()
    await api.moose.orchestrator.execute(ids.good, signal)
    await assert.rejects(api.moose.orchestrator.execute(ids.bad, signal), { code: 'check_failed' })
  })
  after(() => api[Symbol.asyncDispose]())

  const run = (words: string) => moose(words.split(' '), { environment: { MOOSE_HOME: api.home.config.home } })

  test('with MOOSE_PUBLIC_URL the pull request and moose show say where the order is in the page', async () => {
    const order = await api.detail(ids.good)
    const address = `https://moose.example:8443/orders/${ids.good}`
    assert.equal(order.page_url, address)
    assert.ok(order.pull_request?.body.includes(`**In Mission Control:** ${address}\n`), order.pull_request?.body)
    assert.deepEqual([order.pull_request?.url, order.pull_request?.reviews], [null, null])
    await using _served = await api.serve(api.deps())
    const { stdout } = await run(`show ${ids.good}`)
    assert.match(stdout, /^page {10}https:\/\/moose\.example:8443\/orders\//m)
    assert.match(stdout, /^pull request {2}#1 .*, without reviews and CI$/m)
  })

  test('a link logs in and leads to the order; without a login it is the order itself', async () => {
    const asks = (app: ReturnType<typeof createHttpApp>, order: string) =>
      app.request('/api/sessions/links', {
        method: 'POST',
        headers: { authorization: `Bearer ${TEST_TOKEN}`, 'content-type': 'application/json' },
        body: JSON.stringify({ order }),
      })
    const deps = api.deps()
    const made = LoginLinkResponse.parse(await (await asks(createHttpApp(deps), ids.good.slice(0, 8))).json())
    assert.match(made.path, new RegExp(`^/login\\?order=${ids.good}#[\\w-]{43}$`))
    assert.equal(made.page_url, 'https://moose.example:8443')
    const { config } = deps
    const open = createHttpApp({ ...deps, config: { ...config, api: { ...config.api, auth: false } } })
    const plain = LoginLinkResponse.parse(await (await asks(open, ids.good)).json())
    assert.equal(plain.path, `/orders/${ids.good}`)
    assert.equal((await asks(createHttpApp(deps), '00000000')).status, 404)
  })

  test('which check proves which criterion is told with its result, and what nothing proves', async () => {
    const [good, bad] = [(await api.detail(ids.good)).evidence, (await api.detail(ids.bad)).evidence]
    assert.deepEqual(
      good?.criteria.map(({ result, checks }) => [result, checks]),
      [
        ['proved', [{ name: 'there', outcome: 'passed' }]],
        ['proved', [{ name: 'spelling', outcome: 'passed' }]],
        ['unproved', []],
      ],
    )
    assert.equal(good?.failure, null)
    assert.deepEqual(
      bad?.criteria.map(({ result }) => result),
      ['proved', 'failed', 'unproved'],
    )
    await using _served = await api.serve(api.deps())
    const { stdout } = await run(`show ${ids.bad}`)
    assert.match(stdout, / {2}- \[ \] It is spelt well — not proved: spelling did not pass\n/)
    assert.match(stdout, / {2}- \[ \] It is beautiful — no check proves it\n/)
  })

  test('checks that fail come first, with the lines that say what failed told apart', async () => {
    const { evidence } = await api.detail(ids.bad)
    assert.deepEqual(
      evidence?.checks.map(({ name, outcome }) => [name, outcome]),
      [
        ['spelling', 'failed'],
        ['there', 'passed'],
      ],
    )
    const [failed, passed] = evidence?.checks ?? []
    assert.deepEqual(
      failed?.output.map(({ failing }) => failing),
      [false, true],
    )
    assert.equal(failed?.output[1]?.text, 'ok 40\nnot ok 41 - teh')
    assert.deepEqual(passed?.output, [{ text: 'seen', failing: false }])
  })

  test('each step says what it has done and why', async () => {
    const summaries = async (id: string) => {
      const [attempt] = (await api.detail(id)).attempt_history
      return Object.fromEntries(attempt?.steps.map(({ name, summary }) => [name, summary]) ?? [])
    }
    const of = await summaries(ids.good)
    assert.match(String(of['route']), /^scripted: 1 of 1 available proposers/)
    assert.equal(of['propose'], 'scripted (replay: no model was called)')
    assert.match(String(of['apply']), /^patch: /)
    assert.equal(of['verify'], '2 of 2 checks passed')
    assert.match(String(of['publish']), /^pull request #1 from feature\/wo-/)
    assert.equal((await summaries(ids.bad))['verify'], '1 of 2 checks passed')
  })
})

test('of no orders nothing was reverted', async () => {
  await using database = await createTestDatabase()
  const afterMerge = await afterMergesOf(database.db, [])
  assert.equal(afterMerge({ work_order_id: randomUUID(), attempt: 1 }).reverted, null)
})
