import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
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

/** The least white space that lines with any text start with. */
const indentOf = (lines: readonly string[]) => {
  const starts = lines.filter((line) => line.trim() !== '').map((line) => /^\s*/.exec(line)?.[0] ?? '')
  return starts.reduce((least, start) => (start.length < least.length ? start : least), starts[0] ?? '')
}
const unindented = (lines: readonly string[]) =>
  lines.map((line) => (line.trim() === '' ? '' : line.slice(indentOf(lines).length).trimEnd()))

/** The rules of a match, in their order; the first by which anything matches counts. */
const RULES: readonly ((lines: readonly string[]) => string)[] = [
  (lines) => lines.join('\n'),
  (lines) => lines.map((line) => line.trimEnd()).join('\n'),
  (lines) => unindented(lines).join('\n'),
]

/** The obvious way: where lines of a file are like those of a SEARCH. */
function matches(file: readonly string[], search: readonly string[]): { rule: number; at: number[] } {
  for (const [rule, like] of RULES.entries()) {
    const at = file
      .map((_, index) => index)
      .filter((index) => index + search.length <= file.length)
      .filter((index) => like(file.slice(index, index + search.length)) === like(search))
      .filter((index) => rule < 2 || file.slice(index, index + search.length).some((line) => line.trim() !== ''))
    if (at.length > 0) return { rule, at }
  }
  return { rule: 0, at: [] }
}

/** Whether a property is tried a thousand times, or as often as `EDIT_PAIRS` says. */
const PAIRS = Number(process.env['EDIT_PAIRS'] ?? 2_000)

test('an edit is put in where the naive reference finds one place, and nowhere else', async () => {
  const property = fc.asyncProperty(
    fc.array(word, { minLength: 1, maxLength: 12 }),
    words(1),
    words(0),
    async (file, search, replace) => {
      const result = await applied(`${file.join('\n')}\n`, [{ line: 2, search, replace }])
      const { rule, at } = matches(file, search)
      const [start] = at
      const isNothing = JSON.stringify(search) === JSON.stringify(replace) && at.length > 0
      if (isNothing && rule === 0) assert.equal(result, 'change_without_effect')
      else if (start === undefined || at.length > 1) assert.equal(result, 'edits_rejected')
      else if (result !== 'change_without_effect' && result !== 'edits_rejected') {
        const [head, tail] = [file.slice(0, start), file.slice(start + search.length)]
        const lines = result === '' ? [] : result.slice(0, -1).split('\n')
        assert.deepEqual(lines.slice(0, head.length), head)
        assert.deepEqual(lines.slice(lines.length - tail.length), tail)
        const put = lines.slice(head.length, lines.length - tail.length)
        if (rule === 0) assert.deepEqual(put, replace)
        else
          assert.deepEqual(
            put.map((line) => line.trim()),
            replace.map((line) => line.trim()),
          )
      } else if (rule === 0 && result === 'edits_rejected')
        assert.fail(`refused: ${JSON.stringify({ file, search, replace })}`)
    },
  )
  await fc.assert(property, { numRuns: PAIRS })
})

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
