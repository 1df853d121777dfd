import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import type { Moose } from '../../src/app.ts'
import { toFault } from '../../src/faults/fault.ts'
import { Git, type GitCall } from '../../src/git/git.ts'
import { originOf } from '../../src/git/origin.ts'
import { projectsOfCheckout } from '../../src/http/project-settings.ts'
import { createTestDatabase } from '../support/database.ts'
import { gitIn } from '../support/git-remote.ts'
import { moose as command, startMoose } from '../support/moose-command.ts'
import { createMooseHome, detailOf, fileOrder, type MooseHome } from '../support/moose-home.ts'

const run = promisify(execFile)
const TITLES = ['Greet the world', 'Greet the moon', 'Greet the sun']
const ANSWERS = TITLES.map((task) => ({
  task,
  turn: 1,
  text: `### write greeting.txt\n\`\`\`\n${task}\n\`\`\`\n`,
}))
const never = new AbortController().signal

type Answer = { status: number; body: Record<string, unknown> & { error?: { code: string; message: string } } }

async function call(moose: Moose, method: string, where: string, body?: unknown): Promise<Answer> {
  const init = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }
  const response = await moose.http.fetch(new Request(`http://127.0.0.1${where}`, { method, ...init }))
  const answer: Answer['body'] = Object(await response.json())
  return { status: response.status, body: answer }
}

const edit = (moose: Moose, body: unknown) => call(moose, 'PATCH', '/api/projects/sample', body)

function homeWith(settings: Record<string, string> = {}): Promise<MooseHome> {
  return createMooseHome({ 'greeting.txt': 'hello\n' }, ANSWERS, settings)
}

const order = (home: MooseHome, title = TITLES[0]) =>
  fileOrder(home.database, { title: String(title), files: ['greeting.txt'] })

/** Runs an order. @returns where it stands afterwards */
async function carryOut(moose: Moose, id: string) {
  await moose.orchestrator.execute(id, never).catch((error: unknown) => toFault(error))
  return await detailOf(moose, id)
}

const calls = async ({ database: { db } }: MooseHome) =>
  Number(
    (
      await db
        .selectFrom('model_calls')
        .select((eb) => eb.fn.countAll().as('n'))
        .executeTakeFirstOrThrow()
    ).n,
  )

async function findingOf(moose: Moose, name: string) {
  const findings = await moose.doctor(null)
  return findings.find((finding) => finding.name === name)
}

async function key(home: MooseHome, name: string, ...how: readonly string[]): Promise<string> {
  const file = path.join(home.remote.folder, name)
  await run('ssh-keygen', ['-q', '-C', 'ada@example.org', '-N', '', '-f', file, ...how])
  return file
}

test('life C1: a linked worktree, a submodule and a checkout with its git folder elsewhere are their origin', async () => {
  await using home = await homeWith()
  await using moose = await home.open('client')
  const { folder, path: origin } = home.remote
  const at = (name: string) => path.join(folder, name)
  await gitIn(folder, 'clone', '--quiet', origin, 'checkout')
  await gitIn(at('checkout'), 'worktree', 'add', '--quiet', '-b', 'other', at('worktree'))
  await gitIn(folder, 'clone', '--quiet', '--separate-git-dir', at('elsewhere'), origin, 'separate')
  await gitIn(folder, 'init', '--quiet', 'around')
  await gitIn(at('around'), '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', origin, 'part')
  await gitIn(folder, 'clone', '--quiet', at('checkout'), 'second')
  await gitIn(folder, 'clone', '--quiet', '--sparse', `file://${at('second')}`, 'sparse')
  await gitIn(folder, 'clone', '--quiet', '--bare', origin, 'around-bare/.bare')
  await writeFile(at('around-bare/.git'), 'gitdir: ./.bare\n')
  const places = {
    worktree: at('worktree'),
    separate: at('separate'),
    part: at('around/part'),
    second: at('second'),
    sparse: at('sparse'),
    'git-folder': at('checkout/.git'),
    url: `file://${at('checkout')}`,
    'around-bare': at('around-bare'),
  }
  for (const [name, repository] of Object.entries(places)) {
    const { status, body } = await call(moose, 'POST', '/api/projects', { name, repository })
    assert.equal(status, 201, JSON.stringify(body))
    assert.deepEqual(body['project'], { ...Object(body['project']), name, repository: origin })
  }
})

