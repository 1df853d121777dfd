import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Usd } from '../../src/money.ts'
import { amounts, countBy, editsFor, filesOf } from '../support/many-orders.ts'
import { type Scripted, startModelServer } from '../support/model-server.ts'
import { createMooseHome, fileOrder } from '../support/moose-home.ts'
import { moose, mooseUp } from '../support/service-process.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'
import { until } from '../support/until.ts'
import { retryUnstable } from './chaos-ends.ts'

/** Calls take about so long; the kills are spread over that. */
const CALL_MS = 230

const KILLS = 20

test(`kill -9 at ${KILLS} moments around a call: the ledger never knows less than the bill, and equals it once reconciled`, async () => {
  const files = filesOf(KILLS + Math.ceil(KILLS / 2))
  const settings = { OPENAI_COMPATIBLE_API_KEY: 'sk-real' }
  await using home = await createMooseHome(Object.fromEntries(files.map((file) => [file, 'old\n'])), [], settings)
  const { db } = home.database
  await using server = await startModelServer((call, index): Scripted => {
    const usage = { input: 1_000 + index, output: 300 + index, headersAfterMs: 50, pauseMs: 20 }
    return { kind: 'text', text: editsFor(call), ...usage }
  })
  await useStandIn(home, 'stand-in', {
    url: server.url,
    threshold: 1,
    price: { input_per_million: 3, output_per_million: 15 },
  })
  for (const file of files) await fileOrder(home.database, { title: `Change ${file}`, files: [file] })
  const bill = () =>
    server.bill.map(({ requestId, input, output }) => ({ id: String(requestId), cost: input * 3 + output * 15 }))
  const billed = () => new Usd(bill().reduce((sum, { cost }) => sum + cost, 0)).dividedBy(1_000_000)
  for (let kill = 0; kill < KILLS; kill += 1) {
    const calls = server.calls.length
    const service = await mooseUp(home.environment, '--start')
    await until('a call', () => server.calls.length > calls, { everyMs: 2 })
    await delay((CALL_MS * kill) / KILLS)
    await service.kill()
    const { committed } = await amounts(db)
    assert.ok(
      committed.greaterThanOrEqualTo(billed()),
      `after kill ${kill + 1}: ${committed.toFixed()} < ${billed().toFixed()}`,
    )
  }

  await using _service = await mooseUp(home.environment, '--start')
  const states = async () => JSON.stringify(await countBy(db))
  const areInReview = async () => {
    // Those that were under way at more kills than an attempt may take.
    await retryUnstable({ home })
    return (await countBy(db))['in_review'] === files.length
  }
  await until('all are in review', areInReview, { withinMs: 150_000, everyMs: 200, say: states })
  assert.ok((await amounts(db)).committed.greaterThan(billed()), 'some kills fell between a call and its settling')
  const rows = bill().map(({ id, cost }) => `${id},${new Usd(cost).dividedBy(1_000_000).toFixed()}`)
  const file = path.join(home.config.home, 'bill.csv')
  await writeFile(file, ['request_id,cost_usd', ...rows].join('\n'))
  const complete = ['--complete-until', new Date().toISOString(), '--proposer', 'stand-in']
  const reconciled = await moose(home.environment, 'budget', 'reconcile', '--bill', file, ...complete)
  assert.equal(reconciled.exitCode, 0, reconciled.stderr)
  const { committed, spent } = await amounts(db)
  assert.deepEqual([committed.toFixed(), spent.toFixed()], [billed().toFixed(), billed().toFixed()])
})
