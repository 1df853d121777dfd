import assert from 'node:assert/strict'
import { chmod, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { z } from 'zod'
import { createPatchExecutor } from '../../src/executors/patch/patch-executor.ts'
import { Fault } from '../../src/faults/fault.ts'
import { lstatOrNull } from '../../src/files/lstat-or-null.ts'
import { Mirrors } from '../../src/git/mirrors.ts'
import type { WorkTree } from '../../src/ports/workspace.ts'
import { pathProblem } from '../../src/work-order/scope.ts'
import { createWorkspaces } from '../../src/workspace/workspaces.ts'
import { createGitRemote, type FileChange } from '../support/git-remote.ts'

const BASE: Readonly<Record<string, FileChange>> = {
  '.gitignore': 'build/\n*.tmp\n',
  'README.md': 'read me\n',
  'a/.gitignore': '!kept.tmp\nsecret\n',
  'a/one': 'one\n',
  'a/two.tmp': 'tracked although ignored\n',
  'a/b/three': { content: '#!/bin/sh\n', mode: 0o755 },
  'a/b/c/four': 'four\r\n',
  'a/b/c/five': 'five\n',
  'a-b/six': 'six\n',
  'odd "name"\n\\ü': 'odd\n',
  link: { link: 'a/b' },
  'z/link': { link: '../README.md' },
  'Src/main.ts': 'main\n',
  'far/away/file': 'far\n',
}

const remote = await createGitRemote(BASE)
after(() => remote[Symbol.asyncDispose]())
const project = remote.project()
const mirrors = new Mirrors(remote.folder)
const workspaces = createWorkspaces({ root: remote.folder, mirrors })
const signal = new AbortController().signal
const sha = await workspaces.fetchBase(project, signal)
const when = new Date('2026-01-02T03:04:05Z')
const workOrderId = '00000000-0000-4000-8000-0000000000bb'

type Doing = (tree: WorkTree) => Promise<void>

/** What comes of the same work in a whole and in a scoped tree: two commits, or how it was refused. */
async function bothWays(scope: readonly string[], work: Doing) {
  const request = { project, workOrderId, sha, signal }
  await using whole = await workspaces.open({ ...request, attempt: 1 })
  await using scoped = await workspaces.openScoped({ ...request, attempt: 2, scope })
  return { whole: await ending(whole, work), scoped: await ending(scoped, work) }
}

async function ending(tree: WorkTree, work: Doing): Promise<unknown> {
  try {
    await work(tree)
    const changed = await tree.changedPaths()
    return { changed, commit: await tree.commit('WO-1: ändern\n\n# kept', when) }
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return { code: error.code, message: error.message }
  }
}

const patched =
  (content: string, scope: readonly string[]): Doing =>
  async (workspace) => {
    await createPatchExecutor().apply({ workspace, content, scope, signal })
  }

type Change = { name: string; kind: 'write' | 'run' | 'delete' | 'link' }

/** Changes files as nothing stands in their way; folders are made as needed. */
async function make({ path: root }: WorkTree, changes: readonly Change[]): Promise<void> {
  for (const { name, kind } of changes) {
    const file = path.join(root, name)
    await rm(file, { recursive: true, force: true })
    if (kind === 'delete') continue
    await mkdir(path.dirname(file), { recursive: true })
    if (kind === 'link') await symlink('somewhere', file)
    else await writeFile(file, `${kind} ${name}\n`)
    if (kind === 'run') await chmod(file, 0o755)
  }
}

const NAMES = [
  'a/one',
  'a/two.tmp',
  'a/kept.tmp',
  'a/secret',
  'a/b/three',
  'a/b/c/four',
  'a/b/c/five',
  'a/b/c/new',
  'a-b/six',
  'odd "name"\n\\ü',
  'new/ä/deep "x"\n',
  'build/out',
  'README.md',
  'z/link',
  'x.tmp',
  'far/away/file',
]
const SCOPES = [['a/'], ['a/b/', 'README.md', 'build/out', 'x.tmp'], NAMES]

test('random changes in the scope are the same commit as in the whole repository', async () => {
  const change = fc.record({ name: fc.constantFrom(...NAMES), kind: fc.constantFrom('write', 'run', 'delete', 'link') })
  const given = fc.record({
    scope: fc.constantFrom(...SCOPES),
    changes: fc.array(change, { minLength: 1, maxLength: 6 }),
  })
  await fc.assert(
    fc.asyncProperty(given, async ({ scope, changes }) => {
      // A name with a line break is in no scope: `pathProblem` says so of the entry.
      const inScope = changes.filter(({ name }) =>
        scope.some(
          (entry) => (entry === name && pathProblem(entry) === null) || (entry.endsWith('/') && name.startsWith(entry)),
        ),
      )
      const { whole, scoped } = await bothWays(scope, (tree) => make(tree, inScope))
      assert.deepEqual(scoped, whole)
    }),
    { numRuns: 12 },
  )
})

const edits: readonly [what: string, scope: string[], content: string][] = [
  ['an edit', ['a/one'], '### edit a/one\n<<<<<<< SEARCH\none\n=======\n1\n>>>>>>> REPLACE\n'],
  ['a last file deleted', ['a-b/six'], '### delete a-b/six\n'],
  ['a move with its mode', ['a/b/three', 'q/r'], '### rename a/b/three -> q/r\n'],
  ['a new ignored file', ['a/secret'], '### write a/secret\n```\nx\n```\n'],
  ['a new file that a folder lets through', ['a/kept.tmp'], '### write a/kept.tmp\n```\nx\n```\n'],
  ['a file that differs in case from one outside the scope', ['readme.md'], '### write readme.md\n```\nx\n```\n'],
  ['a folder that differs in case from one outside the scope', ['src/x.ts'], '### write src/x.ts\n```\nx\n```\n'],
  ['a file in a link', ['link/three'], '### delete link/three\n'],
  ['a new file in a link', ['link/new'], '### write link/new\n```\nx\n```\n'],
  ['a file in a file', ['README.md/x'], '### write README.md/x\n```\nx\n```\n'],
  ['a file where a folder is', ['a/b'], '### write a/b\n```\nx\n```\n'],
  [
    'a file where a folder stays, for something in it is outside the scope',
    ['a/b/c', 'a/b/c/four'],
    '### delete a/b/c/four\n### write a/b/c\n```\nx\n```\n',
  ],
  ['a file where a folder was', ['a-b', 'a-b/six'], '### delete a-b/six\n### write a-b\n```\nx\n```\n'],
  ['a file outside the scope that is not in the tree', ['a/one'], '### write far/away/file\n```\nx\n```\n'],
  ['a file that is not there', ['far/no'], '### edit far/no\n<<<<<<< SEARCH\none\n=======\n1\n>>>>>>> REPLACE\n'],
]

for (const [what, scope, content] of edits) {
  test(`${what}: the same commit, or refused alike`, async () => {
    const { whole, scoped } = await bothWays(scope, patched(content, scope))
    assert.deepEqual(scoped, whole)
  })
}

const ignored: readonly [what: string, scope: string[], content: string, changes: [string, string][]][] = [
  [
    'a rename to a name that is ignored',
    ['a/one', 'x.tmp'],
    '### rename a/one -> x.tmp\n',
    [
      ['a/one', 'deleted'],
      ['x.tmp', 'added'],
    ],
  ],
  [
    'a new file in an ignored folder, beside an edit',
    ['a/one', 'build/'],
    '### write build/deep/x\n```\nx\n```\n### write a/one\n```\n1\n```\n',
    [
      ['a/one', 'modified'],
      ['build/deep/x', 'added'],
    ],
  ],
  [
    'a new file that its own .gitignore ignores, written with it',
    ['new/'],
    '### write new/.gitignore\n```\n*\n```\n### write new/x\n```\nx\n```\n',
    [
      ['new/.gitignore', 'added'],
      ['new/x', 'added'],
    ],
  ],
  [
    'a tracked file that is ignored, taken out and put back by another name',
    ['a/'],
    '### rename a/two.tmp -> a/three.tmp\n',
    [
      ['a/three.tmp', 'added'],
      ['a/two.tmp', 'deleted'],
    ],
  ],
]

for (const [what, scope, content, changes] of ignored) {
  test(`${what}: nothing of it is dropped, in either tree`, async () => {
    const { whole, scoped } = await bothWays(scope, patched(content, scope))
    assert.deepEqual(scoped, whole)
    const { commit } = z.object({ commit: z.string() }).parse(scoped)
    const files = await workspaces.changedFiles(project, sha, commit)
    assert.deepEqual(
      files.map(({ path: name, change }) => [name, change]),
      changes,
    )
  })
}

test('a scoped tree holds its files, what could be in their way, and no repository', async () => {
  const request = { project, workOrderId, attempt: 3, sha, signal }
  await using tree = await workspaces.openScoped({ ...request, scope: ['a/b/c/', 'src/new', '../x', ''] })
  const found = await readdir(tree.path, { recursive: true })
  const expected = ['Src', 'a', 'a/b', 'a/b/c', 'a/b/c/five', 'a/b/c/four']
  assert.deepEqual(found.toSorted(), expected)
  assert.equal(await readFile(path.join(tree.path, 'a/b/c/four'), 'utf8'), 'four\r\n')
  assert.equal(await tree.commit('nothing', when), null)
})

test('a file of the repository that is not in a scoped tree is neither deleted nor taken for new', async () => {
  const request = { project, workOrderId, attempt: 4, sha, signal }
  await using tree = await workspaces.openScoped({ ...request, scope: ['a/one'] })
  await make(tree, [{ name: 'far/away/file', kind: 'write' }])
  const head = await tree.commit('x', when)
  assert.ok(head !== null)
  assert.deepEqual(
    (await workspaces.changedFiles(project, sha, head)).map(({ path: name, change }) => [name, change]),
    [['far/away/file', 'modified']],
  )
})

test('committing a scoped tree again replaces the commit, and opening it again removes what was left', async () => {
  const request = { project, workOrderId, attempt: 5, sha, signal, scope: ['a/'] }
  const tree = await workspaces.openScoped(request)
  const heads: (string | null)[] = []
  for (const name of ['a/x', 'a/y']) {
    await make(tree, [{ name, kind: 'write' }])
    heads.push(await tree.commit('x', when))
  }
  const ref = await mirrors
    .of(project)
    .succeed(['rev-parse', `refs/moose/${workOrderId}/5`, `${heads[1]}^`], { signal })
  assert.deepEqual(ref.stdout.text().trim().split('\n'), [heads[1], sha])
  await using again = await workspaces.openScoped(request)
  assert.equal(await lstatOrNull(path.join(again.path, 'a/x')), null)
})

test('a file that only became executable is a change', async () => {
  const { whole, scoped } = await bothWays(['README.md'], (tree) => chmod(path.join(tree.path, 'README.md'), 0o755))
  assert.deepEqual(scoped, whole)
})

const MADE_IN_SUBMODULE =
  'sub is a submodule, and sub/x was written into it: it is another repository, and nothing of it can be committed here.'

test('a file in a submodule is refused by name: it would be no part of the commit', async () => {
  const mirror = mirrors.of(project)
  const call = { signal, env: { GIT_INDEX_FILE: path.join(remote.folder, 'index-of-test') } }
  await mirror.succeed(['read-tree', sha], call)
  await mirror.succeed(['update-index', '--add', '--cacheinfo', `160000,${sha},sub`], call)
  const treeId = (await mirror.succeed(['write-tree'], call)).stdout.text().trim()
  const env = { GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a' }
  const made = await mirror.succeed(['commit-tree', '-m', 'x', treeId], { signal, env })
  const request = { project, workOrderId, sha: made.stdout.text().trim(), signal }
  await using whole = await workspaces.open({ ...request, attempt: 6 })
  await using scoped = await workspaces.openScoped({ ...request, attempt: 7, scope: ['sub/x', 'a/one'] })
  const work: Doing = (tree) =>
    make(tree, [
      { name: 'sub/x', kind: 'write' },
      { name: 'a/one', kind: 'write' },
    ])
  const refused = { code: 'change_out_of_scope', message: MADE_IN_SUBMODULE }
  assert.deepEqual(await ending(scoped, work), refused)
  assert.deepEqual(await ending(whole, work), refused)
})
