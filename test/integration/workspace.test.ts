import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, readlink, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { Fault, type FaultCode } from '../../src/faults/fault.ts'
import { Mirrors } from '../../src/git/mirrors.ts'
import type { Workspace, Workspaces } from '../../src/ports/workspace.ts'
import { workOrderTrailer } from '../../src/work-order/naming.ts'
import { CommitTree } from '../../src/workspace/commit-tree.ts'
import { createWorkspaces } from '../../src/workspace/workspaces.ts'
import { createGitRemote, type FileChange, type GitRemote, gitIn } from '../support/git-remote.ts'

const fault = (code: FaultCode) => (error: unknown) => error instanceof Fault && error.code === code
const signal = new AbortController().signal
const when = new Date('2026-01-02T03:04:05Z')
const workOrderId = '00000000-0000-4000-8000-0000000000aa'

type Setting = AsyncDisposable & {
  remote: GitRemote
  workspaces: Workspaces
  base: string
  open: (attempt?: number, sha?: string) => Promise<Workspace>
}

async function setting(files: Readonly<Record<string, FileChange>>): Promise<Setting> {
  const remote = await createGitRemote(files)
  const root = remote.folder
  const workspaces = createWorkspaces({ root, mirrors: new Mirrors(root) })
  const project = remote.project()
  const base = await workspaces.fetchBase(project, signal)
  return {
    remote,
    workspaces,
    base,
    open: (attempt = 1, sha = base) => workspaces.open({ project, workOrderId, attempt, sha, signal }),
    [Symbol.asyncDispose]: () => remote[Symbol.asyncDispose](),
  }
}

const write = (workspace: Workspace, name: string, content: string | Buffer) =>
  writeFile(path.join(workspace.path, name), content)
const read = (workspace: Workspace, name: string) => readFile(path.join(workspace.path, name), 'utf8')

async function committed(workspace: Workspace): Promise<string> {
  const sha = await workspace.commit('WO-1: change\n\n# kept\n', when)
  assert.ok(sha !== null)
  return sha
}

test('a base branch that is not there, and a name no branch can have, are a missing base branch', async () => {
  await using given = await setting({ a: '1' })
  for (const defaultBranch of ['nope', '--upload-pack=x', 'a:b', '']) {
    const project = given.remote.project({ defaultBranch })
    await assert.rejects(given.workspaces.fetchBase(project, signal), fault('base_branch_missing'))
  }
})

test('the tree of a commit reads files of any name and content, and refuses links and submodules', async () => {
  const odd = 'a "b"\n\tü.txt'
  const bytes = Buffer.from([0, 0xff, 10, 13])
  await using given = await setting({ [odd]: 'odd', 'd/bin': bytes, link: { link: 'd' }, out: { link: '/etc/passwd' } })
  await given.remote.git('fetch', '.', 'main')
  const tree = given.workspaces.tree(given.remote.project(), given.base)
  assert.deepEqual(await tree.list(), [odd, 'd/bin', 'link', 'out'].sort())
  const unlisted = given.workspaces.tree(given.remote.project(), given.base)
  for (const way of [tree, unlisted]) {
    assert.deepEqual(await way.read('d/bin'), bytes)
    assert.equal((await way.read(odd))?.toString(), 'odd')
    for (const missing of ['d', 'd/', 'D/bin', 'nope', '*', '', '../a', '/etc/passwd', 'd/./bin'])
      assert.equal(await way.read(missing), null)
    for (const indirect of ['out', 'link/bin', 'link'])
      await assert.rejects(way.read(indirect), fault('scope_unreadable'))
  }
})

