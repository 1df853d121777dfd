import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { Mirrors } from '../../src/git/mirrors.ts'
import type { HeldChange } from '../../src/work-order/protection/held-change.ts'
import type { ProtectionRules } from '../../src/work-order/protection/protected-paths.ts'
import { createHeldSearch } from '../../src/workspace/held-search.ts'
import { createGitRemote, type FileChange, type GitRemote } from '../support/git-remote.ts'

type Files = Readonly<Record<string, FileChange>>
const NO_RULES: ProtectionRules = { protect: [], unprotect: [] }
/** The guard removed: nothing of the repository is held. */
const EVERYTHING = { protect: [], unprotect: ['**'] }
const TOKEN = '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'

/** What is held of the commit `change` of a repository. */
async function heldIn(remote: GitRemote, { rules = NO_RULES, text = '' } = {}): Promise<HeldChange[]> {
  const mirrors = new Mirrors(remote.folder)
  const project = remote.project()
  const { signal } = new AbortController()
  for (const branch of ['main', 'change'])
    await mirrors.of(project).fetchBranch(project, { branch, into: `refs/heads/${branch}` }, signal)
  const [baseSha, headSha] = await Promise.all(['main', 'change'].map((branch) => remote.git('rev-parse', branch)))
  const commit = { project, baseSha: String(baseSha), headSha: String(headSha), signal }
  return await createHeldSearch(mirrors).find({ ...commit, rules, text })
}

const PACKAGE = JSON.stringify({ name: 'a', version: '1.0.0', scripts: { test: 'node --test' } })
const withScript = (script: string) => JSON.stringify({ name: 'a', version: '1.0.0', scripts: { test: script } })
const PYPROJECT = '[project]\nname = "a"\n\n[build-system]\nrequires = ["hatchling"]\n'

const numbered = (count: number, entry: (number: number) => [string, FileChange]): Files =>
  Object.fromEntries(Array.from({ length: count }, (_, number) => entry(number)))

