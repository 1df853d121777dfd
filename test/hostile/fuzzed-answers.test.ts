import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertNothingDropped } from '../support/fuzzed-answers.ts'
import { assertPutInOnePlace } from '../support/random-pairs.ts'

/** Other ones than those of the unit tests; both are the same each time, unless `SEED` says otherwise. */
const SEED = Number(process.env['SEED'] ?? 2)

test('thirty thousand fuzzed answers are refused whole, or do to each file what they say', {
  timeout: 900_000,
}, async (t) => {
  const { applied, refused } = await assertNothingDropped(30_000, SEED)
  t.diagnostic(`${applied} applied, ${refused} refused`)
  assert.ok(applied > 3_000)
})

test('fifty thousand random pairs are put in where a naive reading finds one place', { timeout: 900_000 }, async () => {
  await assertPutInOnePlace(50_000, SEED)
})
