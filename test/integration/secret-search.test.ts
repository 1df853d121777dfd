import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Mirrors } from '../../src/git/mirrors.ts'
import { createSecretSearch } from '../../src/workspace/secret-search.ts'
import { createGitRemote, type FileChange } from '../support/git-remote.ts'

const KEY = 'sk-canary/0123456789+x='
const SECRETS = [
  { name: 'OPENAI_API_KEY', value: KEY, written: KEY },
  { name: 'the password of DATABASE_URL', value: 'postgres', written: 'postgres' },
]

type Files = Readonly<Record<string, FileChange>>

/** What is found in a commit that changes `before` into `after`. */
async function foundIn(before: Files, after: Files, branches: readonly string[] = ['feature/x']) {
  await using remote = await createGitRemote(before)
  const baseSha = await remote.git('rev-parse', 'main')
  const headSha = await remote.commit('change', after)
  const mirrors = new Mirrors(remote.folder)
  const project = remote.project()
  const { signal } = new AbortController()
  const mirror = mirrors.of(project)
  for (const branch of ['main', 'change']) {
    await mirror.fetchBranch(project, { branch, into: `refs/heads/${branch}` }, signal)
  }
  return await createSecretSearch(mirrors, SECRETS).find({ project, baseSha, headSha, branches, signal })
}

const inFile = (path: string, line: number | null) => ({
  name: 'OPENAI_API_KEY',
  place: line === null ? path : `${path}, line ${line}`,
  path,
  line,
})
const BIG = Buffer.alloc(5_000_000, 'x\n')

const CASES: readonly (readonly [string, Files, Files, Awaited<ReturnType<typeof foundIn>>])[] = [
  ['in a line of a new file', {}, { 'src/a.ts': `one\ntwo ${KEY}\n` }, inFile('src/a.ts', 2)],
  ['in a line of a file that was there', { a: 'a\n' }, { a: `a\nb\n${KEY}` }, inFile('a', 3)],
  ['percent-encoded', {}, { a: `?key=${encodeURIComponent(KEY)}` }, inFile('a', 1)],
  ['in base64', {}, { a: Buffer.from(`a:${KEY}`).toString('base64') }, inFile('a', 1)],
  ['in a file that is no text', {}, { 'a.bin': Buffer.from(`\0\xff${KEY}`, 'latin1') }, inFile('a.bin', null)],
  ['far down in a large file', {}, { a: Buffer.concat([BIG, Buffer.from(KEY)]) }, inFile('a', 2_500_001)],
  ['as what a link points to', {}, { a: { link: KEY } }, inFile('a', 1)],
  ['after files without one', { z: '1' }, { a: '1', z: '2', b: KEY }, inFile('b', 1)],
  ['once more in a file that held it', { a: KEY }, { a: `${KEY}\n${KEY}` }, inFile('a', 2)],
  ['in another file than before', { a: KEY }, { a: '', b: KEY }, inFile('b', 1)],
  ['kept in a file that changes', { a: `${KEY}\n` }, { a: `new\n${KEY}\nnew\n` }, null],
  ['in a file that only has another name now', { a: KEY, c: '1' }, { a: null, 'd/b': KEY, c: '2' }, null],
  ['in a file that is deleted', { a: KEY, b: '1' }, { a: null }, null],
  ['in a file that does not change', { a: KEY }, { b: '1' }, null],
  ['that is a word', {}, { 'postgres.ts': 'import postgres from "postgres"' }, null],
]
for (const [what, before, after, expected] of CASES) {
  test(`a secret ${what} ${expected === null ? 'stops nothing' : 'is found, with its place'}`, async () => {
    assert.deepEqual(await foundIn({ 'kept.txt': 'kept', ...before }, after), expected)
  })
}

test('a secret in the name of a file or of a branch is found, and the place does not tell it', async () => {
  const [plain] = KEY.split('/')
  const named = [{ name: 'GH_TOKEN', value: 'ghp_0123456789abcdef', written: 'ghp_0123456789abcdef' }]
  await using remote = await createGitRemote({ a: '1' })
  const baseSha = await remote.git('rev-parse', 'main')
  const headSha = await remote.commit('change', { 'ghp_0123456789abcdef.txt': String(plain) })
  const mirrors = new Mirrors(remote.folder)
  const project = remote.project()
  const { signal } = new AbortController()
  await mirrors.of(project).fetchBranch(project, { branch: 'change', into: 'refs/heads/change' }, signal)
  const find = (branches: readonly string[]) =>
    createSecretSearch(mirrors, named).find({ project, baseSha, headSha, branches, signal })
  const path = '[redacted].txt'
  assert.deepEqual(await find([]), { name: 'GH_TOKEN', place: `the name of the file ${path}`, path, line: null })
  assert.deepEqual(await find(['feature/wo-1', 'feature/wo-1-ghp_0123456789abcdef']), {
    name: 'GH_TOKEN',
    place: 'the name of the branch',
    path: null,
    line: null,
  })
})

test('a secret in the message of the commit is found', async () => {
  await using remote = await createGitRemote({ a: '1' })
  const baseSha = await remote.git('rev-parse', 'main')
  const tree = await remote.git('rev-parse', 'main^{tree}')
  const headSha = await remote.git('commit-tree', tree, '-p', baseSha, '-m', `Use ${KEY}`)
  await remote.git('branch', 'change', headSha)
  const mirrors = new Mirrors(remote.folder)
  const project = remote.project()
  const { signal } = new AbortController()
  await mirrors.of(project).fetchBranch(project, { branch: 'change', into: 'refs/heads/change' }, signal)
  const found = await createSecretSearch(mirrors, SECRETS).find({ project, baseSha, headSha, branches: [], signal })
  assert.deepEqual(found, { name: 'OPENAI_API_KEY', place: "the commit's message", path: null, line: null })
})
