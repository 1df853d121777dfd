import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { allowancesOf } from '../../src/db/work-orders/allowed-changes.ts'
import { approveWorkOrder } from '../../src/db/work-orders/approve-work-order.ts'
import { heldDetails, heldFrom, heldKey } from '../../src/work-order/protection/held-change.ts'
import { moose as command } from '../support/moose-command.ts'
import { createMooseHome, fileOrder, type MooseHome } from '../support/moose-home.ts'
import type { OrchestratorBench } from '../support/orchestrator-bench.ts'
import { atRest, bench, FILES, NEVER_POLLS, stands, stepsOf, write } from '../support/suspended-bench.ts'
import { until } from '../support/until.ts'

const TOKEN = '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'
const SCOPE = ['.github/workflows/ci.yml', 'CODEOWNERS', 'moose.yaml', 'other.txt']
const takeOver = {
  task: 'Take it over',
  turn: 1,
  text: [
    write('.github/workflows/ci.yml', 'on: push'),
    write('CODEOWNERS', '* @mallory'),
    write('moose.yaml', 'checks: []'),
    write('other.txt', 'taken'),
  ].join('\n'),
}
const leak = { task: 'Leak it', turn: 1, text: write('other.txt', `token = ${TOKEN}`) }
const NOTHING = { allow: [], allow_secrets: [], allow_all_protected: false }

const pullRequest = ({ database: { db } }: MooseHome, id: string) =>
  db.selectFrom('pull_requests').selectAll().where('work_order_id', '=', id).executeTakeFirst()