const CASES: readonly (readonly [what: string, before: Files, after: Files, path: string, why: RegExp | null])[] = [
  ['a workflow', {}, { '.github/workflows/ci.yml': 'on: push' }, '.github/workflows/ci.yml', /integration runs/],
  [
    'a workflow in other case',
    {},
    { '.GitHub/Workflows/ci.yml': 'on: push' },
    '.GitHub/Workflows/ci.yml',
    /integration/,
  ],
  ['CODEOWNERS', { CODEOWNERS: '* @a' }, { CODEOWNERS: '' }, 'CODEOWNERS', /who reviews/],
  ['CODEOWNERS that is deleted', { CODEOWNERS: '* @a' }, { CODEOWNERS: null }, 'CODEOWNERS', /who reviews/],
  ['moose.yaml that is emptied', { 'moose.yaml': 'checks: []' }, { 'moose.yaml': '' }, 'moose.yaml', /verifies by/],
  ['AGENTS.md', {}, { 'AGENTS.md': 'obey' }, 'AGENTS.md', /coding agents are told/],
  ['a lock file', { 'package-lock.json': '{}' }, { 'package-lock.json': '{ }' }, 'package-lock.json', /lock file/],
  ['.gitattributes', {}, { '.gitattributes': '* filter=x' }, '.gitattributes', /of git/],
  ['an editor', {}, { '.vscode/tasks.json': '{}' }, '.vscode/tasks.json', /an editor/],
  [
    'a script of a package',
    { 'package.json': PACKAGE },
    { 'package.json': withScript('curl x') },
    'package.json',
    /\(scripts\)/,
  ],
  ['a package that comes with scripts', {}, { 'web/package.json': PACKAGE }, 'web/package.json', /scripts/],
  [
    'a package that no program can read',
    { 'package.json': PACKAGE },
    { 'package.json': '{' },
    'package.json',
    /cannot be read/,
  ],
  [
    'a version of a package',
    { 'package.json': PACKAGE },
    { 'package.json': PACKAGE.replace('1.0.0', '1.0.1') },
    'package.json',
    null,
  ],
  [
    'what builds a package',
    { 'pyproject.toml': PYPROJECT },
    { 'pyproject.toml': PYPROJECT.replace('hatchling', 'evil') },
    'pyproject.toml',
    /build-system/,
  ],
  [
    'the name of a package',
    { 'pyproject.toml': PYPROJECT },
    { 'pyproject.toml': PYPROJECT.replace('"a"', '"b"') },
    'pyproject.toml',
    null,
  ],
  [
    'an index in a requirements file',
    { 'requirements.txt': 'a==1\n' },
    { 'requirements.txt': '--extra-index-url https://packages.example/simple\na==1\n' },
    'requirements.txt',
    /^where packages come from \(--extra-index-url\)$/,
  ],
  [
    'an index that goes from a requirements file',
    { 'requirements/dev.txt': '-i https://packages.example/simple\na==1\n' },
    { 'requirements/dev.txt': 'a==1\n' },
    'requirements/dev.txt',
    /^where packages come from \(-i\)$/,
  ],
  [
    'an address in a requirements file',
    {},
    { 'requirements.txt': 'git+https://packages.example/a\n' },
    'requirements.txt',
    /\(an address or a path\)/,
  ],
  [
    'a requirements file that pip alone can read',
    {},
    { 'requirements.txt': '# coding: utf-7\na==1\n' },
    'requirements.txt',
    /\(it cannot be read\)/,
  ],
  [
    'a requirements file of another name that a link leads to',
    { 'requirements.txt': { link: 'python/list' }, 'python/list': 'a==1\n' },
    { 'python/list': '-e ../x\n' },
    'python/list',
    /\(-e\) \(as requirements\.txt, by a link\)/,
  ],
  [
    'a version in a requirements file',
    { 'requirements.txt': '-i https://packages.example/simple\na==1 --hash=sha256:00ff\n' },
    { 'requirements.txt': '-i https://packages.example/simple\na==2 --hash=sha256:11ee\n' },
    'requirements.txt',
    null,
  ],
  ['an executable bit', { 'a.sh': 'a' }, { 'a.sh': { content: 'a', mode: 0o755 } }, 'a.sh', /made executable/],
  [
    'an executable bit that goes',
    { 'a.sh': { content: 'a', mode: 0o755 } },
    { 'a.sh': { content: 'b', mode: 0o644 } },
    'a.sh',
    /no longer executable/,
  ],
  ['a new executable', {}, { 'a.sh': { content: 'a', mode: 0o755 } }, 'a.sh', null],
  ['a link that replaces a file', { a: 'a', b: 'b' }, { a: { link: 'b' } }, 'a', /a link where a file was/],
  ['a file that replaces a link', { a: { link: 'b' }, b: 'b' }, { a: 'a' }, 'a', /a file where a link was/],
  ['a link to an absolute path', {}, { 'docs/a': { link: '/etc/passwd' } }, 'docs/a', /out of the repository/],
  ['a link that climbs out', {}, { 'docs/a': { link: 'x/../../../b' } }, 'docs/a', /out of the repository/],
  [
    'a link that is led out',
    { 'docs/a': { link: 'b' } },
    { 'docs/a': { link: '../../b' } },
    'docs/a',
    /out of the repository/,
  ],
  ["a link into git's folder", {}, { 'docs/a': { link: '../.GIT/config' } }, 'docs/a', /git's own folder/],
  ['a link within the tree', { b: 'b' }, { 'docs/a': { link: '../b' } }, 'docs/a', null],
  [
    'a link in the place of a protected folder',
    { 'src/x/settings.json': '{}' },
    { '.claude': { link: 'src/x' } },
    '.claude',
    /configuration of coding agents/,
  ],
  [
    'a file that a protected name leads to',
    { 'AGENTS.md': { link: 'docs/rules.md' }, 'docs/rules.md': 'a' },
    { 'docs/rules.md': 'obey' },
    'docs/rules.md',
    /coding agents are told \(as AGENTS\.md, by a link\)/,
  ],
  [
    'a file in a folder that a protected name leads to, over another link',
    { '.claude': { link: 'tools/agent' }, tools: { link: 'lib' }, 'lib/agent/settings.json': '{}' },
    { 'lib/agent/settings.json': '{"hooks":{}}' },
    'lib/agent/settings.json',
    /as \.claude\/settings\.json, by a link/,
  ],
  [
    'a manifest that another name leads to',
    { 'package.json': { link: 'config/manifest' }, 'config/manifest': PACKAGE },
    { 'config/manifest': withScript('curl x') },
    'config/manifest',
    /\(scripts\) \(as package\.json, by a link/,
  ],
  [
    'a link that a protected name leads over, and that leads elsewhere now',
    { 'AGENTS.md': { link: 'rules/main.md' }, rules: { link: 'v1' }, 'v1/main.md': 'a', 'v2/main.md': 'obey' },
    { rules: { link: 'v2' } },
    'rules',
    /as AGENTS\.md, by a link/,
  ],
  [
    'a link that a protected folder leads over, and that leads elsewhere now',
    { '.claude': { link: 'tools/claude' }, tools: { link: 'v1' }, 'v1/claude/x': 'a', 'v2/claude/x': 'b' },
    { tools: { link: 'v2' } },
    'tools',
    /as \.claude, by a link/,
  ],
  [
    'a file that a protected name leads to beside many others',
    { 'AGENTS.md': { link: 'docs/rules.md' }, 'docs/rules.md': 'a' },
    { 'docs/rules.md': 'obey', ...numbered(150, (number) => [`A${number}`, { link: 'docs/rules.md' }]) },
    'docs/rules.md',
    /as AGENTS\.md, by a link/,
  ],
  [
    'a file that more names lead to than are looked at',
    { x: 'a', ...numbered(150, (number) => [`A${number}`, { link: 'x' }]) },
    { x: 'b' },
    'x',
    /more names, by links/,
  ],
  [
    'a link over more others than are followed',
    { a: 'a' },
    { ...numbered(41, (number) => [`l${number}`, { link: number === 40 ? 'a' : `l${number + 1}` }]) },
    'l0',
    /leads too far/,
  ],
  ['a link whose target is longer than is read', { a: 'a' }, { b: { link: `${'./'.repeat(600)}a` } }, 'b', /too far/],
  ['a file that a usual link leads to', { a: { link: 'b' }, b: 'b' }, { b: 'c' }, 'b', null],
  ['a link in the place of a usual folder', { b: 'b' }, { lib: { link: 'b' } }, 'lib', null],
  ['a usual file', { a: 'a' }, { a: 'b' }, 'a', null],
]
for (const [what, before, after, path, why] of CASES) {
  test(`${what} ${why === null ? 'is not held' : 'is held, unless the project says otherwise'}`, async () => {
    await using remote = await createGitRemote({ 'kept.txt': 'kept', ...before })
    await remote.commit('change', after)
    const held = await heldIn(remote)
    if (why === null) return assert.deepEqual(held, [])
    assert.deepEqual(
      held.map((change) => [change.path, change.fingerprint]),
      [[path, null]],
    )
    assert.match(String(held[0]?.why), why)
    assert.deepEqual(await heldIn(remote, { rules: EVERYTHING }), [])
  })
}

test('a link over the folder of a file that a protected name leads to is held, with what was there', async () => {
  await using remote = await createGitRemote({
    'AGENTS.md': { link: 'docs/agents/main.md' },
    'docs/agents/main.md': 'a',
    'real/main.md': 'obey',
  })
  await remote.commit('change', { 'docs/agents/main.md': null, 'docs/agents': { link: '../real' } })
  const held = await heldIn(remote)
  assert.deepEqual(
    held.map(({ path, why }) => [path, /as AGENTS\.md, by a link/.test(why)]),
    [
      ['docs/agents', true],
      ['docs/agents/main.md', true],
    ],
  )
})

test('a pointer to a commit of another repository is held, new or moved', async () => {
  await using remote = await createGitRemote({ a: 'a' })
  await remote.commit('change', { a: 'b' })
  const listed = `${await remote.git('ls-tree', 'change')}\n160000 commit ${'1'.repeat(40)}\tlib\n`
  const made = execFileSync('git', ['--git-dir', remote.path, 'mktree', '--missing'], { input: listed })
  const treeId = made.toString().trim()
  const commit = await remote.git(
    '-c',
    'user.name=A',
    '-c',
    'user.email=a@b',
    'commit-tree',
    treeId,
    '-p',
    'change',
    '-m',
    'x',
  )
  await remote.git('update-ref', 'refs/heads/change', commit)
  const held = await heldIn(remote)
  assert.deepEqual(
    held.map(({ path, why }) => [path, /submodule/.test(why)]),
    [['lib', true]],
  )
  assert.deepEqual(await heldIn(remote, { rules: EVERYTHING }), [])
})

test('what a project adds is held, and before what it excepts', async () => {
  await using remote = await createGitRemote({ a: 'a' })
  await remote.commit('change', { 'infra/main.tf': 'x', 'package-lock.json': '{}' })
  const rules = { protect: ['infra/'], unprotect: ['infra/', 'package-lock.json'] }
  assert.deepEqual(
    (await heldIn(remote, { rules })).map(({ path }) => path),
    ['infra/main.tf'],
  )
})

test('what looks like a key is held by a fingerprint that does not tell it, also where nothing is protected', async () => {
  await using remote = await createGitRemote({ 'old.txt': `${TOKEN}\n` })
  await remote.commit('change', {
    'a.ts': `// secretlint-disable\nconst token = '${TOKEN}'\n`,
    'old.txt': `kept\n${TOKEN}\n`,
    'far.txt': `${'x'.repeat(99)}\n`.repeat(10_000) + TOKEN,
  })
  for (const rules of [NO_RULES, EVERYTHING]) {
    const held = await heldIn(remote, { rules, text: `See ${TOKEN}` })
    assert.deepEqual(
      held.map(({ path }) => path),
      [null, 'a.ts', 'far.txt'],
    )
    assert.equal(new Set(held.map(({ fingerprint }) => fingerprint)).size, 1)
    assert.match(String(held[0]?.fingerprint), /^[0-9a-f]{16}$/)
    assert.ok(!JSON.stringify(held).includes(TOKEN))
  }
})

test('a key behind the first megabytes is found; a file that is larger than is searched is held by name', async () => {
  await using remote = await createGitRemote({ 'old.bin': Buffer.alloc(5_000_000, 'x\n').toString() + TOKEN })
  const filled = (bytes: number) => 'x\n'.repeat(bytes / 2)
  await remote.commit('change', {
    'far.txt': filled(9_000_000) + TOKEN,
    'large.bin': filled(17 * 1024 * 1024),
    'old.bin': `${filled(6_000_000)}${TOKEN}`,
    'utf16.txt': Buffer.from(`key = ${TOKEN}`, 'utf16le').toString(),
  })
  const held = await heldIn(remote)
  assert.deepEqual(
    held.map(({ path, fingerprint }) => [path, fingerprint === null]),
    [
      ['far.txt', false],
      ['utf16.txt', false],
      ['large.bin', true],
    ],
  )
  assert.match(String(held.at(-1)?.why), /too large to be searched/)
  assert.deepEqual(
    (await heldIn(remote, { rules: { protect: [], unprotect: ['*.bin'] } })).map(({ path }) => path),
    ['far.txt', 'utf16.txt'],
  )
})

test('a key in the name of a file or in the target of a link is held, and is not told', async () => {
  await using remote = await createGitRemote({ a: 'a', [`old/${TOKEN}`]: 'a' })
  await remote.commit('change', { [`new/${TOKEN}.txt`]: 'x', link: { link: TOKEN }, [`old/${TOKEN}`]: 'b' })
  const held = await heldIn(remote, { rules: EVERYTHING })
  assert.deepEqual(
    held.map(({ path, fingerprint }) => [path, fingerprint === null]),
    [
      ['link', false],
      ['new/***.txt', false],
    ],
  )
  assert.ok(!JSON.stringify(held).includes(TOKEN))
})

test('a key in a commit that a later one takes it out of is held: both are pushed', async () => {
  await using remote = await createGitRemote({ 'a.txt': 'a\n' })
  await remote.commit('change', { 'a.txt': `a\n${TOKEN}\n` })
  await remote.commit('change', { 'a.txt': 'a\nmended\n' })
  const held = await heldIn(remote)
  assert.deepEqual(
    held.map(({ path, fingerprint }) => [path, fingerprint !== null]),
    [['a.txt', true]],
  )
  assert.match(String(held[0]?.why), /\(in an earlier commit of the change\)$/)
})

test('a commit that git alone has merged the base into holds what it held before; anything else on top does not', async () => {
  const [top, bottom] = ['on: push\n', 'jobs: {}\n']
  await using remote = await createGitRemote({ a: 'a', 'ci.yml': `${top}\n1\n2\n3\n\n${bottom}`, 'other.yml': 'a' })
  const first = await remote.commit('change', { 'ci.yml': `${top}more\n\n1\n2\n3\n\n${bottom}`, 'other.yml': 'b' })
  const merge = async (files: Files, tree?: string) => {
    const tip = await remote.commit('main', files)
    const from = await remote.git('rev-parse', 'change')
    const made = tree === undefined ? await remote.git('merge-tree', '--write-tree', 'change', 'main') : tree
    const sha = await remote.git('commit-tree', made, '-p', from, '-p', tip, '-m', 'merge')
    await remote.git('update-ref', 'refs/heads/change', sha)
    return sha
  }
  const since = async (earlier: readonly string[]) => {
    const mirrors = new Mirrors(remote.folder)
    const project = remote.project()
    const { signal } = new AbortController()
    for (const branch of ['main', 'change'])
      await mirrors.of(project).fetchBranch(project, { branch, into: `refs/heads/${branch}` }, signal)
    const [baseSha, headSha] = [await remote.git('rev-parse', 'main'), await remote.git('rev-parse', 'change')]
    const merged = createHeldSearch(mirrors).mergedSince({ project, baseSha, headSha, signal }, new Set(earlier))
    return [...(await merged)].map(([sha, paths]) => [sha, [...paths]])
  }
  assert.deepEqual(await since([first]), [], 'the commit itself is none')
  const second = await merge({ a: 'b' })
  assert.deepEqual(await since([first, 'f'.repeat(40)]), [[first, ['a']]])
  await merge({ 'ci.yml': `${top}\n1\n2\n3\n\n${bottom}last\n` })
  assert.deepEqual(await since([first, second]), [
    [second, ['ci.yml']],
    [first, ['a', 'ci.yml']],
  ])
  const other = await remote.git('rev-parse', 'change^{tree}')
  const odd = await merge({ a: 'c' }, other)
  assert.deepEqual(await since([first, second]), [], 'it is not what git makes of the two')
  await remote.commit('change', { a: 'd' })
  assert.deepEqual(await since([odd]), [], 'a commit on top')
  await remote.git('update-ref', 'refs/heads/aside', await remote.git('rev-parse', 'main'))
  const aside = await remote.commit('aside', { b: 'b' })
  const head = await remote.git('rev-parse', 'change')
  const tree = await remote.git('merge-tree', '--write-tree', 'change', 'aside')
  const foreign = await remote.git('commit-tree', tree, '-p', head, '-p', aside, '-m', 'merge')
  await remote.git('update-ref', 'refs/heads/change', foreign)
  assert.deepEqual(await since([head]), [], 'what is merged in is not of the base')
  const begun = await remote.git('commit-tree', tree, '-m', 'begun anew')
  const main = await remote.git('rev-parse', 'main')
  const unrelated = await remote.git('commit-tree', tree, '-p', begun, '-p', main, '-m', 'merge')
  await remote.git('update-ref', 'refs/heads/change', unrelated)
  assert.deepEqual(await since([begun]), [], 'git does not merge what shares no history')
})
