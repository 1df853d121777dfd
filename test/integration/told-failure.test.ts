import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { gitIn } from '../support/git-remote.ts'
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

test('an attempt that goes on where the change before is not kept tells the same, and pays no answer again', async () => {
  await using home = await createMooseHome(FILES, [], { ORCHESTRATOR_EXECUTOR: 'patch', MOOSE_REPAIR_MAX: '0' })
  const misses = '### edit greeting.txt\n<<<<<<< SEARCH\nno such line\n=======\nhi, please\n>>>>>>> REPLACE\n'
  const refused = { kind: 'status', status: 401, message: 'this key is not good' } as const
  await using server = await startModelServer(write('hi'), { kind: 'text', text: misses }, refused, write('hi, please'))
  await useStandIn(home, 'stand-in', { url: server.url, threshold: 1 })
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: 'Greet politely', files: ['greeting.txt'] })
  assert.equal((await settled(moose, id)).status_reason?.code, 'check_failed')
  await moose.orchestrator.retry(id)
  const rests = await settled(moose, id)
  assert.deepEqual([rests.status, rests.attempts], ['blocked', 2], JSON.stringify(rests.status_reason))
  assert.equal(server.calls.length, 3)

  const mirrors = path.join(home.config.home, 'mirrors')
  for (const name of (await readdir(mirrors)).filter((one) => one.endsWith('.git')))
    await gitIn(path.join(mirrors, name), 'update-ref', '-d', `refs/moose/${id}/1`)
  await home.database.db.deleteFrom('provider_pauses').execute()
  await moose.orchestrator.retry(id)
  const ended = await settled(moose, id)
  assert.deepEqual([ended.status, ended.attempts], ['in_progress', 2], JSON.stringify(ended.status_reason))
  assert.equal(server.calls.length, 4)
  // The answer that was there is taken, and only the refinement is asked for.
  assert.match(JSON.stringify(server.calls[3]?.body), /The change that failed so.*-hello\\n\+hi\\n.*no such line/)
})
