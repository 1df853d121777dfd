import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Ceiling } from '../budget/ceilings.ts'
import { NO_USD, Usd } from '../money.ts'
import { waitsForRoom } from './waits.ts'

const OF = { order: '1a2b3c4d', project: 'shop', day: '2026-01-31', month: '2026-01', emergency_kill: '2026-01-31' }
const ceiling = (scope: Ceiling['scope'], cap: number, spent: number): Ceiling => ({
  scope,
  of: OF[scope],
  cap: new Usd(cap),
  spent: new Usd(spent),
  reserved: NO_USD,
})
const CALL = new Usd('0.5')

test('a cap of a day or a month that has no room for a call is waited for, and named as it is raised', () => {
  assert.equal(waitsForRoom([ceiling('order', 5, 1), ceiling('day', 100, 99.5)], CALL), null)
  const day = waitsForRoom([ceiling('order', 5, 1), ceiling('day', 100, 99.6)], CALL)
  assert.deepEqual(day?.for, { kind: 'cap', name: 'day' })
  const both = waitsForRoom([ceiling('project', 10, 10), ceiling('month', 1_000, 1_000)], CALL)
  assert.deepEqual(both?.for, { kind: 'cap', name: 'project:shop' })
  assert.match(both?.because, /^The cap of the project shop .*, and the one of the month \(2026-01, UTC\) has no room/)
})

test('what no day or month would make room for is not waited for', () => {
  assert.equal(waitsForRoom([ceiling('day', 0.4, 0.3)], CALL), null)
  assert.equal(waitsForRoom([ceiling('order', 5, 4.9), ceiling('day', 100, 100)], CALL), null)
})
