import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Kysely, type KyselyPlugin, sql } from 'kysely'
import { askedOfForges } from '../../src/db/pull-requests/merge-asked.ts'
import type { Database } from '../../src/db/schema.ts'
import { comingByRule, createMergeByRule } from '../../src/orchestrator/merge-by-rule.ts'
import { forgeThat, greetingInReview } from '../support/asked-forge.ts'
import { until } from '../support/until.ts'

const CHECKED = { 'moose.yaml': 'checks:\n  - { name: there, run: "test -f greeting.txt" }\n' }
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

const FORGE = forgeThat({ mergeWhenReady: async () => ({ outcome: 'ready' }) })

const TAKEN_ON = { isTakenOn: async () => true, whyStopped: async () => null, lookIntervalMs: 1_000 }

/** Orders like one, with pull requests like its own, that were filed before it, or after. */
async function copies(
  db: Kysely<Database>,
  id: string,
  { count, days, ...pull }: { count: number; days: number } & Partial<Record<'given_up_at' | 'followed_at', string>>,
): Promise<void> {
  await sql`insert into work_orders select (jsonb_populate_record(work_orders, jsonb_build_object('id', gen_random_uuid(),
      'title', 'Copy ' || n, 'created_at', created_at + make_interval(days => ${days}), 'github_pr_number', github_pr_number + n))).*
    from work_orders, generate_series(1, ${count}::integer) as n where id = ${id}`.execute(db)
  await sql`insert into attempts select (jsonb_populate_record(run, jsonb_build_object('work_order_id', other.id,
      'content', moose_order_content(other)))).*
    from attempts as run, work_orders as other where work_order_id = ${id} and other.id <> ${id}`.execute(db)
  await sql`insert into pull_requests select (jsonb_populate_record(pull, ${JSON.stringify(pull)}::jsonb || jsonb_build_object(
      'work_order_id', other.id, 'number', other.github_pr_number, 'branch', 'copy-' || other.github_pr_number))).*
    from pull_requests as pull, work_orders as other where work_order_id = ${id} and other.id <> ${id}`.execute(db)
}

test('behind many older pull requests that a rule refuses, the youngest is merged; those cost a query a page, not one each', async () => {
  await using given = await greetingInReview(CHECKED)
  const { db, id } = given
  await db.updateTable('projects').set({ merge_policy: 'auto', auto_merge: 'high' }).execute()
  await copies(db, id, { count: STUCK, days: -1, given_up_at: new Date().toISOString() })

  const merged: string[] = []
  const { built, plugin } = counting()
  await using merging = createMergeByRule({
    db: db.withPlugin(plugin),
    clock: { now: () => new Date(), sleep: async () => undefined },
    forges: { local: FORGE, github: FORGE },
    merge: async (one) => void merged.push(one),
    ...TAKEN_ON,
    onError: (error) => assert.fail(String(error)),
  })
  merging.look()
  await until('the youngest is merged', async () => merged.length > 0)
  assert.deepEqual(merged, [id])
  assert.ok(built.queries < 25, `${built.queries} queries`)
})

