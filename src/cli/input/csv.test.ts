import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readCsv } from './csv.ts'

test('fields may be quoted, lines may end in any way, and empty ones are passed over', () => {
  assert.deepEqual(readCsv('a,b\r\n\r\n"x, ""y""",\n,z').rows, [
    { line: 1, cells: ['a', 'b'] },
    { line: 3, cells: ['x, "y"', ''] },
    { line: 4, cells: ['', 'z'] },
  ])
})

test('a quote that is not closed or stands inside a field is a problem of its line', () => {
  for (const line of ['"x', 'x"y', '"x"y', '"a\nb"']) {
    const { rows, problems } = readCsv(`a,b\n${line}`)
    assert.deepEqual([rows.length, problems[0]?.line], [1, 2], line)
  }
})

test('a long line of quotes is read in no time', () => {
  const began = performance.now()
  readCsv(`${'"'.repeat(500_001)}\n${',"'.repeat(200_000)}`)
  assert.ok(performance.now() - began < 1_000)
})
