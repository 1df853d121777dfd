import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChainRow } from '../db/audit/audit-chain.ts'
import { createChainCheck, hashOf, type KnownHead } from './chain.ts'

const AT = '2026-01-31T12:00:00.000000Z'

/** A sound chain of so many entries. */
function chain(length: number): ChainRow[] {
  const entries: ChainRow[] = []
  for (let seq = 1; seq <= length; seq += 1) {
    const last = entries.at(-1)
    entries.push(
      sound({ ...ENTRY, seq, subject_id: `${seq}`, previous: last === undefined ? Buffer.alloc(32) : last.hash }),
    )
  }
  return entries
}

const ENTRY = {
  at: AT,
  actor_kind: 'token',
  actor_name: 'ada',
  database_role: 'moose',
  act: 'order.approve',
  subject_kind: 'order',
  work_order_id: null,
  details: '{}',
}

function sound(entry: Omit<ChainRow, 'hash'>): ChainRow {
  return { ...entry, hash: hashOf(entry) }
}

/** What is found, as `kind seq`. */
function found(entries: readonly ChainRow[], heads: readonly KnownHead[] = [], from = 1): string[] {
  const check = createChainCheck(from, heads)
  for (const entry of entries) check.add(entry)
  return check.end().problems.map(({ kind, seq }) => `${kind} ${seq}`)
}

function headOf(entry: ChainRow | undefined): KnownHead {
  assert.ok(entry)
  return { seq: entry.seq, hash: entry.hash.toString('hex'), at: '2026-01-31T12:00:00.000Z' }
}

/** The same entries with one replaced. */
function replaced(entries: readonly ChainRow[], seq: number, change: (entry: ChainRow) => ChainRow): ChainRow[] {
  return entries.map((entry) => (entry.seq === seq ? change(entry) : entry))
}

/** Everything from one entry on as whoever may write the table would compute it anew. */
function recomputedFrom(entries: readonly ChainRow[], seq: number): ChainRow[] {
  const made: ChainRow[] = []
  for (const entry of entries) {
    const last = made.at(-1)
    made.push(
      entry.seq < seq || last === undefined
        ? entry.seq < seq
          ? entry
          : sound(entry)
        : sound({ ...entry, previous: last.hash }),
    )
  }
  return made
}

test('a sound chain has no problem, from its first entry on and from the middle', () => {
  const entries = chain(9)
  assert.deepEqual(found(entries, [headOf(entries[4]), headOf(entries[8])]), [])
  assert.deepEqual(found(entries.slice(5), [headOf(entries[2])], 6), [])
  assert.deepEqual(found([]), [])
})

test('every field that is edited is found at its entry', () => {
  const changes: Partial<ChainRow>[] = [
    { at: '2026-01-31T12:00:00.000001Z' },
    { actor_kind: 'os_user' },
    { actor_name: 'bob' },
    { database_role: 'postgres' },
    { act: 'order.cancel' },
    { subject_kind: 'project' },
    { subject_id: '55' },
    { work_order_id: '1a2b3c4d-0000-4000-8000-000000000000' },
    { details: '{"a": 1}' },
    { previous: Buffer.alloc(32, 7) },
  ]
  for (const change of changes)
    assert.deepEqual(
      found(replaced(chain(9), 5, (entry) => ({ ...entry, ...change }))),
      ['edited 5'],
      JSON.stringify(change),
    )
})

test('a field cannot lend characters to its neighbour', () => {
  const shifted = (entry: ChainRow) => ({ ...entry, actor_name: 'adam', database_role: 'oose' })
  assert.deepEqual(found(replaced(chain(3), 2, shifted)), ['edited 2'])
})

test('an entry that was edited with its own hash is found by the next one', () => {
  const edited = replaced(chain(9), 5, (entry) => sound({ ...entry, actor_name: 'bob' }))
  assert.deepEqual(found(edited), ['edited 5'])
  assert.deepEqual(found(replaced(chain(9), 1, (entry) => sound({ ...entry, previous: Buffer.alloc(32, 1) }))), [
    'edited 1',
    'edited 1',
  ])
})

test('removed entries are found, in the middle, at the beginning and all of them', () => {
  const entries = chain(9)
  assert.deepEqual(found(entries.filter(({ seq }) => seq !== 5)), ['missing 5'])
  assert.deepEqual(found(entries.filter(({ seq }) => seq > 3)), ['missing 1'])
  assert.deepEqual(found([], [headOf(entries[8])]), ['removed_tail 1'])
})

test('a removed end is found by the head that was seen, also the last entry alone', () => {
  const entries = chain(9)
  assert.deepEqual(found(entries.slice(0, 8)), [])
  assert.deepEqual(found(entries.slice(0, 8), [headOf(entries[3]), headOf(entries[8])]), ['removed_tail 9'])
})

test('entries that have changed places are found, with their hashes or without', () => {
  const entries = chain(9)
  const swapped = entries.map((entry) => {
    const partner = entry.seq === 3 ? entries[6] : entry.seq === 7 ? entries[2] : entry
    assert.ok(partner)
    return { ...partner, seq: entry.seq }
  })
  assert.deepEqual(found(swapped), ['reordered 3', 'reordered 7'])
  const contents = swapped.map((entry, index) => ({
    ...entry,
    previous: bytesOf(entries[index], 'previous'),
    hash: bytesOf(entries[index], 'hash'),
  }))
  assert.deepEqual(found(contents), ['reordered 3', 'reordered 7'])
})

function bytesOf(entry: ChainRow | undefined, field: 'previous' | 'hash'): Buffer {
  assert.ok(entry)
  return entry[field]
}

test('a chain that was recomputed is sound in itself, and not what was seen', () => {
  const entries = chain(9)
  const edited = replaced(entries, 5, (entry) => ({ ...entry, actor_name: 'bob' }))
  const recomputed = recomputedFrom(edited, 5)
  assert.deepEqual(found(recomputed), [])
  assert.deepEqual(found(recomputed, [headOf(entries[2]), headOf(entries[6]), headOf(entries[8])]), ['recomputed 7'])
  assert.deepEqual(found(recomputed.slice(0, 6), [headOf(entries[8])]), ['removed_tail 7'])
})

test('of many problems the first are told', () => {
  const check = createChainCheck(1, [])
  for (const entry of chain(500)) check.add({ ...entry, actor_name: 'bob' })
  const { problems, entries } = check.end()
  assert.deepEqual([entries, problems.length, problems[0]?.seq], [500, 20, 1])
})