test('life C1: a folder within a checkout means the checkout, and variables of git mean nothing', async () => {
  await using home = await homeWith()
  await using _service = await home.open('client')
  const { folder, path: origin } = home.remote
  await gitIn(folder, 'clone', '--quiet', origin, 'checkout')
  await gitIn(folder, 'init', '--quiet', 'other')
  await mkdir(path.join(folder, 'checkout/src'))
  const environment = { ...home.environment, HOME: folder, GIT_DIR: path.join(folder, 'other/.git') }
  const named = await command(['init', '--name', 'named', 'checkout/src'], { environment, cwd: folder })
  assert.match(named.stdout, /project named: .*remote\.git/, named.stderr)
  const within = await command(['init', '--name', 'within'], { environment, cwd: path.join(folder, 'checkout/src') })
  assert.match(within.stdout, /project within: .*remote\.git/, within.stderr)
  const missing = await command(['init', 'checkout/none'], { environment, cwd: folder })
  assert.notEqual(missing.exitCode, 0)
})

test('life C1: the only remote counts by whatever name, rewritten as git does it, and for a push to the same repository', async () => {
  await using home = await homeWith()
  const { folder, path: origin } = home.remote
  await writeFile(path.join(folder, '.gitconfig'), `[url "${path.dirname(origin)}/"]\n\tinsteadOf = team:\n`)
  await using moose = await home.open('client')
  const config = {
    ...moose.api.config,
    gitConfigFiles: [path.join(folder, 'missing'), path.join(folder, '.gitconfig')],
  }
  const checkout = path.join(folder, 'checkout')
  await gitIn(folder, 'clone', '--quiet', '--origin', 'upstream', origin, 'checkout')
  const found = (place = checkout) => originOf(moose.api.git, place, config.gitConfigFiles)
  assert.equal((await found('team:remote.git')).repository, origin, 'an address is rewritten too')
  await gitIn(checkout, 'remote', 'set-url', 'upstream', 'team:remote.git')
  assert.equal((await found()).repository, origin)
  await gitIn(checkout, 'remote', 'set-url', 'upstream', 'https://git.example/team/shop')
  await gitIn(checkout, 'remote', 'set-url', '--push', 'upstream', 'git@git.example:team/shop.git')
  assert.equal((await found()).repository, 'git@git.example:team/shop.git')
  await gitIn(checkout, 'remote', 'set-url', '--push', 'upstream', 'git@git.example:fork/shop.git')
  assert.equal((await found()).repository, 'https://git.example/team/shop')
  await gitIn(checkout, 'remote', 'add', 'second', 'https://git.example/b')
  assert.match(toFault(await found().catch((error: unknown) => error)).message, /several remotes \(second, upstream\)/)
})

/** Keeps what every git was given. */
class ListedGit extends Git {
  readonly given: string[] = []

  override async run(args: readonly string[], call: GitCall) {
    this.given.push(...args)
    return await super.run(args, call)
  }
}

test('a login that insteadOf puts into an address is left out, and one that was typed is given to no process', async () => {
  await using home = await homeWith()
  const { folder } = home.remote
  const file = path.join(folder, '.gitconfig')
  await writeFile(file, '[url "https://x-access-token:TOK@github.com/"]\n\tinsteadOf = https://github.com/\n')
  const git = new ListedGit(path.join(folder, 'git-home'))
  const found = { repository: 'https://github.com/a/b', loginLeftOut: true }
  assert.deepEqual(await originOf(git, 'https://github.com/a/b', [file]), found)
  assert.ok(git.given.includes('https://github.com/a/b'))
  for (const typed of ['https://typed@github.com/a/b', 'ssh://git:typed@host/a', 'https://host/a?token=typed']) {
    assert.equal((await originOf(git, typed, [file])).repository, typed)
  }
  assert.ok(!git.given.join(' ').includes('typed'))
})

