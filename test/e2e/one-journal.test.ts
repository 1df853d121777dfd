import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { sql } from 'kysely'
import { createMooseHome, fileOrder, settled } from '../support/moose-home.ts'
import { launchWorker, mooseUp } from '../support/service-process.ts'

const ANSWERS = [{ task: 'Write one', turn: 1, text: '### write one.txt\n```\none\n```\n', delay_ms: 0 }]
const CHECKED = { 'README.md': '# Sample\n', 'moose.yaml': 'checks:\n  - { name: there, run: test -s one.txt }\n' }

/** What could be read from the steps that are shown instead of from the journal of the engine. */
const LIES = {
  'every step shows as failed': sql`
    update attempt_steps set status = 'failed', output = null,
      error = '{"code": "check_failed", "message": "a lie", "details": {}}'`,
  'every output is another': sql`update attempt_steps set output = '{"headSha": "lie", "baseSha": "lie"}'`,
  'no step shows': sql`delete from attempt_steps`,
}

/** Where the first worker dies, and the steps that begin in all: whatever runs afterwards runs among the lies. */
const DEATHS = {
  apply: ['route', 'prepare', 'propose', 'apply', 'apply', 'verify', 'publish', 'record'],
  check: ['route', 'prepare', 'propose', 'apply', 'verify', 'verify', 'publish', 'record'],
  open_pull_request: ['route', 'prepare', 'propose', 'apply', 'verify', 'publish', 'publish', 'record'],
}

for (const [death, steps] of Object.entries(DEATHS)) {
  for (const [name, lie] of Object.entries(LIES)) {
    test(`killed at ${death}, an attempt is resumed from the journal although ${name}`, async () => {
      await using home = await createMooseHome(CHECKED, ANSWERS)
      const { db } = home.database
      const id = await fileOrder(home.database, { title: 'Write one', files: ['one.txt'] })
      await using dying = launchWorker({ ...home.environment, MOOSE_FAULT: `${death}:before:kill` })
      if (dying.child.signalCode === null) await once(dying.child, 'exit')
      assert.equal(dying.child.signalCode, 'SIGKILL', dying.printed())
      await lie.execute(db)

      await using _second = await mooseUp(home.environment)
      await using looker = await home.open('client')
      const order = await settled(looker, id)
      assert.deepEqual([order.phase, order.attempts], ['in_review', 1], JSON.stringify(order.status_reason))
      assert.equal(await home.remote.git('show', `${order.github_branch}:one.txt`), 'one')
      const calls = await db.selectFrom('model_calls').select('id').execute()
      assert.equal(calls.length, 1)
      const begun = await db
        .selectFrom('work_order_events')
        .select('step')
        .where('type', '=', 'step_started')
        .orderBy('id')
        .execute()
      assert.deepEqual(
        begun.map(({ step }) => step),
        steps,
      )
    })
  }
}
