import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Moose } from '../../src/app.ts'
import { setLimit } from '../../src/budget/limits.ts'
import { WhyResponse } from '../../src/contract/why/inbox.ts'
import type { WorkOrderDetail } from '../../src/contract/work-orders.ts'
import { listFailureRows } from '../../src/db/work-orders/failure-rows.ts'
import { Usd } from '../../src/money.ts'
import { startJsonServer } from '../support/json-server.ts'
import { type ReceivedCall, type Scripted, startModelServer } from '../support/model-server.ts'
import { createMooseHome, detailOf, fileOrder, settled } from '../support/moose-home.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'
import { until } from '../support/until.ts'

const POLITE = 'checks:\n  - name: polite\n    run: cat greeting.txt; grep please greeting.txt\n'
const FILES = { 'greeting.txt': 'hello\n', 'moose.yaml': POLITE }
const write = (text: string): Scripted => ({
  kind: 'text',
  text: `### write greeting.txt\n\`\`\`\`\n${text}\n\`\`\`\`\n`,
})
const edit = (search: string, replace: string): Scripted => ({
  kind: 'text',
  text: `Mended.\n\n### edit greeting.txt\n<<<<<<< SEARCH\n${search}\n=======\n${replace}\n>>>>>>> REPLACE\n`,
})

type Setting = { files?: Record<string, string>; settings?: Record<string, string>; script: readonly Scripted[] }

