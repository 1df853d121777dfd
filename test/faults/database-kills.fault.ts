import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mooseUp } from '../support/service-process.ts'
import { killBetweenSteps } from './kill-between-steps.ts'
import { assertEndedOnce, createTroubledHome, untilInReview } from './troubled-home.ts'

test('every connection killed between every pair of steps: 10 orders end properly, nothing twice', async (t) => {
  await using troubled = await createTroubledHome(10)
  await using service = await mooseUp(troubled.home.environment, '--start')
  await using kills = killBetweenSteps(troubled)
  const ids = await troubled.file(10)
  await untilInReview(troubled, ids.length, 200_000)
  t.diagnostic(`${kills.count} kills`)
  assert.ok(kills.count > 50)
  await assertEndedOnce(troubled, ids, service)
})