test('a file URL that names no folder is refused as any repository that is not there', async () => {
  await using home = await homeWith()
  await using moose = await home.open('client')
  for (const repository of ['file:///a%2Fb', 'file:///a%ff']) {
    const { status, body } = await call(moose, 'POST', '/api/projects', { name: 'odd', repository })
    assert.match(String(body.error?.code), /^repository_/, `${status} ${JSON.stringify(body)}`)
  }
})

test('a clone of a checkout without a remote is a clone of that checkout', async () => {
  await using home = await homeWith()
  await using moose = await home.open('client')
  const { folder, path: origin } = home.remote
  await gitIn(folder, 'clone', '--quiet', origin, 'first')
  await gitIn(folder, 'clone', '--quiet', 'first', 'second')
  await gitIn(path.join(folder, 'first'), 'remote', 'remove', 'origin')
  const { git } = moose.api
  assert.equal((await originOf(git, path.join(folder, 'second'), [])).repository, path.join(folder, 'first'))
})

test('life C1: a checkout without an origin is refused with two remedies, and a copy made on request takes orders', async () => {
  await using home = await homeWith()
  await using moose = await home.open('client')
  const { folder, path: origin } = home.remote
  const checkout = path.join(folder, 'mine')
  await gitIn(folder, 'clone', '--quiet', origin, checkout)
  await gitIn(checkout, 'remote', 'remove', 'origin')
  const before = await gitIn(checkout, 'for-each-ref')
  const environment = { ...home.environment, HOME: folder }
  const refused = await command(['init'], { environment, cwd: checkout })
  assert.equal(refused.exitCode, 3, refused.stderr)
  assert.match(refused.stderr, /without an origin.*remote add origin URL.*moose init --create-origin FOLDER/s)
  const made = await command(['init', '--create-origin', '../bare $(touch PWN).git'], { environment, cwd: checkout })
  assert.equal(made.exitCode, 0, made.stderr)
  const bare = path.join(folder, 'bare $(touch PWN).git')
  assert.match(made.stdout, /project mine: .*bare \$\(touch PWN\)\.git, branch main, forge local/)
  assert.match(made.stderr, /remote add origin '\S+\/bare \$\(touch PWN\)\.git' {3}then: git -C \S+\/mine fetch origin/)
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.startsWith('bare')),
    ['bare $(touch PWN).git'],
  )
  const again = await command(['init', '--create-origin', '../bare $(touch PWN).git'], { environment, cwd: checkout })
  assert.match(again.stderr, /is there already/)
  const { body } = await call(moose, 'POST', '/api/work-orders', {
    title: TITLES[0],
    files_in_scope: ['greeting.txt'],
    project: 'mine',
    approved: true,
  })
  const { id } = Object(body['work_order'])
  assert.equal((await carryOut(moose, id)).phase, 'in_review')
  assert.equal((await call(moose, 'POST', `/api/work-orders/${id}/merge`)).status, 200)
  assert.equal(await gitIn(bare, 'show', 'main:greeting.txt'), TITLES[0])
  assert.equal(await gitIn(checkout, 'for-each-ref'), before, 'the checkout is as it was')
})

test('life C3: a base that was renamed is named with what HEAD names now, unpaid; after the edit the order runs', async () => {
  await using home = await homeWith()
  await using moose = await home.open('client')
  await home.remote.git('branch', '-m', 'main', 'trunk')
  const id = await order(home)
  const blocked = await carryOut(moose, id)
  assert.equal(blocked.status, 'blocked')
  assert.match(
    String(blocked.status_reason?.message),
    /no branch "main"\. Its HEAD names "trunk".*moose project edit sample --branch trunk/,
  )
  assert.equal(await calls(home), 0)
  const finding = await findingOf(moose, 'project sample')
  assert.deepEqual([finding?.state, finding?.remedy], ['broken', 'moose project edit sample --branch trunk'])
  const missing = await edit(moose, { default_branch: 'nowhere' })
  assert.equal(missing.body.error?.code, 'base_branch_missing')
  assert.equal((await edit(moose, { default_branch: 'trunk' })).status, 200)
  assert.equal((await call(moose, 'POST', `/api/work-orders/${id}/retry`)).status, 200)
  assert.equal((await carryOut(moose, id)).phase, 'in_review')
})

