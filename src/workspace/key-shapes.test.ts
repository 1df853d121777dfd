import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { findKeyShapes } from './key-shapes.ts'

const TOKEN = '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'

test('a key is found once, wherever it stands, and no comment hides it', async () => {
  for (const before of ['', 'x\n'.repeat(131_060), '// secretlint-disable\n', '/* secretlint-disable-line */ ']) {
    const found = await findKeyShapes(`${before}token = '${TOKEN}' and '${TOKEN}'\n`)
    assert.deepEqual(
      found.map(({ value }) => value),
      [TOKEN],
    )
    assert.match(String(found[0]?.fingerprint), /^[0-9a-f]{16}$/)
  }
})

test('what is no key is none', async () => {
  assert.deepEqual(await findKeyShapes('A commit 4b825dc642cb6eb9a060e54bf8d69288fbee4904, and a word.'), [])
  assert.deepEqual(await findKeyShapes(''), [])
})

test('a key in UTF-16, in base64 and in lines of base64 is found, and is allowed by the same fingerprint', async () => {
  const latin1 = (bytes: Buffer) => bytes.toString('latin1')
  const line = `const token = '${TOKEN}'\n`
  const utf16 = Buffer.from(line, 'utf16le')
  const base64 = Buffer.from(line).toString('base64')
  const long = Buffer.from(`${'x'.repeat(200)} ${line}`).toString('base64')
  const [plain] = await findKeyShapes(TOKEN)
  for (const [text, as] of [
    [latin1(utf16), 'UTF-16'],
    [latin1(utf16.swap16()), 'UTF-16'],
    [`token: ${base64}`, 'base64'],
    [`of/${base64}`, 'base64'],
    [Buffer.from(line).toString('base64url'), 'base64'],
    [Buffer.from(line, 'utf16le').toString('base64'), 'base64'],
    [long.replaceAll(/.{64}/g, '$&\n'), 'base64'],
    [long.replaceAll(/.{76}/g, '$&\r\n'), 'base64'],
    [latin1(Buffer.from(base64, 'utf16le')), 'base64'],
  ] as const) {
    const found = await findKeyShapes(text)
    assert.deepEqual(
      found.map((shape) => [shape.value, shape.fingerprint, shape.why.endsWith(`(in ${as})`)]),
      [[TOKEN, plain?.fingerprint, true]],
      text,
    )
  }
})

test('hashes in base64 are no keys', async () => {
  const hashes = Array.from({ length: 500 }, (_, index) => createHash('sha512').update(String(index)).digest('base64'))
  assert.deepEqual(await findKeyShapes(hashes.map((hash) => `"integrity": "sha512-${hash}"`).join('\n')), [])
})
