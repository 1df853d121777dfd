import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import { ChangesResponse } from '../../src/contract/changes.ts'
import { heldDetails } from '../../src/work-order/protection/held-change.ts'
import { openApiHome } from '../support/api-home.ts'
import { createTokenApp } from '../support/api-token.ts'
import { moose } from '../support/moose-command.ts'

const api = await openApiHome()
after(() => api[Symbol.asyncDispose]())
beforeEach(() => api.clear())

const change = (path: string, lines: string) =>
  `diff --git a/${path} b/${path}\nindex 1..2 100644\n--- a/${path}\n+++ b/${path}\n@@ -1,9 +1,9 @@\n${lines}`
const OF_CI = change('.github/workflows/ci.yml', '-a\n')
const OF_ALL = [change('src/a.ts', ' a\n-b\n+c\n+d\n'), change('src-b.ts', '+x\n'), OF_CI]

async function changesOf(id: string) {
  const response = await createTokenApp(api.deps()).request(`/api/work-orders/${id}/changes`)
  return ChangesResponse.parse(await response.json()).changes
}

async function placeWithPull(files: readonly string[]): Promise<string> {
  const id = await api.place({ files_in_scope: files, attempt_history: [{ number: 1, status: 'succeeded' }] })
  const { db } = api.home.database
  const { id: project } = await db.selectFrom('projects').select('id').executeTakeFirstOrThrow()
  const names = { title: 'a', body: 'b', base: 'main', branch: 'b', base_sha: 'a', head_sha: 'b' }
  await db
    .insertInto('pull_requests')
    .values({ project_id: project, number: 1, work_order_id: id, attempt: 1, ...names, diff: OF_ALL.join('') })
    .execute()
  return id
}

test('the files of a pull request have their lines, scope and protection, as moose show --files prints them', async () => {
  const id = await placeWithPull(['src/'])
  const changes = await changesOf(id)
  assert.deepEqual(
    changes?.files.map((file) => [
      file.path,
      file.change,
      file.added,
      file.deleted,
      file.in_scope,
      file.protected !== null,
    ]),
    [
      ['src/a.ts', 'modified', 2, 1, true, false],
      ['src-b.ts', 'modified', 1, 0, false, false],
      ['.github/workflows/ci.yml', 'modified', 0, 1, false, true],
    ],
  )
  assert.deepEqual([changes?.source, changes?.files.map(({ diff }) => diff)], ['pull_request', OF_ALL])
  await api.home.database.db
    .updateTable('projects')
    .set({ protect: JSON.stringify(['src/']), unprotect: JSON.stringify(['.github/']) })
    .execute()
  const other = await changesOf(id)
  assert.deepEqual(
    other?.files.map(({ protected: why }) => why !== null),
    [true, false, false],
  )
  await using _served = await api.serve(api.deps())
  const { stdout } = await moose(['show', id, '--files'], { environment: { MOOSE_HOME: api.home.config.home } })
  assert.match(stdout, /modified +\+2 -1 +in scope, protected: .* +src\/a\.ts/)
  assert.match(stdout, /modified +\+1 -0 +out of scope +src-b\.ts/)
  assert.match(stdout, /3 files in the pull request, \+3 -2/)
})

test('of an order that is held what is held comes first, with why; of one without a change nothing', async () => {
  const held = [{ path: 'package.json', why: 'what runs at an installation', fingerprint: null }]
  const diff = `${change('package.json', '+a\n')}\n[… 120 bytes left out …]\n`
  const id = await api.place({
    status: 'blocked',
    files_in_scope: ['package.json'],
    status_reason: JSON.stringify({
      code: 'protected_change',
      message: 'held',
      details: { ...heldDetails(held, 'a'), diff },
    }),
  })
  const changes = await changesOf(id)
  assert.deepEqual(
    [changes?.source, changes?.cut, changes?.files[0]?.protected],
    ['held', '[… 120 bytes left out …]', 'what runs at an installation'],
  )
  assert.equal(await changesOf(await api.place()), null)
})