test('life D3: a branch that leaves no room for those of orders is found unpaid, and another pattern makes room', async () => {
  await using home = await homeWith()
  await using moose = await home.open('client')
  await home.remote.git('branch', 'feature', 'main')
  const id = await order(home)
  const blocked = await carryOut(moose, id)
  assert.equal(blocked.status, 'blocked')
  assert.equal(blocked.status_reason?.code, 'repository_refused')
  assert.match(blocked.status_reason.message, /a branch "feature".*moose project edit sample --branch-pattern/)
  assert.equal(await calls(home), 0)
  const found = await findingOf(moose, 'project sample')
  assert.match(String(found?.detail), /a branch "feature"/)
  assert.equal(found?.remedy, 'moose project edit sample --branch-pattern "moose-{id}-{slug}"')
  const same = await edit(moose, { branch_pattern: 'feature/{id}' })
  assert.equal(same.body.error?.code, 'repository_refused')
  const bad = await edit(moose, { branch_pattern: 'moose/{slug}' })
  assert.match(String(bad.body.error?.message), /branch_pattern must contain \{id\}/)
  assert.equal((await edit(moose, { branch_pattern: 'moose/{id}/{slug}' })).status, 200)
  // What lies below a wanted name stands in its way too.
  const short = id.slice(0, 8)
  const name = `moose/${short}/greet-the-world`
  await home.remote.git('branch', `${name}/deeper`, 'main')
  await call(moose, 'POST', `/api/work-orders/${id}/retry`)
  assert.match(String((await carryOut(moose, id)).status_reason?.message), /greet-the-world\/deeper/)
  await home.remote.git('branch', '-D', `${name}/deeper`)
  await call(moose, 'POST', `/api/work-orders/${id}/retry`)
  const done = await carryOut(moose, id)
  assert.deepEqual([done.phase, done.pull_request?.branch], ['in_review', name])
})

const HOOK = `#!/bin/sh
while read old new ref; do
  case $new in *[!0]*) ;; *) continue ;; esac
  git show -s --format=%B "$new" | grep -q '^Signed-off-by: Ada Lovelace <ada@example.org>$' || { echo 'no sign-off'; exit 1; }
  git show -s --format=%ce "$new" | grep -q '^ada@example.org$' || { echo 'unknown committer'; exit 1; }
done
`

test('life D4: author, committer, sign-off and SSH signature are as the project says, in the change and in the merge', async () => {
  await using home = await homeWith()
  await using moose = await home.open('client')
  const hook = path.join(home.remote.path, 'hooks/pre-receive')
  await writeFile(hook, HOOK)
  await chmod(hook, 0o755)
  const ada = 'Ada Lovelace <ada@example.org>'
  const signing_key = await key(home, 'signing', '-t', 'ed25519')
  const change = { author: 'Zoë <zoe@example.org>', committer: ada, sign_off: true, signing_key }
  const edited = await edit(moose, change)
  assert.equal(edited.status, 200, JSON.stringify(edited.body))
  const id = await order(home)
  const done = await carryOut(moose, id)
  assert.equal(done.phase, 'in_review', JSON.stringify(done.status_reason))
  const branch = String(done.pull_request?.branch)
  const { publicKey, signers } = { publicKey: `${signing_key}.pub`, signers: path.join(home.remote.folder, 'signers') }
  const { stdout: shown } = await run('cut', ['-d', ' ', '-f', '1,2', publicKey])
  await writeFile(signers, `ada@example.org ${shown}`)
  const verify = (ref: string) => home.remote.git('-c', `gpg.ssh.allowedSignersFile=${signers}`, 'verify-commit', ref)
  await verify(branch)
  assert.equal(
    await home.remote.git('show', '-s', '--format=%an <%ae>|%cn <%ce>|%(trailers:key=Signed-off-by,valueonly)', branch),
    `${change.author}|${ada}|${ada}`,
  )
  assert.equal((await call(moose, 'POST', `/api/work-orders/${id}/merge`)).status, 200)
  await verify('main')
  assert.match(await home.remote.git('show', '-s', '--format=%cn %B', 'main'), /Ada Lovelace.*Signed-off-by: Ada/s)
  await gitIn(home.remote.folder, 'init', '--quiet', 'x')
  assert.equal((await findingOf(moose, 'project sample'))?.detail, 'main, forge local, signed commits')
})

