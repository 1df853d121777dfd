import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Mirrors } from '../../src/git/mirrors.ts'
import { createWorkspaces } from '../../src/workspace/workspaces.ts'
import { createGitRemote, gitIn } from '../support/git-remote.ts'

const when = new Date('2026-01-02T03:04:05Z')

test('a head that the attempt itself has pushed is its own after a takeover; what a person pushes on top is not', async () => {
  await using remote = await createGitRemote({ 'greeting.txt': 'hello\n' })
  const project = remote.project({ id: '5b1f62ea-0000-4000-8000-000000000001', name: 'demo' })
  const workspaces = createWorkspaces({ root: remote.folder, mirrors: new Mirrors(remote.folder) })
  const { signal } = new AbortController()
  const workOrderId = '5b1f62ea-0000-4000-8000-000000000002'
  await remote.git('branch', 'feature', 'main')
  const began = await remote.git('rev-parse', 'main')
  const known = await remote.commit('feature', { 'greeting.txt': 'hello, world\n' })
  await remote.commit('main', { 'README.md': 'moved\n' })
  const request = { project, workOrderId, attempt: 2, branch: 'feature', known, began, signal }
  const { baseTip, head, madeBy } = await workspaces.standingBranch(request, [{ attempt: 1, headSha: known }])
  assert.deepEqual([head, madeBy], [known, null], 'what an attempt has kept does not say that it made it')
  const merged = await workspaces.bringUp(request, { base: baseTip, head, when })
  assert.ok(merged.outcome === 'brought_up')
  const mirror = new Mirrors(remote.folder).of(project)
  await gitIn(mirror.dir, 'push', '--quiet', remote.path, `${merged.sha}:refs/heads/feature`)

  const made = [{ attempt: 2, headSha: merged.sha }]
  const again = await workspaces.standingBranch(request, made)
  assert.deepEqual([again.head, again.madeBy, again.forkedAt], [merged.sha, 2, baseTip])
  assert.equal((await workspaces.standingBranch({ ...request, attempt: 3 }, made)).madeBy, 2)
  const trailer = `Work-Order: ${workOrderId}/2`
  const forged = await remote.git('commit-tree', '-p', 'feature', '-m', `By hand\n\n${trailer}`, 'feature^{tree}')
  await remote.git('branch', '--force', 'feature', forged)
  assert.equal((await workspaces.standingBranch(request, made)).madeBy, null, 'anybody can write a trailer')
})
