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
      'moose.yaml': 'context: [docs/style.md]\n',
      'docs/style.md': 'No semicolons.\n',
      'docs/plan.md': 'First a, then b.\n',
      'src/a.js': "import { b } from './b.js'\nexport const a = b\n",
      'src/b.js': 'export const b = 1\n',
    },
    answers: [{ task: 'Change it', turn: 1, text: EDIT }],
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
