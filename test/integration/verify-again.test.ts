import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Moose } from '../../src/app.ts'
import { recordIn } from '../../src/contract/evidence/pull-request-record.ts'
import { WhyResponse } from '../../src/contract/why/inbox.ts'
import { editWorkOrder } from '../../src/db/work-orders/edit-work-order.ts'
import { listFailureRows } from '../../src/db/work-orders/failure-rows.ts'
import { mergeCandidates } from '../../src/db/work-orders/merge-candidates.ts'
import { Fault } from '../../src/faults/fault.ts'
import { gitIn } from '../support/git-remote.ts'
import { createMooseHome, detailOf, fileOrder, type MooseHome, settled } from '../support/moose-home.ts'
import { atRest, bench, greet, NEVER_POLLS, putAway, stands, stepsOf } from '../support/suspended-bench.ts'
import { until } from '../support/until.ts'

const FILES = {
  'greeting.txt': 'hello\n',
  'other.txt': 'other\n',
  'moose.yaml': 'checks:\n  - { name: polite, run: "! grep -q rude greeting.txt other.txt", proves: [1] }\n',
}
/** Nothing is looked at unless a test does. */
const QUIET = { ...NEVER_POLLS, MOOSE_TRACK_INTERVAL_MS: '3600000' }
const LOOKS = { ...NEVER_POLLS, MOOSE_TRACK_INTERVAL_MS: '1000', MOOSE_FOLLOW_UP: 'false' }

/** An order in review, with its pull request's branch. */
async function inReview(home: MooseHome, moose: Moose): Promise<{ id: string; branch: string; head: string }> {
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'], criteria: ['It is polite'] })
  const order = await settled(moose, id)
  assert.equal(order.phase, 'in_review', JSON.stringify(order.status_reason))
  const branch = String(order.github_branch)
  return { id, branch, head: await home.remote.git('rev-parse', branch) }
}

async function verified(moose: Moose, id: string) {
  await moose.orchestrator.verify(id)
  return await settled(moose, id)
}

test('what is verified is said as it is: the branch of a pull request as it stands, or the commit of an attempt', async () => {
  await using home = await createMooseHome(FILES, [greet], QUIET)
  await using moose = await home.open()
  const { id, branch } = await inReview(home, moose)
  await home.remote.commit(branch, { 'other.txt': 'by hand\n' })
  const { sentence } = await moose.orchestrator.verify(id)
  assert.equal(
    sentence,
    `No model is called: the checks are run on what the branch ${branch} holds, and what passes them can be merged.`,
  )
  const order = await settled(moose, id)
  const attempt = order.attempt_history.at(-1)
  assert.equal(attempt?.steps[0]?.summary, `verifies what the branch ${branch} holds; no model is called`)
  await moose.orchestrator.close(id)
  const again = await moose.orchestrator.verify(id)
  assert.match(again.sentence, /run on the commit of attempt 1; if they pass, it is published\.$/)
  await settled(moose, id)
})

/** As everything says it that asks what an order in review needs. */
async function saysMoved(moose: Moose, id: string, to: string): Promise<void> {
  const response = await moose.http.fetch(new Request(`http://127.0.0.1/api/work-orders/${id}/why`))
  const { why } = WhyResponse.parse(await response.json())
  assert.ok(why.sentence.includes(`another push has moved its branch to ${to.slice(0, 12)}`), why.sentence)
  assert.ok(why.next.includes(`moose verify ${id.slice(0, 8)}`), why.next.join())
}

