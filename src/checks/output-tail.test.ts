import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { OutputTail } from './output-tail.ts'

function tailOf(pieces: readonly string[], maxBytes: number): string {
  const tail = new OutputTail()
  for (const piece of pieces) tail.add(piece)
  return tail.read(maxBytes)
}

test('colours, cursor movements and control characters come off, also when they arrive in pieces', () => {
  assert.equal(tailOf(['\u001b[3', '1mred\u001b[0m\r\n50%\r100%\0\u0007\n\n'], 1_000), 'red\n50%\n100%')
})

test('a long output keeps its last whole lines and says that it is cut', () => {
  const tail = tailOf(
    Array.from({ length: 10_000 }, (_, index) => `line ${index} é🦌\n`),
    1_000,
  )
  assert.match(tail, /^\[… earlier output left out …\]\nline \d+ é🦌\n/)
  assert.ok(tail.endsWith('line 9999 é🦌'))
  assert.ok(Buffer.byteLength(tail) <= 1_000)
})

test('the tail is bounded, well-formed and free of NUL whatever comes in', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 200 }), { maxLength: 30 }), (pieces) => {
      const tail = tailOf(pieces, 256)
      assert.ok(Buffer.byteLength(tail) <= 256)
      assert.ok(tail.isWellFormed() && !/[^\P{Cc}\n\t]/u.test(tail))
    }),
  )
})
