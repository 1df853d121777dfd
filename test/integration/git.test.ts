import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { Fault, type FaultCode } from '../../src/faults/fault.ts'
import { defaultBranchOf } from '../../src/git/default-branch.ts'
import { mergeCommits } from '../../src/git/merge.ts'
import { unreachable } from '../../src/git/mirror.ts'
import { Mirrors } from '../../src/git/mirrors.ts'
import { deleteRemoteBranch, pushCommit, remoteHead } from '../../src/git/push.ts'
import { branchRef } from '../../src/git/ref-names.ts'
import { BoundedOutput } from '../../src/process/bounded-output.ts'
import { PLAIN_COMMITS } from '../../src/work-order/project.ts'
import { createGitRemote, type GitRemote, gitIn } from '../support/git-remote.ts'

const fault = (code: FaultCode) => (error: unknown) => error instanceof Fault && error.code === code
const never = new AbortController().signal
const when = new Date('2026-01-02T03:04:05Z')

/** A mirror of the remote that has fetched `main`. */
async function mirrored(remote: GitRemote, project = remote.project()) {
  const mirror = new Mirrors(remote.folder).of(project)
  const main = await mirror.fetchBranch(project, { branch: 'main', into: 'refs/heads/main' }, never)
  assert.ok(main !== null)
  return { mirror, main, source: { project, mirror, signal: null } }
}

async function fetched(remote: GitRemote, branch: string): Promise<void> {
  const project = remote.project()
  await new Mirrors(remote.folder).of(project).fetchBranch(project, { branch, into: branchRef(branch) }, never)
}

/** Makes a hook of the bare remote run a shell script. */
async function hook(remote: GitRemote, name: string, script: string): Promise<void> {
  const file = path.join(remote.path, 'hooks', name)
  await mkdir(path.dirname(file), { recursive: true })
  await writeFile(file, `#!/bin/sh\n${script}\n`)
  await chmod(file, 0o755)
}

test('branchRef allows no name that git forbids', () => {
  const part = fc.string({
    unit: fc.constantFrom(...'ab./@{}~^:?*[\\-"\' é\u0001\u007f'.split(''), '.lock', 'HEAD'),
    maxLength: 6,
  })
  fc.assert(
    fc.property(part, (name) => {
      try {
        branchRef(name)
      } catch {
        return
      }
      execFileSync('git', ['check-ref-format', '--branch', name], { stdio: 'ignore' })
    }),
    { numRuns: 150 },
  )
})

test('a fetch follows the branch, also when it was rewritten', async () => {
  await using remote = await createGitRemote({ a: '1' })
  const project = remote.project()
  const { mirror, main } = await mirrored(remote)
  assert.equal(main, await remote.git('rev-parse', 'main'))
  const other = await remote.commit('other', { b: '2' })
  await remote.git('update-ref', 'refs/heads/main', other)
  assert.equal(await mirror.fetchBranch(project, { branch: 'main', into: 'refs/heads/main' }, never), other)
  assert.equal(await mirror.fetchBranch(project, { branch: 'gone', into: 'refs/heads/gone' }, never), null)
})

test('many fetches at once, from several processes worth of mirrors, all succeed', async () => {
  await using remote = await createGitRemote({ a: '1' })
  const project = remote.project()
  await mirrored(remote)
  const mirrors = [1, 2, 3].map(() => new Mirrors(remote.folder).of(project))
  for (let round = 0; round < 3; round += 1) {
    const head = await remote.commit('main', { a: `${round}` })
    const fetches = [...mirrors, ...mirrors].map((mirror) =>
      mirror.fetchBranch(project, { branch: 'main', into: 'refs/heads/main' }, never),
    )
    assert.deepEqual(new Set(await Promise.all(fetches)), new Set([head]))
  }
})

test('a lock left behind by a killed git is removed once it is old, and waited for while it is young', async () => {
  await using remote = await createGitRemote({ a: '1' })
  const { mirror, main } = await mirrored(remote)
  const lock = path.join(mirror.dir, 'refs', 'moose', 'x', '1.lock')
  await mkdir(path.dirname(lock), { recursive: true })
  await writeFile(lock, '')
  await assert.rejects(mirror.keep('refs/moose/x/1', main), fault('command_failed'))
  const config = path.join(mirror.dir, 'config.lock')
  await writeFile(config, '')
  const anHourAgo = new Date(Date.now() - 3_600_000)
  await utimes(lock, anHourAgo, anHourAgo)
  await utimes(config, anHourAgo, anHourAgo)
  await mirrored(remote)
  await mirror.keep('refs/moose/x/1', main)
  assert.equal(await gitIn(mirror.dir, 'rev-parse', 'refs/moose/x/1'), main)
})