const last = ({ attempt_history: attempts }: Awaited<ReturnType<typeof detailOf>>) => {
  const { number, verifies, status, error, cost_usd, steps } = attempts.at(-1) ?? assert.fail()
  const names = steps.map(({ name }) => name).join(' ')
  return { number, verifies, status, code: error?.code, cost: cost_usd, names }
}
const calls = ({ database: { db } }: MooseHome) => db.selectFrom('model_calls').selectAll().execute()
const pullsOf = ({ database: { db } }: MooseHome, id: string) => {
  const rows = db.selectFrom('pull_requests').select('adopted_sha')
  return rows.where('work_order_id', '=', id).orderBy('attempt').execute()
}
const outcomes = ({ database: { db } }: MooseHome) =>
  db.selectFrom('outcome_vectors').select(['attempt', 'operation_type', 'outcome', 'model_used']).execute()

for (const how of ['merge', 'cherry-pick', 'squash', 'rebase'] as const) {
  test(`a ${how} done by hand with plain git is noticed and completes the order`, async () => {
    await using home = await createMooseHome(FILES, [greet], LOOKS)
    await using moose = await home.open()
    const { id, branch, head } = await inReview(home, moose)
    await home.remote.commit('main', { 'README.md': 'moved\n' })
    const clone = `${home.remote.folder}/by-hand`
    await gitIn(home.remote.folder, 'clone', '--quiet', home.remote.path, clone)
    if (how === 'merge') await gitIn(clone, 'merge', '--quiet', '--no-edit', `origin/${branch}`)
    if (how === 'cherry-pick') await gitIn(clone, 'cherry-pick', head)
    if (how === 'squash') {
      await gitIn(clone, 'merge', '--quiet', '--squash', `origin/${branch}`)
      await gitIn(clone, 'commit', '--quiet', '--message', 'all of it')
    }
    if (how === 'rebase') {
      await gitIn(clone, 'checkout', '--quiet', '-b', 'mine', `origin/${branch}`)
      await gitIn(clone, 'rebase', '--quiet', 'main')
      await gitIn(clone, 'checkout', '--quiet', 'main')
      await gitIn(clone, 'merge', '--quiet', '--ff-only', 'mine')
    }
    const tip = await gitIn(clone, 'rev-parse', 'HEAD')
    await gitIn(clone, 'push', '--quiet', 'origin', 'main')
    await until('the order is completed', async () => (await detailOf(moose, id)).status === 'completed')
    const order = await detailOf(moose, id)
    assert.deepEqual([order.pull_request?.state, order.pull_request?.merge_sha], ['merged', tip])
    // What was only copied may be deleted by who has copied it.
    assert.equal((await home.remote.branches()).includes(branch), how !== 'merge')
    await moose.orchestrator.merge(id).catch((error: unknown) => assert.match(String(error), /completed/))
  })
}

test('a base that goes on without the change completes nothing', async () => {
  await using home = await createMooseHome(FILES, [greet], LOOKS)
  await using moose = await home.open()
  const { id } = await inReview(home, moose)
  const seen = async () => (await detailOf(moose, id)).pull_request?.seen_at
  await home.remote.commit('main', { 'greeting.txt': 'hello, moon\n' })
  const before = await seen()
  await until('it was looked at', async () => (await seen()) !== before)
  await home.remote.commit('main', { 'greeting.txt': 'hello\n' })
  const again = await seen()
  await until('it was looked at again', async () => (await seen()) !== again)
  assert.equal((await detailOf(moose, id)).phase, 'in_review')
})

test('a branch that is put back to the base is not taken for merged, and stays', async () => {
  await using home = await createMooseHome(FILES, [greet], LOOKS)
  await using moose = await home.open()
  const { id, branch } = await inReview(home, moose)
  const seen = async () => (await detailOf(moose, id)).pull_request?.seen_at
  const tip = await home.remote.commit('main', { 'README.md': 'moved\n' })
  await home.remote.git('update-ref', `refs/heads/${branch}`, tip)
  const before = await seen()
  await until('it was looked at', async () => (await seen()) !== before)
  const again = await seen()
  await until('it was looked at again', async () => (await seen()) !== again)
  assert.deepEqual([(await detailOf(moose, id)).phase, await home.remote.git('rev-parse', branch)], ['in_review', tip])
})

