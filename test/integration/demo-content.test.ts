import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { z } from 'zod'
import { type DemoOrder, readDemoOrders } from '../../src/cli/demo/orders.ts'
import { DEMO_CONTENT } from '../../src/demo/places.ts'
import { REPLAY_DIR } from '../../src/demo/replay.ts'
import { applyEdits } from '../../src/edits/apply-edits.ts'
import { parseEdits } from '../../src/edits/parse-edits.ts'
import { toFault } from '../../src/faults/fault.ts'
import { findRecording } from '../../src/models/recordings.ts'
import { scopesOverlap } from '../../src/work-order/scope.ts'

const orders = await readDemoOrders()

/** What an answer does to the repository of the demo: the files it changes, or the code it is refused with. */
async function judge({ order }: DemoOrder, turn: number): Promise<string[] | string> {
  const read = (file: string) => readFile(path.join(DEMO_CONTENT, 'repository', file)).catch(() => null)
  const { text } = await findRecording(REPLAY_DIR, { proposer: 'demo-replay', task: order.title, turn })
  try {
    const changes = await applyEdits(parseEdits(text), { read, scope: order.files_in_scope })
    return changes.map((change) => change.path)
  } catch (error) {
    return toFault(error).code
  }
}

function endingWith(code: string): DemoOrder[] {
  return orders.filter(({ promise }) => promise.outcome === 'failed' && promise.code === code)
}

test('there are at least six orders, with distinct titles, and a promise for each', async () => {
  assert.ok(orders.length >= 6)
  assert.equal(new Set(orders.map(({ order }) => order.title)).size, orders.length)
  const promises = await readFile(path.join(DEMO_CONTENT, 'promises.yaml'), 'utf8')
  assert.equal(promises.match(/^- title:/gm)?.length, orders.length)
})

test('every order that opens a pull request has an answer that changes exactly what is promised', async () => {
  for (const demo of orders) {
    if (demo.promise.outcome !== 'in_review') continue
    assert.deepEqual(await judge(demo, demo.promise.refinements + 1), demo.promise.files, demo.order.title)
  }
})

test('an answer that is to be refined does not apply', async () => {
  const refined = orders.filter(({ promise }) => promise.outcome === 'in_review' && promise.refinements > 0)
  assert.equal(refined.length, 1)
  for (const demo of refined) assert.equal(await judge(demo, 1), 'edits_rejected')
})

test('the answer outside the scope is outside on every turn the Proposer may ask', async () => {
  const [demo] = endingWith('change_out_of_scope')
  assert.ok(demo)
  for (const turn of [1, 2, 3, 4]) assert.equal(await judge(demo, turn), 'change_out_of_scope')
})

test('the change the tests refuse applies cleanly', async () => {
  const [demo] = endingWith('check_failed')
  assert.ok(demo)
  assert.deepEqual(await judge(demo, 1), demo.order.files_in_scope)
})

test('one order names no files', () => {
  assert.deepEqual(
    endingWith('files_in_scope_required').map(({ order }) => order.files_in_scope),
    [[]],
  )
})

test('the pull requests do not get in each other’s way, so that all can be merged', () => {
  const scopes = orders
    .filter(({ promise }) => promise.outcome === 'in_review')
    .map(({ order }) => order.files_in_scope)
  for (const [index, scope] of scopes.entries()) {
    for (const other of scopes.slice(index + 1)) assert.ok(!scopesOverlap(scope, other))
  }
})

test('every answer says that no model was called, and counts no tokens', async () => {
  const text = await readFile(path.join(REPLAY_DIR, 'demo.json'), 'utf8')
  const Usage = z.object({ input: z.literal(0), output: z.literal(0) })
  const recording = z.object({ note: z.string(), answers: z.array(z.object({ usage: Usage })) }).parse(JSON.parse(text))
  assert.match(recording.note, /no model was called/)
})
