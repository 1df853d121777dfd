import assert from 'node:assert/strict'
import { test } from 'node:test'
import { killAll } from '../faults/kill-between-steps.ts'
import { COUNTED, fewestCommits, loseUntilLost, MOST_TRIES, startLossyService } from '../faults/lose-commits.ts'
import { assertEndedOnce, untilInReview } from '../faults/troubled-home.ts'
import { until } from '../support/until.ts'

/** Of the commits of an order; `npm run test:faults` loses each of them. */
const LOST = [0.25, 0.5, 0.75]

test('commits without an answer, every connection killed, a restarted server: each order ends properly and once', async (t) => {
  await using lossy = await startLossyService(COUNTED + LOST.length * MOST_TRIES + 1)
  const { troubled, service } = lossy
  const ids: string[] = []
  const commits = await fewestCommits(lossy, ids)
  for (const part of LOST) {
    const nth = Math.round(commits * part)
    assert.notEqual(await loseUntilLost(lossy, nth, ids, (line) => t.diagnostic(line)), null)
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
