import assert from 'node:assert/strict'
import { test } from 'node:test'
import { greeted, haveEnded, inReview, said, thread } from '../support/github/order-on-github.ts'
import { detailOf } from '../support/moose-home.ts'

const timeout = 300_000
const TABLES = ['work_order_events', 'follow_ups', 'pull_requests', 'github_events', 'attempts', 'model_calls'] as const

test('a secret in the name of a check or in a comment is in no row, no answer of the API and no prompt', {
  timeout,
}, async (t) => {
  await using given = await inReview(t, greeted('hello, dear world'), greeted('hello, very dear world'))
  if (given === null) return
  const { github, pull, id, moose, calls, home } = given
  const { token } = github
  github.state.actions.runs.set(5, { attempt: 2, status: 'completed' })
  github.state.actions.logs.set(105, '2026-01-31T12:00:00.0000000Z error: greeting.txt is not dear\n')
  const run = { name: `unit ${token}`, state: 'FAILURE', url: null, job: { run: 5, id: 105 } }
  Object.assign(pull, { checks: 'FAILURE', runs: [run] })
  pull.threads = [thread('T1', { ...said('C1', 'ada', `Say dear, not ${token}`), at: '2026-01-31T12:00:00Z' })]
  pull.touched = 1
  await haveEnded(given, ['rerun red', 'checks succeeded'])
  for (const table of TABLES) {
    const rows = JSON.stringify(await home.database.db.selectFrom(table).selectAll().execute())
    assert.ok(!rows.includes(token), table)
  }
  const detail = JSON.stringify(await detailOf(moose, id))
  assert.ok(detail.includes('unit [redacted]'), detail)
  assert.ok(!detail.includes(token))
  assert.ok(!JSON.stringify(calls).includes(token))
})
