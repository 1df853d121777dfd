import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { moose, mooseUp } from '../support/service-process.ts'
import { until } from '../support/until.ts'
import { mountSmallDisk } from './small-disk.ts'
import { assertEndedOnce, createTroubledHome, standings, untilInReview } from './troubled-home.ts'

test('the disk of the home is full: nothing new is begun, what runs waits with the reason and goes on when there is room', async (t) => {
  await using disk = await mountSmallDisk(t, 250)
  if (disk === null) return
  await using troubled = await createTroubledHome(3, { settings: { MOOSE_HOME: path.join(disk.path, 'home') } })
  const { db } = troubled.home.database
  await using service = await mooseUp(troubled.home.environment, '--start')
  const answers = Promise.withResolvers<void>()
  troubled.holdAnswers(answers.promise)
  const [running] = await troubled.file(1)
  await until('a call under way', async () => troubled.provider.calls.length === 1)
  await disk.fill()
  const waiting = await troubled.file(2)
  answers.resolve()
  const states = async () => JSON.stringify(await standings(troubled))
  const reasonOf = async () =>
    (
      await db
        .selectFrom('work_orders')
        .select('status_reason')
        .where('id', '=', String(running))
        .executeTakeFirstOrThrow()
    ).status_reason
  await until('the running order waits for room', async () => (await reasonOf())?.code === 'disk_full', { say: states })
  assert.match(String((await reasonOf())?.message), /^The disk of .* is full: .* Orders are then resumed\.$/)
  await delay(2_000)
  const pending = await db.selectFrom('work_orders').select('status').where('id', 'in', waiting).execute()
  assert.deepEqual(
    pending.map(({ status }) => status),
    ['pending', 'pending'],
  )
  const shown = await moose(troubled.home.environment, 'status')
  assert.match(shown.stdout, /is full, so nothing is begun/)

  await disk.free()
  await untilInReview(troubled, 3, 120_000)
  await assertEndedOnce(troubled, [String(running), ...waiting], service)
})

test('the disk of the database is full: the orders wait for it, nothing fails, and all is there when there is room', async (t) => {
  await using disk = await mountSmallDisk(t, 300)
  if (disk === null) return
  await using troubled = await createTroubledHome(3, { serverFolder: path.join(disk.path, 'server') })
  await using service = await mooseUp(troubled.home.environment, '--start')
  // An answer larger than what is left in the pages there are.
  troubled.write(Array.from({ length: 20_000 }, () => Math.random().toString(36)).join('\n'))
  const answers = Promise.withResolvers<void>()
  troubled.holdAnswers(answers.promise)
  const ids = await troubled.file(3)
  await until('three calls under way', async () => troubled.provider.calls.length === 3)
  await disk.fill()
  answers.resolve()
  await delay(12_000)
  assert.deepEqual(await standings(troubled), { proposing: 3 })
  assert.equal(service.child.exitCode, null)

  await disk.free()
  await untilInReview(troubled, 3, 120_000)
  await assertEndedOnce(troubled, ids, service)
})