test('a pull request that cannot be compared keeps no other from being seen', async () => {
  await using home = await createMooseHome(FILES, [greet], LOOKS)
  await using moose = await home.open()
  const broken = await inReview(home, moose)
  const { id, head } = await inReview(home, moose)
  const { db } = home.database
  await db.updateTable('pull_requests').set({ head_sha: 'none' }).where('work_order_id', '=', broken.id).execute()
  await home.remote.git('update-ref', 'refs/heads/main', head)
  await until('the order is completed', async () => (await detailOf(moose, id)).status === 'completed')
  assert.equal((await detailOf(moose, broken.id)).phase, 'in_review')
})

test('a conflict says what to type; resolved by hand on the branch it is verified, and merged as it was verified', async () => {
  await using home = await createMooseHome(FILES, [greet], QUIET)
  await using moose = await home.open()
  const { id, branch } = await inReview(home, moose)
  await home.remote.commit('main', { 'greeting.txt': 'good morning\n' })
  const short = id.slice(0, 8)
  const ways = new RegExp(
    `conflicts with main in: greeting.txt.*moose verify ${short}.*moose close ${short}.*moose retry`,
    's',
  )
  await assert.rejects(moose.orchestrator.merge(id), { code: 'merge_conflict', message: ways })

  const tried = await verified(moose, id)
  assert.equal(tried.phase, 'in_review')
  const steps = 'route apply record'
  assert.deepEqual(last(tried), {
    number: 2,
    verifies: 1,
    status: 'blocked',
    code: 'merge_conflict',
    cost: 0,
    names: steps,
  })
  assert.match(String(tried.attempt_history.at(-1)?.error?.message), ways)

  const clone = `${home.remote.folder}/by-hand`
  await gitIn(home.remote.folder, 'clone', '--quiet', '--branch', branch, home.remote.path, clone)
  await gitIn(clone, 'merge', '--quiet', '--no-edit', '--strategy-option', 'ours', 'origin/main')
  await gitIn(clone, 'push', '--quiet', 'origin', branch)
  const resolved = await gitIn(clone, 'rev-parse', 'HEAD')
  await assert.rejects(moose.orchestrator.merge(id), {
    code: 'merge_conflict',
    message: /changed after its checks.*moose verify/s,
  })
  await saysMoved(moose, id, resolved)
  const order = await verified(moose, id)
  const all = 'route apply verify publish record'
  assert.deepEqual(last(order), { number: 3, verifies: 1, status: 'succeeded', code: undefined, cost: 0, names: all })
  assert.deepEqual([order.pull_request?.head_sha, order.pull_request?.verified_by], [resolved, 3])
  assert.deepEqual([order.evidence?.attempt, order.evidence?.head_sha], [3, resolved])
  await moose.orchestrator.merge(id)
  const merged = await detailOf(moose, id)
  assert.equal(merged.status, 'completed')
  assert.equal(await home.remote.git('rev-parse', 'main^2'), resolved)
  assert.equal(await home.remote.git('show', 'main:greeting.txt'), 'hello, world')
  assert.match(
    await home.remote.git('log', '-1', '--format=%s', 'main'),
    /^Merge pull request #1: WO-.*Greet the world$/,
  )
  assert.equal((await calls(home)).length, 1, 'no model was asked again')
  assert.deepEqual(await outcomes(home), [
    { attempt: 1, operation_type: 'work_order_execution', outcome: 'pull_request_opened', model_used: 'scripted' },
    { attempt: 1, operation_type: 'pull_request_end', outcome: 'merged', model_used: 'none' },
  ])
})

