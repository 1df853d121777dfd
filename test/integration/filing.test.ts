import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import { SCOPES } from '../../src/config/scopes.ts'
import { CheckWorkOrdersResponse, ProjectFilesResponse } from '../../src/contract/order-check.ts'
import { WorkOrderResponse } from '../../src/contract/work-orders.ts'
import { addToken } from '../../src/db/api-tokens/api-tokens.ts'
import { calledWithin, createHttpApp } from '../../src/http/http-app.ts'
import { TOKEN_BYTES, tokenHash, tokenOf } from '../../src/redaction/token-form.ts'
import { openApiHome } from '../support/api-home.ts'
import { createTokenApp } from '../support/api-token.ts'
import { project } from '../support/ledger-rows.ts'
import { moose } from '../support/moose-command.ts'

const CHECKS = 'checks:\n  - { name: greets, run: "true", proves: [It greets] }\n'
const api = await openApiHome({
  files: {
    'moose.yaml': CHECKS,
    'src/greet.js': '',
    'src/greet.test.js': '',
    'src/deep/down.js': '',
    'package-lock.json': '{}',
    'README.md': '',
  },
})
after(() => api[Symbol.asyncDispose]())
beforeEach(() => api.clear())

const json = (method: string, body: unknown) => ({
  method,
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(body),
})

async function check(body: unknown): Promise<CheckWorkOrdersResponse> {
  const before = await api.snapshot()
  const response = await createTokenApp(api.deps()).request('/api/work-orders/check', json('POST', body))
  assert.equal(response.status, 200, await response.clone().text())
  assert.equal(await api.snapshot(), before, 'nothing is stored')
  return CheckWorkOrdersResponse.parse(await response.json())
}

const ORDER = { title: 'Greet', files_in_scope: ['src/greet.js'], acceptance_criteria: ['It greets', 'It ends'] }

test('an order that can be filed: the most it may cost, what verifies it, what of it is protected, hidden or new', async () => {
  const { fileable, worst_case_usd, work_orders } = await check({
    work_orders: [
      { ...ORDER, budget_usd: '2.50' },
      { ...ORDER, title: 'Gre\u200bet', files_in_scope: ['src/', 'package-lock.json', 'src/new.js', 'lib/'] },
    ],
  })
  assert.equal(fileable, true)
  const [first, second] = work_orders
  assert.deepEqual(
    [first?.worst_case_usd, first?.scope, first?.project, first?.problems, first?.warnings],
    [2.5, 'file', 'sample', [], []],
  )
  assert.match(
    String(first?.sentence),
    /\$2\.50 to be spent at most.*The check "greets" verifies it and can prove 1 of 2 criteria/,
  )
  assert.deepEqual(first?.verification?.proved_by, [{ criterion: 1, checks: ['greets'] }])
  assert.deepEqual(
    second?.protected_scope.map(({ path }) => path),
    ['package-lock.json'],
  )
  assert.deepEqual(
    second?.hidden_text.map(({ field, kind }) => `${field} ${kind}`),
    ['title invisible'],
  )
  assert.deepEqual(
    second?.warnings.map(({ field }) => field),
    ['files_in_scope[2]', 'files_in_scope[3]'],
  )
  assert.equal(second?.worst_case_usd, 5)
  assert.equal(worst_case_usd, 7.5)
})

test('an order that cannot be filed: every field with its reason, in the words of the contract, and the rest all the same', async () => {
  const { fileable, work_orders } = await check({
    work_orders: [{ title: '', files_in_scope: ['../x'], risk_level: 'huge', budget_usd: 'much' }, { title: 'a' }, 7],
  })
  assert.equal(fileable, false)
  assert.deepEqual(
    work_orders[0]?.problems.map(({ field, reason }) => `${field} ${reason.slice(0, 24)}`),
    [
      'title is empty',
      'files_in_scope[0] "../x" leaves the reposi',
      'risk_level must be one of low, medi',
      'budget_usd must be an amount in USD',
    ],
  )
  assert.deepEqual(
    work_orders[1]?.problems.map(({ field }) => field),
    ['files_in_scope'],
  )
  assert.equal(work_orders[1]?.worst_case_usd, 5)
  assert.equal(work_orders[2]?.order, null)
})

test('the project: unknown, or missing where there are several', async () => {
  await project(api.home.database, 'other')
  const { work_orders } = await check({
    work_orders: [ORDER, { ...ORDER, project: 'nope' }, { ...ORDER, project: 'other' }],
  })
  assert.deepEqual(
    work_orders.map(({ problems }) => problems.map(({ field, reason }) => `${field} ${reason}`).join()),
    [
      'project is missing; there are several: other, sample',
      'project names none that there is. There are: other, sample',
      '',
    ],
  )
})