test('reading one file asks for its folders, not for what lies in them', async (t) => {
  const beside = Array.from({ length: 30 }, (_, index) => [`a/b/${index}`, 'x'])
  await using given = await setting({ 'a/b/c': 'c', ...Object.fromEntries(beside), link: { link: 'a/b' } })
  const mirror = new Mirrors(given.remote.folder).of(given.remote.project())
  const succeed = t.mock.method(mirror, 'succeed')
  const tree = new CommitTree(mirror, given.base)
  assert.equal((await tree.read('a/b/c'))?.toString(), 'c')
  assert.equal(await tree.read('a/b/none'), null)
  assert.equal(await tree.read('a/b/c/d'), null)
  await assert.rejects(tree.read('link/c'), fault('scope_unreadable'))
  const printed = await Promise.all(succeed.mock.calls.map(async ({ result }) => (await result)?.stdout.text()))
  const names = printed.flatMap((text) => String(text).match(/(?<=\t)[^\0]+/g) ?? [])
  assert.deepEqual([...new Set(names)].sort(), ['a', 'a/b', 'a/b/c', 'link'])
})

test('what a read listed says the mode as well, and git is not asked again', async (t) => {
  await using given = await setting({ 'a/run': { content: 'x', mode: 0o755 }, 'a/b': 'b' })
  const mirror = new Mirrors(given.remote.folder).of(given.remote.project())
  const succeed = t.mock.method(mirror, 'succeed')
  const tree = new CommitTree(mirror, given.base)
  for (const name of ['a/run', 'a/b']) await tree.read(name)
  const calls = succeed.mock.callCount()
  assert.deepEqual([await tree.isExecutable('a/run'), await tree.isExecutable('a/b')], [true, false])
  assert.equal(succeed.mock.callCount(), calls)
})

