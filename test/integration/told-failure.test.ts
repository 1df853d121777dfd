import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startModelServer } from '../support/model-server.ts'
import { createMooseHome, fileOrder, settled } from '../support/moose-home.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'

const FILES = {
  'greeting.txt': 'hello\n',
  'moose.yaml': 'checks:\n  - { name: polite, run: "echo took $(date +%N) ms; grep please greeting.txt" }\n',
}
const write = (text: string) =>
  ({ kind: 'text', text: `### write greeting.txt\n\`\`\`\`\n${text}\n\`\`\`\`\n` }) as const

test('a retried order tells the model what failed and its own change, and an answer that failed is not given again', async () => {
  await using home = await createMooseHome(FILES, [], { ORCHESTRATOR_EXECUTOR: 'patch', MOOSE_REPAIR_MAX: '0' })
  await using server = await startModelServer(write('hi'), write('hey'), write('hi, please'))
  await useStandIn(home, 'stand-in', { url: server.url, threshold: 1 })
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: 'Greet politely', files: ['greeting.txt'] })
  const asked = () => server.calls.map(({ body }) => JSON.stringify(body))
  const ended = async () => {
    const { status, status_reason: reason, attempts, actual_cost: cost } = await settled(moose, id)
    return { status, code: reason?.code, attempts, cost }
  }

  const first = await ended()
  assert.deepEqual([first.status, first.code, first.attempts], ['failed', 'check_failed', 1])
  assert.doesNotMatch(String(asked()[0]), /An earlier try/)

  await moose.orchestrator.retry(id)
  const second = await ended()
  assert.deepEqual([second.status, second.code, second.attempts], ['failed', 'check_failed', 2])
  assert.match(
    String(asked()[1]),
    /An earlier try at this work order failed.*check_failed: Check \\"polite\\".*took … ms.*The change that failed so.*-hello\\n\+hi\\n/,
  )

  await moose.orchestrator.retry(id)
  const third = await ended()
  assert.deepEqual([third.status, third.attempts], ['in_progress', 3])
  assert.match(String(asked()[2]), /The change that failed so.*-hello\\n\+hey\\n/)
  assert.doesNotMatch(String(asked()[2]), /\+hi\\n/, 'it is told of the last failure alone')
  assert.equal(server.calls.length, 3)

  const url = `http://127.0.0.1/api/work-orders/${id}/attempts/3/tries/1`
  const shown = await (await moose.http.fetch(new Request(url))).text()
  assert.match(shown, /The change that failed so.*-hello\\n\+hey\\n/, 'the prompt can be shown')
})