/** An order carried out to its end by a model of these answers. */
async function carriedOut({ files = FILES, settings = {}, script }: Setting) {
  await using stack = new AsyncDisposableStack()
  const home = stack.use(await createMooseHome(files, [], { ORCHESTRATOR_EXECUTOR: 'patch', ...settings }))
  const server = stack.use(await startModelServer(...script))
  await useStandIn(home, 'stand-in', { url: server.url, threshold: 1 })
  const moose = stack.use(await home.open())
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: 'Greet politely', files: ['greeting.txt'] })
  const order = await settled(moose, id)
  const owned = stack.move()
  const said = () => server.calls.map(messagesOf)
  return { home, moose, id, order, said, charged: server.charged, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

async function whyOf({ moose, id }: { moose: Moose; id: string }) {
  const response = await moose.http.fetch(new Request(`http://127.0.0.1/api/work-orders/${id}/why`))
  return WhyResponse.parse(await response.json())
}

const NEVER = { MOOSE_REPAIR_MAX: '0' }

const repairsOf = ({ evidence }: WorkOrderDetail) => (evidence ? evidence.repairs : [])

function messagesOf({ body }: ReceivedCall): { role: string; content: string }[] {
  const { messages } = body
  assert.ok(Array.isArray(messages))
  return messages.map(({ role, content }) => ({ role: String(role), content: String(content) }))
}

test('what a change newly fails goes back to its model in the same conversation, and is mended by a commit on top', async () => {
  await using done = await carriedOut({ script: [write('hi'), edit('hi', 'hi, please')] })
  const { order, home, said } = done
  assert.deepEqual([order.status, order.phase], ['in_progress', 'in_review'], JSON.stringify(order.status_reason))
  const [first = [], second = []] = said()
  assert.equal(said().length, 2)
  assert.deepEqual(second.slice(0, first.length), first, 'the prompt of the proposal is the same, byte by byte')
  assert.deepEqual(
    second.slice(first.length).map(({ role }) => role),
    ['assistant', 'user'],
  )
  const told = String(second.at(-1)?.content)
  assert.match(told, /begin failure\ncheck_failed: Check "polite".*failed with exit code 1.*hi\n/s)
  assert.match(told, /begin diff\ndiff --git a\/greeting\.txt.*-hello\n\+hi\n~+ end diff/s)

  const branch = String(order.pull_request?.branch)
  assert.equal(await home.remote.git('show', `${branch}:greeting.txt`), 'hi, please')
  assert.equal(await home.remote.git('rev-list', '--count', `main..${branch}`), '2')
  const steps = order.attempt_history[0]?.steps.map(({ name, try: number, status }) => `${name} ${number} ${status}`)
  assert.deepEqual(steps?.slice(2), [
    'propose 1 succeeded',
    'apply 1 succeeded',
    'verify 1 failed',
    'propose 2 succeeded',
    'apply 2 succeeded',
    'verify 2 succeeded',
    'publish 1 succeeded',
    'record 1 succeeded',
  ])
  const [repair, ...more] = repairsOf(order)
  assert.deepEqual(more, [])
  assert.deepEqual(
    { ...repair, cost_usd: 0 },
    { check: 'polite', by: 'proposer', head_sha: order.pull_request?.head_sha, cost_usd: 0, mended: true },
  )
  assert.ok(repair !== undefined && repair.cost_usd > 0 && repair.cost_usd < Number(order.actual_cost))
  const { metadata } = await home.database.db.selectFrom('outcome_vectors').selectAll().executeTakeFirstOrThrow()
  assert.deepEqual(
    [Reflect.get(Object(metadata), 'repairs'), Reflect.get(Object(metadata), 'repair_cost_usd')],
    [[{ check: 'polite', by: 'proposer', mended: true }], repair.cost_usd],
  )
})

test('what is told of the proposer is the sum over all its calls: proposal, refinement and repairs', async () => {
  const wrong = edit('hello', 'hello, please')
  await using done = await carriedOut({ script: [write('hi'), wrong, edit('hi', 'hi, please')] })
  const { order, home, charged } = done
  const { body } = await home.database.db.selectFrom('pull_requests').select('body').executeTakeFirstOrThrow()
  const json = body.split('\n').slice(body.split('\n').indexOf('## Metadata'))
  const metadata = JSON.parse(json.slice(json.indexOf('```json') + 1, json.indexOf('```')).join('\n'))
  const { cost, token_usage, refinement_metadata } = metadata.proposer_metadata
  const { input, output } = charged
  assert.deepEqual([cost, refinement_metadata.cycles], [Number(order.actual_cost), 3])
  assert.deepEqual([token_usage.input, token_usage.output, token_usage.total], [input, output, input + output])
  const { proposer_response } = Object(order.metadata)
  assert.deepEqual([proposer_response.cost, proposer_response.token_usage], [cost, token_usage])
  assert.equal(proposer_response.refinement_metadata.cycles, 3)
})

test('a repair that does not apply is sent back once, in the place of a further repair', async () => {
  const wrong = edit('hello', 'hello, please')
  await using done = await carriedOut({ script: [write('hi'), wrong, edit('hi', 'hey'), write('hey, please')] })
  const { order, said } = done
  assert.equal(said().length, 3)
  assert.match(String(said()[2]?.at(-1)?.content), /Nothing of this answer was applied.*as your change left them/s)
  assert.deepEqual([order.status, order.status_reason?.code], ['failed', 'check_failed'])
  assert.match(
    String(order.status_reason?.message),
    /hey\nIt was not repaired further: the attempt has had 3 answers of models/,
  )
  assert.deepEqual(
    repairsOf(order).map(({ by, head_sha: sha, mended }) => [by, sha === null, mended]),
    [['proposer', false, false]],
  )
})

test('what a repair leaves failing in another way is repaired once more, told of its own change alone', async () => {
  await using done = await carriedOut({ script: [write('hi'), edit('hi', 'hey'), edit('hey', 'ho'), write('never')] })
  const { order, said } = done
  // What failed is known by no names, and what was printed differs: hi, hey, ho.
  assert.match(String(order.status_reason?.message), /ho\nIt was not repaired further: it was repaired 2 times/)
  const [, second, third] = said()
  assert.equal(said().length, 3)
  assert.deepEqual(third?.slice(0, second?.length), second, 'one conversation')
  assert.match(String(third?.at(-1)?.content), /begin diff\n[^~]*-hi\n\+hey/s)
})

test('the same failures twice end it before the limit; with a limit of 0 no model is asked', async () => {
  const quiet = { ...FILES, 'moose.yaml': POLITE.replace('cat greeting.txt; ', '') }
  {
    await using done = await carriedOut({ files: quiet, script: [write('hi'), write('hey')] })
    assert.equal(done.said().length, 2)
    const stopped = 'the same failed again after a repair'
    assert.equal(done.order.status_reason?.details?.['unrepaired'], stopped)
    const { why } = await whyOf(done)
    assert.match(
      why.short,
      new RegExp(`^check_failed at verify \\(not repaired further: ${stopped}\\): Check "polite"`),
    )
    assert.match(why.sentence, new RegExp(`\\. It was not repaired further: ${stopped}\\.$`))
    const messages = await done.home.database.db.selectFrom('work_order_events').select('message').execute()
    const told = messages.filter(({ message }) => message.includes('repair 1 of 2: check "polite" failed'))
    assert.equal(told.length, 1, JSON.stringify(told))
    assert.match(done.order.status_reason.message, /not repaired further: the same failed again after a repair/)
  }
  const never = { ...FILES, 'moose.yaml': `repair: { max: 0 }\n${POLITE}` }
  for (const setting of [{ settings: { MOOSE_REPAIR_MAX: '0' } }, { files: never }]) {
    await using none = await carriedOut({ ...setting, script: [write('hi')] })
    assert.deepEqual([none.said().length, none.order.status_reason?.code], [1, 'check_failed'])
    assert.deepEqual(repairsOf(none.order), [])
    assert.match(
      String(none.order.status_reason?.message),
      /not repaired further: repair\.max of moose\.yaml.* is 0, so no model/,
    )
  }
})

const REPORTED = `checks:
  - name: tests
    run: |
      grep -qE 'please|hello' greeting.txt && exit
      printf '1..1\\nnot ok 1 - greets\\n  ---\\n  duration_ms: %s\\n  error: |-\\n    got %s\\n  ...\\n' "$(date +%N)" "$(cut -c1-2 greeting.txt)"
      exit 1
`

test('another assertion of the same test is a new failure and is repaired; the very same one is not', async () => {
  const files = { ...FILES, 'moose.yaml': REPORTED }
  {
    await using done = await carriedOut({ files, script: [write('hi'), write('yo'), write('yo, please')] })
    assert.deepEqual([done.order.phase, done.said().length], ['in_review', 3], JSON.stringify(done.order.status_reason))
  }
  await using done = await carriedOut({ files, script: [write('hi'), write('hi there'), write('hi, please')] })
  assert.equal(done.said().length, 2)
  assert.match(String(done.order.status_reason?.message), /not repaired further: the same failed again after a repair/)
})

test('a repair that comes to nothing leaves the failed check as the reason, and what it cost', async () => {
  const wrong = edit('hello', 'hello, please')
  await using done = await carriedOut({ script: [write('hi'), wrong] })
  const { order, said } = done
  assert.equal(said().length, 3)
  assert.equal(order.status_reason?.code, 'check_failed')
  assert.match(
    order.status_reason.message,
    /^Check "polite".*The model was asked to repair it and failed too: None of/s,
  )
  assert.match(
    String(order.status_reason.details?.['unrepaired']),
    /^the model was asked to repair it and failed too: None of the 2 answers of stand-in can be applied$/,
  )
  const [repair] = repairsOf(order)
  assert.deepEqual([repair?.head_sha, repair?.mended, Number(repair?.cost_usd) > 0], [null, false, true])
  assert.equal(order.attempt_history[0]?.steps.at(-2)?.name, 'propose')
  const { why } = await whyOf(done)
  assert.match(why.sentence, /^Attempt 1 failed at verify with check_failed: /, 'at the step that counts in the row')
  assert.match(why.short, /^check_failed at verify /)
  const [row] = await listFailureRows(done.home.database.db)
  assert.equal(row?.step, 'verify')
})

test('a repair whose call the provider rejects leaves the failed check as the reason, and the next attempt is told of it', async () => {
  const full: Scripted = { kind: 'status', status: 400, message: 'prompt is too long: 300000 tokens > 200000 maximum' }
  await using done = await carriedOut({ script: [write('hi'), full, write('hi, please')] })
  const { order, said, moose, id } = done
  assert.deepEqual([order.status, order.status_reason?.code], ['failed', 'check_failed'])
  assert.match(
    String(order.status_reason?.message),
    /^Check "polite".*asked to repair it and failed too: .*prompt is too long/s,
  )
  assert.deepEqual(
    repairsOf(order).map(({ by, head_sha: sha, mended }) => [by, sha, mended]),
    [['proposer', null, false]],
  )
  await moose.orchestrator.retry(id)
  assert.equal((await settled(moose, id)).phase, 'in_review')
  assert.match(String(said()[2]?.at(-1)?.content), /An earlier try.*begin failure\ncheck_failed: Check "polite"/s)
})

test('a repair that takes the change back opens no pull request', async () => {
  const files = { ...FILES, 'moose.yaml': 'checks:\n  - name: unchanged\n    run: grep -x hello greeting.txt\n' }
  await using done = await carriedOut({ files, script: [write('hi'), edit('hi', 'hello')] })
  const { order, home, id } = done
  assert.deepEqual([order.status, order.status_reason?.code], ['failed', 'change_without_effect'])
  assert.deepEqual(await home.remote.branches(), ['main'])
  const { why } = await whyOf(done)
  assert.match(why.sentence, /See what the model answered: moose show [0-9a-f]{8} --tries/)
  assert.ok(!why.next.some((command) => command.startsWith('moose verify')), 'no check could make it right')
  await assert.rejects(done.moose.orchestrator.verify(id), {
    code: 'work_order_conflict',
    message: /no commit to verify/,
  })
})

const FIXED = `checks:
  - name: polite
    run: grep please greeting.txt
    fix: |
      sed -i 's/$/, please/' greeting.txt
      echo spoiled > moose.yaml; echo new > other.txt; mkdir built; echo x > built/x; echo built/ > .gitignore
`

test('the fix of a check comes first and is free; what it changes outside of the scope is put back and told', async () => {
  await using done = await carriedOut({ files: { ...FILES, 'moose.yaml': FIXED }, script: [write('hi')] })
  const { order, said, home } = done
  assert.deepEqual([order.phase, said().length], ['in_review', 1], JSON.stringify(order.status_reason))
  const branch = String(order.pull_request?.branch)
  assert.equal(await home.remote.git('show', `${branch}:greeting.txt`), 'hi, please')
  assert.equal(await home.remote.git('diff', '--name-only', 'main', branch), 'greeting.txt')
  assert.equal(await home.remote.git('rev-list', '--count', `main..${branch}`), '2')
  assert.deepEqual(repairsOf(order), [
    { check: 'polite', by: 'fix', head_sha: order.pull_request?.head_sha, cost_usd: 0, mended: true },
  ])
  const notes = await home.database.db.selectFrom('work_order_events').select('message').execute()
  assert.ok(
    notes.some(({ message }) =>
      message?.includes('put back, because outside of the scope: .gitignore, moose.yaml, other.txt'),
    ),
    JSON.stringify(notes),
  )
})

test('a fix mends in a repository that ignores what set-up leaves, by any of its names', async () => {
  const setUp = 'setup: mkdir -p node_modules lib/dist/cache kept; touch node_modules/a lib/dist/cache/b kept/c\n'
  const files = {
    ...FILES,
    '.gitignore': 'node_modules\nlib/dist/\n',
    'moose.yaml': `${setUp}cache: [node_modules, lib/dist/cache, kept]\n${FIXED.replace('echo built/ >', 'echo built/ >>')}`,
  }
  await using done = await carriedOut({ files, script: [write('hi')] })
  assert.deepEqual([done.order.phase, done.said().length], ['in_review', 1], JSON.stringify(done.order.status_reason))
  assert.equal(
    await done.home.remote.git('diff', '--name-only', 'main', String(done.order.pull_request?.branch)),
    'greeting.txt',
  )
})

test('a fix that leaves something no commit can hold is as if it had not been run, and the model is asked', async () => {
  const odd = `${POLITE}    fix: rm greeting.txt; mkfifo greeting.txt\n`
  const script = [write('hi'), edit('hi', 'hi, please')]
  await using done = await carriedOut({ files: { ...FILES, 'moose.yaml': odd }, script })
  assert.equal(done.order.phase, 'in_review', JSON.stringify(done.order.status_reason))
  assert.deepEqual(
    repairsOf(done.order).map(({ by, head_sha: sha, mended }) => [by, sha === null, mended]),
    [
      ['fix', true, false],
      ['proposer', false, true],
    ],
  )
})

test('where the fix changes nothing the model is asked, and after its repair the fix is run again', async () => {
  const onlyHey = FIXED.replace('s/$/, please/', '/hey/s/$/, please/').replace(/echo spoiled.*\n/, '\n')
  await using done = await carriedOut({
    files: { ...FILES, 'moose.yaml': onlyHey },
    script: [write('hi'), edit('hi', 'hey')],
  })
  const { order, home } = done
  assert.equal(order.phase, 'in_review', JSON.stringify(order.status_reason))
  assert.equal(await home.remote.git('show', `${order.pull_request?.branch}:greeting.txt`), 'hey, please')
  assert.deepEqual(
    repairsOf(order).map(({ by, head_sha: sha, mended }) => [by, sha === null, mended]),
    [
      ['fix', true, false],
      ['proposer', false, false],
      ['fix', false, true],
    ],
  )
})

test('a repair that mended its check says so, also while another check still fails', async () => {
  const two = `${FIXED.replace(/echo spoiled.*\n/, '\n')}  - name: long\n    run: grep -E '.{20}' greeting.txt\n`
  await using done = await carriedOut({
    files: { ...FILES, 'moose.yaml': two },
    script: [write('hi')],
    settings: NEVER,
  })
  assert.equal(done.order.status_reason?.details?.['check'], 'long')
  assert.deepEqual(
    repairsOf(done.order).map(({ check, by, mended }) => [check, by, mended]),
    [['polite', 'fix', true]],
  )
})

test('without money for a repair the order rests there, and goes on there when there is some: nothing is paid twice', async () => {
  await using home = await createMooseHome(FILES, [], { ORCHESTRATOR_EXECUTOR: 'patch' })
  const { db } = home.database
  const breaks = async () => {
    await setLimit(db, 'order_cap', new Usd('0.001'))
    return write('hi')
  }
  await using server = await startModelServer(breaks, edit('hi', 'hi, please'))
  await useStandIn(home, 'stand-in', { url: server.url, threshold: 1 })
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: 'Greet politely', files: ['greeting.txt'] })
  const resting = await settled(moose, id)
  assert.deepEqual([resting.status, resting.status_reason?.code], ['blocked', 'budget_exceeded'])
  assert.equal(server.calls.length, 1)

  await setLimit(db, 'order_cap', null)
  // The service goes on by itself: it looks at what rests when a cap is changed.
  await until('it is in review', async () => (await detailOf(moose, id)).phase === 'in_review')
  const order = await detailOf(moose, id)
  assert.deepEqual([order.attempts, server.calls.length], [1, 2])
  const steps = order.attempt_history[0]?.steps.map(({ name, try: number, runs }) => `${name} ${number} ${runs}`)
  assert.deepEqual(steps?.slice(2, -2), [
    'propose 1 1',
    'apply 1 1',
    'verify 1 1',
    'propose 2 2',
    'apply 2 1',
    'verify 2 1',
  ])
  const billed = server.bill.reduce((sum, { input, output }) => sum.plus(3 * input + 15 * output), new Usd(0))
  assert.equal(new Usd(String(order.actual_cost)).toFixed(), billed.dividedBy(1_000_000).toFixed())
})