test('a submodule cannot be read through', async () => {
  await using given = await setting({ a: '1' })
  const index = { GIT_INDEX_FILE: path.join(given.remote.folder, 'i') }
  const mirror = new Mirrors(given.remote.folder).of(given.remote.project())
  const call = {
    signal: null,
    env: { ...index, GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a' },
  }
  await mirror.succeed(['update-index', '--add', '--cacheinfo', `160000,${given.base},sub`], call)
  const treeId = (await mirror.succeed(['write-tree'], call)).stdout.text().trim()
  const sha = (await mirror.succeed(['commit-tree', '-m', 'x', treeId], call)).stdout.text().trim()
  const tree = given.workspaces.tree(given.remote.project(), sha)
  await assert.rejects(tree.read('sub'), fault('scope_unreadable'))
  await assert.rejects(tree.read('sub/file'), fault('scope_unreadable'))
})

test('a file too large to be shown to a model is refused before it is read', async () => {
  await using given = await setting({ large: Buffer.alloc(11 * 1024 * 1024) })
  await assert.rejects(
    given.workspaces.tree(given.remote.project(), given.base).read('large'),
    fault('scope_too_large'),
  )
})

test('a workspace holds the base commit with its modes and links, and disposing removes all of it', async () => {
  await using given = await setting({ 'bin/run': { content: '#!/bin/sh\n', mode: 0o755 }, link: { link: 'bin/run' } })
  const workspace = await given.open()
  assert.equal(workspace.baseSha, given.base)
  assert.equal((await stat(path.join(workspace.path, 'bin/run'))).mode & 0o111, 0o111)
  assert.equal(await readlink(path.join(workspace.path, 'link')), 'bin/run')
  assert.equal(await gitIn(workspace.path, 'rev-parse', 'HEAD'), given.base)
  assert.equal(await gitIn(workspace.path, 'status', '--porcelain'), '')
  assert.equal(await gitIn(workspace.path, 'remote'), 'origin')
  await mkdir(path.join(workspace.path, 'locked'))
  await write(workspace, 'locked/file', 'x')
  await chmod(path.join(workspace.path, 'locked'), 0o500)
  await workspace[Symbol.asyncDispose]()
  assert.deepEqual(await readdir(path.join(given.remote.folder, 'workspaces')), [])
})

test('a commit takes in everything, is the same commit when repeated, and is kept in the mirror', async () => {
  await using given = await setting({ keep: '1\n', gone: '1\n', 'dir/old': '1\n', text: 'a\r\n' })
  const change = async (workspace: Workspace) => {
    await rm(path.join(workspace.path, 'gone'))
    await rm(path.join(workspace.path, 'dir'), { recursive: true })
    await write(workspace, 'keep', '1\n2\n')
    await write(workspace, 'tab\tnew\nline "q" ü', 'x\n')
    await write(workspace, 'binary', Buffer.from([0, 1, 2]))
    await write(workspace, '[*]', '')
    await write(workspace, 'text', 'b\r\n')
    return await committed(workspace)
  }
  const shas: string[] = []
  for (const attempt of [1, 1, 2]) {
    await using workspace = await given.open(attempt)
    shas.push(await change(workspace))
    assert.equal(await gitIn(workspace.path, 'status', '--porcelain'), '')
  }
  const [sha = ''] = shas
  assert.equal(new Set(shas).size, 1)
  const mirror = path.join(given.remote.folder, 'mirrors', `${given.remote.project().id}.git`)
  assert.equal(await gitIn(mirror, 'rev-parse', `refs/moose/${workOrderId}/1`), sha)
  const shown = await gitIn(mirror, 'show', '-s', '--format=%P|%an <%ae>|%cn|%at|%B', sha)
  assert.equal(shown, `${given.base}|Moose <moose@localhost>|Moose|1767323045|WO-1: change\n\n# kept`)
  assert.deepEqual(await given.workspaces.changedFiles(given.remote.project(), given.base, sha), [
    { path: '[*]', change: 'added', added: 0, deleted: 0 },
    { path: 'binary', change: 'added', added: null, deleted: null },
    { path: 'dir/old', change: 'deleted', added: 0, deleted: 1 },
    { path: 'gone', change: 'deleted', added: 0, deleted: 1 },
    { path: 'keep', change: 'modified', added: 1, deleted: 0 },
    { path: 'tab\tnew\nline "q" ü', change: 'added', added: 1, deleted: 0 },
    { path: 'text', change: 'modified', added: 1, deleted: 1 },
  ])
})

test('a name that is not UTF-8 cannot pass for another one', async () => {
  await using given = await setting({ a: '1' })
  await using workspace = await given.open()
  const name = Buffer.concat([Buffer.from(`${workspace.path}/x`), Buffer.from([0xff])])
  await writeFile(name, 'x')
  const files = await given.workspaces.changedFiles(given.remote.project(), given.base, await committed(workspace))
  assert.deepEqual(
    files.map((file) => file.path),
    ['x\\xff'],
  )
})

test('nothing changed is no commit; a second commit replaces the first', async () => {
  await using given = await setting({ a: '1' })
  await using workspace = await given.open()
  assert.equal(await workspace.commit('nothing', when), null)
  await write(workspace, 'a', '2')
  const first = await committed(workspace)
  assert.equal(await committed(workspace), first)
  await write(workspace, 'a', '3')
  const second = await committed(workspace)
  assert.notEqual(second, first)
  const mirror = path.join(given.remote.folder, 'mirrors', `${given.remote.project().id}.git`)
  assert.equal(await gitIn(mirror, 'rev-parse', `${second}^`), given.base)
})

test('a commit takes in what the repository ignores, whichever rule says so', async () => {
  await using given = await setting({ '.gitignore': 'build/\n*.log\n', 'deep/.gitignore': 'x\n', kept: 'x\n' })
  await using workspace = await given.open()
  const clone = path.join(workspace.path, '.git')
  await writeFile(path.join(clone, 'info/exclude'), 'excluded\n')
  await mkdir(path.join(workspace.path, 'build/deep'), { recursive: true })
  for (const name of ['build/deep/x', 'a.log', 'deep/x', 'excluded']) await write(workspace, name, 'x\n')
  const paths = ['a.log', 'build/deep/x', 'deep/x', 'excluded']
  assert.deepEqual(await workspace.changedPaths(), paths)
  const files = await given.workspaces.changedFiles(given.remote.project(), given.base, await committed(workspace))
  assert.deepEqual(
    files.map((file) => [file.path, file.change]),
    paths.map((name) => [name, 'added']),
  )
})

test('a tree in which a check has run is not committed: nothing tells its build output from a change', async () => {
  await using given = await setting({ '.gitignore': 'build/\n', a: '1' })
  await using workspace = await given.open()
  await mkdir(path.join(workspace.path, 'build'))
  await write(workspace, 'build/x', 'x')
  await workspace.restore()
  await assert.rejects(workspace.commit('x', when), /a check has run/)
})

test('restoring puts tracked files back, drops untracked ones and keeps ignored ones', async () => {
  await using given = await setting({
    '.gitignore': 'out/\n',
    a: '1',
    'd/b': { content: 'x', mode: 0o755 },
    l: { link: 'a' },
  })
  await using workspace = await given.open()
  await write(workspace, 'a', 'committed')
  await committed(workspace)
  await write(workspace, 'a', 'by a check!')
  await write(workspace, '.gitignore', '*\n')
  await rm(path.join(workspace.path, 'd'), { recursive: true })
  await rm(path.join(workspace.path, 'l'))
  await symlink('/etc', path.join(workspace.path, 'd'))
  await mkdir(path.join(workspace.path, 'out'))
  await write(workspace, 'out/built', 'x')
  await mkdir(path.join(workspace.path, 'nested'))
  await gitIn(path.join(workspace.path, 'nested'), 'init', '--quiet')
  await rm(path.join(workspace.path, '.git'), { recursive: true })
  await workspace.restore()
  assert.equal(await read(workspace, 'a'), 'committed')
  assert.equal((await stat(path.join(workspace.path, 'd/b'))).mode & 0o111, 0o111)
  assert.equal(await readlink(path.join(workspace.path, 'l')), 'a')
  assert.deepEqual((await readdir(workspace.path)).sort(), ['.git', '.gitignore', 'a', 'd', 'l', 'out'])
  assert.equal(await gitIn(workspace.path, 'status', '--porcelain'), '')
})

test('what foreign code puts into the clone never runs with our git', async () => {
  await using given = await setting({ '.gitattributes': '* filter=evil diff=evil\n', a: '1\n' })
  await using workspace = await given.open()
  const marker = path.join(given.remote.folder, 'pwned')
  const evil = path.join(given.remote.folder, 'evil')
  await writeFile(evil, `#!/bin/sh\ntouch ${marker}\ncat\n`, { mode: 0o755 })
  for (const key of [
    'core.fsmonitor',
    'filter.evil.clean',
    'filter.evil.smudge',
    'filter.evil.process',
    'diff.evil.command',
    'core.sshCommand',
    'gpg.program',
  ])
    await gitIn(workspace.path, 'config', key, evil)
  await gitIn(workspace.path, 'config', 'commit.gpgSign', 'true')
  await gitIn(workspace.path, 'config', 'core.worktree', '/')
  for (const name of ['pre-commit', 'post-commit', 'post-checkout', 'reference-transaction', 'post-index-change']) {
    await mkdir(path.join(workspace.path, '.git/hooks'), { recursive: true })
    await writeFile(path.join(workspace.path, '.git/hooks', name), `#!/bin/sh\ntouch ${marker}\n`, { mode: 0o755 })
  }
  await write(workspace, 'a', '2\n')
  const sha = await committed(workspace)
  await write(workspace, 'a', '3\n')
  await workspace.restore()
  await given.workspaces.diff(given.remote.project(), given.base, sha, 1_000)
  assert.equal(await read(workspace, 'a'), '2\n')
  assert.ok(!existsSync(marker))
})

test('opening again discards what an earlier run left; discarding twice is fine', async () => {
  await using given = await setting({ a: '1' })
  const left = await given.open()
  await write(left, 'leftover', 'x')
  await using workspace = await given.open()
  assert.deepEqual((await readdir(workspace.path)).sort(), ['.git', 'a'])
  await given.workspaces.discard(workOrderId, 1)
  await given.workspaces.discard(workOrderId, 1)
  assert.ok(!existsSync(workspace.path))
})

test('eight workspaces of one project at once, while the base moves', async () => {
  const files = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`f/${index}`, `${index}\n`]))
  await using given = await setting(files)
  const attempts = Array.from({ length: 8 }, (_, index) => index + 1)
  const work = attempts.map(async (attempt) => {
    const sha = await given.workspaces.fetchBase(given.remote.project(), signal)
    await using workspace = await given.open(attempt, sha)
    await write(workspace, `f/${attempt}`, 'changed\n')
    const head = await committed(workspace)
    return (await given.workspaces.changedFiles(given.remote.project(), sha, head)).map((file) => file.path)
  })
  await given.remote.commit('main', { 'f/199': 'moved\n' })
  assert.deepEqual(
    await Promise.all(work),
    attempts.map((attempt) => [`f/${attempt}`]),
  )
})

