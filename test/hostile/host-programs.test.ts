/** Cases of input, repository and database: each attack succeeds against the plain way first, and not against Moose's. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { sql } from 'kysely'
import { reserve } from '../../src/budget/ledger.ts'
import { setLimit } from '../../src/budget/limits.ts'
import { claimOrders } from '../../src/db/work-orders/claim.ts'
import { Fault } from '../../src/faults/fault.ts'
import { Git } from '../../src/git/git.ts'
import { Mirrors } from '../../src/git/mirrors.ts'
import { pushCommit } from '../../src/git/push.ts'
import { parseRepositoryUrl } from '../../src/git/repository-url.ts'
import { Usd } from '../../src/money.ts'
import { runCommand } from '../../src/process/run-command.ts'
import { branchNames } from '../../src/work-order/naming.ts'
import { pathProblem } from '../../src/work-order/scope.ts'
import { createTestDatabase } from '../support/database.ts'
import { createGitRemote, gitIn } from '../support/git-remote.ts'
import { gitConfig, setTrap } from '../support/hostile-repository.ts'
import { withoutBubblewrap } from '../support/sandbox-setting.ts'
import { sandboxOf } from '../support/usual-sandbox.ts'

const DESCRIPTORS = path.join(import.meta.dirname, '../support/open-descriptors.ts')
const USUAL = { cwd: '/', timeoutMs: 20_000, maxOutputBytes: 64 * 1024, signal: null }

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'moose-hostile-'))
  try {
    await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

test('1: a title with backticks, $() and a newline runs in a shell line, and is an argument here', async () => {
  await using trap = await setTrap()
  const title = `\`${trap.touch('backticks')}\` $(${trap.touch('dollar')})\n${trap.touch('newline')}`
  execFileSync('sh', ['-c', `echo ${title}`])
  assert.deepEqual((await trap.caught()).marks.toSorted(), ['backticks', 'dollar', 'newline'])
  await using second = await setTrap()
  const again = `\`${second.touch('backticks')}\` $(${second.touch('dollar')})\n${second.touch('newline')}`
  const { stdout } = await runCommand({
    ...USUAL,
    command: 'printf',
    args: ['%s', again],
    env: { PATH: '/usr/bin:/bin' },
  })
  assert.equal(stdout.text(), again)
  assert.deepEqual((await second.caught()).marks, [])
})

test('2: a file that is called like an option is one to git, and no entry of a scope here', async () => {
  await withFolder(async (folder) => {
    execFileSync('git', ['init', '--quiet', folder])
    const option = `--output=${path.join(folder, 'written')}`
    execFileSync('git', ['diff', option], { cwd: folder })
    assert.ok((await readdir(folder)).includes('written'))
    for (const name of [option, '--load=x', '--test-cmd=x', '-rf'])
      assert.equal(pathProblem(name), 'starts with a dash')
  })
})

test('9: a title of other letters leaves no name for a branch by itself, and has a valid one by its id here', () => {
  const valid = (branch: string) => execFileSync('git', ['check-ref-format', '--branch', branch], { stdio: 'pipe' })
  for (const title of ['日本語', '🦌🦌', '\u3000', '../..']) {
    assert.throws(() => valid(`feature/${title.replaceAll(/[^a-z0-9-]/g, '')}`), title)
    assert.throws(() => valid(`feature/${title}..`), title)
  }
  for (const title of ['日本語', '🦌🦌', '\u3000', '../..', '`$(id)`', '-rf', ' ', '\n'])
    for (const branch of branchNames({ pattern: null, shortId: '1a2b3c4d', title, attempt: 2 })) valid(branch)
})

test('14 and 15: hooks, fsmonitor, filters and helpers of a repository run with a plain git, and not with ours', async () => {
  for (const [plain, expected] of [
    [true, ['clean', 'fsmonitor', 'hooks']],
    [false, []],
  ] as const) {
    await using trap = await setTrap()
    await withFolder(async (folder) => {
      const tree = path.join(folder, 'tree')
      execFileSync('git', ['init', '--quiet', tree])
      await mkdir(path.join(tree, 'hooks'))
      await writeFile(path.join(tree, 'hooks/post-commit'), `#!/bin/sh\n${trap.touch('hooks')}\n`)
      await chmod(path.join(tree, 'hooks/post-commit'), 0o755)
      await writeFile(path.join(tree, '.gitattributes'), '*.txt filter=evil\n')
      await writeFile(path.join(tree, 'a.txt'), 'a\n')
      const identity = '[user]\n\tname = x\n\temail = x@y.example\n'
      await writeFile(path.join(tree, '.git/config'), identity + gitConfig(trap.touch, trap.url), { flag: 'a' })
      const run = async (...args: string[]) => {
        if (plain) execFileSync('git', ['-C', tree, ...args], { stdio: 'ignore' })
        else await new Git(path.join(folder, 'home')).run(['-C', tree, ...args], { signal: null })
      }
      await run('status')
      if (plain) {
        await run('add', '--all')
        await run('commit', '--no-verify', '--quiet', '-m', 'x')
      } else {
        // What Moose commits is made of bytes that it reads itself: no `add` of a work tree, so no filter of it.
        await run('commit', '--allow-empty', '--no-verify', '--quiet', '-m', 'x')
      }
      const { marks, connections } = await trap.caught()
      assert.deepEqual(
        [marks.filter((mark) => expected.some((one) => one === mark)).toSorted(), connections],
        [expected, 0],
      )
      if (!plain) assert.deepEqual(marks, [])
    })
  }
})

test('20: what a child prints without end fills memory, and is bounded here', async () => {
  const print = ['-c', 'head -c 80000000 /dev/zero']
  const child = spawn('sh', print, { stdio: ['ignore', 'pipe', 'ignore'] })
  let kept = 0
  child.stdout.on('data', (piece: Buffer) => (kept += piece.length))
  await once(child, 'close')
  assert.equal(kept, 80_000_000)
  const { stdout } = await runCommand({ ...USUAL, command: 'sh', args: print, env: { PATH: '/usr/bin:/bin' } })
  assert.ok(Buffer.byteLength(stdout.text()) < 2 * USUAL.maxOutputBytes)
  assert.ok(stdout.droppedBytes > 79_000_000)
})

test('21: a question is waited for where stdin stays open, and ends at once here', async () => {
  const child = spawn('sh', ['-c', 'echo asked; read answer; echo $?'], { stdio: ['pipe', 'pipe', 'ignore'] })
  let said = ''
  child.stdout.on('data', (piece: Buffer) => (said += String(piece)))
  await once(child.stdout, 'data')
  assert.equal(said, 'asked\n')
  assert.equal(child.exitCode, null)
  child.kill('SIGKILL')
  await once(child, 'close')
  const asked = ['-c', 'echo asked; read answer; echo $?']
  const { stdout } = await runCommand({ ...USUAL, command: 'sh', args: asked, env: { PATH: '/usr/bin:/bin' } })
  assert.equal(stdout.text(), 'asked\n1\n')
})

test('23: without bubblewrap foreign code runs unconfined only where the operator says so, and is refused otherwise', async () => {
  await withFolder(async (folder) => {
    await mkdir(path.join(folder, 'tree'))
    const command = { command: '/bin/sh', args: ['-c', 'echo ran'], env: {}, timeoutMs: 20_000, maxOutputBytes: 1_000 }
    const places = {
      what: 'check' as const,
      folder,
      writable: [folder],
      readable: [],
      reach: [],
      image: null,
      signal: null,
    }
    const unconfined = sandboxOf('none', folder)
    assert.equal((await unconfined.run({ ...command, ...places })).stdout.text(), 'ran\n')
    const wanted = sandboxOf('bubblewrap', folder, { PATH: '/nonexistent' })
    await assert.rejects(wanted.assertReady(), { code: 'sandbox_unavailable', message: /MOOSE_SANDBOX=none/ })
    await assert.rejects(wanted.run({ ...command, ...places }), { code: 'sandbox_unavailable' })
  })
})

test('24: a child has the whole environment of who starts it, and exactly what it is given here', async () => {
  const secret = { ...process.env, OPERATOR_TOKEN: 'canary-env' }
  assert.match(execFileSync('env', { env: secret, encoding: 'utf8' }), /canary-env/)
  const { stdout } = await runCommand({ ...USUAL, command: 'env', args: [], env: { PATH: '/usr/bin:/bin', A: 'b' } })
  assert.deepEqual(stdout.text().trim().split('\n').toSorted(), ['A=b', 'PATH=/usr/bin:/bin'])
})

test('38 and S9: a token in the URL of a repository is in the arguments of git, and is refused here', async () => {
  const url = 'http://TOKEN-canary@127.0.0.1:9/repo.git'
  const child = spawn('sh', ['-c', 'sleep 30', 'git', 'ls-remote', url], { stdio: 'ignore' })
  try {
    assert.match(await readFile(`/proc/${child.pid}/cmdline`, 'utf8'), /TOKEN-canary/)
  } finally {
    child.kill('SIGKILL')
    await once(child, 'close')
  }
  assert.throws(
    () => parseRepositoryUrl(url),
    (error) => error instanceof Fault && error.code === 'repository_refused' && !error.message.includes('canary'),
  )
})

test('S18: a URL that does not parse is no crash', () => {
  assert.throws(() => decodeURIComponent('ssh://%zz/x'), URIError)
  assert.throws(() => parseRepositoryUrl('ssh://%zz/x'), { code: 'repository_refused' })
})

test('44 and 45: a push over the commit of somebody else lands by force, and stops here; the base is no branch of an attempt', async () => {
  await using remote = await createGitRemote({ a: '1' })
  const project = remote.project()
  const mirror = new Mirrors(remote.folder).of(project)
  const signal = new AbortController().signal
  const main = await mirror.fetchBranch(project, { branch: 'main', into: 'refs/heads/main' }, signal)
  assert.ok(main !== null)
  const theirs = await remote.commit('feature/wo-1', { a: 'theirs' })
  await gitIn(mirror.dir, 'push', '--quiet', '--force', remote.path, `${main}:refs/heads/feature/wo-1`)
  assert.equal(await remote.git('rev-parse', 'feature/wo-1'), main)
  await remote.git('update-ref', 'refs/heads/feature/wo-1', theirs)
  const pushed = await pushCommit(
    { project, mirror, signal: null },
    { sha: main, branch: 'feature/wo-1', expected: null },
  )
  assert.deepEqual(pushed, { outcome: 'moved', remoteSha: theirs })
  assert.equal(await remote.git('rev-parse', 'feature/wo-1'), theirs)
})

test('31: two that look for pending orders find the same one, and one alone claims it here', async () => {
  await using database = await createTestDatabase()
  const { db, pool } = database
  await pool.query(
    `insert into projects (name, repository, default_branch, forge) values ('p', '/nowhere', 'main', 'local')`,
  )
  await pool.query(`insert into work_orders (title, description, risk_level, files_in_scope, metadata)
    values ('one', '', 'low', '["a"]', '{"approved_by_director": true}')`)
  const naive = () => sql<{ id: string }>`select id from work_orders where status = 'pending'`.execute(db)
  const found = await Promise.all(Array.from({ length: 8 }, naive))
  assert.equal(found.filter(({ rows }) => rows.length === 1).length, 8)
  const claim = (homeId: string) =>
    claimOrders(db, { maxConcurrent: 9, maxPerRepository: null, runner: { homeId, revision: 'one' }, only: null })
  const claims = await Promise.all(Array.from({ length: 8 }, (_, index) => claim(`home-${index}`)))
  assert.equal(claims.flatMap(({ claimed }) => claimed).length, 1)
})

test('33: metadata that is read, changed and written back loses keys of others, and keeps them where it is patched', async () => {
  await using database = await createTestDatabase()
  const { pool } = database
  const { rows } = await pool.query<{ id: string }>(
    `insert into work_orders (title, description, risk_level) values ('one', '', 'low') returning id`,
  )
  const id = rows[0]?.id
  const keys = Array.from({ length: 20 }, (_, index) => `key${index}`)
  const read = await Promise.all(
    keys.map(() => pool.query<{ metadata: object }>('select metadata from work_orders where id = $1', [id])),
  )
  await Promise.all(
    keys.map((key, index) =>
      pool.query('update work_orders set metadata = $2 where id = $1', [
        id,
        { ...read[index]?.rows[0]?.metadata, [key]: 1 },
      ]),
    ),
  )
  const kept = async () => {
    const { rows: after } = await pool.query<{ metadata: object }>('select metadata from work_orders where id = $1', [
      id,
    ])
    return Object.keys(after[0]?.metadata ?? {}).filter((key) => key.startsWith('key')).length
  }
  assert.ok((await kept()) < keys.length)
  await Promise.all(
    keys.map((key) =>
      pool.query(`update work_orders set metadata = metadata || jsonb_build_object($2::text, 1) where id = $1`, [
        id,
        key,
      ]),
    ),
  )
  assert.equal(await kept(), keys.length)
})

test('39: fifty that look at the cap and then reserve pass it, and do not here', async () => {
  await using database = await createTestDatabase()
  const { db, pool } = database
  await setLimit(db, 'daily_hard_cap', new Usd('1'))
  await pool.query('create table naive (amount numeric)')
  const naive = async () => {
    const { rows } = await pool.query<{ fits: boolean }>(
      'select coalesce(sum(amount), 0) + 0.1 <= 1 as fits from naive',
    )
    if (rows[0]?.fits === true) await pool.query('insert into naive values (0.1)')
  }
  await Promise.all(Array.from({ length: 50 }, naive))
  const { rows } = await pool.query<{ passed: boolean }>('select sum(amount) > 1 as passed from naive')
  assert.equal(rows[0]?.passed, true)
  const call = { workOrderId: null, attempt: null, proposer: 'p', provider: 'openai', model: 'm' } as const
  const ends = await Promise.allSettled(Array.from({ length: 50 }, () => reserve(db, call, new Usd('0.1'))))
  assert.equal(ends.filter(({ status }) => status === 'fulfilled').length, 10)
})

test('24: what Moose was started with open is open in a child, and in none of a sandbox of ours, not of `none` either', {
  skip: withoutBubblewrap,
}, () => {
  const script = 'for i in $(seq 3 40); do [ "$i" = 18 ] || eval "exec $i</etc/hostname"; done; exec "$0" "$1"'
  const said = execFileSync('bash', ['-c', script, process.execPath, DESCRIPTORS], { encoding: 'utf8' })
  const found: Record<string, number[]> = JSON.parse(said)
  assert.ok(found['bare']?.includes(20) === true && found['bare'].includes(40))
  assert.deepEqual(
    [found['none'], found['bubblewrap']],
    [
      [0, 1, 2],
      [0, 1, 2],
    ],
  )
})
