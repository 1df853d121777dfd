import assert from 'node:assert/strict'
import { test } from 'node:test'
import { killAll } from '../faults/kill-between-steps.ts'
import { loseCommit, startLossyService } from '../faults/lose-commits.ts'
import { assertEndedOnce, untilInReview } from '../faults/troubled-home.ts'
import { until } from '../faults/waiting.ts'

/** Of about 60: the reservation of a call, what it came to, and the end of the order. */
const COMMITS = [16, 24, 44]

test('commits without an answer, every connection killed, a restarted server: each order ends properly and once', async () => {
  await using lossy = await startLossyService(COMMITS.length + 1)
  const { troubled, service } = lossy
  const ids: string[] = []
  for (const nth of COMMITS) {
    const { id, lost } = await loseCommit(lossy, nth, ids.length)
    assert.notEqual(lost, null)
    ids.push(id)
  }

  const answers = Promise.withResolvers<void>()
  troubled.holdAnswers(answers.promise)
  ids.push(...(await troubled.file(1)))
  await until('a call under way', async () => troubled.provider.calls.length === ids.length)
  await killAll(troubled)
  answers.resolve()
  await until('an answer', async () => troubled.provider.bill.length === ids.length)
  await troubled.server.restart('immediate')
  await untilInReview(troubled, ids.length, 60_000)
  await assertEndedOnce(troubled, ids, service)
})
