import assert from 'node:assert/strict'
import { test } from 'node:test'
import { killBetweenSteps } from '../faults/kill-between-steps.ts'
import { loseCommit, startLossyService } from '../faults/lose-commits.ts'
import { assertEndedOnce, untilInReview } from '../faults/troubled-home.ts'
import { until } from '../faults/waiting.ts'

/** Of about 60: the reservation of a call, what it came to, and the end of the order. */
const COMMITS = [16, 24, 48]

test('commits without an answer, a restarted server, every connection killed between all steps: each order ends once', async () => {
  await using lossy = await startLossyService(COMMITS.length + 2)
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
  await troubled.server.restart('immediate')
  answers.resolve()
  await untilInReview(troubled, ids.length, 60_000)

  await using kills = killBetweenSteps(troubled)
  ids.push(...(await troubled.file(1)))
  await untilInReview(troubled, ids.length, 60_000)
  assert.ok(kills.count > 10, String(kills.count))
  await assertEndedOnce(troubled, ids, service)
})
