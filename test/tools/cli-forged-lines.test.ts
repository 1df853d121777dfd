import assert from 'node:assert/strict'
import { test } from 'node:test'
import { moose } from '../support/moose-command.ts'
import { createMooseHome, type MooseHome } from '../support/moose-home.ts'

/** Every way to begin a line, and to turn or hide what follows. */
const FORGED = 'x\nFORGED completed\r\nFORGED\u2028FORGED\u0085FORGED\u001b[2K\u202eFORGED\u{e0041}'
/** Lines of ours begin with at most three spaces; what others wrote and stands on several lines begins further right. */
const BEGINS_A_LINE = /^\s{0,3}FORGED/

/** An order, its attempt, its project and a proposer as any client of the database can write them. */
async function forge({ database: { db } }: MooseHome): Promise<string> {
  const project = await db
    .insertInto('projects')
    .values({ name: FORGED, repository: '/nonexistent/r\nFORGED', default_branch: FORGED, forge: 'local' })
    .returning('id')
    .executeTakeFirstOrThrow()
  const list = JSON.stringify([FORGED, FORGED])
  const { id } = await db
    .insertInto('work_orders')
    .values({
      title: FORGED,
      description: FORGED,
      risk_level: 'low',
      files_in_scope: list,
      acceptance_criteria: list,
      project_id: project.id,
      metadata: '{}',
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  const reason = JSON.stringify({ code: FORGED, message: FORGED })
  await db
    .updateTable('work_orders')
    .set({ status: 'blocked', status_reason: reason, proposer_name: FORGED, github_branch: FORGED, attempts: 1 })
    .where('id', '=', id)
    .execute()
  await db
    .insertInto('attempts')
    .values({ work_order_id: id, number: 1, status: 'failed', content: '{}', project_id: project.id, executor_id: 'x' })
    .execute()
  const step = { work_order_id: id, attempt: 1, status: 'failed', error: reason, executor_id: 'x' } as const
  await db
    .insertInto('attempt_steps')
    .values({ ...step, name: FORGED, input: list, output: list })
    .execute()
  for (const type of ['progress', 'step_failed', 'attempt_ended', 'output'] as const)
    await db
      .insertInto('work_order_events')
      .values({ work_order_id: id, step: FORGED, type, message: FORGED })
      .execute()
  await db
    .insertInto('proposer_configs')
    .values({ name: FORGED, provider: 'replay', model: FORGED, complexity_threshold: 1 })
    .execute()
  const until = new Date(Date.now() + 3_600_000)
  await db.insertInto('provider_pauses').values({ provider: FORGED, reason: FORGED, failures: 1, until }).execute()
  return id
}

test('a line break in a row of the database forges no line of the command line', async () => {
  await using home = await createMooseHome({ a: '1' }, [])
  const id = await forge(home)
  const commands = ['list', `show ${id}`, `show ${id} --steps`, `logs ${id}`, 'budget', 'status', 'doctor']
  for (const words of [...commands, `route ${id} --explain`, `retry ${id}`, `approve ${id}`, `edit ${id} -t new`]) {
    const { stdout, stderr } = await moose(words.split(' '), { environment: home.environment })
    const said = `${stdout}${stderr}`
    assert.doesNotMatch(said, /[\u0085\u2028\u202e\u{e0041}]|\u001b\[2K|\r/u, words)
    for (const line of said.split('\n')) assert.doesNotMatch(line, BEGINS_A_LINE, `${words}:\n${said}`)
    if (words !== 'status') assert.match(said, /\\nFORGED|│ FORGED|│ x/, `${words}:\n${said}`)
  }
})
