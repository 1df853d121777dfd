import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import type { Moose } from '../../src/app.ts'
import { recordIn } from '../../src/contract/evidence/pull-request-record.ts'
import { workflowId } from '../../src/work-order/naming.ts'
import { type Scripted, startModelServer } from '../support/model-server.ts'
import { createMooseHome, detailOf, fileOrder, settled } from '../support/moose-home.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'
import { NEVER_POLLS } from '../support/suspended-bench.ts'

const QUIET = { ...NEVER_POLLS, MOOSE_TRACK_INTERVAL_MS: '3600000', ORCHESTRATOR_EXECUTOR: 'patch' }
const POLITE = 'checks:\n  - name: polite\n    run: grep please greeting.txt\n'
const HI: Scripted = { kind: 'text', text: '### write greeting.txt\n```\nhi\n```\n' }
const MENDED: Scripted = { kind: 'text', text: '### write greeting.txt\n```\nhi, please\n```\n' }

const REPAIRED = [
  { by: 'fix', config: `${POLITE}    fix: sed -i 's/$/, please/' greeting.txt\n`, script: [HI] },
  { by: 'proposer', config: POLITE, script: [HI, MENDED] },
] as const

async function verified(moose: Moose, id: string) {
  await moose.orchestrator.verify(id)
  const order = await settled(moose, id)
  const attempt = order.attempt_history.at(-1) ?? assert.fail()
  assert.deepEqual(
    [order.phase, attempt.status, attempt.verifies],
    ['in_review', 'succeeded', 1],
    String(attempt.error?.message),
  )
  return await detailOf(moose, id)
}

for (const { by, config, script } of REPAIRED) {
  test(`what was repaired by ${by} is verified again as any commit, and its pull request still tells of it`, async () => {
    await using home = await createMooseHome({ 'greeting.txt': 'hello\n', 'moose.yaml': config }, [], QUIET)
    await using server = await startModelServer(...script)
    await useStandIn(home, 'stand-in', { url: server.url, threshold: 1 })
    await using moose = await home.open()
    await moose.orchestrator.start(null)
    const id = await fileOrder(home.database, { title: 'Greet politely', files: ['greeting.txt'] })
    const first = recordIn(String((await settled(moose, id)).pull_request?.body))
    assert.deepEqual(
      first?.repairs.map((repair) => repair.by),
      [by],
    )
    assert.notEqual(first?.cost_usd, 0)

    await home.remote.commit('main', { 'README.md': 'moved\n' })
    await verified(moose, id)
    await moose.orchestrator.close(id)
    const opened = recordIn(String((await verified(moose, id)).pull_request?.body))
    assert.deepEqual([opened?.attempt, opened?.cost_usd, opened?.repairs], [3, first?.cost_usd, first?.repairs])
    assert.equal(server.calls.length, script.length, 'no model was asked again')

    await sql`delete from dbos.workflow_status where workflow_uuid = ${workflowId(id, 1)}`.execute(home.database.db)
    const refused = { code: 'work_order_conflict', message: /there is no commit to verify/ }
    await assert.rejects(moose.orchestrator.verify(id), refused)
    assert.equal((await detailOf(moose, id)).phase, 'in_review', 'what cannot be verified stays where it is')
  })
}