test('where the base has moved it is merged into the branch, the checks run on the result, and that is merged', async () => {
  await using home = await createMooseHome(FILES, [greet], QUIET)
  await using moose = await home.open()
  const { id, branch, head } = await inReview(home, moose)
  const moved = await home.remote.commit('main', { 'other.txt': 'rude\n' })
  const bad = await verified(moose, id)
  assert.deepEqual([bad.phase, last(bad).code], ['in_review', 'check_failed'])
  assert.equal(await home.remote.git('rev-parse', branch), head, 'what failed is not pushed')
  const tip = await home.remote.commit('main', { 'other.txt': 'kind\n' })
  const order = await verified(moose, id)
  assert.equal(last(order).status, 'succeeded', JSON.stringify(order.attempt_history.at(-1)?.error))
  const brought = await home.remote.git('rev-parse', branch)
  assert.deepEqual((await home.remote.git('show', '-s', '--format=%P', brought)).split(' '), [head, tip])
  assert.deepEqual([order.pull_request?.head_sha, order.pull_request?.base_sha], [brought, tip])
  assert.doesNotMatch(String(order.pull_request?.diff), /other\.txt/)
  const body = String(order.pull_request?.body)
  const record = recordIn(body)
  assert.deepEqual([record?.head_sha, record?.base_sha, record?.attempt], [brought, tip, 3])
  assert.match(body, new RegExp(`<!-- moose:wo=${id} attempt=1 -->$`), 'it is found by the attempt that opened it')
  await moose.orchestrator.merge(id)
  assert.equal(await home.remote.git('rev-parse', 'main^2'), brought)
  assert.ok(await home.remote.git('merge-base', '--is-ancestor', moved, 'main').then(() => true))
  assert.equal((await calls(home)).length, 1)
})

test('a branch that was changed by hand is merged only as it was verified, also outside the scope and amended', async () => {
  await using home = await createMooseHome(FILES, [greet], QUIET)
  await using moose = await home.open()
  const { id, branch } = await inReview(home, moose)
  const onTop = await home.remote.commit(branch, { 'other.txt': 'by hand\n' })
  await assert.rejects(moose.orchestrator.merge(id), {
    code: 'merge_conflict',
    message: /stands at .*moose verify/s,
  })
  const order = await verified(moose, id)
  assert.equal(order.pull_request?.head_sha, onTop)
  assert.match(order.pull_request.body, /\*\*Changed by hand:\*\*/)
  const notes = await home.database.db
    .selectFrom('work_order_events')
    .select('message')
    .where('attempt', '=', 2)
    .execute()
  assert.ok(notes.some(({ message }) => message === 'changed by hand outside files_in_scope: other.txt'))

  const clone = `${home.remote.folder}/amended`
  await gitIn(home.remote.folder, 'clone', '--quiet', '--branch', branch, home.remote.path, clone)
  await gitIn(clone, 'reset', '--quiet', '--soft', 'origin/main')
  await gitIn(clone, 'commit', '--quiet', '--message', 'all in one')
  await gitIn(clone, 'push', '--quiet', '--force', 'origin', branch)
  const amended = await gitIn(clone, 'rev-parse', 'HEAD')
  await assert.rejects(moose.orchestrator.merge(id), { code: 'merge_conflict' })
  await verified(moose, id)
  await home.remote.commit(branch, { 'greeting.txt': 'rude\n' })
  const worse = await verified(moose, id)
  assert.deepEqual([worse.phase, last(worse).code], ['in_review', 'check_failed'])
  await assert.rejects(moose.orchestrator.merge(id), { code: 'merge_conflict' })
  await gitIn(clone, 'push', '--quiet', '--force', 'origin', `${amended}:${branch}`)
  await moose.orchestrator.merge(id)
  assert.equal(await home.remote.git('rev-parse', 'main^2'), amended)
})

