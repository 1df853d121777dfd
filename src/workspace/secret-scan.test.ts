import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addedTo, SecretScan, type Sightings, type SoughtSecrets, wantedOf } from './secret-scan.ts'

const KEY = 'sk-canary-0123456789'
const secret = (name: string, value: string) => ({ name, value, written: value })
const known = wantedOf([secret('KEY', KEY), secret('LONG', `${KEY}-and-more`), secret('WORD', 'postgres')])
assert.ok(known !== null)
const wanted: SoughtSecrets = known

function scanned(pieces: readonly Uint8Array[]): Sightings {
  const scan = new SecretScan(wanted)
  for (const piece of pieces) scan.write(piece)
  return scan.end()
}

const seenIn = (text: string | Buffer) => scanned([Buffer.from(text)])
const linesOf = (sightings: Sightings, name = 'KEY') => sightings.get(name)?.places.map(({ line }) => line)

test('a secret is seen as it is, encoded and in UTF-16, each time with its line', () => {
  const base64 = Buffer.from(`user:${KEY}`).toString('base64')
  const text = `import postgres\n${KEY}\n\n  x = "${KEY}", "${KEY}"\n${base64}\n`
  assert.deepEqual(linesOf(seenIn(text)), [2, 4, 4, 5])
  for (const swapped of [false, true]) {
    const wide = Buffer.from(`a${KEY}`, 'utf16le')
    assert.deepEqual(linesOf(seenIn(swapped ? wide.swap16() : wide)), [null])
  }
  assert.deepEqual(linesOf(seenIn(`\0${KEY}`)), [null], 'what is not text has no lines')
  assert.deepEqual([...seenIn(`${KEY}-and-more`).keys()], ['LONG'])
  assert.equal(seenIn('postgres').size, 0)
})

test('however the bytes come in, nothing is missed and nothing is seen twice', () => {
  const filler = fc.constantFrom('x', '\n', KEY, KEY.slice(0, 7), 'y'.repeat(400_000), '\n'.repeat(300_000))
  const cuts = fc.array(fc.integer({ min: 1, max: 700_000 }), { minLength: 1, maxLength: 5 })
  const property = fc.property(fc.array(filler, { maxLength: 12 }), cuts, (parts, sizes) => {
    const text = parts.join('')
    const bytes = Buffer.from(text)
    const pieces: Uint8Array[] = []
    for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
      const size = Number(sizes[turn % sizes.length])
      pieces.push(bytes.subarray(at, at + size))
      at += size
    }
    const expected = Array.from(text.matchAll(new RegExp(KEY, 'g')), ({ index }) => linesBefore(text, index) + 1)
    assert.deepEqual(linesOf(scanned(pieces)) ?? [], expected)
  })
  fc.assert(property, { numRuns: 60 })
})

function linesBefore(text: string, end: number): number {
  return text.slice(0, end).split('\n').length - 1
}

/** Content before, content after, and the line that is told; null: nothing was added. */
const CHANGES: Record<string, [before: string, after: string, line: number | null]> = {
  'a new one': ['a\n', `a\n${KEY}\n`, 2],
  'one that is kept': [`${KEY}\n`, `a\n${KEY}\n`, null],
  'one that is moved within its file': [`a\n${KEY}\nb\n`, `b\na\n${KEY}\n`, null],
  'one whose line changes': [`old ${KEY}\n`, `new ${KEY}\n`, null],
  'one that goes': [`${KEY}\n`, 'a\n', null],
  'one that moves and one that is new': [`first ${KEY}\n`, `new ${KEY}\nfirst ${KEY}\n`, 1],
  'one that is copied': [`${KEY}\n`, `${KEY}\n${KEY}\n`, 2],
}
for (const [what, [before, after, line]] of Object.entries(CHANGES)) {
  test(`added is what there is more of: ${what}`, () => {
    const added = addedTo(seenIn(before), seenIn(after))
    assert.equal(added === null ? null : added.seen.line, line)
  })
}

test('without a secret worth looking for there is nothing to look for', () => {
  assert.equal(wantedOf([secret('WORD', 'my-password'), secret('NUMBER', '12345678'), secret('SHORT', 'a1!')]), null)
})
