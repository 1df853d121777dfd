import assert from 'node:assert/strict'
import { test } from 'node:test'
import { charsetOf } from './charset.ts'

const bytesOf = (text: string) => Buffer.from(text, 'latin1')
const utf16 = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le')

const TOLD: Readonly<Record<string, readonly [bytes: Buffer, name: string, text: string]>> = {
  'UTF-8': [Buffer.from('größer ж'), 'utf-8', 'größer ж'],
  'an empty file': [Buffer.alloc(0), 'utf-8', ''],
  'UTF-16 with its mark': [utf16('größer 𝄞\r\n'), 'utf-16le', '\ufeffgrößer 𝄞\r\n'],
  'UTF-16 in the other order': [utf16('größer').swap16(), 'utf-16be', '\ufeffgrößer'],
  'accents in ASCII words': [bytesOf('caf\xe9 cr\xe9\xe9e \x93ok\x94'), 'windows-1252', 'café créée “ok”'],
  'an encoding that XML names': [
    bytesOf('<?xml version="1.0" encoding="KOI8-R"?>\n<a>\xd0\xd2\xc9</a>'),
    'koi8-r',
    '<?xml version="1.0" encoding="KOI8-R"?>\n<a>при</a>',
  ],
  'an encoding that Python names': [
    bytesOf('# -*- coding: latin-1 -*-\n# \xe4\xf6\xfc'),
    'windows-1252',
    '# -*- coding: latin-1 -*-\n# äöü',
  ],
  'an encoding with the line ending that Emacs names': [
    bytesOf('# coding: iso-8859-2-unix\n# \xb3\xf3d\xbc'),
    'iso-8859-2',
    '# coding: iso-8859-2-unix\n# łódź',
  ],
  'another than it names': [bytesOf('charset=utf-8 caf\xe9'), 'windows-1252', 'charset=utf-8 café'],
}

for (const [what, [bytes, name, text]] of Object.entries(TOLD))
  test(`an encoding is told, and the same bytes come of it again: ${what}`, () => {
    const charset = charsetOf(bytes) ?? assert.fail('it is not told')
    assert.equal(charset.name, name)
    assert.equal(charset.decode(bytes), text)
    assert.deepEqual(charset.encode(text), bytes)
  })

const NOT_TOLD: Readonly<Record<string, Buffer>> = {
  'UTF-16 without its mark': Buffer.from('abc', 'utf16le'),
  'half a character of UTF-16': Buffer.from([0xff, 0xfe, 0x00, 0xd8]),
  'UTF-32': Buffer.from([0xff, 0xfe, 0, 0, 0x61, 0, 0, 0]),
  'an odd number of bytes': Buffer.from([0xff, 0xfe, 0x61]),
  'words in KOI8-R': bytesOf('\xd0\xd2\xc9\xd7\xc5\xd4'),
  'words in Shift JIS': Buffer.from([0x93, 0xfa, 0x96, 0x7b, 0x8c, 0xea, 0x82, 0xcc]),
  'an encoding of several bytes that it names': bytesOf('coding: shift_jis\n\x93\xfa'),
  'a byte that the named encoding has not': bytesOf('encoding="windows-1253" \xaa'),
  'control characters': bytesOf('caf\xe9 \x01'),
}

for (const [what, bytes] of Object.entries(NOT_TOLD))
  test(`an encoding is not told: ${what}`, () => assert.equal(charsetOf(bytes), null))

test('a character that an encoding has not is named, and in a guessed one any that the file has not', () => {
  const named = charsetOf(bytesOf('coding: latin-1 \xe9'))
  assert.equal(named?.strange('é ü €'), null)
  assert.equal(named?.strange('naïve ж'), 'ж')
  const guessed = charsetOf(bytesOf('caf\xe9'))
  assert.equal(guessed?.isGuessed, true)
  assert.equal(guessed?.strange('é'), null)
  assert.equal(guessed?.strange('é ü'), 'ü')
})
