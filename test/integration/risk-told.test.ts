import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordIn } from '../../src/contract/evidence/pull-request-record.ts'
import { WhyResponse } from '../../src/contract/why/inbox.ts'
import { createMooseHome, detailOf, fileOrder, settled } from '../support/moose-home.ts'
import { call } from '../support/notification-receiver.ts'
import { moose as command } from '../support/service-process.ts'
import { NEVER_POLLS, write } from '../support/suspended-bench.ts'

const FILE = 'src/auth/login.txt'
const FILES = { [FILE]: 'hello\n', 'moose.yaml': 'checks:\n  - { name: is there, run: test -s src/auth/login.txt }\n' }
const ANSWER = { task: 'Greet at the door', turn: 1, text: write(FILE, 'hello, world') }

test('who reviews a pull request is told the risk by the rules and why, apart from what the order was filed as', async () => {
  await using home = await createMooseHome(FILES, [ANSWER], { ...NEVER_POLLS, ORCHESTRATOR_EXECUTOR: 'patch' })
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: ANSWER.task, files: [FILE], criteria: ['It greets'] })
  const { phase, risk, risk_level: filed, pull_request: pull } = await settled(moose, id)
  const reason = { rule: 'sensitive_paths', level: 'high', reason: `${FILE} names auth` }
  assert.deepEqual([phase, filed, risk], ['in_review', 'low', { level: 'high', reasons: [reason] }])
  const body = String(pull?.body)
  assert.match(body, /^\*\*Risk Level:\*\* high$/m)
  assert.match(body, /^\*\*Risk Reasons:\*\* src\/auth\/login\.txt names auth \(sensitive_paths\)\. Filed as low\.$/m)
  const record = recordIn(body)
  assert.deepEqual([record?.risk, record?.risk_level], ['high', 'low'])
  const words = `high: ${FILE} names auth (sensitive_paths). Filed as low.`
  const { why } = WhyResponse.parse((await call(moose, 'GET', `/api/work-orders/${id}/why`)).said)
  assert.deepEqual(
    why.evidence.filter(({ name }) => name === 'risk'),
    [{ name: 'risk', text: words }],
  )
  const shown = await command({ ...home.environment, COLUMNS: '200' }, 'show', id)
  assert.ok(shown.stdout.includes(words), shown.stdout)
  await moose.orchestrator.merge(id)
  assert.equal((await detailOf(moose, id)).risk?.level, 'high', 'and after it was merged')
})
