import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../../faults/fault.ts'
import { withSurface } from './apply-change.ts'

test('a file that the order allows, and the attempt does not, is not said to be outside files_in_scope', async () => {
  const outside = (path: string, count: number) =>
    new Fault('change_out_of_scope', 'outside files_in_scope', { path, count, for_model: 'Leave it alone.' })
  const told = { contextFiles: [], wanted: 'edits', previousFailure: null } as const
  const messageOf = async (error: Fault, surface?: readonly string[]) => {
    const asking = async () => (surface === undefined ? { told } : { told, surface })
    let thrown: unknown
    try {
      await withSurface(asking, ['a.ts', 'lib/'])(error)
    } catch (caught) {
      thrown = caught
    }
    assert.ok(thrown instanceof Fault && thrown.code === error.code)
    assert.deepEqual(thrown.details, error.details)
    return thrown.message
  }
  assert.equal(
    await messageOf(outside('lib/b.ts', 2), ['a.ts']),
    'The change touches "lib/b.ts" and 1 more, outside the files that this attempt may change: a.ts. The scope of the order has it.',
  )
  assert.equal(await messageOf(outside('c.ts', 1), ['a.ts']), 'outside files_in_scope')
  assert.equal(await messageOf(outside('lib/b.ts', 1)), 'outside files_in_scope', 'an attempt that may change them all')
})
