import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { DBOSClient } from '@dbos-inc/dbos-sdk'
import { createMooseHome, fileOrder } from '../support/moose-home.ts'
import { mooseUp } from '../support/service-process.ts'
import { until } from '../support/until.ts'

const CHECKED = { 'README.md': '# Sample\n', 'moose.yaml': 'checks:\n  - { name: slow, run: sleep 3 }\n' }
const ANSWERS = [{ task: 'Write one', turn: 1, text: '### write one.txt\n```\none\n```\n', delay_ms: 50 }]

const WAYS = [
  { name: 'to a queue that no process looks at', target: { queueName: 'home-nobody' } },
  { name: 'to whichever process is next', target: {} },
]
for (const { name, target } of WAYS) {
  test(`a running workflow that a person resumes ${name} goes on where its attempt belongs`, async () => {
    await using home = await createMooseHome(CHECKED, ANSWERS)
    await using service = await mooseUp({ ...home.environment, ORCHESTRATOR_POLLING_INTERVAL_MS: '500' }, '--start')
    const { db, pool } = home.database
    const id = await fileOrder(home.database, { title: 'Write one', files: ['one.txt'] })
    await phaseBecomes('verifying')
    await sleep(300)
    const client = await DBOSClient.create({ systemDatabaseUrl: '', systemDatabasePool: pool })
    await client.resumeWorkflows([`wo-${id}-1`], target)
    await phaseBecomes('in_review')
    assert.equal((await db.selectFrom('pull_requests').select('number').execute()).length, 1)

    function phaseBecomes(wanted: string): Promise<void> {
      const phase = async () => (await db.selectFrom('work_orders').select('phase').executeTakeFirstOrThrow()).phase
      return until(wanted, async () => (await phase()) === wanted, { say: () => service.printed().slice(-1_500) })
    }
  })
}
