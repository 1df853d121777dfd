import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gitIn } from '../support/git-remote.ts'
import { leftBy, type OlderMoose } from '../support/older-moose.ts'
import { moose, mooseUp } from '../support/service-process.ts'
import { until } from '../support/until.ts'

/** Every migration of that time is one of today's. */
const BEFORE = { name: '5e23e53', migrations: 7 }
const fileOf = (title: string) => `${title.toLowerCase().replaceAll(' ', '-')}.txt`
const RUN_AFTERWARDS = ['Suspend me', 'Run me', 'Run elsewhere', 'Next in line', 'Fail me']
const ANSWERS = RUN_AFTERWARDS.map((task) => ({
  task,
  text: `### write ${fileOf(task)}\n\`\`\`\nas it should be\n\`\`\`\n`,
}))

type Stand = [title: string, state: string, reason: string | null, attempts: number]

test('a home and a database of an older Moose are opened by this one: nothing is lost, one command goes on', async () => {
  await using older = await leftBy(BEFORE.name, { migrations: BEFORE.migrations, answers: ANSWERS })
  const before = await counts(older)
  // The base has moved since: what is open would be brought up to it.
  await using service = await mooseUp({ ...older.environment, MOOSE_FOLLOW_UP: 'false' }, '--start')
  await become(older, 'Next in line', 'in_review')
  await become(older, 'Suspend me', 'in_review')
  await become(older, 'Run me', 'blocked')
  await become(older, 'Run elsewhere', 'blocked')
  assert.deepEqual(await stands(older), [
    ['Block me', 'blocked', 'repository_unreachable', 1],
    ['Close me', 'cancelled', 'pull_request_closed', 1],
    ['Fail me', 'failed', 'check_failed', 1],
    ['Merge me', 'completed', null, 1],
    ['Next in line', 'in_review', null, 1],
    ['Not approved', 'pending', null, 0],
    ['Review me', 'in_review', null, 1],
    // What was running says what to type; what was suspended goes on by itself, as a new attempt.
    ['Run elsewhere', 'blocked', 'revision_stuck', 1],
    ['Run me', 'blocked', 'revision_stuck', 1],
    ['Suspend me', 'in_review', null, 2],
  ])
  const command = async (...args: string[]) => {
    const { exitCode, stderr } = await moose(older.environment, ...args)
    assert.equal(exitCode, 0, `moose ${args.join(' ')}: ${stderr}`)
  }
  for (const title of ['Run me', 'Run elsewhere', 'Fail me']) {
    await command('retry', await idOf(older, title))
    await become(older, title, 'in_review')
  }
  await command('merge', await idOf(older, 'Review me'))
  await become(older, 'Review me', 'completed')
  const merged = await gitIn(older.repository, 'show', `main:${fileOf('Review me')}`)
  assert.equal(merged, 'good')
  const after = await counts(older)
  for (const [table, count] of Object.entries(before)) assert.ok(Number(after[table]) >= count, table)
  assert.doesNotMatch(service.printed(), /internal/)
})

async function become({ database: { db } }: OlderMoose, title: string, wanted: string): Promise<void> {
  await until(`"${title}" is ${wanted}`, async () => {
    const order = db.selectFrom('work_orders').selectAll().where('title', '=', title)
    const { status, phase } = await order.executeTakeFirstOrThrow()
    return status === wanted || phase === wanted
  })
}

async function stands({ database: { db } }: OlderMoose): Promise<Stand[]> {
  const rows = await db.selectFrom('work_orders').selectAll().orderBy('title').execute()
  return rows.map(({ title, status, phase, status_reason, attempts }) => [
    title,
    phase === null ? status : phase,
    status_reason === null ? null : status_reason.code,
    attempts,
  ])
}

async function idOf({ database: { db } }: OlderMoose, title: string): Promise<string> {
  const { id } = await db.selectFrom('work_orders').select('id').where('title', '=', title).executeTakeFirstOrThrow()
  return id
}

/** Of what is never removed. */
async function counts({ database: { pool } }: OlderMoose): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ counts: Record<string, number> }>(
    `select jsonb_build_object(
       'work_orders', (select count(*) from work_orders), 'attempts', (select count(*) from attempts),
       'budget_entries', (select count(*) from budget_entries), 'model_calls', (select count(*) from model_calls),
       'events', (select count(*) from work_order_events), 'outcomes', (select count(*) from outcome_vectors),
       'pull_requests', (select count(*) from pull_requests)) as counts`,
  )
  return Object(rows[0]?.counts)
}