test('what a person has pushed and had verified is not merged by rule, whatever is verified on top of it', async () => {
  await using home = await createMooseHome(FILES, [greet], QUIET)
  await using moose = await home.open()
  const { id, branch } = await inReview(home, moose)
  const changed = await home.remote.commit(branch, { 'greeting.txt': 'by hand\n' })
  // As the attempt itself would say it of what it has made.
  const message = `By hand\n\nWork-Order: ${id}/2`
  const pushed = await home.remote.git('commit-tree', '-p', changed, '-m', message, `${changed}^{tree}`)
  await home.remote.git('branch', '--force', branch, pushed)
  await home.database.db.updateTable('projects').set({ merge_policy: 'auto', auto_merge: 'medium' }).execute()
  const rules = async () => {
    const response = await moose.http.fetch(new Request(`http://127.0.0.1/api/work-orders/${id}/why`))
    const { why } = WhyResponse.parse(await response.json())
    return why.evidence.flatMap(({ name, text }) => (/merged by rule/.test(name) ? [text] : []))
  }
  const refused = `it holds ${pushed.slice(0, 12)}, which a person has pushed (adopted)`
  assert.equal((await verified(moose, id)).pull_request?.head_sha, pushed)
  assert.ok((await rules()).includes(refused), JSON.stringify(await rules()))
  const tip = await home.remote.commit('main', { 'README.md': 'moved\n' })
  const above = (await verified(moose, id)).pull_request?.head_sha
  assert.deepEqual((await home.remote.git('show', '-s', '--format=%P', String(above))).split(' '), [pushed, tip])
  assert.ok((await rules()).includes(refused), JSON.stringify(await rules()))
  assert.equal((await detailOf(moose, id)).phase, 'in_review')
  await moose.orchestrator.merge(id)
  assert.equal((await detailOf(moose, id)).status, 'completed', 'a person may merge it')
})

test('what a person has pushed counts no more once the branch is back where Moose had it, with and without a verification', async () => {
  await using home = await createMooseHome(FILES, [greet], QUIET)
  await using moose = await home.open()
  const { id, branch, head } = await inReview(home, moose)
  // The policy is there only while the rules are asked: what they allow is merged at once.
  const isRefused = () =>
    home.database.db.transaction().execute(async (transaction) => {
      await transaction.updateTable('projects').set({ merge_policy: 'auto' }).execute()
      const [candidate] = await mergeCandidates(transaction, [id])
      await transaction.updateTable('projects').set({ merge_policy: 'manual' }).execute()
      assert.ok(candidate !== undefined)
      return candidate.adopted_sha !== null
    })
  const adopted = async () => (await pullsOf(home, id)).map(({ adopted_sha }) => adopted_sha)
  const pushed = await home.remote.commit(branch, { 'greeting.txt': 'rude\n' })
  assert.equal(last(await verified(moose, id)).code, 'check_failed')
  await home.remote.git('branch', '--force', branch, head)
  assert.deepEqual([await adopted(), await isRefused()], [[pushed], false])
  assert.equal(last(await verified(moose, id)).status, 'succeeded')
  assert.deepEqual([await adopted(), await isRefused()], [[null], false])

  const kind = await home.remote.commit(branch, { 'greeting.txt': 'kind\n' })
  await verified(moose, id)
  await home.remote.commit(branch, { 'greeting.txt': 'rude\n' })
  assert.equal(last(await verified(moose, id)).code, 'check_failed')
  await home.remote.git('branch', '--force', branch, kind)
  await verified(moose, id)
  assert.ok(await isRefused(), 'what was verified is of a person')
})

test('a base that was renamed, also in the project, is taken over by a verification, and merged into', async () => {
  await using home = await createMooseHome(FILES, [greet], QUIET)
  await using moose = await home.open()
  const { id, head } = await inReview(home, moose)
  await home.remote.git('branch', '-m', 'main', 'trunk')
  await home.database.db.updateTable('projects').set({ default_branch: 'trunk' }).execute()
  assert.equal((await verified(moose, id)).pull_request?.base, 'trunk')
  await moose.orchestrator.merge(id)
  assert.equal(await home.remote.git('rev-parse', 'trunk^2'), head)
})