test('facts of before a process began merge nothing by rule on GitHub: its own first look at a pull request comes before', async () => {
  await using given = await greetingInReview(CHECKED)
  const { db, id } = given
  await db.updateTable('projects').set({ forge: 'github', merge_policy: 'auto', auto_merge: 'high' }).execute()
  const began = Date.now()
  const minutes = (past: number) => new Date(began - past * 60_000)
  const follow_up = JSON.stringify({ state: 'quiet', why: 'it waits for a human', code: null, at: minutes(9) })
  await db
    .updateTable('pull_requests')
    .set({ checks: 'SUCCESS', follow_up, followed_since: minutes(9), followed_at: minutes(1), seen_at: minutes(1) })
    .set({
      followed_sha: sql<string>`head_sha`,
      seen_head_sha: sql<string>`head_sha`,
      seen_mark: 'one',
      followed_mark: 'one',
    })
    .execute()

  await copies(db, id, { count: 1, days: 1, followed_at: new Date(began + 1_000).toISOString() })
  const { id: younger } = await db
    .selectFrom('work_orders')
    .select('id')
    .where('id', '<>', id)
    .executeTakeFirstOrThrow()

  const merged: string[] = []
  let now = new Date(began)
  await using merging = createMergeByRule({
    db,
    clock: { now: () => now, sleep: async () => undefined },
    forges: { local: FORGE, github: FORGE },
    merge: async (one) => void merged.push(one),
    ...TAKEN_ON,
    onError: (error) => assert.fail(String(error)),
  })
  now = new Date(began + 2_000)
  merging.look()
  await until('the one that it has looked at is merged', async () => merged.length > 0)
  assert.deepEqual(merged, [younger])
  await db.updateTable('pull_requests').set({ followed_at: now }).where('work_order_id', '=', id).execute()
  merging.look()
  await until('the other one is merged', async () => merged.includes(id))
})

test('a stop takes back what forges were asked for, again at each look until it is done, and asks for nothing', async () => {
  await using given = await greetingInReview(CHECKED)
  const { db } = given
  await db.updateTable('projects').set({ merge_policy: 'auto', auto_merge: 'high' }).execute()
  const did: string[] = []
  const errors: unknown[] = []
  let isDown = true
  const forge = forgeThat({
    async mergeWhenReady() {
      did.push('asked')
      return { outcome: 'waiting' }
    },
    async withdrawMerge() {
      if (isDown) throw new Error('the forge is down')
      did.push('withdrawn')
      return 'ada'
    },
  })
  let now = new Date()
  await using merging = createMergeByRule({
    db,
    clock: { now: () => now, sleep: async () => undefined },
    forges: { local: forge, github: forge },
    merge: async () => assert.fail('nothing is merged'),
    onError: (error) => errors.push(error),
    ...TAKEN_ON,
  })
  const kept = async () => (await askedOfForges(db)).length
  merging.look()
  await until('it is asked for', async () => (await kept()) === 1 && did.length === 1)
  await merging.takeBack()
  assert.deepEqual([did, errors.length, await kept()], [['asked'], 1, 1], 'that its forge may merge it is told')
  const told = async () =>
    (await db.selectFrom('work_order_events').select('message').execute()).map(({ message }) => message)
  const unsure = (message: string) =>
    /it is not known whether .* still merges it by itself: the forge is down$/.test(message)
  assert.equal((await told()).filter(unsure).length, 1)
  isDown = false
  now = new Date(now.getTime() + 2 * 60_000)
  merging.look()
  await until('it is taken back', async () => (await kept()) === 0)
  const isLeft = (message: string) => /still merges it when .*, because ada asked for that there$/.test(message)
  await until('what a person asked for is told', async () => (await told()).some(isLeft))
  await until('that is over', async () => {
    merging.look()
    return did.filter((one) => one === 'asked').length === 2
  })
  assert.deepEqual(did, ['asked', 'withdrawn', 'asked'], 'another process that takes orders on may ask again')
})