test('life D4: a key that cannot sign by itself, or not the same twice, is refused with what to do', async () => {
  await using home = await homeWith()
  await using moose = await home.open('client')
  const secret = path.join(home.remote.folder, 'secret')
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'a passphrase', '-f', secret])
  const cases: readonly (readonly [file: string, says: RegExp])[] = [
    [path.join(home.remote.folder, 'missing'), /no such file/],
    [secret, /has a passphrase.*ssh-add.*SSH_AUTH_SOCK/],
    [await key(home, 'ecdsa', '-t', 'ecdsa'), /differently each time.*Ed25519/],
    [path.join(home.remote.path, 'config'), /ssh-keygen refuses it/],
  ]
  for (const [signing_key, says] of cases) {
    const { status, body } = await edit(moose, { signing_key })
    assert.deepEqual([status, body.error?.code], [422, 'signing_key_unusable'], JSON.stringify(body))
    assert.match(String(body.error?.message), says)
  }
  // A key that is gone when an order begins is found before anything is paid.
  await home.database.db
    .updateTable('projects')
    .set({ signing_key: path.join(home.remote.folder, 'missing') })
    .execute()
  const id = await order(home)
  const blocked = await carryOut(moose, id)
  assert.deepEqual(
    [blocked.status, blocked.status_reason?.code, await calls(home)],
    ['blocked', 'signing_key_unusable', 0],
  )
  assert.match(String((await findingOf(moose, 'project sample'))?.detail), /no such file/)
})

test('a project is listed, shown, edited and removed from the command line, and nothing of it is lost', async () => {
  await using home = await homeWith()
  const at = (words: readonly string[]) => command(words, { environment: home.environment, cwd: home.remote.folder })
  const wrong = await at(['project', 'edit', 'sample', '--author', 'Ada', '--branch-pattern', 'x'])
  assert.equal(wrong.exitCode, 2)
  assert.match(wrong.stderr, /--branch-pattern must contain \{id\}.*--author must be a name and a mail address/s)
  const flag = await at(['project', 'edit', 'sample', '--image=--privileged'])
  assert.deepEqual([flag.exitCode, /--image must be the name or the id of an image/.test(flag.stderr)], [2, true])
  assert.match((await at(['project', 'edit', 'sample'])).stderr, /Nothing to change/)
  const image = 'registry.example:5000/team/shop@sha256:0123456789abcdef'
  const imaged = await at(['project', 'edit', 'sample', '--image', image])
  assert.match(imaged.stdout, /image +registry\.example:5000\/team\/shop@sha256:0123456789abcdef/)
  assert.match((await at(['project', 'edit', 'sample', '--image', 'none'])).stdout, /image +none/)
  const edited = await at(['project', 'edit', 'sample', '--name', 'shop', '--budget', '12.50', '--sign-off'])
  assert.equal(edited.exitCode, 0, edited.stderr)
  assert.match((await at(['project', 'list'])).stdout, /shop +local +main +\S+remote\.git/)
  const shown = JSON.parse((await at(['project', 'show', 'shop', '--json'])).stdout).project
  assert.deepEqual([shown.name, shown.budget_usd, shown.sign_off, shown.signing_key], ['shop', 12.5, true, null])
  assert.equal((await at(['project', 'show', 'nothing'])).exitCode, 1)
  const id = await order(home)
  {
    await using moose = await home.open('client')
    assert.equal((await carryOut(moose, id)).phase, 'in_review')
    const other = await call(moose, 'PATCH', '/api/projects/shop', {
      repository: path.join(home.remote.folder, '..', 'author'),
    })
    assert.equal(other.status, 200, 'a checkout of the same repository is the same repository')
  }
  const refused = await at(['project', 'remove', 'shop'])
  assert.match(refused.stderr, new RegExp(`${id.slice(0, 8)} is in review.*moose merge ID`))
  await at(['close', id])
  const waiting = await order(home, TITLES[1])
  const removed = await at(['project', 'remove', 'shop'])
  assert.match(removed.stdout, /removed shop; 2 orders and their history are kept, 1 of which would still start/)
  assert.match((await at(['project', 'list'])).stderr, /No projects yet/)
  assert.match((await at(['show', id])).stdout, /shop/)
  const stopped = await at(['run', waiting])
  assert.equal(stopped.exitCode, 3)
  assert.match(stopped.stderr + stopped.stdout, /Project "shop" was removed\. Bring it back with: moose init/)
  const back = await at(['init', home.remote.path, '--name', 'shop'])
  assert.match(back.stdout, /project shop is back/)
  assert.equal(JSON.parse((await at(['project', 'show', 'shop', '--json'])).stdout).project.budget_usd, 12.5)
  await at(['retry', waiting])
  assert.equal((await at(['run', waiting])).exitCode, 0)
})