test('the fix of a check is run on no change of a person, and that is said', async () => {
  const yaml = `checks:
  - { name: polite, run: "! grep -q rude greeting.txt", fix: sed -i s/rude/kind/ greeting.txt, proves: [1] }
  - { name: short, run: "! grep -q long greeting.txt" }
`
  await using home = await createMooseHome({ ...FILES, 'moose.yaml': yaml }, [greet], QUIET)
  await using moose = await home.open()
  const { id, branch } = await inReview(home, moose)
  const mine = await home.remote.commit(branch, { 'greeting.txt': 'rude and long\n' })
  assert.equal(last(await verified(moose, id)).code, 'check_failed')
  assert.equal(await home.remote.git('rev-parse', branch), mine)
  const { db } = home.database
  const notes = await db.selectFrom('work_order_events').select('message').where('attempt', '=', 2).execute()
  const said = notes.filter(({ message }) => message.includes('fix'))
  assert.deepEqual(
    said.map(({ message }) => message),
    [`the fix of check polite is not run: what is verified stays as it is. Run it on ${branch} and push that`],
  )
})

test('a branch that is put on an older commit of the base, which may have no checks, is not verified', async () => {
  const { 'moose.yaml': checks, ...files } = FILES
  await using home = await createMooseHome(files, [greet], QUIET)
  const older = await home.remote.git('rev-parse', 'main')
  const began = await home.remote.commit('main', { 'moose.yaml': checks })
  await using moose = await home.open()
  const { id, branch, head } = await inReview(home, moose)
  await home.remote.git('update-ref', `refs/heads/${branch}`, older)
  await home.remote.commit(branch, { 'greeting.txt': 'rude\n' })
  const order = await verified(moose, id)
  assert.deepEqual([order.phase, last(order).code], ['in_review', 'work_order_conflict'])
  const told = String(order.attempt_history.at(-1)?.error?.message)
  assert.match(told, new RegExp(`builds on ${older.slice(0, 12)}, an older commit of main than ${began.slice(0, 12)}`))
  await assert.rejects(moose.orchestrator.merge(id), { code: 'merge_conflict' })
  await home.remote.git('update-ref', `refs/heads/${branch}`, head)
  await moose.orchestrator.merge(id)
})

test('a verification that fails before it has begun says nothing of a proposer, nor of a row of failures', async () => {
  await using home = await createMooseHome(FILES, [greet], QUIET)
  await using moose = await home.open()
  const { id } = await inReview(home, moose)
  await home.remote.git('branch', '--move', 'main', 'trunk')
  const order = await verified(moose, id)
  const { verifies, code, names } = last(order)
  assert.deepEqual([verifies, code, names], [1, 'base_branch_missing', 'route record'])
  assert.deepEqual(
    (await outcomes(home)).map(({ attempt }) => attempt),
    [1],
  )
  assert.deepEqual(await listFailureRows(home.database.db), [])
})

test('a person who changes a protected file on the branch is asked to allow it, as for any change', async () => {
  await using home = await createMooseHome(FILES, [greet], QUIET)
  await using moose = await home.open()
  const { id, branch } = await inReview(home, moose)
  await home.remote.commit(branch, { '.github/workflows/ci.yml': 'on: push\n' })
  const held = await verified(moose, id)
  assert.deepEqual([held.status, held.status_reason?.code], ['blocked', 'protected_change'])
  const response = await moose.http.fetch(
    new Request(`http://127.0.0.1/api/work-orders/${id}/approve`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ allow: ['.github/workflows/ci.yml'] }),
    }),
  )
  assert.equal(response.status, 200)
  const order = await settled(moose, id)
  assert.deepEqual([order.phase, last(order).status, order.attempts], ['in_review', 'succeeded', 2])
  await moose.orchestrator.merge(id)
})

