import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { TryResponse } from '../../src/contract/tries.ts'
import { WorkOrderResponse, WorkOrdersResponse } from '../../src/contract/work-orders.ts'
import { editWorkOrder } from '../../src/db/work-orders/edit-work-order.ts'
import { type ApiHome, openApiHome } from '../support/api-home.ts'
import { moose } from '../support/moose-command.ts'
import { detailOf } from '../support/moose-home.ts'

const EDIT = '### edit src/a.js\n<<<<<<< SEARCH\nexport const a = b\n=======\nexport const a = b + 1\n>>>>>>> REPLACE\n'

let api: ApiHome

before(async () => {
  api = await openApiHome({
    files: {
      'AGENTS.md': 'Write plainly.\n',
      'moose.yaml': 'context: [docs/style.md]\nchecks:\n  - { name: polite, run: "! grep -q rude src/a.js" }\n',
      'docs/style.md': 'No semicolons.\n',
      'docs/plan.md': 'First a, then b.\n',
      'src/a.js': "import { b } from './b.js'\nexport const a = b\n",
      'src/b.js': 'export const b = 1\n',
    },
    answers: [
      { task: 'Change it', turn: 1, text: EDIT },
      { task: 'Be rude', turn: 1, text: EDIT.replace('b + 1', 'rude') },
      ...[1, 2].map((turn) => ({ task: 'Say nothing', turn, text: 'I would rather not.' })),
    ],
  })
})
after(() => api[Symbol.asyncDispose]())

const ask = async (path: string, init: RequestInit = {}) => {
  const headers = { 'content-type': 'application/json' }
  const response = await api.moose.http.fetch(
    new Request(`http://127.0.0.1/api/work-orders${path}`, { ...init, headers }),
  )
  return await response.json()
}

async function file(order: object): Promise<string> {
  const body = JSON.stringify({ work_orders: [order] })
  const { work_orders: added } = WorkOrdersResponse.parse(await ask('', { method: 'POST', body }))
  return String(added[0]?.id)
}

const ORDER = { title: 'Change it', files_in_scope: ['src/a.js'], context: ['docs/plan.md'], approved: true }

test('what the project and the order name, guidance and imports are shown to the model, told, and told again', async () => {
  const id = await file(ORDER)
  await api.moose.orchestrator.execute(id, new AbortController().signal)
  const detail = await detailOf(api.moose, id)
  assert.deepEqual([detail.phase, detail.context], ['in_review', ['docs/plan.md']])
  assert.deepEqual(detail.evidence?.shown, [
    { path: 'AGENTS.md', why: 'guidance', bytes: 15, part: null },
    { path: 'docs/style.md', why: 'context', bytes: 15, part: null },
    { path: 'docs/plan.md', why: 'context', bytes: 17, part: null },
    { path: 'src/b.js', why: 'import', bytes: 19, part: null },
    { path: 'src/a.js', why: 'scope', bytes: 46, part: null },
  ])
  const { prompt } = TryResponse.parse(await ask(`/${id}/attempts/1/tries/1`)).try
  const told = String(prompt.messages?.[1]?.text)
  assert.equal(prompt.reason, null)
  for (const text of ['Write plainly.', 'No semicolons.', 'First a, then b.', 'export const b = 1'])
    assert.ok(told.includes(text))
  const { stdout } = await moose(['show', id], { environment: api.home.environment })
  assert.match(stdout, /Files to read\n.*docs\/plan\.md/)
  assert.match(stdout, /Shown to the model\n.*AGENTS\.md +guidance +15 bytes\n/)
})

const SHOWN = ['AGENTS.md', 'docs/style.md', 'docs/plan.md', 'src/b.js', 'src/a.js']

test('what an attempt has shown a model is kept and told, however it ended', async () => {
  const { orchestrator } = api.moose
  for (const [title, code] of [
    ['Be rude', 'check_failed'],
    ['Say nothing', 'proposal_rejected'],
  ] as const) {
    const id = await file({ ...ORDER, title })
    await assert.rejects(orchestrator.execute(id, new AbortController().signal), { code })
    const { evidence, attempt_history: attempts } = await detailOf(api.moose, id)
    assert.deepEqual([evidence?.attempt, evidence?.failure], [1, code])
    for (const shown of [evidence?.shown, attempts[0]?.shown])
      assert.deepEqual(
        shown?.map(({ path }) => path),
        SHOWN,
      )
    const { stdout } = await moose(['show', id], { environment: api.home.environment })
    assert.match(stdout, /Shown to the model\n.*AGENTS\.md +guidance +15 bytes\n/)
    if (code === 'proposal_rejected') assert.match(stdout, /Checks\n  not run: proposal_rejected\n/)
  }
})