test('a repository that wants a login says what to type; the words of git end once', () => {
  const said = (url: string, stderr: string) => {
    const output = new BoundedOutput(1_000, 'head')
    output.write(Buffer.from(stderr))
    const result = { exitCode: 128, endedBy: null, durationMs: 1, stdout: new BoundedOutput(1, 'head'), stderr: output }
    return unreachable({ url, shown: url }, result).message
  }
  const login = /gh auth login {3}or set GH_TOKEN\.$/
  const https = 'https://github.com/acme/shop.git'
  const noPrompt = "fatal: could not read Username for 'https://github.com': terminal prompts disabled"
  for (const refusal of [`fatal: Authentication failed for '${https}/'`, noPrompt])
    assert.match(said(https, `${refusal}\n`), login)
  assert.doesNotMatch(said(https, 'fatal: Could not resolve host: github.com'), /gh auth/)
  const ssh = said('git@github.com:acme/shop.git', 'and the repository exists.\n')
  assert.match(ssh, /exists\. Check its address and your access to it\.$/)
})

test('an unreachable repository says so; one with a password is not even tried, and not shown', async () => {
  await using remote = await createGitRemote({ a: '1' })
  for (const [repository, code] of [
    ['/nonexistent/repo', 'repository_unreachable'],
    ['http://127.0.0.1:9/r.git', 'repository_unreachable'],
    ['http://hunter2@127.0.0.1:9/r.git', 'repository_refused'],
    ['http://ada:hunter2@127.0.0.1:9/r.git', 'repository_refused'],
  ] as const) {
    const project = remote.project({ repository })
    const mirror = new Mirrors(remote.folder).of(project)
    const fetch = mirror.fetchBranch(project, { branch: 'main', into: 'refs/heads/main' }, never)
    const seen = await fetch.then(
      () => null,
      (error: unknown) => error,
    )
    assert.ok(seen instanceof Fault && seen.code === code)
    assert.ok(!JSON.stringify(seen.toRecord()).includes('hunter2'))
  }
})

test('a repository cannot make our git run a program', async () => {
  await using remote = await createGitRemote({ '.gitattributes': '* filter=evil diff=evil\n', a: '1' })
  const marker = path.join(remote.folder, 'pwned')
  for (const key of [
    'filter.evil.smudge',
    'filter.evil.clean',
    'diff.evil.textconv',
    'core.fsmonitor',
    'core.sshCommand',
  ])
    await remote.git('config', key, `touch ${marker}`)
  const project = remote.project({ repository: `ext::sh -c touch% ${marker}` })
  const mirror = new Mirrors(remote.folder).of(project)
  await assert.rejects(
    mirror.fetchBranch(project, { branch: 'main', into: 'refs/heads/main' }, never),
    fault('repository_refused'),
  )
  await assert.rejects(
    mirror.succeed(['ls-remote', '--', project.repository], { signal: null }),
    fault('command_failed'),
  )
  await mirrored(remote)
  assert.ok(!existsSync(marker))
})

test('a push lands only where it is expected to, and repeating it changes nothing', async () => {
  await using remote = await createGitRemote({ a: '1' })
  const { main, source } = await mirrored(remote)
  const push = { sha: main, branch: 'feature/x', expected: null }
  assert.deepEqual(await pushCommit(source, push), { outcome: 'landed' })
  assert.deepEqual(await pushCommit(source, push), { outcome: 'landed' })
  const foreign = await remote.commit('feature/y', { a: '2' })
  assert.deepEqual(await pushCommit(source, { ...push, branch: 'feature/y' }), { outcome: 'moved', remoteSha: foreign })
  assert.equal(await remote.git('rev-parse', 'feature/y'), foreign)
  assert.equal(await remoteHead(source, 'x'), null, 'a branch that only ends in the name is another one')
})

test('a push that landed although its client failed counts as landed', async () => {
  await using remote = await createGitRemote({ a: '1' })
  const { mirror, main, source } = await mirrored(remote)
  const run = mirror.runRemote.bind(mirror)
  mirror.runRemote = async (project, args, call) => {
    const result = await run(project, args, call)
    if (args[0] === 'push') throw new Fault('command_timed_out', 'the client was killed')
    return result
  }
  assert.deepEqual(await pushCommit(source, { sha: main, branch: 'b', expected: null }), { outcome: 'landed' })
})

