import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { Mirrors } from '../../src/git/mirrors.ts'
import type { Workspace } from '../../src/ports/workspace.ts'
import { createWorkspaces } from '../../src/workspace/workspaces.ts'
import { createGitRemote, type GitRemote, gitIn } from '../support/git-remote.ts'

const signal = new AbortController().signal
const workOrderId = '00000000-0000-4000-8000-0000000000aa'

type Setting = AsyncDisposable & {
  remote: GitRemote
  workspaces: ReturnType<typeof createWorkspaces>
  mirror: string
  open: (sha: string, base?: string) => Promise<Workspace>
}

async function setting(files: Parameters<typeof createGitRemote>[0] = { a: 'a\n' }): Promise<Setting> {
  const remote = await createGitRemote(files)
  const mirrors = new Mirrors(remote.folder)
  const workspaces = createWorkspaces({ root: remote.folder, mirrors })
  const project = remote.project()
  return {
    remote,
    workspaces,
    mirror: mirrors.of(project).dir,
    open: (sha, base) =>
      workspaces.open({ project, workOrderId, attempt: 1, sha, signal, ...(base === undefined ? {} : { base }) }),
    [Symbol.asyncDispose]: () => remote[Symbol.asyncDispose](),
  }
}

/** A second commit of an attempt on the base. */
async function changed(given: Setting, base: string): Promise<string> {
  await using workspace = await given.open(base)
  await writeFile(path.join(workspace.path, 'b'), 'b\n')
  return String(await workspace.commit('change', new Date(0)))
}

test('life C5: a tree has the tags, the base branch, origin/<base> and the remote of a clone', async () => {
  await using given = await setting()
  const { remote, workspaces } = given
  await remote.git('tag', 'v1.0.0', 'main')
  await remote.git('-c', 'user.name=A', '-c', 'user.email=a@b', 'tag', '-a', '-m', 'two', 'v2.0.0', 'main')
  const base = await workspaces.fetchBase(remote.project(), signal)
  const head = await changed(given, base)
  await using workspace = await given.open(head, base)
  const git = (...args: string[]) => gitIn(workspace.path, ...args)
  assert.deepEqual(
    {
      describe: await git('describe', '--tags', '--match', 'v1*'),
      annotated: await git('describe', 'main'),
      diff: await git('diff', '--name-only', 'origin/main...HEAD'),
      main: await git('rev-parse', 'main'),
      origin: await git('rev-parse', 'origin/main'),
      head: await git('rev-parse', 'HEAD'),
      remoteHead: await git('symbolic-ref', 'refs/remotes/origin/HEAD'),
      mergeBase: await git('merge-base', 'main', 'HEAD'),
      log: await git('log', '--format=%H', 'main..'),
      upstream: await git('rev-parse', '--abbrev-ref', 'main@{upstream}'),
      url: await git('remote', 'get-url', 'origin'),
      shallow: await git('rev-parse', '--is-shallow-repository'),
      status: await git('status', '--porcelain'),
      fsck: await git('fsck', '--connectivity-only'),
    },
    {
      describe: `v1.0.0-1-g${head.slice(0, 7)}`,
      annotated: 'v2.0.0',
      diff: 'b',
      main: base,
      origin: base,
      head,
      remoteHead: 'refs/remotes/origin/main',
      mergeBase: base,
      log: head,
      upstream: 'origin/main',
      url: remote.path,
      shallow: 'false',
      status: '',
      fsck: '',
    },
  )
})

test('a tag that was moved, deleted or put in the place of another at the repository is so in the next tree', async () => {
  await using given = await setting()
  const { remote, workspaces } = given
  for (const tag of ['moved', 'gone', 'folder']) await remote.git('tag', tag, 'main')
  await workspaces.fetchBase(remote.project(), signal)
  const next = await remote.commit('main', { a: 'b\n' })
  await remote.git('tag', '--force', 'moved', 'main')
  await remote.git('tag', '--delete', 'gone', 'folder')
  await remote.git('tag', 'folder/tag', 'main')
  const base = await workspaces.fetchBase(remote.project(), signal)
  assert.equal(base, next)
  await using workspace = await given.open(base)
  assert.equal(await gitIn(workspace.path, 'tag', '--points-at', 'HEAD'), 'folder/tag\nmoved')
  assert.equal(await gitIn(workspace.path, 'tag'), 'folder/tag\nmoved')
})

test('a tree without a named base stands at the base branch as it was last fetched, also once the mirror is packed', async () => {
  await using given = await setting()
  await given.remote.git('tag', 'v1', 'main')
  const base = await given.workspaces.fetchBase(given.remote.project(), signal)
  const head = await changed(given, base)
  await gitIn(given.mirror, 'pack-refs', '--all')
  await using workspace = await given.open(head)
  assert.equal(await gitIn(workspace.path, 'rev-parse', 'main'), base)
  assert.equal(await gitIn(workspace.path, 'describe', '--tags', 'main'), 'v1')
})

test('life C4: a relative submodule is found beside the repository of the project', async () => {
  await using library = await createGitRemote({ 'lib.txt': 'library\n' })
  await using given = await setting()
  const { remote, workspaces } = given
  const url = path.relative(remote.path, library.path)
  const sha = await library.git('rev-parse', 'main')
  const author = path.join(remote.folder, '..', 'author')
  await remote.commit('main', { '.gitmodules': `[submodule "lib"]\n\tpath = lib\n\turl = ${url}\n` })
  await gitIn(author, 'update-index', '--add', '--cacheinfo', `160000,${sha},lib`)
  await gitIn(author, 'commit', '--quiet', '--message', 'submodule')
  await gitIn(author, 'push', '--quiet', 'origin', 'main')
  await using workspace = await given.open(await workspaces.fetchBase(remote.project(), signal))
  await gitIn(workspace.path, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'update', '--init')
  assert.equal(await readFile(path.join(workspace.path, 'lib', 'lib.txt'), 'utf8'), 'library\n')
})

test('nothing of a tree names the mirror but the line it borrows objects by', async () => {
  await using given = await setting()
  const base = await given.workspaces.fetchBase(given.remote.project(), signal)
  await using workspace = await given.open(base)
  for (const name of ['config', 'packed-refs', 'HEAD', 'info/exclude', 'refs/remotes/origin/HEAD']) {
    const text = await readFile(path.join(workspace.path, '.git', name), 'utf8')
    assert.ok(!text.includes(path.dirname(given.mirror)), name)
  }
})
