import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Transcript } from './transcript.ts'

const FILLER = `${'x'.repeat(99)}\n`.repeat(20_000)
const FAILED = '# 1 SEARCH/REPLACE block failed to match!'

test('little is kept as it is, also when it comes in pieces', () => {
  const transcript = new Transcript()
  for (const piece of ['Appl', 'ied edit to a\nTok', 'ens: 1 sent']) transcript.write(piece)
  assert.equal(transcript.text().replaceAll('\n\n', '\n'), 'Applied edit to a\nTokens: 1 sent')
})

test('a sign in the middle of megabytes is kept with what follows it, in order, and so is the end', () => {
  const transcript = new Transcript()
  transcript.write(`${FILLER}Tokens: 1 sent, 2 received.\n${FAILED}\nno such line\n${FILLER}the end`)
  const text = transcript.text()
  assert.match(text, /^Tokens: 1 sent, 2 received\.\n# 1 SEARCH\/REPLACE block failed to match!\nno such line$/m)
  assert.ok(text.endsWith('\nthe end'))
  assert.ok(text.length < 700_000)
  assert.equal(transcript.complete, true)
})

test('more signs than a run can have are no evidence', () => {
  const transcript = new Transcript()
  transcript.write(`${FAILED}\n`.repeat(100_000))
  assert.equal(transcript.complete, false)
  assert.ok(transcript.text().length < 700_000)
})

test('nor are signs about which more was printed than can be read', () => {
  const transcript = new Transcript()
  transcript.write(FILLER + `${FAILED}\n${`${'x'.repeat(4_000)}\n`.repeat(20)}`.repeat(100))
  assert.equal(transcript.complete, false)
  assert.ok(transcript.text().length < 5_000_000)
})