describe('a change of what is protected waits for a human', () => {
  let home: MooseHome
  let moose: OrchestratorBench

  before(async () => {
    home = await createMooseHome({ ...FILES, CODEOWNERS: '* @ada\n' }, [takeOver, leak], NEVER_POLLS)
    moose = await bench(home)
    await moose.orchestrator.start(null)
  })
  beforeEach(async () => {
    Object.assign(moose.calls, { route: 0, propose: 0, patch: 0, aider: 0, check: 0 })
    await exceptAll([])
  })
  after(async () => {
    await moose[Symbol.asyncDispose]()
    await home[Symbol.asyncDispose]()
  })

  const exceptAll = async (unprotect: readonly string[]) => {
    await home.database.db
      .updateTable('projects')
      .set({ unprotect: JSON.stringify(unprotect) })
      .execute()
  }
  const held = async (title: string, files: readonly string[]) => {
    const id = await fileOrder(home.database, { title, files })
    const order = await atRest(home, id)
    assert.equal(stands(order), 'blocked/protected_change', JSON.stringify(order.status_reason))
    assert.equal(await pullRequest(home, id), undefined)
    assert.ok(!(await home.remote.branches()).some((branch) => branch.includes(id.slice(0, 8))))
    return { id, order, commit: heldFrom(order.status_reason?.details) }
  }

  const pullRequestOnce = async (id: string) => {
    const order = await atRest(home, id)
    assert.equal(stands(order), 'in_progress/in_review', JSON.stringify(order.status_reason))
    return (await pullRequest(home, id))?.head_sha
  }

  test('without the rule it is published', async () => {
    await exceptAll(['**'])
    const id = await fileOrder(home.database, { title: takeOver.task, files: SCOPE })
    assert.equal(stands(await atRest(home, id)), 'in_progress/in_review')
    const branch = `feature/wo-${id.slice(0, 8)}-take-it-over`
    assert.equal(await home.remote.git('show', `${branch}:CODEOWNERS`), '* @mallory')
  })

  test('it rests verified; once all is allowed, the same commit is published, and says who allowed it', async () => {
    const { id, order, commit } = await held(takeOver.task, SCOPE)
    assert.deepEqual(
      commit?.held.map(({ path }) => path),
      SCOPE.slice(0, 3),
    )
    const short = id.slice(0, 8)
    const key = commit === null ? '' : heldKey(commit)
    assert.match(
      String(order.status_reason?.message),
      new RegExp(
        `with: moose decide ${short} allow --held ${key} {3}or one by one: moose approve ${short} --allow PATH`,
      ),
    )
    assert.match(String(order.status_reason?.details?.['diff']), /\+\* @mallory/)
    assert.doesNotMatch(String(order.status_reason?.details?.['diff']), /other\.txt/)
    const calls = { route: 1, propose: 1, patch: 1, aider: 0, check: 1 }
    assert.deepEqual(moose.calls, calls)

    const { db } = home.database
    const part = await approveWorkOrder(db, id, { ...NOTHING, allow: ['.github/', 'CODEOWNERS'] })
    assert.equal(part.status, 'blocked')
    await approveWorkOrder(db, id, { ...NOTHING, allow: ['moose.yaml'] })
    const published = await atRest(home, id)
    assert.equal(stands(published), 'in_progress/in_review', JSON.stringify(published.status_reason))
    assert.deepEqual(moose.calls, calls)
    assert.deepEqual([published.attempts, stepsOf(published)?.at(-2)], [1, 'publish 1 succeeded 2'])
    const pull = await pullRequest(home, id)
    assert.equal(pull?.head_sha, commit?.headSha)
    const [first] = await allowancesOf(db, id)
    assert.match(String(first?.by), /^database_role:./)
    assert.match(pull === undefined ? '' : pull.body, /## Allowed by a Human/)
    assert.ok(
      pull?.body.includes(`\`CODEOWNERS\` is who reviews what, and what bots may do: allowed by \`${first?.by}\``),
    )
  })

  test('what was allowed stays allowed where the base alone is merged in, as long as the file is the same', async () => {
    const { id } = await held(takeOver.task, SCOPE)
    const { db } = home.database
    await approveWorkOrder(db, id, { ...NOTHING, allow_all_protected: true })
    const first = await pullRequestOnce(id)
    for (const text of ['one\n', 'two\n']) {
      const tip = await home.remote.commit('main', { 'greeting.txt': text, '.github/CODEOWNERS': text })
      await moose.orchestrator.verify(id)
      const order = await atRest(home, id)
      assert.equal(stands(order), 'in_progress/in_review', JSON.stringify(order.status_reason))
      const pull = await pullRequest(home, id)
      assert.deepEqual([pull?.base_sha, pull?.head_sha === first], [tip, false])
      assert.match(String(pull?.body), /`CODEOWNERS` is who reviews what, .*: allowed by `database_role:/)
    }
    // Nothing is said of the commit itself.
    const said = new Set((await allowancesOf(db, id)).map(({ headSha }) => headSha))
    assert.deepEqual([...said], [first])
    const branch = String((await atRest(home, id)).github_branch)
    await home.remote.commit(branch, { CODEOWNERS: '* @eve\n' })
    await home.remote.commit('main', { 'greeting.txt': 'three\n' })
    await moose.orchestrator.verify(id)
    const pushed = await atRest(home, id)
    assert.equal(stands(pushed), 'blocked/protected_change', 'a person has changed what was allowed')
    await moose.orchestrator.cancel(id)
  })

  test('what was allowed of one commit is not allowed of another', async () => {
    const { id, commit } = await held(takeOver.task, SCOPE)
    const { db } = home.database
    await approveWorkOrder(db, id, { ...NOTHING, allow: ['CODEOWNERS'] })
    await db
      .insertInto('allowed_changes')
      .columns(['work_order_id', 'content', 'head_sha', 'kind', 'subject'])
      .expression((eb) =>
        eb
          .selectFrom('allowed_changes')
          .select([
            'work_order_id',
            'content',
            eb.val('1'.repeat(40)).as('head_sha'),
            eb.val('all' as const).as('kind'),
            eb.val('').as('subject'),
          ])
          .where('work_order_id', '=', id),
      )
      .execute()
    await moose.orchestrator.retry(id)
    const again = await atRest(home, id)
    assert.deepEqual([stands(again), heldFrom(again.status_reason?.details)?.count], ['blocked/protected_change', 2])
    assert.equal(heldFrom(again.status_reason?.details)?.headSha, commit?.headSha)
  })

  test('allowed before it is made, it does not wait; an edit leaves nothing allowed', async () => {
    const { db } = home.database
    const file = () => fileOrder(home.database, { title: takeOver.task, files: SCOPE, approved: false })
    const first = await file()
    await approveWorkOrder(db, first, { ...NOTHING, allow_all_protected: true })
    assert.equal(stands(await atRest(home, first)), 'in_progress/in_review')

    const second = await file()
    await db.updateTable('work_orders').set({ status: 'blocked' }).where('id', '=', second).execute()
    await approveWorkOrder(db, second, { ...NOTHING, allow_all_protected: true })
    assert.equal((await allowancesOf(db, second)).length, 1)
    await db.updateTable('work_orders').set({ description: 'Now quite another' }).where('id', '=', second).execute()
    assert.deepEqual(await allowancesOf(db, second), [])
  })

  test('an allowance by plain SQL resumes it at the next look', async () => {
    const { id } = await held(takeOver.task, SCOPE)
    await home.database.pool.query(
      `insert into allowed_changes (work_order_id, content, kind, subject)
       select id, moose_content_hash(work_orders), 'all', '' from work_orders where id = $1`,
      [id],
    )
    moose.orchestrator.wake()
    await until('it is in review', async () => stands(await atRest(home, id)) === 'in_progress/in_review')
  })

  test('what looks like a key is allowed by its fingerprint alone', async () => {
    const { id, order, commit } = await held(leak.task, ['other.txt'])
    const fingerprint = String(commit?.held[0]?.fingerprint)
    assert.match(String(order.status_reason?.message), new RegExp(`--allow-secret ${fingerprint}`))
    assert.ok(!JSON.stringify(order.status_reason).includes(TOKEN))
    const { db } = home.database
    const still = await approveWorkOrder(db, id, { ...NOTHING, allow_all_protected: true, allow: ['other.txt'] })
    assert.equal(still.status, 'blocked')
    await approveWorkOrder(db, id, { ...NOTHING, allow_secrets: [fingerprint] })
    assert.equal(stands(await atRest(home, id)), 'in_progress/in_review')
    assert.match(String((await pullRequest(home, id))?.body), new RegExp(`looks like a secret.*${fingerprint}`))
  })

  test('cancelled, it is never published', async () => {
    const { id } = await held(takeOver.task, SCOPE)
    await moose.orchestrator.cancel(id)
    const order = await atRest(home, id)
    assert.deepEqual([order.status, await pullRequest(home, id)], ['cancelled', undefined])
  })
})

test('on the command line what is held is allowed of the commit that was looked up, and of no other', async () => {
  await using home = await createMooseHome(FILES, [], NEVER_POLLS)
  const { db, pool } = home.database
  const ids = []
  for (const [at, title] of ['One', 'Another'].entries()) {
    const id = await fileOrder(home.database, { title, files: ['CODEOWNERS'], approved: false })
    const details = heldDetails(
      [{ path: 'CODEOWNERS', why: 'who reviews what', fingerprint: null }],
      String(at).repeat(40),
    )
    const reason = JSON.stringify({ code: 'protected_change', message: 'It waits.', details })
    await pool.query(`update work_orders set status = 'blocked', status_reason = $2 where id = $1`, [id, reason])
    ids.push(id)
  }
  const [one, another] = ids
  // Both are looked up before the first is approved.
  await pool.query(`
    create function moved() returns trigger language plpgsql as $$ begin
      update work_orders set status = 'pending', status_reason = null where id = '${another}';
      return null;
    end $$;
    create trigger moved after insert on allowed_changes for each row when (new.work_order_id = '${one}') execute function moved()`)
  const words = ['approve', ...ids, '--allow-all-protected']
  const { exitCode, stderr } = await command(words, { environment: home.environment })
  assert.match(stderr, /is of the commit 111111111111, which is not held by now, so nothing is allowed/)
  assert.notEqual(exitCode, 0)
  const allowed = await db.selectFrom('allowed_changes').select(['work_order_id', 'head_sha']).execute()
  assert.deepEqual(allowed, [{ work_order_id: one, head_sha: '0'.repeat(40) }])
})