test('a push the repository refuses by its own rule says why', async () => {
  await using remote = await createGitRemote({ a: '1' })
  const { main, source } = await mirrored(remote)
  await hook(remote, 'pre-receive', 'echo "protected by policy 7" >&2; exit 1')
  const pushed = await pushCommit(source, { sha: main, branch: 'b', expected: null })
  assert.equal(pushed.outcome, 'rejected')
  assert.match(JSON.stringify(pushed), /policy 7/)
})

test('a hook that prints a megabyte is told by its first words', async () => {
  await using remote = await createGitRemote({ a: '1' })
  const { main, source } = await mirrored(remote)
  await hook(remote, 'pre-receive', `echo "policy 7" >&2; head -c 1000000 /dev/zero | tr '\\0' a >&2; exit 1`)
  const pushed = await pushCommit(source, { sha: main, branch: 'b', expected: null })
  assert.ok(pushed.outcome === 'rejected')
  assert.match(pushed.reason, /^\[remote rejected\] .*; policy 7 a{100}/)
  assert.ok(pushed.reason.length < 1_200)
})

test('a branch is deleted only while it stands at the expected commit', async () => {
  await using remote = await createGitRemote({ a: '1' })
  const { main, source } = await mirrored(remote)
  const foreign = await remote.commit('b', { a: '2' })
  assert.equal(await deleteRemoteBranch(source, 'b', main), false)
  assert.deepEqual(await remote.branches(), ['b', 'main'])
  assert.equal(await deleteRemoteBranch(source, 'b', foreign), true)
  assert.equal(await deleteRemoteBranch(source, 'b', foreign), true)
  assert.deepEqual(await remote.branches(), ['main'])
})

test('a merge has both parents; merging again finds the commit that brought the change', async () => {
  await using remote = await createGitRemote({ a: '1\n', b: '1\n' })
  const head = await remote.commit('feature', { a: '2\n' })
  await remote.commit('main', { b: '2\n' })
  const { mirror, main: base } = await mirrored(remote)
  await fetched(remote, 'feature')
  const request = { base, head, message: 'Merge\n', when, rules: PLAIN_COMMITS }
  const merged = await mergeCommits(mirror, request)
  assert.equal(merged.outcome, 'merged')
  if (merged.outcome !== 'merged') return
  assert.equal(
    await gitIn(mirror.dir, 'show', '-s', '--format=%P|%an|%at|%s', merged.sha),
    `${base} ${head}|Moose|1767323045|Merge`,
  )
  assert.equal(await gitIn(mirror.dir, 'show', `${merged.sha}:a`), '2')
  assert.deepEqual(await mergeCommits(mirror, request), merged)
  const again = await mergeCommits(mirror, { ...request, base: merged.sha })
  assert.deepEqual(again, { outcome: 'contained', sha: merged.sha })
  assert.deepEqual(await mergeCommits(mirror, { ...request, base: head }), { outcome: 'contained', sha: head })
})

test('a conflict names the files', async () => {
  await using remote = await createGitRemote({ 'a b.txt': '1\n', ü: '1\n', c: '1\n' })
  const head = await remote.commit('feature', { 'a b.txt': '2\n', ü: '2\n', c: '2\n' })
  await remote.commit('main', { 'a b.txt': '3\n', ü: null })
  const { mirror, main: base } = await mirrored(remote)
  await fetched(remote, 'feature')
  const merged = await mergeCommits(mirror, { base, head, message: 'Merge', when, rules: PLAIN_COMMITS })
  assert.ok(merged.outcome === 'conflict')
  assert.deepEqual(merged.files, ['a b.txt', 'ü'])
  const marked = new RegExp(`^<<<<<<< ${base}\\n3\\n=======\\n2\\n>>>>>>> ${head}$`)
  assert.match(await gitIn(mirror.dir, 'show', `${merged.tree}:a b.txt`), marked)
  assert.equal(await gitIn(mirror.dir, 'show', `${merged.tree}:c`), '2')
})