test("the operator's own checkout is only fetched from", async () => {
  await using given = await setting({ a: '1' })
  const checkout = path.join(given.remote.folder, 'checkout')
  await gitIn(given.remote.folder, 'clone', '--quiet', given.remote.path, checkout)
  await writeFile(path.join(checkout, 'a'), 'unsaved work')
  const before = await gitIn(checkout, 'status', '--porcelain=v2', '--branch')
  const project = given.remote.project({ repository: checkout, id: '00000000-0000-4000-8000-000000000002' })
  const sha = await given.workspaces.fetchBase(project, signal)
  await using workspace = await given.workspaces.open({ project, workOrderId, attempt: 1, sha, signal })
  await write(workspace, 'a', '2')
  await committed(workspace)
  assert.equal(await gitIn(checkout, 'status', '--porcelain=v2', '--branch'), before)
  assert.equal(await readFile(path.join(checkout, 'a'), 'utf8'), 'unsaved work')
  assert.equal(await gitIn(checkout, 'for-each-ref', 'refs/moose'), '')
})

test('a long diff is cut with a note', async () => {
  await using given = await setting({ a: '1\n' })
  await using workspace = await given.open()
  await write(workspace, 'a', 'é\n'.repeat(10_000))
  const sha = await committed(workspace)
  const diff = await given.workspaces.diff(given.remote.project(), given.base, sha, 1_000)
  assert.match(diff, /^diff --git a\/a b\/a\n/)
  assert.match(diff, /\[… \d+ bytes left out …\]\n$/)
  assert.ok(Buffer.byteLength(diff) < 1_100)
})

