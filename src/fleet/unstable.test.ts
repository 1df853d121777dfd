import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isUnstable, unstable, waitingSuspects } from './unstable.ts'

const left = (takeovers: number) => ({ takeovers, isLeftBehind: true })
const carried = (takeovers: number) => ({ takeovers, isLeftBehind: false })

test('what was gone on with three times and is left behind once more is unstable', () => {
  for (const run of [carried(0), left(0), left(2), carried(3)]) assert.equal(isUnstable(run), false)
  for (const run of [left(3), carried(4), left(4)]) assert.equal(isUnstable(run), true)
})

test('what is to be typed is what the order takes then', () => {
  const run = { workOrderId: '1a2b3c4d-0000-4000-8000-000000000000', attempt: 2, epoch: 1 }
  const said = (of: { follows: string | null; verifies: number | null }) =>
    unstable(run, { deaths: 4, step: 'verify' }, of).message
  assert.match(
    said({ follows: null, verifies: null }),
    / asked again with: moose retry 1a2b3c4d .* without a model: moose verify 1a2b3c4d$/,
  )
  assert.match(said({ follows: null, verifies: 1 }), / Begin anew with: moose verify 1a2b3c4d$/)
  assert.match(said({ follows: '7', verifies: 1 }), / Decide what follows with: moose decide 1a2b3c4d$/)
})

const CASES = [
  { what: 'nothing waits that was left behind once', standing: [left(0), left(0), carried(1)], waiting: [] },
  { what: 'the first suspect goes on', standing: [left(0), left(1), left(2), left(1)], waiting: [2, 3] },
  { what: 'none goes on beside one that is carried out', standing: [left(1), carried(2), left(0)], waiting: [0] },
  { what: 'after an orderly stop all go on', standing: [carried(2), carried(3)], waiting: [] },
  { what: 'one that is held is not waited for, and does not wait', standing: [left(3), left(1)], waiting: [] },
]

for (const { what, standing, waiting } of CASES) {
  test(what, () => {
    const found = waitingSuspects(standing)
    assert.deepEqual(
      standing.flatMap((run, place) => (found.has(run) ? [place] : [])),
      waiting,
    )
  })
}