test('another repository has another mirror, and is not taken while an order is under way or in review', async () => {
  await using home = await homeWith()
  await using moose = await home.open('client')
  const id = await order(home)
  await carryOut(moose, id)
  const other = path.join(home.remote.folder, 'other.git')
  await gitIn(home.remote.folder, 'clone', '--quiet', '--bare', home.remote.path, other)
  const refused = await edit(moose, { repository: other })
  assert.deepEqual([refused.status, refused.body.error?.code], [409, 'work_order_conflict'])
  assert.match(String(refused.body.error?.message), new RegExp(`${id.slice(0, 8)} is in review`))
  await call(moose, 'POST', `/api/work-orders/${id}/merge`)
  assert.equal((await edit(moose, { repository: other })).status, 200)
  const mirrors = path.join(home.config.home, 'mirrors')
  assert.equal((await readdir(mirrors)).length, 1)
  assert.equal((await carryOut(moose, await order(home, TITLES[1]))).phase, 'in_review')
  assert.equal((await readdir(mirrors)).length, 2)
  assert.equal(
    await gitIn(other, 'rev-parse', '--verify', 'main'),
    await gitIn(home.remote.path, 'rev-parse', 'main^1'),
  )
  const gone = await edit(moose, { repository: path.join(home.remote.folder, 'nothing.git') })
  assert.equal(gone.body.error?.code, 'repository_unreachable')
})

test('an attempt that runs goes on as it began, and the answer names it', async () => {
  await using home = await homeWith()
  await using moose = await home.open('client')
  const id = await order(home)
  const { db } = home.database
  const { id: project_id } = await db.selectFrom('projects').select('id').executeTakeFirstOrThrow()
  await db
    .insertInto('attempts')
    .values({ work_order_id: id, number: 1, status: 'running', content: '{}', executor_id: 'elsewhere', project_id })
    .execute()
  await db.updateTable('work_orders').set({ status: 'in_progress', phase: 'applying', attempts: 1 }).execute()
  const { body } = await edit(moose, { author: 'Ada <ada@example.org>' })
  assert.deepEqual(body['running'], [id])
  const said = await command(['project', 'edit', 'sample', '--budget', 'none'], { environment: home.environment })
  assert.match(said.stderr, /1 attempt under way .* what they began with; the change counts from the next one on/)
  const removed = await call(moose, 'DELETE', '/api/projects/sample')
  assert.match(String(removed.body.error?.message), /is under way \(wait, or: moose cancel ID\)/)
})