test('what foreign code writes into the mirror neither runs nor redirects', async () => {
  await using remote = await createGitRemote({ '.gitattributes': '* filter=evil\n', a: '1\n' })
  await using elsewhere = await createGitRemote({ a: 'elsewhere\n' })
  const { mirror, main, source } = await mirrored(remote)
  const marker = path.join(remote.folder, 'pwned')
  const evil = path.join(remote.folder, 'evil')
  await writeFile(evil, `#!/bin/sh\ntouch ${marker}\ncat\n`, { mode: 0o755 })
  const tamper = async () => {
    for (const key of ['core.sshCommand', 'filter.evil.clean', 'filter.evil.smudge', 'core.alternateRefsCommand'])
      await gitIn(mirror.dir, 'config', key, evil)
    await gitIn(mirror.dir, 'config', `url.${elsewhere.path}.insteadOf`, remote.path)
    await mkdir(path.join(mirror.dir, 'hooks'), { recursive: true })
    await writeFile(path.join(mirror.dir, 'hooks', 'pre-push'), `#!/bin/sh\ntouch ${marker}\n`, { mode: 0o755 })
    await writeFile(path.join(mirror.dir, 'info', 'attributes'), '* filter=evil text\n')
    await writeFile(path.join(mirror.dir, 'info', 'grafts'), `${main} ${main}\n`)
    await writeFile(path.join(mirror.dir, 'info', 'exclude'), '*\n')
    await writeFile(path.join(mirror.dir, 'HEAD'), 'rubbish')
  }
  await tamper()
  assert.equal(await remoteHead(source, 'main'), main)
  assert.ok(!existsSync(path.join(mirror.dir, 'hooks')) && !existsSync(path.join(mirror.dir, 'info', 'grafts')))
  await gitIn(mirror.dir, 'config', 'core.fsmonitor', evil)
  await tamper()
  assert.equal(await mirror.fetchBranch(remote.project(), { branch: 'main', into: 'refs/heads/main' }, never), main)
  await tamper()
  const again = new Mirrors(remote.folder).of(remote.project())
  assert.equal(await again.fetchBranch(remote.project(), { branch: 'main', into: 'refs/heads/main' }, never), main)
  await tamper()
  const pushed = await pushCommit(source, { sha: main, branch: 'new', expected: null })
  assert.deepEqual(
    [pushed.outcome, await remote.branches(), await elsewhere.branches()],
    ['landed', ['main', 'new'], ['main']],
  )
  assert.ok(!existsSync(marker))
})

for (const [name, commands] of [
  [
    'a pipe in place of its config',
    (dir: string) => [
      ['rm', `${dir}/config`],
      ['mkfifo', `${dir}/config`],
    ],
  ],
  [
    'a folder in place of its attributes',
    (dir: string) => [
      ['rm', '-f', `${dir}/info/attributes`],
      ['mkdir', '-p', `${dir}/info/attributes/x`],
    ],
  ],
  ['another repository as its common one', (dir: string) => [['sh', '-c', 'echo "$0/none" > "$0/commondir"', dir]]],
] as const) {
  test(`a mirror with ${name} is put back`, async () => {
    await using remote = await createGitRemote({ a: '1\n' })
    const { source, main, mirror } = await mirrored(remote)
    for (const [program, ...args] of commands(mirror.dir)) execFileSync(String(program), args)
    assert.equal(await remoteHead(source, 'main'), main)
    await mirror.succeed(['cat-file', '-e', main], { signal: null, timeoutMs: 10_000 })
  })
}

test('putting the files of a mirror back never writes through a link', async () => {
  await using remote = await createGitRemote({ a: '1\n' })
  const { source, main, mirror } = await mirrored(remote)
  const victim = path.join(remote.folder, 'victim')
  await mkdir(victim)
  for (const name of ['attributes', 'config']) await writeFile(path.join(victim, name), 'mine')
  await rm(path.join(mirror.dir, 'info'), { recursive: true })
  await symlink(victim, path.join(mirror.dir, 'info'))
  await rm(path.join(mirror.dir, 'config'))
  await symlink(path.join(victim, 'config'), path.join(mirror.dir, 'config'))
  assert.equal(await remoteHead(source, 'main'), main)
  for (const name of ['attributes', 'config']) assert.equal(await readFile(path.join(victim, name), 'utf8'), 'mine')
})

test('a replacement of a commit counts for nothing', async () => {
  await using remote = await createGitRemote({ a: '1\n' })
  const { mirror, main } = await mirrored(remote)
  const other = await remote.commit('other', { a: 'replaced\n' })
  await fetched(remote, 'other')
  await gitIn(mirror.dir, 'update-ref', `refs/replace/${main}`, other)
  const { stdout } = await mirror.succeed(['cat-file', 'blob', `${main}:a`], { signal: null })
  assert.equal(stdout.text(), '1\n')
})

test('a repository planted where git stands has no say', async () => {
  await using remote = await createGitRemote({ a: '1\n' })
  await using elsewhere = await createGitRemote({ a: '2\n' })
  const { git } = new Mirrors(remote.folder)
  await git.run(['version'], { signal: null })
  const home = path.join(remote.folder, 'git-home')
  await gitIn(home, 'init', '--quiet')
  await gitIn(home, 'config', `url.${elsewhere.path}.insteadOf`, remote.path)
  await remote.commit('only-here', { a: '3\n' })
  assert.equal(await defaultBranchOf(git, { repository: remote.path, forge: 'local' }, 'only-here'), 'only-here')
})