test('an id or a commit that is not one never becomes a path or an argument', async () => {
  await using given = await setting({ a: '1' })
  const project = given.remote.project()
  await assert.rejects(async () => given.workspaces.discard('../../x', 1), fault('internal'))
  await assert.rejects(given.open(1, '--output=/tmp/x'), fault('internal'))
  await assert.rejects(given.workspaces.diff(project, 'HEAD', given.base, 10), fault('internal'))
})

test('opening stops when the attempt is cancelled and leaves nothing behind', async () => {
  await using given = await setting({ a: '1' })
  const request = { project: given.remote.project(), workOrderId, attempt: 1, sha: given.base }
  const cancelled = AbortSignal.abort(new Fault('attempt_cancelled', 'cancelled'))
  await assert.rejects(given.workspaces.open({ ...request, signal: cancelled }), fault('attempt_cancelled'))
  assert.deepEqual(await readdir(path.join(given.remote.folder, 'workspaces')), [])
})

test('bytes are exact in the tree and in the commit, whatever attributes the repository has', async () => {
  const files = {
    '.gitattributes':
      '[attr]odd text\n*.txt text\n*.odd odd\n*.bat eol=crlf\n*.id ident\n*.u16 working-tree-encoding=UTF-16\n*.lfs filter=lfs\n',
    'sub/.gitattributes': '* text=auto\n',
    'a.txt': 'a\r\nb\r\n',
    'a.odd': 'a\r\n',
    'run.bat': 'echo\n',
    'v.id': '$Id$\n',
    'w.id': '$Id: 0123 $\n',
    'x.u16': 'plain\n',
    'big.lfs': 'pointer\n',
    'sub/mixed': 'a\r\nb\n',
  }
  await using given = await setting(files)
  await using workspace = await given.open()
  for (const [name, content] of Object.entries(files)) {
    assert.equal(await read(workspace, name), content)
    // git looks at the content of a file whose time is another.
    await utimes(path.join(workspace.path, name), 1, 1)
  }
  assert.equal(await gitIn(workspace.path, 'status', '--porcelain'), '')
  await write(workspace, 'a.txt', 'a\r\nb\r\nc\r\n')
  await write(workspace, 'new.txt', 'new\r\n')
  const sha = await committed(workspace)
  const changed = await given.workspaces.changedFiles(given.remote.project(), given.base, sha)
  assert.deepEqual(
    changed.map(({ path: name, added, deleted }) => [name, added, deleted]),
    [
      ['a.txt', 1, 0],
      ['new.txt', 1, 0],
    ],
  )
  const tree = given.workspaces.tree(given.remote.project(), sha)
  assert.equal((await tree.read('new.txt'))?.toString(), 'new\r\n')
})

