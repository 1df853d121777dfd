import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig } from '../../config.ts'
import { createTextShower } from './shown-text.ts'

const SECRET = 'correct-horse-battery-staple-9'
const shown = createTextShower(readConfig({ MOOSE_HOME: '/home/ada/moose', ANTHROPIC_API_KEY: SECRET }))
const [head, tail] = [SECRET.slice(0, 11), SECRET.slice(11)]

const SPLIT: Record<string, string> = {
  'over lines': `${head}\n${tail}`,
  'over lines of Windows': `${head}\r\n\t${tail}`,
  'over lines of a diff': `${head}\n+${tail}`,
  'over a quotation': `${head}\n> ${tail}`,
  'over two strings': `${head}" +\n  "${tail}`,
  'over a line of a shell': `${head}\\\n${tail}`,
  'by colours': `${head}\u001b[31m${tail}`,
  'by what has no width': `${head}\u2060\u00ad${tail}`,
  'in base64 that is wrapped': Buffer.from(SECRET).toString('base64').replaceAll(/.{10}/g, '$&\n'),
}
for (const [how, text] of Object.entries(SPLIT)) {
  test(`a secret that is split ${how} is not shown`, async () => {
    const { text: left } = await shown(`before ${text} after`, 1_000)
    assert.match(left, /^before \S{0,4}\[redacted\]\S{0,4}\s* ?after$/)
  })
}

test('lines and characters that split nothing are as they were', async () => {
  const text = `one\n  "two" +\n\u200bthree\u001b[31m\n\n+ four\r\n${head} ${tail}`
  assert.deepEqual(await shown(text, 1_000), { text, left_out: 0 })
})

test('what is cut ends in no part of a secret, and says how much is missing', async () => {
  for (const most of [90, 100, 110, 120, 130]) {
    const { text, left_out } = await shown(`${'x '.repeat(50)}${SECRET}${' y'.repeat(10_000)}`, most)
    assert.ok(text.length <= most + '[redacted]'.length, text)
    assert.ok(!text.includes(SECRET.slice(0, 8)), text)
    assert.equal(left_out, 100 + SECRET.length + 20_000 - most)
  }
})

test('the time grows with the text, whatever it is made of', async () => {
  for (const piece of ['a\n', '\u200b', '"', ' \n', '\u001b[', "' +"]) {
    const before = performance.now()
    await shown(piece.repeat(1_000_000 / piece.length), 1_000_000)
    const took = performance.now() - before
    assert.ok(took < 20_000, `${JSON.stringify(piece)} took ${took} ms`)
  }
})
