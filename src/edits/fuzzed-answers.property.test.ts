import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertNothingDropped } from '../../test/support/fuzzed-answers.ts'

/** The same ones each time; `test/hostile/` tries many more. */
const [RUNS, SEED] = [1_500, 17]

test('a fuzzed answer is refused whole, or does to each file what it says', async () => {
  const { applied, refused } = await assertNothingDropped(RUNS, SEED)
  assert.ok(applied > 200 && refused > 200, `${applied} applied, ${refused} refused`)
})
