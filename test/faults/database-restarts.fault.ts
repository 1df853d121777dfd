import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mooseUp } from '../support/service-process.ts'
import { keepRestarting } from './restart-server.ts'
import { assertEndedOnce, createTroubledHome, untilInReview } from './troubled-home.ts'

const ORDERS = Number(process.env['ORDERS'] ?? 50)

test('Postgres restarted every 5 s while 50 orders run: all end properly, none twice, by the same process', async (t) => {
  await using troubled = await createTroubledHome(ORDERS)
  await using service = await mooseUp(troubled.home.environment, '--start')
  const began = performance.now()
  const restarts = keepRestarting(troubled.server, 5_000)
  try {
    const ids = await troubled.file(ORDERS)
    await untilInReview(troubled, ids.length, 400_000)
    await restarts[Symbol.asyncDispose]()
    t.diagnostic(
      `${ids.length} orders in ${Math.round((performance.now() - began) / 1000)}s, ${restarts.count} restarts`,
    )
    assert.ok(restarts.count > 0)
    await assertEndedOnce(troubled, ids, service)
  } finally {
    await restarts[Symbol.asyncDispose]()
  }
})