test('a file of orders: each refusal with its line, and what is filed by what is answered', async () => {
  const bad = await check({ text: 'title,files_in_scope\na,src/greet.js\n,src/greet.js\nc,/etc/passwd\n' })
  assert.equal(bad.fileable, false)
  assert.deepEqual(
    bad.work_orders.map(({ line, problems }) => [line, problems.map(({ field }) => field)]),
    [
      [2, []],
      [3, ['title']],
      [4, ['files_in_scope[0]']],
    ],
  )
  const broken = await check({ text: 'title: a\n title: b\n' })
  assert.deepEqual([broken.fileable, broken.problems[0]?.line, broken.work_orders], [false, 2, []])
  const good = await check({
    text: '- title: a\n  files_in_scope: [README.md]\n- title: b\n  files_in_scope: [src/]\n',
  })
  const orders = good.work_orders.map(({ order }) => order)
  const filed = await createTokenApp(api.deps()).request('/api/work-orders', json('POST', { work_orders: orders }))
  assert.equal(filed.status, 201)
  assert.deepEqual(
    (await api.orders()).map(({ title }) => title),
    ['a', 'b'],
  )
})

test('of a file of far too much only a bounded part is read and told, whatever its format', async () => {
  const size = 499_000
  const filled = (line: string) => line.repeat(Math.floor(size / line.length))
  const many = [
    { text: filled('- {title: a}\n').slice(0, 13 * 2_000) },
    { text: `title,description\n${filled('a,b\n')}`, format: 'csv' },
    { text: filled('{}\n'), format: 'jsonl' },
    { text: filled('x\n'), format: 'jsonl' },
    { text: `title\n${filled('a,b\n')}`, format: 'csv' },
    { text: filled('a: 1\n').slice(0, 5 * 20_000) },
    // More than a stack holds, and more than a reader of YAML gets through in a moment.
    ...['- a\n', '"', '[', '---\na: b\n', '- !x a\n', '%a\n'].map((piece) => ({ text: filled(piece) })),
  ]
  for (const body of many) {
    const { fileable, work_orders, problems } = await check(body)
    const which = body.text.slice(0, 30)
    assert.equal(fileable, false, which)
    assert.ok(work_orders.length <= 1_000, `${which}: ${work_orders.length} orders`)
    assert.ok(problems.length > 0 && problems.length <= 102, `${which}: ${problems.length} problems`)
  }
  const [first] = many
  assert.match(String((await check(first)).problems[0]?.reason), /more than 1000 orders/)
  assert.match(
    String((await check({ text: filled('- a\n') })).problems[0]?.reason),
    /more entries than are read at once/,
  )
})

test('what it takes to file: more than any order may cost, or an approval at once, is for who may approve', async () => {
  const { work_orders } = await check({
    work_orders: [ORDER, { ...ORDER, budget_usd: 5000 }, { ...ORDER, approved: true }],
  })
  assert.deepEqual(
    work_orders.map(({ scope }) => scope),
    ['file', 'approve', 'approve'],
  )
  const reader = { actor: { kind: 'token', name: 'reader' }, scopes: ['read'], token: null, session: null } as const
  assert.ok(SCOPES.includes('read'))
  const app = createHttpApp(api.deps())
  const request = new Request('http://localhost/api/work-orders/check', json('POST', { work_orders: [ORDER] }))
  const refused = await app.fetch(request, { caller: { ...reader, scopes: [...reader.scopes] } })
  assert.equal(refused.status, 403)
  const known = calledWithin(app, { kind: 'os_user', name: 'ada' })
  const unknown = new Request(
    'http://localhost/api/work-orders/check',
    json('POST', { work_orders: [ORDER], edit_of: '00000000' }),
  )
  assert.equal((await known.fetch(unknown)).status, 404)
})

test('an order that is edited: only as it was looked at, else it is told', async () => {
  const id = await api.place({ title: 'Greet', approved: true })
  const app = createTokenApp(api.deps())
  const patch = (body: unknown) => app.request(`/api/work-orders/${id}`, json('PATCH', body))
  const { content_sha256: hash } = await api.detail(id)
  const first = WorkOrderResponse.parse(await (await patch({ title: 'Wave', content_sha256: hash })).json()).work_order
  assert.deepEqual([first.title, first.approved], ['Wave', false])
  const second = await patch({ title: 'Nod', content_sha256: hash })
  assert.equal(second.status, 409)
  assert.match(await second.text(), /work_order_conflict.*changed since it was looked at, so it was not edited/)
  assert.equal((await api.detail(id)).title, 'Wave')
  assert.equal((await patch({ title: 'Nod', content_sha256: first.content_sha256 })).status, 200)
})

async function files(query: string, status = 200): Promise<ProjectFilesResponse> {
  const response = await createTokenApp(api.deps()).request(`/api/projects/sample/files?${query}`)
  assert.equal(response.status, status, await response.clone().text())
  return ProjectFilesResponse.parse(await response.json())
}

