import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loseCommit, startLossyService } from './lose-commits.ts'
import { assertEndedOnce } from './troubled-home.ts'

/** More than one order commits. */
const MOST = 120

test('the answer to any commit of an order lost: it ends properly, nothing twice', async () => {
  await using lossy = await startLossyService(MOST)
  const { commits, id } = await loseCommit(lossy, null, 0)
  const ids = [id]
  for (let nth = 1; nth <= Math.min(commits, MOST - 1); nth += 1) {
    const { id: next, lost, ms } = await loseCommit(lossy, nth, ids.length)
    console.log(
      `lost commit ${nth} of ${commits}: in review after ${ms} ms (${lost?.replace(/\s+/g, ' ').slice(0, 70)})`,
    )
    ids.push(next)
  }
  assert.ok(commits > 20, String(commits))
  await assertEndedOnce(lossy.troubled, ids, lossy.service)
})
