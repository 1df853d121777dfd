import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BoundedOutput, type KeptPart } from './bounded-output.ts'

const chunks = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 20 })
const part = fc.constantFrom<KeptPart>('head', 'tail', 'ends')

function expected(all: Buffer, maxBytes: number, keep: KeptPart): Buffer {
  if (all.length <= maxBytes) return all
  const tailBytes = keep === 'head' ? 0 : keep === 'tail' ? maxBytes : Math.floor(maxBytes / 2)
  return Buffer.concat([all.subarray(0, maxBytes - tailBytes), all.subarray(all.length - tailBytes)])
}

test('keeps exactly the wanted ends of any stream, in any chunking', () => {
  fc.assert(
    fc.property(chunks, part, fc.integer({ min: 0, max: 300 }), (written, keep, maxBytes) => {
      const output = new BoundedOutput(maxBytes, keep)
      for (const chunk of written) output.write(chunk)
      const all = Buffer.concat(written)
      assert.deepEqual(output.bytes(), expected(all, maxBytes, keep))
      assert.equal(output.droppedBytes, Math.max(0, all.length - maxBytes))
    }),
  )
})

test('the text of a cut stream says how much is missing and cuts no character in two', () => {
  fc.assert(
    fc.property(fc.integer({ min: 8, max: 60 }), part, (maxBytes, keep) => {
      const output = new BoundedOutput(maxBytes, keep)
      output.write(Buffer.from('🦌é€'.repeat(20)))
      assert.match(output.text(), /\[… \d+ bytes left out …\]/)
      assert.ok(!output.text().includes('\ufffd'))
    }),
  )
})