test('a work tree that was replaced is neither committed nor restored', async () => {
  await using given = await setting({ a: '1' })
  await using workspace = await given.open()
  const victim = path.join(given.remote.folder, 'victim')
  await mkdir(victim)
  await writeFile(path.join(victim, 'precious'), 'x')
  await rm(workspace.path, { recursive: true })
  await symlink(victim, workspace.path)
  await assert.rejects(workspace.commit('x', when), fault('check_failed'))
  await assert.rejects(workspace.restore(), fault('check_failed'))
  assert.deepEqual(await readdir(victim), ['precious'])
})

test('a repository that was planted in the tree is refused before any git looks into it', async () => {
  await using given = await setting({ a: '1\n' })
  await using workspace = await given.open()
  const planted = path.join(workspace.path, 'sub')
  await mkdir(planted)
  const marker = path.join(given.remote.folder, 'ran')
  await gitIn(planted, 'init', '--quiet')
  await writeFile(path.join(planted, '.gitattributes'), '* filter=evil\n')
  await writeFile(path.join(planted, 'x'), 'x\n')
  await gitIn(planted, 'config', 'filter.evil.clean', `touch '${marker}'; cat`)
  await rm(marker, { force: true })
  await assert.rejects(workspace.changedPaths(), fault('change_out_of_scope'))
  await assert.rejects(workspace.commit('m', when), fault('change_out_of_scope'))
  assert.equal(existsSync(marker), false)
})

test('rolling back removes the commit of exactly this attempt, and a foreign one never', async () => {
  await using given = await setting({ a: '1\n' })
  const mirror = new Mirrors(given.remote.folder).of(given.remote.project())
  const ref = `refs/moose/${workOrderId}/1`
  const project = given.remote.project()
  assert.equal(await given.workspaces.rollBack(project, workOrderId, 1), null)

  await mirror.succeed(['update-ref', ref, given.base], { signal: null })
  assert.equal(await given.workspaces.rollBack(project, workOrderId, 1), null)
  const { stdout } = await mirror.succeed(['rev-parse', ref], { signal: null })
  assert.equal(stdout.text().trim(), given.base)

  await using workspace = await given.open()
  await write(workspace, 'a', '2\n')
  const made = await workspace.commit(`Change a\n\n${workOrderTrailer(workOrderId, 1)}\n`, when)
  assert.equal(await given.workspaces.rollBack(project, workOrderId, 1), made)
  assert.equal((await mirror.run(['rev-parse', '--verify', '--quiet', ref], { signal: null })).exitCode, 1)
})

