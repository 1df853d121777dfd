import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { FaultBody } from '../../src/contract/faults.ts'
import { fetchAt } from '../support/api-token.ts'
import { mooseUp } from '../support/service-process.ts'
import { until } from '../support/until.ts'
import { assertEndedOnce, createTroubledHome, standings, untilInReview } from './troubled-home.ts'

test('a database that is away for a minute is waited for: no order fails, no answer is lost, nothing is paid again', async () => {
  await using troubled = await createTroubledHome(6)
  await using service = await mooseUp(troubled.home.environment, '--start')
  const answers = Promise.withResolvers<void>()
  troubled.holdAnswers(answers.promise)
  const ids = await troubled.file(6)
  await until('three calls under way', async () => troubled.provider.calls.length === 3)
  const list = () => fetchAt(troubled.home.config.home, `${service.url}/api/work-orders`)
  assert.equal((await list()).status, 200)
  await troubled.server.stop('immediate')
  answers.resolve()
  await delay(60_000)
  const answer = await list()
  assert.deepEqual([answer.status, FaultBody.parse(await answer.json()).error.code], [503, 'database_unreachable'])
  assert.equal(troubled.provider.bill.length, 3, 'without a database nothing is paid')
  await troubled.server.start()
  await untilInReview(troubled, ids.length, 200_000)
  await assertEndedOnce(troubled, ids, service)
})

test('SIGTERM while the database is away ends the service, and the next one goes on', async (t) => {
  await using troubled = await createTroubledHome(2)
  const environment = { ...troubled.home.environment, MOOSE_DRAIN_GRACE_MS: '2000' }
  await using first = await mooseUp(environment, '--start')
  const answers = Promise.withResolvers<void>()
  troubled.holdAnswers(answers.promise)
  const ids = await troubled.file(2)
  await until('two calls under way', async () => troubled.provider.calls.length === 2, {
    withinMs: 20_000,
    say: async () => JSON.stringify([await standings(troubled), first.printed()]),
  })
  answers.resolve()
  await until('an answer is booked', async () => troubled.provider.bill.length === 2)
  await delay(500)
  await troubled.server.stop('fast')
  await delay(2_000)
  const began = performance.now()
  const gone = once(first.child, 'exit')
  first.child.kill('SIGTERM')
  await gone
  const ms = Math.round(performance.now() - began)
  t.diagnostic(`ended after ${ms} ms`)
  assert.ok(ms < 30_000, `${ms} ms: ${first.printed()}`)
  await troubled.server.start()
  await using second = await mooseUp(environment, '--start')
  await untilInReview(troubled, ids.length, 100_000)
  await assertEndedOnce(troubled, ids, second)
})
