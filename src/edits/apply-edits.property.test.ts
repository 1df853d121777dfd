import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { assertPutInOnePlace } from '../../test/support/random-pairs.ts'
import { Fault } from '../faults/fault.ts'
import { applyEdits } from './apply-edits.ts'
import type { Edit, Replacement } from './edit.ts'

const word = fc.constantFrom('a', 'b', 'c', '', ' a', '  b', 'c ', 'é', 'x\ry')
const words = (minLength: number) => fc.array(word, { minLength, maxLength: 4 })
const ending = fc.constantFrom('\n', '\r\n')

async function applied(content: string, replacements: readonly Replacement[]): Promise<string> {
  const edit: Edit = { kind: 'edit', block: 1, line: 1, path: 'f', replacements }
  try {
    const changes = await applyEdits([edit], {
      read: async (path) => (path === 'f' ? Buffer.from(content) : null),
      scope: ['f'],
    })
    assert.deepEqual(
      changes.map(({ path }) => path),
      ['f'],
    )
    return String(changes[0]?.content)
  } catch (thrown) {
    assert.ok(thrown instanceof Fault, String(thrown))
    return thrown.code
  }
}

test('a pair is put in where the naive reading finds one place, and nowhere else', () => assertPutInOnePlace(2_000, 17))

test('what an edit does not touch stays byte for byte: line endings, byte order mark, final newline', async () => {
  const line = fc.tuple(fc.constantFrom('p', 'q', '', ' q'), ending)
  const side = fc.array(line, { maxLength: 5 })
  const property = fc.asyncProperty(
    fc.record({
      bom: fc.boolean(),
      before: side,
      after: fc.array(line, { minLength: 1, maxLength: 5 }),
      ended: fc.boolean(),
      at: ending,
      replace: words(0),
    }),
    async ({ bom, before, after, ended, at, replace }) => {
      const text = (lines: [string, string][]) => lines.map((parts) => parts.join('')).join('')
      const head = `${bom ? '\ufeff' : ''}${text(before)}`
      const tail = ended ? text(after) : `${text(after.slice(0, -1))}last`
      const result = await applied(`${head}TARGET${at}${tail}`, [{ line: 2, search: ['TARGET'], replace }])
      const [written, expected] = [result.slice(head.length, result.length - tail.length), replace]
      assert.ok(result.startsWith(head) && result.endsWith(tail), JSON.stringify(result))
      const endings = new Set(written.match(/\r?\n/g))
      assert.ok(endings.size < 2, 'one line ending for all that is new')
      assert.deepEqual(written.split(/\r?\n/).slice(0, -1), expected)
    },
  )
  await fc.assert(property, { numRuns: 1_000 })
})

test('one rejected block anywhere rejects everything, and nothing else does', async () => {
  const good = fc
    .nat({ max: 9 })
    .map((at): Edit => ({ kind: 'write', block: 1, line: 1, path: `d/${at}`, body: ['new'] }))
  const bad = fc.constantFrom<Edit>(
    { kind: 'delete', block: 1, line: 1, path: 'd/none' },
    { kind: 'rename', block: 1, line: 1, path: 'd/none', to: 'd/else' },
    { kind: 'edit', block: 1, line: 1, path: 'd/old', replacements: [{ line: 2, search: ['none'], replace: [] }] },
    { kind: 'write', block: 1, line: 1, path: 'elsewhere', body: [] },
  )
  const property = fc.asyncProperty(
    fc.array(good, { minLength: 1 }),
    fc.option(bad),
    fc.nat(),
    async (edits, fault, at) => {
      const all = fault === null ? edits : edits.toSpliced(at % (edits.length + 1), 0, fault)
      const base = new Map([['d/old', Buffer.from('old\n')]])
      const outcome = await applyEdits(all, { read: async (path) => base.get(path) ?? null, scope: ['d/'] }).then(
        (changes) => changes.map(({ path }) => path),
        (thrown: unknown) => thrown,
      )
      assert.equal(String(base.get('d/old')), 'old\n')
      if (fault === null) assert.deepEqual(outcome, [...new Set(edits.map(({ path }) => path))].sort())
      else assert.ok(outcome instanceof Fault)
    },
  )
  await fc.assert(property, { numRuns: 500 })
})