test('a commit that is verified again was made by what its own attempt has shown', async () => {
  const id = await file(ORDER)
  const { orchestrator } = api.moose
  await orchestrator.execute(id, new AbortController().signal)
  await api.home.remote.commit('main', { 'README.md': 'moved\n' })
  await orchestrator.verify(id)
  await orchestrator.execute(id, new AbortController().signal)
  const { evidence, pull_request: pull } = await detailOf(api.moose, id)
  assert.deepEqual([evidence?.attempt, pull?.verified_by], [2, 2])
  assert.deepEqual(
    evidence?.shown.map(({ path }) => path),
    SHOWN,
  )
  const { stdout } = await moose(['show', id], { environment: api.home.environment })
  assert.match(stdout, /Shown to the model\n.*AGENTS\.md/)
})

test('a file to be read that the base does not have is told where the order is filed, tried out and shown', async () => {
  const { environment } = api.home
  const options = ['--title', 'Change it', '--file', 'src/a.js', '--context', 'nowhere.md', 'docs/', 'none/']
  const tried = await moose(['add', ...options, '--dry-run'], { environment })
  assert.match(tried.stderr, /"nowhere\.md" is not there at the base commit: no model is shown it/)
  assert.match(tried.stderr, /context\[2\] "none\/"/)
  assert.doesNotMatch(tried.stderr, /context\[1\]/)
  const added = await moose(['add', ...options, '--json'], { environment })
  const [order] = WorkOrdersResponse.parse(JSON.parse(added.stdout)).work_orders
  assert.deepEqual(order?.missing_context, ['nowhere.md', 'none/'])
  const plain = await moose(['add', ...options], { environment })
  assert.match(plain.stderr, /Not in the base commit, so no model is shown it: nowhere\.md, none\//)
  const { stdout } = await moose(['show', order.id], { environment })
  assert.match(stdout, /- nowhere\.md — not in the base commit, so no model is shown it\n {2}- docs\/\n/)
})

test('moose check says what context of moose.yaml names and the base does not have', async () => {
  const body = JSON.stringify({ moose_yaml: 'context: [docs/style.md, docs/none.md]\n' })
  const init = { method: 'POST', body, headers: { 'content-type': 'application/json' } }
  const url = 'http://127.0.0.1/api/projects/sample/check'
  const told = await (await api.moose.http.fetch(new Request(url, init))).text()
  assert.match(
    told,
    /context: of moose\.yaml names what the base commit does not have, so no model is shown it: docs\/none\.md"/,
  )
})

test('files to read are a part of what is approved, and of what an edit changes', async () => {
  const id = await file(ORDER)
  const same = await editWorkOrder(api.home.database.db, id, { context: ['docs/plan.md'] })
  assert.equal(same.approved, true)
  const before = WorkOrderResponse.parse(await ask(`/${id}`)).work_order.content_sha256
  const body = JSON.stringify({ context: ['docs/plan.md', 'docs/'] })
  const edited = WorkOrderResponse.parse(await ask(`/${id}`, { method: 'PATCH', body })).work_order
  assert.deepEqual([edited.context, edited.approved], [['docs/plan.md', 'docs/'], false])
  assert.notEqual(WorkOrderResponse.parse(await ask(`/${id}`)).work_order.content_sha256, before)
  const { rows } = await api.home.database.pool.query(
    "select act, details -> 'columns' as columns from audit_entries where subject_id = $1 and act = 'order.edit'",
    [id],
  )
  assert.deepEqual(rows, [{ act: 'order.edit', columns: ['context'] }])
})

test('a path that leads out of the repository is refused where it is named', async () => {
  const answer = await ask('', { method: 'POST', body: JSON.stringify({ ...ORDER, context: ['../x'] }) })
  assert.match(JSON.stringify(answer), /context\[0\].*leaves the repository/)
})