test('a stop takes back what was asked for once, and not again what another process asks for meanwhile', async () => {
  await using given = await greetingInReview(CHECKED)
  const { db, id } = given
  await db.updateTable('projects').set({ merge_policy: 'auto', auto_merge: 'high' }).execute()
  await copies(db, id, { count: 1, days: 1 })
  const did: string[] = []
  const times = (what: string) => did.filter((one) => one === what).length
  const kept = async () => (await askedOfForges(db)).length
  let looked = 0
  const forge = forgeThat({
    async mergeWhenReady() {
      did.push('asked')
      return { outcome: 'waiting' }
    },
    async withdrawMerge() {
      did.push('withdrawn')
      if (times('withdrawn') < 2) return null
      polling.look()
      await until('the first one is asked for again', async () => times('asked') === 3)
      return null
    },
  })
  const processOf = (isTakenOn: boolean, whyStopped: () => Promise<null>) =>
    createMergeByRule({
      db,
      clock: { now: () => new Date(), sleep: async () => undefined },
      forges: { local: forge, github: forge },
      merge: async () => assert.fail('nothing is merged'),
      onError: (error) => assert.fail(String(error)),
      isTakenOn: async () => isTakenOn,
      whyStopped,
      lookIntervalMs: 1_000,
    })
  await using stopped = processOf(false, async () => {
    looked += 1
    return null
  })
  await using polling = processOf(true, async () => null)
  polling.look()
  await until('both are asked for', async () => times('asked') === 2 && (await kept()) === 2)
  await stopped.takeBack()
  polling.look()
  await until('both are asked for again', async () => times('asked') === 4 && (await kept()) === 2)
  // It judges both as one that is not stopped.
  for (const looks of [3, 6]) {
    stopped.look()
    await until('it has looked', async () => looked >= looks)
  }
  assert.equal(times('withdrawn'), 2)
})

test('what is merged by rule waits beside the inbox while that ends by itself, and no longer', async () => {
  await using given = await greetingInReview(CHECKED)
  const { db, id, moose } = given
  await db.updateTable('projects').set({ forge: 'github', merge_policy: 'auto', auto_merge: 'high' }).execute()
  const now = new Date()
  const minutes = (past: number) => new Date(now.getTime() - past * 60_000)
  const here = { now, stopped: null, lookIntervalMs: 45_000 }
  const coming = async () => (await comingByRule(db, [id], here)).get(id)
  const set = (changes: object) => db.updateTable('pull_requests').set(changes).execute()

  await set({ follow_up: null, seen_at: null, unread_since: null })
  assert.match(String((await coming())?.said), /was not looked at since it was verified/, 'it was opened just now')
  await set({ seen_at: minutes(1), unread_since: minutes(6), seen_mark: 'one' })
  assert.equal(await coming(), undefined, 'its facts cannot be read')
  const quiet = { state: 'quiet', why: 'there is nothing to do', code: null, at: minutes(30).toISOString() }
  const head = sql<string>`head_sha`
  const followed = { followed_sha: head, followed_since: minutes(30), followed_at: minutes(30), followed_mark: 'one' }
  await set({ ...followed, follow_up: JSON.stringify(quiet), seen_mark: 'two', unread_since: minutes(1) })
  assert.match(String((await coming())?.said), /and waits: something has changed on GitHub/)
  await set({ unread_since: minutes(6) })
  assert.equal(await coming(), undefined, 'it is not passing any more')

  const { head_sha } = await db.selectFrom('pull_requests').select('head_sha').executeTakeFirstOrThrow()
  const asked = (at: Date) => ({ head_sha, is: 'waiting', why: null, of: 'x', again_at: null, at: at.toISOString() })
  await set({ seen_mark: 'one', unread_since: null, merge_asked: JSON.stringify(asked(minutes(60))) })
  assert.deepEqual((await coming())?.isLate, false)
  await set({ merge_asked: JSON.stringify(asked(minutes(25 * 60))) })
  const late = await coming()
  assert.deepEqual([late?.isLate, late?.said.endsWith(', and has not for more than a day')], [true, true])

  const reviewed = { ...quiet, state: 'reviewed', why: 'a comment of a review by ada' }
  await set({ follow_up: JSON.stringify(reviewed), merge_asked: null })
  const explained = async () => (await moose.orchestrator.explain([id])).get(id)
  await db.updateTable('work_orders').set({ metadata: sql`metadata || '{"approved_by_director": false}'` }).execute()
  const one = await explained()
  assert.ok(one !== undefined && !one.goesOn)
  assert.match(one.why.short, /nothing is reacted to: the order is not approved/)
})