/** An order whose commit is there, and failed a check that would pass now. */
async function failedOnce(home: MooseHome, { orchestrator, trouble }: Awaited<ReturnType<typeof bench>>) {
  await orchestrator.start(null)
  trouble.check.push(new Fault('check_failed', 'It failed this once.'))
  const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'], criteria: ['It is polite'] })
  assert.equal(stands(await atRest(home, id)), 'failed/check_failed')
  return id
}

test('the commit of an attempt whose check failed is verified and published without a model', async () => {
  await using home = await createMooseHome(FILES, [greet], QUIET)
  await using given = await bench(home)
  const { orchestrator } = given
  const id = await failedOnce(home, given)
  await putAway(given)
  const asked = { ...given.calls }
  await home.remote.commit('main', { 'other.txt': 'rude\n' })
  await orchestrator.verify(id)
  const order = await atRest(home, id)
  assert.equal(stands(order), 'in_progress/in_review', JSON.stringify(order.history.at(-1)?.error))
  assert.deepEqual(
    stepsOf(order),
    ['route', 'apply', 'verify', 'publish', 'record'].map((name) => `${name} 1 succeeded 1`),
  )
  assert.deepEqual(
    [given.calls.route, given.calls.propose, given.calls.patch],
    [asked.route, asked.propose, asked.patch],
  )
  const [first, second] = order.history
  assert.deepEqual(
    [second?.head_sha, second?.base_sha, second?.verifies, second?.cost_usd],
    [first?.head_sha, first?.base_sha, 1, 0],
  )
  assert.equal(await home.remote.git('rev-parse', String(order.github_branch)), first?.head_sha)
  assert.equal((await calls(home)).length, 1)
  assert.deepEqual(
    (await outcomes(home)).map(({ attempt, model_used }) => [attempt, model_used]),
    [
      [1, 'scripted'],
      [2, 'none'],
    ],
  )
  await orchestrator.merge(id)
})

test('the commit of an earlier attempt is offered where the last one made none, and is verified', async () => {
  await using home = await createMooseHome(FILES, [greet], QUIET)
  await using given = await bench(home)
  const { orchestrator, trouble } = given
  const id = await failedOnce(home, given)
  trouble.route.push(new Fault('proposer_refused', 'It is gone.'))
  await orchestrator.retry(id)
  const failed = await atRest(home, id)
  assert.deepEqual([failed.history.length, failed.history.at(-1)?.head_sha], [2, null], stands(failed))
  const next = (await orchestrator.explain([id])).get(id)?.why.next
  assert.ok(next?.includes(`moose verify ${id.slice(0, 8)}`), next?.join())
  await orchestrator.verify(id)
  const order = await atRest(home, id)
  assert.deepEqual([stands(order), order.history.at(-1)?.verifies], ['in_progress/in_review', 1])
})

test('a commit that was made for what the order asked before is not verified, and it is said what to type', async () => {
  await using home = await createMooseHome(FILES, [greet], QUIET)
  await using given = await bench(home)
  const id = await failedOnce(home, given)
  const { db } = home.database
  await editWorkOrder(db, id, { description: 'Another wording.' })
  const message = /commit of attempt 1 was made for what the order asked before.*moose retry/
  await assert.rejects(given.orchestrator.verify(id), { code: 'work_order_conflict', message })
  assert.equal(stands(await atRest(home, id)), 'failed/check_failed')
})