test('add in a checkout of a project means that project, by whatever address', async () => {
  await using home = await homeWith()
  const { folder, path: origin } = home.remote
  await home.database.db
    .insertInto('projects')
    .values([
      { name: 'shop', repository: 'git@git.example:team/shop.git', default_branch: 'main', forge: 'local' },
      { name: 'other', repository: '/srv/other.git', default_branch: 'main', forge: 'local' },
    ])
    .execute()
  await gitIn(folder, 'clone', '--quiet', origin, 'checkout')
  const cwd = path.join(folder, 'checkout')
  const add = async (more: readonly string[] = []) => {
    const words = ['add', '--title', 'x', '--file', 'greeting.txt', '--json', ...more]
    const { stdout, stderr } = await command(words, { environment: home.environment, cwd })
    return stdout === '' ? stderr : (JSON.parse(stdout).work_orders?.[0]?.project ?? JSON.parse(stdout).error?.code)
  }
  assert.equal(await add(), 'sample')
  assert.equal(await add(['--project', 'other']), 'other')
  await gitIn(cwd, 'remote', 'set-url', 'origin', 'https://git.example/team/shop')
  assert.equal(await add(), 'shop')
  await gitIn(cwd, 'remote', 'set-url', 'origin', 'https://git.example/team/unknown')
  assert.equal(await add(), 'project_required')
})

test('add in a clone of a clone means the projects of every repository on the way to its origin', async () => {
  await using home = await homeWith()
  await using moose = await home.open('client')
  const { folder, path: origin } = home.remote
  const at = (name: string) => path.join(folder, name)
  await gitIn(folder, 'clone', '--quiet', origin, 'first')
  await gitIn(folder, 'clone', '--quiet', 'first', 'second')
  const { db } = home.database
  const row = { default_branch: 'main', forge: 'local' } as const
  await db
    .insertInto('projects')
    .values({ name: 'of-second', repository: at('second'), ...row })
    .execute()
  const named = async (name: string) =>
    (await projectsOfCheckout(moose.api, at(name))).map((found) => found.name).sort()
  assert.deepEqual(await named('second'), ['sample'])
  await db
    .insertInto('projects')
    .values({ name: 'of-first', repository: at('first'), ...row })
    .execute()
  assert.deepEqual(await named('second'), ['of-first', 'sample'])
  assert.deepEqual(await named('first'), ['sample'])
  await gitIn(at('first'), 'remote', 'rename', 'origin', 'one')
  await gitIn(at('first'), 'remote', 'add', 'two', origin)
  assert.deepEqual(await named('second'), ['of-first'])
})

test('a DATABASE_URL that is not the database of the service on that home is an error that names both', async () => {
  await using home = await homeWith()
  await using other = await createTestDatabase()
  await using service = startMoose(['up'], { environment: home.environment })
  await service.said(/serves/)
  const list = (DATABASE_URL: string) => command(['list'], { environment: { ...home.environment, DATABASE_URL } })
  assert.equal((await list(home.database.url)).exitCode, 0)
  const { DATABASE_URL: _, ...unset } = home.environment
  assert.equal((await command(['list'], { environment: unset })).exitCode, 0)
  // Another spelling of the same database is the same one.
  const spelled = new URL(home.database.url)
  spelled.searchParams.set('application_name', 'me')
  assert.equal((await list(spelled.href)).exitCode, 0)
  const secret = new URL(other.url)
  secret.password = 'hidden-word'
  for (const words of [['list'], ['status'], ['up'], ['stop']]) {
    const environment = { ...home.environment, DATABASE_URL: secret.href }
    const refused = await command(words, { environment })
    assert.equal(refused.exitCode, 2, `${words.join(' ')}: ${refused.stderr}`)
    const named = [home.database.url, other.url].map((url) => new URL(url).pathname)
    for (const name of named) assert.ok(refused.stderr.includes(name), refused.stderr)
    assert.match(refused.stderr, /Unset DATABASE_URL/)
    assert.ok(!refused.stderr.includes('hidden-word'))
  }
  service.child.kill('SIGTERM')
  await service.ended
})
