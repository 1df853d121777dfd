import assert from 'node:assert/strict'
import { chmod, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { systemClock } from '../../src/clock.ts'
import { MOOSE } from '../../src/contract/actor.ts'
import { findPullRequestOfAttempt, pullRequestsInBrief } from '../../src/db/pull-requests/pull-requests.ts'
import { Fault, type FaultCode } from '../../src/faults/fault.ts'
import { createLocalForge } from '../../src/forge/local/local-forge.ts'
import { Mirrors } from '../../src/git/mirrors.ts'
import { createLog } from '../../src/log.ts'
import type { Forge, PublishInput } from '../../src/ports/pull-request.ts'
import { filesOfDiff } from '../../src/work-order/diff-files.ts'
import type { Project } from '../../src/work-order/project.ts'
import { createWorkspaces } from '../../src/workspace/workspaces.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { createGitRemote, type FileChange, type GitRemote, gitIn } from '../support/git-remote.ts'

const fault = (code: FaultCode) => (error: unknown) => error instanceof Fault && error.code === code
const { signal } = new AbortController()
const when = new Date('2026-01-02T03:04:05Z')
const log = createLog('silent')

let database: TestDatabase
before(async () => {
  database = await createTestDatabase()
})
after(() => database[Symbol.asyncDispose]())

type Setting = AsyncDisposable & {
  remote: GitRemote
  project: Project
  mirrors: Mirrors
  forge: Forge
  /** An order whose change is committed in the mirror, ready to be published. */
  prepare: (files: Readonly<Record<string, string | Buffer | null>>, attempt?: number) => Promise<PublishInput>
}

async function setting(files: Readonly<Record<string, FileChange>>): Promise<Setting> {
  const remote = await createGitRemote(files)
  const { id } = await database.db
    .insertInto('projects')
    .values({
      name: `demo of ${path.basename(path.dirname(remote.path))}`,
      repository: remote.path,
      forge: 'local',
      default_branch: 'main',
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  const project = remote.project({ id, name: 'demo project' })
  const mirrors = new Mirrors(remote.folder)
  const forge = createLocalForge({ db: database.db, mirrors, log, clock: systemClock })
  return {
    remote,
    project,
    mirrors,
    forge,
    prepare: (changes, attempt = 1) => prepare({ remote, project, mirrors }, changes, attempt),
    [Symbol.asyncDispose]: () => remote[Symbol.asyncDispose](),
  }
}

async function prepare(
  { remote, project, mirrors }: Pick<Setting, 'remote' | 'project' | 'mirrors'>,
  changes: Readonly<Record<string, string | Buffer | null>>,
  attempt: number,
): Promise<PublishInput> {
  const { id: workOrderId } = await database.db
    .insertInto('work_orders')
    .values({
      title: 'Change',
      description: '',
      risk_level: 'low',
      project_id: project.id,
      files_in_scope: JSON.stringify(Object.keys(changes)),
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  const workspaces = createWorkspaces({ root: remote.folder, mirrors })
  const baseSha = await workspaces.fetchBase(project, signal)
  await using workspace = await workspaces.open({ project, workOrderId, attempt, sha: baseSha, signal })
  for (const [name, content] of Object.entries(changes)) {
    if (content !== null) await writeFile(path.join(workspace.path, name), content)
  }
  const headSha = await workspace.commit(`WO: ${workOrderId}`, when)
  assert.ok(headSha !== null)
  const short = workOrderId.slice(0, 8)
  const branches = [`feature/wo-${short}-change`, `feature/wo-${short}-change-2`]
  const texts = { title: 'WO-1: Change', body: 'body', labels: [] }
  return { project, workOrderId, attempt, branches, baseSha, headSha, ...texts, signal, hold: async () => undefined }
}

async function hook(remote: GitRemote, name: string, script: string): Promise<void> {
  const file = path.join(remote.path, 'hooks', name)
  await writeFile(file, `#!/bin/sh\n${script}\n`)
  await chmod(file, 0o755)
}

test('publishing pushes the exact commit and records one pull request with its diff', async () => {
  await using given = await setting({ a: '1\n' })
  const input = await given.prepare({ a: '2\n' })
  const opened = await given.forge.publish(input)
  assert.deepEqual(opened, {
    number: 1,
    url: 'local://demo%20project/pull/1',
    branch: input.branches[0],
    base: 'main',
    headSha: input.headSha,
    state: 'open',
    mergeSha: null,
  })
  assert.equal(await given.remote.git('rev-parse', opened.branch), input.headSha)
  assert.equal(await given.remote.git('rev-parse', 'main'), input.baseSha)
  const row = await findPullRequestOfAttempt(database.db, input)
  assert.match(String(row?.diff), /-1\n\+2\n$/)
  assert.deepEqual(await given.forge.publish(input), opened)
  assert.deepEqual(await given.remote.branches(), [opened.branch, 'main'].sort())
})

test('life G8: the recorded diff applies, also of binary files and of text that is no UTF-8', async () => {
  const before = {
    text: 'one\n',
    'b.png': Buffer.from([0, 1, 2, 3]),
    latin1: Buffer.from('caf\xe9\n', 'latin1'),
    'gone.bin': Buffer.from([0]),
    late: `${'x\n'.repeat(8_000)}end\n`,
  }
  await using given = await setting(before)
  const changes = {
    text: 'diff --git a/x b/x\ntwo\n',
    'b.png': Buffer.from([0, 9, 8, 7, 6]),
    latin1: Buffer.from('th\xe9\n', 'latin1'),
    'nü.bin': Buffer.from([255, 0, 254]),
    late: `${'x\n'.repeat(8_000)}e\0d\n`,
  }
  const input = await given.prepare(changes)
  await given.forge.publish(input)
  const diff = String((await findPullRequestOfAttempt(database.db, input))?.diff)
  assert.match(diff, /^\+two$/m)
  const [latin1] = filesOfDiff(diff).files.filter(({ path: name }) => name === 'latin1')
  assert.deepEqual([latin1?.added, latin1?.deleted], [1, 1], 'the counts of git')
  assert.match(String(latin1?.text), /\n@@ -1 \+1 @@\n-café\n\+thé\n$/)
  const clone = path.join(given.remote.folder, 'clone')
  await gitIn(given.remote.folder, 'clone', '--quiet', given.remote.path, clone)
  await writeFile(path.join(clone, '..', 'recorded.diff'), diff)
  await gitIn(clone, 'apply', '--index', '../recorded.diff')
  assert.equal(await gitIn(clone, 'write-tree'), await given.remote.git('rev-parse', `${input.headSha}^{tree}`))
})

test('publishing after a crash between push and record finds the branch', async () => {
  await using given = await setting({ a: '1\n' })
  const input = await given.prepare({ a: '2\n' })
  await gitIn(
    given.mirrors.of(given.project).dir,
    'push',
    '--quiet',
    given.remote.path,
    `${input.headSha}:refs/heads/${input.branches[0]}`,
  )
  const opened = await given.forge.publish(input)
  assert.equal(opened.branch, input.branches[0])
  assert.deepEqual(await given.remote.branches(), [opened.branch, 'main'].sort())
})

test('two callers racing for one attempt make one branch and one pull request', async () => {
  await using given = await setting({ a: '1\n' })
  const input = await given.prepare({ a: '2\n' })
  const other = createLocalForge({
    db: database.db,
    mirrors: new Mirrors(given.remote.folder),
    log,
    clock: systemClock,
  })
  const [first, ...rest] = await Promise.all(
    [1, 2, 3, 4].map((n) => (n % 2 === 0 ? other : given.forge).publish(input)),
  )
  for (const one of rest) assert.deepEqual(one, first)
  assert.equal((await pullRequestsInBrief(database.db, input.workOrderId)).length, 1)
  assert.equal((await given.remote.branches()).length, 2)
})

test('ten orders published at once get the numbers 1 to 10', async () => {
  await using given = await setting({ a: '1\n' })
  const inputs: PublishInput[] = []
  for (let index = 0; index < 10; index += 1) inputs.push(await given.prepare({ [`f${index}`]: 'x\n' }))
  const opened = await Promise.all(inputs.map((input) => given.forge.publish(input)))
  assert.deepEqual(
    opened.map(({ number }) => number).sort((a, b) => a - b),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  )
  assert.equal((await given.remote.branches()).length, 11)
})

test("a name that holds somebody else's commit is left alone; when all do, nothing is published", async () => {
  await using given = await setting({ a: '1\n' })
  const input = await given.prepare({ a: '2\n' })
  const [first = '', second = ''] = input.branches
  const foreign = await given.remote.commit(first, { a: 'foreign\n' })
  assert.equal((await given.forge.publish(input)).branch, second)
  assert.equal(await given.remote.git('rev-parse', first), foreign)
  const next = { ...(await given.prepare({ a: '3\n' })), branches: [first, second] }
  await assert.rejects(given.forge.publish(next), fault('branch_taken'))
  assert.deepEqual(await pullRequestsInBrief(database.db, next.workOrderId), [])
})

test('an attempt is never published to the base branch', async () => {
  await using given = await setting({ a: '1\n' })
  const input = await given.prepare({ a: '2\n' })
  await assert.rejects(given.forge.publish({ ...input, branches: ['main'] }), fault('push_rejected'))
  assert.equal(await given.remote.git('rev-parse', 'main'), input.baseSha)
})

test('a repository that refuses the push is told with its own words', async () => {
  await using given = await setting({ a: '1\n' })
  const input = await given.prepare({ a: '2\n' })
  await hook(given.remote, 'pre-receive', 'echo "no pushes on Friday" >&2; exit 1')
  await assert.rejects(
    given.forge.publish(input),
    (error) => fault('push_rejected')(error) && /Friday/.test(String(error)),
  )
})

test('a pull request whose order was done anew keeps its number; a closed one is not reopened', async () => {
  await using given = await setting({ a: '1\n' })
  const input = await given.prepare({ a: '2\n' })
  const opened = await given.forge.publish(input)
  const closed = await given.forge.close(given.project, opened.number)
  assert.equal(closed.state, 'closed')
  assert.deepEqual(await given.remote.branches(), ['main'])
  assert.deepEqual(await given.forge.close(given.project, opened.number), closed)
  await assert.rejects(given.forge.publish(input), fault('pull_request_closed'))
  await assert.rejects(given.forge.merge(given.project, opened.number), fault('work_order_conflict'))
  const again = await given.forge.publish({ ...input, attempt: 2 })
  assert.deepEqual([again.number, again.branch, again.state], [2, input.branches[0], 'open'])
})

test('closing leaves a branch alone that somebody has added to', async () => {
  await using given = await setting({ a: '1\n' })
  const opened = await given.forge.publish(await given.prepare({ a: '2\n' }))
  const added = await given.remote.commit(opened.branch, { a: 'by hand\n' })
  assert.equal((await given.forge.close(given.project, opened.number)).state, 'closed')
  assert.equal(await given.remote.git('rev-parse', opened.branch), added)
})

test('merging brings the change to a base that moved, deletes the branch, and is found when repeated', async () => {
  await using given = await setting({ a: '1\n', b: '1\n' })
  const input = await given.prepare({ a: '2\n' })
  const opened = await given.forge.publish(input)
  const moved = await given.remote.commit('main', { b: '2\n' })
  const merged = await given.forge.merge(given.project, opened.number)
  assert.equal(merged.state, 'merged')
  assert.equal(await given.remote.git('rev-parse', 'main'), merged.mergeSha)
  const shown = await given.remote.git('show', '-s', '--format=%P|%s|%an', 'main')
  assert.equal(shown, `${moved} ${input.headSha}|Merge pull request #1: WO: ${input.workOrderId}|Moose`)
  assert.deepEqual(await given.remote.branches(), ['main'])
  assert.deepEqual(await given.forge.merge(given.project, opened.number), merged)
  assert.deepEqual(await given.forge.publish(input), merged)
  assert.deepEqual(await given.remote.branches(), ['main'], 'publishing once more brings no branch back')
  await assert.rejects(given.forge.close(given.project, opened.number), fault('work_order_conflict'))
})

test('by rule it is merged only into the base that it was verified on; a merge that landed is found', async () => {
  await using given = await setting({ a: '1\n', b: '1\n' })
  const input = await given.prepare({ a: '2\n' })
  const opened = await given.forge.publish(input)
  const moved = await given.remote.commit('main', { b: '2\n' })
  await assert.rejects(given.forge.merge(given.project, opened.number, MOOSE), {
    code: 'work_order_conflict',
    message:
      /main has moved to [0-9a-f]{12} since pull request #1 was verified on [0-9a-f]{12}: by rule it is merged once/,
  })
  assert.equal(await given.remote.git('rev-parse', 'main'), moved, 'nothing was pushed')
  await database.db
    .updateTable('pull_requests')
    .set({ base_sha: moved })
    .where('work_order_id', '=', input.workOrderId)
    .execute()
  const merged = await given.forge.merge(given.project, opened.number, MOOSE)
  await database.db
    .updateTable('pull_requests')
    .set({ state: 'open', merge_sha: null, ended_at: null })
    .where('work_order_id', '=', input.workOrderId)
    .execute()
  assert.equal((await given.forge.merge(given.project, opened.number, MOOSE)).mergeSha, merged.mergeSha)
})

test('a merge that landed before a crash is found, whoever made it', async () => {
  await using given = await setting({ a: '1\n' })
  const input = await given.prepare({ a: '2\n' })
  const opened = await given.forge.publish(input)
  await given.remote.git('update-ref', 'refs/heads/main', input.headSha)
  const merged = await given.forge.merge(given.project, opened.number)
  assert.deepEqual([merged.state, merged.mergeSha], ['merged', input.headSha])
  assert.deepEqual(await given.remote.branches(), ['main'])
})

test('what was merged by hand is not closed', async () => {
  await using given = await setting({ a: '1\n' })
  const input = await given.prepare({ a: '2\n' })
  const opened = await given.forge.publish(input)
  await given.remote.git('update-ref', 'refs/heads/main', input.headSha)
  await assert.rejects(given.forge.close(given.project, opened.number), {
    code: 'work_order_conflict',
    message: /merged by hand: main holds its commit.*moose merge [0-9a-f]{8}$/,
  })
  assert.equal((await given.forge.merge(given.project, opened.number)).state, 'merged')
})

test('a conflict names the files and changes nothing', async () => {
  await using given = await setting({ a: '1\n' })
  const opened = await given.forge.publish(await given.prepare({ a: '2\n' }))
  const moved = await given.remote.commit('main', { a: '3\n' })
  await assert.rejects(
    given.forge.merge(given.project, opened.number),
    (error) => fault('merge_conflict')(error) && error instanceof Fault && error.details['files'] === 'a',
  )
  assert.equal(await given.remote.git('rev-parse', 'main'), moved)
  assert.equal((await given.remote.branches()).length, 2)
})

test('a conflict in many files names the first, and still says what to type', async () => {
  const files = (text: string) => Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`f${n + 10}`, text]))
  await using given = await setting(files('1\n'))
  const opened = await given.forge.publish(await given.prepare(files('2\n')))
  await given.remote.commit('main', files('3\n'))
  await assert.rejects(given.forge.merge(given.project, opened.number), {
    code: 'merge_conflict',
    message: /in: f10, .*f29, and 10 more\.\nHave the model .*\nOr merge .*\nOr .*moose retry [0-9a-f]{8}$/,
  })
})

test('a conflict that no model may or can resolve is left to a person, and says why', async () => {
  await using given = await setting({ a: '1\n', b: Buffer.from([0, 1]), c: '1\n' })
  const left = (why: RegExp) => ({ code: 'merge_conflict', message: new RegExp(`${why.source}\\nMerge main into `) })
  const opened = await given.forge.publish(await given.prepare({ b: Buffer.from([0, 2]), c: '2\n' }))
  const refused = (why: RegExp) => assert.rejects(given.forge.merge(given.project, opened.number), left(why))
  await given.remote.commit('main', { c: null })
  await refused(/A model can resolve what is text on both sides, and c is not\./)
  await given.remote.commit('main', { b: Buffer.from([0, 3]), c: '1\n' })
  await refused(/A model can resolve what is text on both sides, and b is not\./)
  await given.remote.commit('main', { b: Buffer.from([0, 1]), c: '3\n' })
  await database.db.updateTable('work_orders').set({ files_in_scope: '["a"]' }).execute()
  await refused(/A model may change files_in_scope alone, and not c\./)
})

test('a base that moves while merging is fetched again', async () => {
  await using given = await setting({ a: '1\n', b: '1\n' })
  const opened = await given.forge.publish(await given.prepare({ a: '2\n' }))
  const mirror = given.mirrors.of(given.project)
  const run = mirror.runRemote.bind(mirror)
  let pushes = 0
  mirror.runRemote = async (project, args, call) => {
    if (args[0] === 'push' && pushes++ < 2) await given.remote.commit('main', { b: `moved ${pushes}\n` })
    return await run(project, args, call)
  }
  const merged = await given.forge.merge(given.project, opened.number)
  assert.equal(await given.remote.git('rev-parse', 'main'), merged.mergeSha)
  assert.equal(await given.remote.git('show', 'main:b'), 'moved 2')
  assert.equal(await given.remote.git('show', 'main:a'), '2')
})

test('five pull requests merged at once all land', async () => {
  await using given = await setting({ a: '1\n' })
  const numbers: number[] = []
  for (let index = 0; index < 5; index += 1) {
    numbers.push((await given.forge.publish(await given.prepare({ [`f${index}`]: 'x\n' }))).number)
  }
  const merged = await Promise.all(numbers.map((number) => given.forge.merge(given.project, number)))
  assert.ok(merged.every(({ state }) => state === 'merged'))
  assert.equal(await given.remote.git('ls-tree', '--name-only', 'main'), 'a\nf0\nf1\nf2\nf3\nf4')
})

test('a branch changed after its checks is not merged', async () => {
  await using given = await setting({ a: '1\n' })
  const opened = await given.forge.publish(await given.prepare({ a: '2\n' }))
  await given.remote.commit(opened.branch, { a: 'unchecked\n' })
  await assert.rejects(given.forge.merge(given.project, opened.number), fault('merge_conflict'))
})

test('a branch deleted by hand can still be merged: the mirror keeps the commit', async () => {
  await using given = await setting({ a: '1\n' })
  const opened = await given.forge.publish(await given.prepare({ a: '2\n' }))
  await given.remote.git('branch', '-D', opened.branch)
  assert.equal((await given.forge.merge(given.project, opened.number)).state, 'merged')
  assert.equal(await given.remote.git('show', 'main:a'), '2')
})

test('a merge into a branch that is checked out is refused, and the checkout left alone', async () => {
  await using given = await setting({ a: '1\n' })
  const checkout = path.join(given.remote.folder, 'checkout')
  await gitIn(given.remote.folder, 'clone', '--quiet', given.remote.path, checkout)
  const project = { ...given.project, repository: checkout }
  const input = { ...(await given.prepare({ a: '2\n' })), project }
  const opened = await given.forge.publish(input)
  assert.equal(await gitIn(checkout, 'rev-parse', opened.branch), input.headSha)
  await assert.rejects(given.forge.merge(project, opened.number), fault('push_rejected'))
  assert.equal(await gitIn(checkout, 'status', '--porcelain'), '')
  assert.equal(await gitIn(checkout, 'rev-parse', 'HEAD'), input.baseSha)
})

test('a number nobody opened is not found', async () => {
  await using given = await setting({ a: '1\n' })
  await assert.rejects(given.forge.merge(given.project, 7), fault('not_found'))
  await assert.rejects(given.forge.close(given.project, 7), fault('not_found'))
})