test('retry with the mode verify_only is the same; one that rests, or has no commit any more, is refused', async () => {
  await using home = await createMooseHome(FILES, [greet], QUIET)
  await using moose = await home.open()
  const { id, branch } = await inReview(home, moose)
  const retry = async (body: unknown) => {
    const [method, headers] = ['POST', { 'content-type': 'application/json' }] as const
    const address = `http://127.0.0.1/api/work-orders/${id}/retry`
    return await moose.http.fetch(new Request(address, { method, headers, body: JSON.stringify(body) }))
  }
  assert.equal((await retry({ mode: 'verify' })).status, 400)
  await moose.orchestrator.close(id)
  assert.equal((await retry({ mode: 'verify_only' })).status, 200)
  const order = await settled(moose, id)
  assert.deepEqual(
    [order.phase, last(order).verifies, last(order).names],
    ['in_review', 1, 'route apply verify publish record'],
  )
  assert.equal(order.pull_request?.number, 2, 'the one that was closed stays closed')
  assert.equal((await calls(home)).length, 1)
  const acts = await home.database.db
    .selectFrom('audit_entries')
    .select('act')
    .where('act', '=', 'order.verify')
    .execute()
  assert.equal(acts.length, 1)

  await home.remote.commit(branch, { 'moose.yaml': 'checks: []\n' })
  const held = await verified(moose, id)
  assert.deepEqual([held.status, held.status_reason?.code], ['blocked', 'protected_change'])
  await assert.rejects(moose.orchestrator.verify(id), { code: 'work_order_conflict' })
})

test('an order without a pull request has no conflict that a model could resolve, and says so', async () => {
  await using home = await createMooseHome(FILES, [greet], QUIET)
  await using moose = await home.open()
  const { id } = await inReview(home, moose)
  await moose.orchestrator.close(id)
  const none = { code: 'work_order_conflict', message: /no open pull request that could conflict.*moose verify/ }
  await assert.rejects(moose.orchestrator.verify(id, undefined, true), none)
  assert.equal((await detailOf(moose, id)).status, 'cancelled')
})

test('a merge that finds the branch changed keeps that: from then on the order says what it needs, as after a look', async () => {
  await using home = await createMooseHome(FILES, [greet], QUIET)
  await using moose = await home.open()
  const { id, branch } = await inReview(home, moose)
  const moved = await home.remote.commit(branch, { 'greeting.txt': 'by hand\n' })
  const merge = () => assert.rejects(moose.orchestrator.merge(id), { code: 'merge_conflict', message: /moose verify/ })
  await merge()
  await saysMoved(moose, id, moved)
  assert.equal((await detailOf(moose, id)).pull_request?.seen_head_sha, moved)
  await merge()
  const { db } = home.database
  const pushes = await db
    .selectFrom('github_events')
    .select(['event_type', 'status'])
    .where('event_type', '=', 'push')
    .execute()
  assert.deepEqual(pushes, [{ event_type: 'push', status: moved }], 'told once')
})

test('an order without a commit says so before anything else', async () => {
  const bad = { ...greet, text: 'no edits here' }
  await using home = await createMooseHome(FILES, [bad], QUIET)
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
  assert.equal((await settled(moose, id)).status, 'failed')
  const none = { code: 'work_order_conflict', message: /there is no commit to verify.*moose retry/s }
  await assert.rejects(moose.orchestrator.verify(id), none)
  assert.deepEqual([(await detailOf(moose, id)).status, (await detailOf(moose, id)).attempts], ['failed', 1])
  const fresh = await fileOrder(home.database, { title: 'Another', files: ['x'], approved: false })
  await assert.rejects(moose.orchestrator.verify(fresh), { code: 'work_order_conflict', message: /pending.*verified/s })
})

test('an order cancelled while it waits to be verified closes its pull request; a retry makes a change again', async () => {
  await using home = await createMooseHome(FILES, [greet], QUIET)
  await using moose = await home.open()
  const { id } = await inReview(home, moose)
  await moose.orchestrator.stop()
  await moose.orchestrator.verify(id)
  assert.equal((await detailOf(moose, id)).status, 'pending')
  await moose.orchestrator.cancel(id)
  const order = await detailOf(moose, id)
  assert.deepEqual([order.status, order.pull_request?.state], ['cancelled', 'closed'])
  await moose.orchestrator.retry(id)
  await moose.orchestrator.start(null)
  const again = await settled(moose, id)
  assert.deepEqual([again.phase, again.attempt_history.at(-1)?.verifies], ['in_review', null])
})