test('life D4: a commit that is made again is the same, signed and signed off, in the whole tree and in that of the scope', async () => {
  await using given = await setting({ 'a.txt': '1\n' })
  const key = path.join(given.remote.folder, 'key')
  await promisify(execFile)('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])
  const ada = 'Ada <ada@example.org>'
  const commits = { author: 'Zoë Jr. <zoe@example.org>', committer: ada, signOff: true, signingKey: key }
  const project = given.remote.project({ commits })
  const sha = await given.workspaces.fetchBase(project, signal)
  const request = { project, workOrderId, attempt: 1, sha, signal }
  const made: (string | null)[] = []
  for (const open of [
    () => given.workspaces.open(request),
    () => given.workspaces.openScoped({ ...request, scope: ['a.txt'] }),
    () => given.workspaces.openScoped({ ...request, scope: ['a.txt'] }),
  ]) {
    await using tree = await open()
    await writeFile(path.join(tree.path, 'a.txt'), '2\n')
    made.push(await tree.commit('Change\n\nWork-Order: 1/1\n', when))
  }
  assert.equal(new Set(made).size, 1)
  const mirror = new Mirrors(given.remote.folder).of(project)
  const { stdout } = await mirror.succeed(['cat-file', 'commit', String(made[0])], { signal })
  assert.match(stdout.text(), /^author Zoë Jr <zoe.*committer Ada <ada.*gpgsig -----BEGIN SSH SIGNATURE/ms)
  assert.match(stdout.text(), /\n\nChange\n\nWork-Order: 1\/1\nSigned-off-by: Ada <ada@example\.org>\n$/)
})

test('what a script changed is committed as far as it lies in the scope, on top; everything else is put back', async () => {
  const files = {
    'src/a.txt': 'a\n',
    'src/gone.txt': 'x\n',
    'src/run.sh': 'x\n',
    'other.txt': 'o\n',
    '.gitignore': 'src/built/\n',
  }
  await using given = await setting(files)
  await using workspace = await given.open()
  await write(workspace, 'src/a.txt', 'mended\n')
  await write(workspace, 'src/new.txt', 'new\n')
  await rm(path.join(workspace.path, 'src/gone.txt'))
  await chmod(path.join(workspace.path, 'src/run.sh'), 0o755)
  await write(workspace, 'other.txt', 'spoiled\n')
  await write(workspace, 'more.txt', 'more\n')
  await mkdir(path.join(workspace.path, 'src/built'))
  await write(workspace, 'src/built/out.txt', 'built\n')
  const { sha, outside } = await workspace.commitWithin(['src/'], { message: 'fix\n', when })
  assert.deepEqual(outside, ['more.txt', 'other.txt'])
  assert.ok(sha !== null)
  const changes = await given.workspaces.changedFiles(given.remote.project(), given.base, sha)
  assert.deepEqual(
    changes.map(({ path: name, change }) => [name, change]),
    [
      ['src/a.txt', 'modified'],
      ['src/gone.txt', 'deleted'],
      ['src/new.txt', 'added'],
      ['src/run.sh', 'modified'],
    ],
  )
  assert.deepEqual(
    [await read(workspace, 'other.txt'), existsSync(path.join(workspace.path, 'more.txt'))],
    ['o\n', false],
  )
  assert.equal(await read(workspace, 'src/built/out.txt'), 'built\n', 'what git ignores stays for the next check')

  assert.deepEqual(await workspace.commitWithin(['src/'], { message: 'fix\n', when }), { sha: null, outside: [] })
  await write(workspace, 'src/a.txt', 'mended twice\n')
  const second = await workspace.commitWithin(['src/a.txt'], { message: 'fix\n', when })
  const git = (...args: string[]) => gitIn(workspace.path, ...args)
  assert.equal(await git('log', '--format=%P', '-1', String(second.sha)), given.base, 'one commit for both')
  assert.equal(await git('diff', '--name-only', sha, String(second.sha)), 'src/a.txt')
})

test('a script that leaves a repository in the tree, or an index that lies, changes nothing of what is committed', async () => {
  await using given = await setting({ 'src/a.txt': 'a\n' })
  await using workspace = await given.open()
  await write(workspace, 'src/a.txt', 'mended\n')
  const index = path.join(path.dirname(workspace.path), 'index')
  await gitIn(workspace.path, 'update-index', '--assume-unchanged', 'src/a.txt')
  await writeFile(index, await readFile(path.join(workspace.path, '.git/index')))
  const { sha } = await workspace.commitWithin(['src/'], { message: 'fix\n', when })
  assert.ok(sha !== null)
  await gitIn(workspace.path, 'init', '--quiet', 'src/planted')
  await assert.rejects(workspace.commitWithin(['src/'], { message: 'fix\n', when }), fault('change_out_of_scope'))
})
