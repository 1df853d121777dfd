import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import type { Moose } from '../../src/app.ts'
import { type BudgetMergedBy, BudgetResponse } from '../../src/contract/budget.ts'
import { readRoutingOutcomes } from '../../src/db/outcome-vectors.ts'
import { readNumbers } from '../../src/http/numbers/read-numbers.ts'
import { Usd } from '../../src/money.ts'
import { type Scripted, startModelServer } from '../support/model-server.ts'
import { createMooseHome, detailOf, fileOrder, settled } from '../support/moose-home.ts'
import { assertConforms } from '../support/openapi-contract.ts'
import { moose as command } from '../support/service-process.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'
import { NEVER_POLLS, write } from '../support/suspended-bench.ts'
import { until } from '../support/until.ts'

const FILES = {
  'greeting.ts': 'top\nhello\nbottom\n',
  'moose.yaml': 'checks:\n  - { name: polite, run: "! grep -q rude greeting.ts" }\n',
}
const SETTINGS = { ...NEVER_POLLS, MOOSE_TRACK_INTERVAL_MS: '1000', ORCHESTRATOR_EXECUTOR: 'patch' }
const text = (told: string): Scripted => ({ kind: 'text', text: told })
const PATIENT = { withinMs: 180_000 }

async function mergedBy(moose: Moose): Promise<BudgetMergedBy[]> {
  const response = await moose.http.fetch(new Request('http://127.0.0.1/api/budget'))
  const { merged_by: rows } = BudgetResponse.parse(await assertConforms('GET', '/api/budget', response))
  return rows ?? assert.fail('no merged_by')
}

test('a merged pull request costs what all its attempts did, follow-ups too; its revert is seen once and learnt from', async () => {
  await using home = await createMooseHome(FILES, [], SETTINGS)
  await using server = await startModelServer(
    text(write('greeting.ts', 'top\nhello, world\nbottom')),
    text(write('greeting.ts', 'top\ngood morning, world\nbottom')),
  )
  await useStandIn(home, 'stand-in', { url: server.url, threshold: 1 })
  const { db } = home.database
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: 'Greet the world', files: ['greeting.ts'] })
  assert.equal((await settled(moose, id)).phase, 'in_review')
  const first = Number((await detailOf(moose, id)).actual_cost)
  await home.remote.commit('main', { 'greeting.ts': 'top\ngood morning\nbottom\n' })
  const isFollowed = async () =>
    (await db.selectFrom('follow_ups').select('outcome').execute())[0]?.outcome === 'succeeded'
  await until('the conflict is resolved', isFollowed, PATIENT)
  await settled(moose, id)
  await moose.orchestrator.merge(id)
  const { actual_cost: cost, attempt_history: attempts } = await detailOf(moose, id)
  assert.equal(attempts.length, 2)
  assert.ok(Number(cost) > first && first > 0, `${first} and then ${cost}`)
  const { rows: booked } = await sql<{ spent: string }>`
    select sum(cost_usd)::text as spent from budget_entries where work_order_id = ${id}`.execute(db)
  const spent = new Usd(String(booked[0]?.spent)).toFixed()
  const { name: project } = await db.selectFrom('projects').select('name').executeTakeFirstOrThrow()
  const counted = {
    merged: 1,
    orders_usd: Number(spent),
    cost_per_merged_usd: Number(spent),
    repairs: 1,
    review_rounds: 0,
  }
  assert.deepEqual(await mergedBy(moose), [
    { by: 'project', name: project, ...counted, reverted: null },
    { by: 'proposer', name: 'stand-in', ...counted, reverted: null },
    { by: 'kind', name: 'code', ...counted, reverted: null },
  ])
  const learnt = async () => (await readRoutingOutcomes(db, 10)).map(({ merged, costUsd }) => [merged, costUsd])
  assert.deepEqual(await learnt(), [[true, Number(spent)]], 'the attempt has cost what its pull request did')

  const before = await command({ ...home.environment, COLUMNS: '200' }, 'budget')
  assert.match(before.stdout, /kind +code +1 .* not known/)
  assert.match(before.stdout, /Reverts are looked for once an hour, first an hour after the merge\./)

  const undo = `Undo\n\nThis reverts commit ${await home.remote.git('rev-parse', 'main')}.`
  const sha = await home.remote.git('commit-tree', 'main~^{tree}', '-p', 'main', '-m', undo)
  await home.remote.git('update-ref', 'refs/heads/main', sha)
  await sql`update outcome_vectors set created_at = created_at - interval '2 hours'`.execute(db)
  const reverts = async () => (await readNumbers(db, { tz: 'UTC' })).reverts
  await until('the revert is seen', async () => (await reverts()) === 1, PATIENT)
  const { pull_request: pull } = await detailOf(moose, id)
  assert.equal(pull?.reverted?.by, sha)
  assert.ok(pull.reverted.seen_at >= String(pull.ended_at), JSON.stringify(pull.reverted))
  await sql`update outcome_vectors set revert_looked_at = revert_looked_at - interval '2 hours'`.execute(db)
  const looks = new Set<string | null>()
  await until(
    'it has looked again',
    async () => looks.add((await moose.orchestrator.status()).github.last_look).size > 2,
    {
      withinMs: 60_000,
    },
  )
  assert.equal(await reverts(), 1)
  const events = await db
    .selectFrom('work_order_events')
    .select('message')
    .where('message', 'like', '%reverted on%')
    .execute()
  assert.equal(events.length, 1)
  const why = (await moose.orchestrator.explain([id])).get(id)?.why
  const said = `pull request #1 was merged, and its change was reverted on main by ${sha.slice(0, 12)}`
  assert.equal(why?.short, `completed: ${said}`)
  assert.ok(why.sentence.startsWith(`It is completed: ${said}, as was seen at 20`), why.sentence)
  const shown = await command({ ...home.environment, COLUMNS: '200' }, 'show', id)
  assert.match(shown.stdout, new RegExp(`reverted +on main by ${sha.slice(0, 12)}, seen `))
  assert.match(shown.stdout, /pull request +#1 \(merged, reverted since\)/)
  assert.deepEqual(
    (await mergedBy(moose)).map(({ reverted }) => reverted),
    [1, 1, 1],
  )
  assert.deepEqual(await learnt(), [[false, Number(spent)]])
  const [proposer] = (await readNumbers(db, { tz: 'UTC' })).proposers
  assert.deepEqual([proposer?.count, proposer?.of], [0, 1])
  const { stdout } = await command({ ...home.environment, COLUMNS: '200' }, 'budget')
  assert.match(stdout, /BY +MERGED +A MERGED ONE +REPAIRS +REVIEWS +REVERTED/)
  assert.match(stdout, /kind +code +1 +\$\d\.\d+ +1 +0 +1/)
})
