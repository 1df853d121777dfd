import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findHardStops } from './hard-stops.ts'

test('risky words are found in any case, in plural and however they are joined', () => {
  assert.deepEqual(findHardStops('Rotate the API Keys'), ['api key'])
  assert.deepEqual(findHardStops('guard against SQL-injection and\nDatabase\nmigrations'), [
    'sql injection',
    'database migration',
  ])
  assert.deepEqual(findHardStops('rename user_authentication.ts'), ['authentication'])
})

test('a part of another word is not a risky word', () => {
  assert.deepEqual(findHardStops('Use xssx and reauthentication in the rapi keyboard'), [])
})

test('a harmless text has none', () => {
  assert.deepEqual(findHardStops('Fix a typo in the README'), [])
  assert.deepEqual(findHardStops(''), [])
})

test('letters that look alike, or between which something is hidden, make the word all the same', () => {
  for (const text of [
    'change the аuthеntication',
    'аu\u200bthentication',
    'ＡＰＩ Ｋｅｙ',
    'authentic\u00adation',
    'passwοrd hashing',
  ])
    assert.notDeepEqual(findHardStops(text), [], text)
})
