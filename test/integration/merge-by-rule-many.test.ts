import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type KyselyPlugin, sql } from 'kysely'
import { createMergeByRule } from '../../src/orchestrator/merge-by-rule.ts'
import type { FollowUpForge } from '../../src/ports/pull-request-facts.ts'
import { createMooseHome, fileOrder, settled } from '../support/moose-home.ts'
import { greet, NEVER_POLLS } from '../support/suspended-bench.ts'
import { until } from '../support/until.ts'

const SETTINGS = { ...NEVER_POLLS, MOOSE_FOLLOW_UP: 'false', MOOSE_TRACK_INTERVAL_MS: '3600000' }
const FILES = {
  'greeting.txt': 'hello\n',
  'moose.yaml': 'checks:\n  - { name: there, run: "test -f greeting.txt" }\n',
}
const STUCK = 230

/** Counts the queries that are built. */
function counting() {
  const built = { queries: 0 }
  const plugin: KyselyPlugin = {
    transformQuery: ({ node }) => {
      built.queries += 1
      return node
    },
    transformResult: async ({ result }) => result,
  }
  return { built, plugin }
}

test('behind many older pull requests that a rule refuses, the youngest is merged; those cost a query a page, not one each', async () => {
  await using home = await createMooseHome(FILES, [greet], SETTINGS)
  await using moose = await home.open()
  const { db } = home.database
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
  assert.equal((await settled(moose, id)).phase, 'in_review')
  await db.updateTable('projects').set({ merge_policy: 'auto', auto_merge: 'high' }).execute()
  await sql`insert into work_orders select (jsonb_populate_record(work_orders, jsonb_build_object('id', gen_random_uuid(),
      'title', 'Stuck ' || n, 'created_at', created_at - interval '1 day', 'github_pr_number', github_pr_number + n))).*
    from work_orders, generate_series(1, ${STUCK}::integer) as n where id = ${id}`.execute(db)
  await sql`insert into attempts select (jsonb_populate_record(run, jsonb_build_object('work_order_id', other.id))).*
    from attempts as run, work_orders as other where work_order_id = ${id} and other.id <> ${id}`.execute(db)
  await sql`insert into pull_requests select (jsonb_populate_record(pull, jsonb_build_object('work_order_id', other.id,
      'number', other.github_pr_number, 'branch', 'stuck-' || other.github_pr_number, 'adopted_sha', repeat('a', 40)))).*
    from pull_requests as pull, work_orders as other where work_order_id = ${id} and other.id <> ${id}`.execute(db)

  const refused = () => assert.fail('it is not asked for')
  const forge: FollowUpForge = {
    factsOf: refused,
    failureOf: refused,
    rerunFailed: refused,
    replyTo: refused,
    keepComment: refused,
    revertsOf: refused,
    withdrawMerge: refused,
    mergeWhenReady: async () => ({ outcome: 'ready' }),
  }
  const merged: string[] = []
  const { built, plugin } = counting()
  await using merging = createMergeByRule({
    db: db.withPlugin(plugin),
    clock: { now: () => new Date(), sleep: async () => undefined },
    forges: { local: forge, github: forge },
    merge: async (one) => void merged.push(one),
    onError: (error) => assert.fail(String(error)),
  })
  merging.look()
  await until('the youngest is merged', async () => merged.length > 0)
  assert.deepEqual(merged, [id])
  assert.ok(built.queries < 25, `${built.queries} queries`)
})