test('a foreign Proposer is told the same in its task', async () => {
  const contents = [write('hi'), edit('hi', 'hi, please')].map((answer) => ('text' in answer ? answer.text : ''))
  const body = {
    toJSON: () => ({ success: true, data: { content: contents.shift(), cost: 0.25, proposer_used: 'theirs' } }),
  }
  await using theirs = await startJsonServer({ status: 200, body })
  await using done = await carriedOut({ settings: { MOOSE_PROPOSER_URL: theirs.url }, script: [write('unused')] })
  const { order } = done
  assert.equal(order.phase, 'in_review', JSON.stringify(order.status_reason))
  const [first, second] = theirs.received.map((request) => JSON.stringify(request))
  assert.doesNotMatch(String(first), /begin failure/)
  assert.match(
    String(second),
    /"task_description":"Work Order: Greet politely.*Your earlier answer was:.*begin failure.*grep please.*begin diff/,
  )
  assert.match(String(second), /"repair":\{"number":1,"failure":"check_failed: Check/)
  assert.deepEqual(
    repairsOf(order).map(({ by, cost_usd: cost, mended }) => [by, cost, mended]),
    [['proposer', 0.25, true]],
  )
})

test('an attempt after one that could not be repaired is told what failed last', async () => {
  await using home = await createMooseHome(FILES, [], { ORCHESTRATOR_EXECUTOR: 'patch', MOOSE_REPAIR_MAX: '1' })
  await using server = await startModelServer(write('hi'), write('hey'), write('hey, please'))
  await useStandIn(home, 'stand-in', { url: server.url, threshold: 1 })
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: 'Greet politely', files: ['greeting.txt'] })
  assert.equal((await settled(moose, id)).status_reason?.code, 'check_failed')
  await moose.orchestrator.retry(id)
  assert.equal((await settled(moose, id)).phase, 'in_review')
  const third = server.calls[2]
  assert.ok(third !== undefined)
  assert.match(
    String(messagesOf(third).at(-1)?.content),
    /An earlier try.*begin failure\ncheck_failed: .*\nhey\nIt was not repaired further/s,
  )
})