test('files that what is typed may become: one folder at a time, anywhere where that is asked for, bounded', async () => {
  const { branch, commit, files: root } = await files('')
  assert.deepEqual([branch, /^[0-9a-f]{40}$/.test(String(commit))], ['main', true])
  assert.deepEqual(root, ['src/', 'README.md', 'moose.yaml', 'package-lock.json'])
  assert.deepEqual((await files('prefix=src/')).files, ['src/deep/', 'src/greet.js', 'src/greet.test.js'])
  assert.deepEqual(await files('prefix=src/gre&limit=1'), {
    success: true,
    branch,
    commit,
    files: ['src/greet.js'],
    left_out: 1,
  })
  assert.deepEqual((await files('prefix=DOWN')).files, [])
  assert.deepEqual((await files('prefix=DOWN&anywhere=true')).files, ['src/deep/down.js'])
  for (const outside of ['../', '/etc/', '.git/', '%00', 'src/../../']) {
    const response = await createTokenApp(api.deps()).request(`/api/projects/sample/files?prefix=${outside}`)
    const answered = response.status === 200 ? ProjectFilesResponse.parse(await response.json()).files : []
    assert.deepEqual(answered, [], outside)
  }
  const nowhere = await createTokenApp(api.deps()).request('/api/projects/nope/files')
  assert.equal(nowhere.status, 404)
})

test('a repository that was never fetched is fetched for who may file alone', async () => {
  const { db } = api.moose
  const elsewhere = { name: 'elsewhere', repository: 'https://127.0.0.1:1/shop.git', default_branch: 'main' }
  await db
    .insertInto('projects')
    .values({ ...elsewhere, forge: 'github' })
    .execute()
  const reading = tokenOf(Buffer.alloc(TOKEN_BYTES, 'read'))
  await addToken(db, {
    name: 'reading',
    scopes: ['read'],
    expires_in_days: null,
    hash: tokenHash(reading),
    createdBy: 'moose:test',
  })
  const app = createTokenApp(api.deps())
  const address = '/api/projects/elsewhere/files'
  const read = await app.request(address, { headers: { authorization: `Bearer ${reading}` } })
  assert.deepEqual([read.status, ProjectFilesResponse.parse(await read.json()).commit], [200, null])
  assert.notEqual((await app.request(address)).status, 200)
  await db.deleteFrom('projects').where('name', '=', 'elsewhere').execute()
})

test('moose add --dry-run says what filing would mean and files nothing; a CSV is filed as a whole', async () => {
  await using served = await api.serve(api.deps())
  const run = (words: string[], stdin: string) =>
    moose(words, { environment: { MOOSE_HOME: api.home.config.home }, stdin })
  const csv = 'title,acceptance_criteria,files_in_scope\nGreet,It greets,src/greet.js\nWave,,src/wave.js\n'
  const tried = await run(['add', '-f', '-', '--dry-run'], csv)
  assert.equal(tried.exitCode, 0, tried.stderr)
  assert.match(
    tried.stdout,
    /would add {2}Greet\n {2}It is not approved[^\n]*\$5\.00[^\n]*prove 1 of 1[^]*All 2 together: \$10\.00 at most/,
  )
  assert.match(
    tried.stderr,
    /^warning: order 2 "Wave": .*"src\/wave\.js" is not there at the base commit: it would be new$[^]*Nothing was filed/m,
  )
  assert.deepEqual(await api.orders(), [])
  assert.equal(JSON.parse((await run(['add', '-f', '-', '--dry-run', '--json'], csv)).stdout).worst_case_usd, 10)
  const refused = await run(['add', '-f', '-'], 'title,files_in_scope\nGreet,src/greet.js\nWave,/etc\n')
  assert.equal(refused.exitCode, 2, refused.stderr)
  assert.match(refused.stderr, /stdin:3: files_in_scope\[0\] "\/etc" is absolute/)
  assert.deepEqual(await api.orders(), [])
  const added = await run(['add', '-f', '-'], `${csv}Bow,,src/bow.js\nNod\u200b,It greets,src/nod.js\n`)
  assert.equal(added.exitCode, 0)
  const orders = await api.orders()
  assert.deepEqual(
    orders.map(({ title }) => title),
    ['Greet', 'Wave', 'Bow', 'Nod\u200b'],
  )
  const nod = orders.at(-1)?.id.slice(0, 8)
  const lines = added.stderr.split('\n')
  assert.ok(!added.stderr.includes('proves:'), 'an order without criteria has none that could be proved')
  assert.ok(
    lines.some((line) => line.startsWith(`${nod}: Its text holds what a reader does not see`)),
    added.stderr,
  )
  assert.ok(served.sent.length > 0)
})
