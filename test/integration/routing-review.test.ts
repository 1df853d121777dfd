import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RouteExplanationResponse, RouteReplayResponse } from '../../src/ports/routing-review.ts'
import { startModelServer } from '../support/model-server.ts'
import { createMooseHome, fileOrder, settled } from '../support/moose-home.ts'
import { moose as run } from '../support/service-process.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'

const EDITS = { kind: 'text', text: '### write a.txt\n```\nb\n```\n' } as const

test('an order’s route is explained before and after it ran, and replayed with what was paid and how it ended', async () => {
  await using home = await createMooseHome({ 'a.txt': 'a\n' }, [], { OPENAI_COMPATIBLE_API_KEY: 'sk-real' })
  await using server = await startModelServer(EDITS)
  await useStandIn(home, 'small', { url: server.url, threshold: 0.5 })
  const price = { input_per_million: 1, output_per_million: 1 }
  await useStandIn(home, 'cheap-and-weak', { url: server.url, threshold: 0.1, price })
  const id = await fileOrder(home.database, { title: 'Change a', files: ['a.txt'], approved: false })
  const command = (...args: string[]) => run(home.environment, 'route', ...args)

  const before = await command(id.slice(0, 8), '--explain')
  assert.equal(before.exitCode, 0, before.stderr)
  assert.match(before.stdout, /small: 1 of 2 available proposers can be trusted with complexity 0\.15/)
  assert.match(before.stdout, /learning +off until 50 outcomes are known \(0 now\)/)
  assert.match(before.stdout, /→ +small +yes +\$0\.0\d+ +\d+ % +\$0\.\d+ +its configuration alone/)
  assert.match(before.stdout, /cheap-and-weak +no /)
  assert.doesNotMatch(before.stdout, /Before|scripted is available/)
  assert.deepEqual(server.calls, [], 'nothing is spent')
  const nothing = await command('--replay')
  assert.match(nothing.stderr, /No order has been carried out by a model yet/)

  await using moose = await home.open()
  await run(home.environment, 'approve', id)
  await moose.orchestrator.start(null)
  await settled(moose, id)
  await moose.orchestrator.merge(id)
  const after = RouteExplanationResponse.parse(
    JSON.parse((await command(id, '--explain', '--json')).stdout),
  ).explanation
  assert.deepEqual(
    after.past.map(({ attempt, decision }) => [attempt, decision.selected_proposer]),
    [[1, 'small']],
  )
  assert.equal(after.policy.known_outcomes, 1)
  const { replay } = RouteReplayResponse.parse(JSON.parse((await command('--replay', '--json')).stdout))
  const [attempt] = replay.attempts
  assert.deepEqual([attempt?.was.proposer, attempt?.was.merged, attempt?.would_be.proposer], ['small', true, 'small'])
  assert.ok(attempt !== undefined && attempt.was.cost_usd > 0)
  assert.deepEqual([replay.summary.attempts, replay.summary.changed, replay.summary.was.merged], [1, 0, 1])
  await home.database.pool.query(
    "update outcome_vectors set outcome = 'merged_unverified', success = false where operation_type = 'pull_request_end'",
  )
  assert.match((await command('--replay')).stderr, /No order has been carried out/, 'nothing is learnt of it')
  await home.database.pool.query(
    "update outcome_vectors set outcome = 'merged', success = true where operation_type = 'pull_request_end'",
  )
  const page = await command('--replay')
  assert.match(page.stdout, /small +\$0\.00\d+ +merged +small/)
  assert.match(page.stdout, /1 attempt, 0 would go to another proposer/)
})

test('what makes no sense is refused with the way out', async () => {
  await using home = await createMooseHome({ 'a.txt': 'a\n' }, [])
  for (const [args, said] of [
    [[], /name an order, or say --replay/],
    [['abcd1234', '--replay'], /--replay takes no id/],
    [['--replay', '--explain'], /cannot be used with/],
    [['--replay', '--limit', '0'], /whole number from 1 to 1000/],
    [['zz'], /is no id of a work order/],
  ] as const) {
    const { exitCode, stderr } = await run(home.environment, 'route', ...args)
    assert.ok(exitCode !== 0, args.join(' '))
    assert.match(stderr, said)
  }
})
