import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fewestCommits, type LossyService, loseUntilLost, startLossyService } from './lose-commits.ts'
import { assertEndedOnce } from './troubled-home.ts'

/** More orders than are run. */
const MOST = 240

test('the answer to each commit of an order lost once: it ends properly, nothing twice', async () => {
  await using lossy = await startLossyService(MOST)
  const ids: string[] = []
  const commits = await fewestCommits(lossy, ids)
  assert.ok(commits >= (await stepsOf(lossy)) * 2, `a step begins and ends with a commit, and there were ${commits}`)
  for (let nth = 1; nth <= commits; nth += 1) {
    const lost = await loseUntilLost(lossy, nth, ids, (line) => console.log(line))
    assert.notEqual(lost, null, `commit ${nth} of ${commits} was lost`)
  }
  await assertEndedOnce(lossy.troubled, ids, lossy.service)
})

/** How many steps an order takes. */
async function stepsOf({ troubled: { home } }: LossyService): Promise<number> {
  const rows = await home.database.db.selectFrom('attempt_steps').select('name').distinct().execute()
  return rows.length
}
