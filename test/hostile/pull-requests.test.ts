/** Cases of what a pull request says and holds, each first without its guard. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordIn } from '../../src/contract/evidence/pull-request-record.ts'
import { Mirrors } from '../../src/git/mirrors.ts'
import { createWorkspaces } from '../../src/workspace/workspaces.ts'
import { createGitRemote } from '../support/git-remote.ts'
import { bodyOf } from '../support/pull-request-bodies.ts'

test('S22: what ends the line of the record, or refers to an issue by its address, does neither', () => {
  const path = 'src/a\u2028b.ts'
  const address = 'https://github.com/octo/repo/issues/5'
  const body = bodyOf({
    files: [{ path, change: 'added', added: 1, deleted: 0 }],
    description: `See ${address}`,
    says: `It does what ${address} asks for.`,
  })
  const record = recordIn(body)
  assert.equal(recordIn(`<!-- moose:record ${JSON.stringify(record)} -->`), null, 'as JSON writes it, it is not found')
  assert.equal(record?.files[0]?.path, path)
  assert.ok(!body.includes(address))
})

test('S23: a branch on a commit without checks would be verified by none, and is not verified', async () => {
  await using remote = await createGitRemote({ 'greeting.txt': 'hello\n' })
  const project = remote.project({ id: '5b1f62ea-0000-4000-8000-000000000001', name: 'demo' })
  const workspaces = createWorkspaces({ root: remote.folder, mirrors: new Mirrors(remote.folder) })
  await remote.git('branch', 'feature', 'main')
  const began = await remote.commit('main', { 'moose.yaml': 'checks:\n  - { name: fails, run: exit 1 }\n' })
  const known = await remote.commit('feature', { 'greeting.txt': 'rude\n' })
  const { signal } = new AbortController()
  const workOrderId = '5b1f62ea-0000-4000-8000-000000000002'
  const request = { project, workOrderId, attempt: 2, branch: 'feature', known, signal }

  const unguarded = await workspaces.standingBranch({ ...request, began: known }, [])
  assert.equal(await workspaces.tree(project, unguarded.forkedAt).read('moose.yaml'), null, 'there are no checks')
  await assert.rejects(workspaces.standingBranch({ ...request, began }, []), {
    code: 'work_order_conflict',
    message: /builds on [0-9a-f]{12}, an older commit of main/,
  })
})
