import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from './fault.ts'

test('a stored fault comes back as it was, and one of a code that is not known here as internal that says which', () => {
  const known = new Fault('check_failed', 'The check "unit" failed.', { check: 'unit' })
  assert.deepEqual(Fault.fromRecord(known.toRecord()).toRecord(), known.toRecord())
  for (const code of ['sentinel_refused', 'constructor', '']) {
    const stored = JSON.parse(JSON.stringify({ code, message: 'It was turned down.', details: { by: 'sentinel' } }))
    const expected = { code: 'internal', message: 'It was turned down.', details: { by: 'sentinel', code } }
    assert.deepEqual(Fault.fromRecord(stored).toRecord(), expected)
  }
})
