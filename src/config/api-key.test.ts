import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig } from '../config.ts'
import { Fault } from '../faults/fault.ts'
import { apiKeyProblem } from './api-key.ts'

const KEY = 'sk-proj_Ab0-9.~+/='

const pasted: readonly (readonly [key: string, says: RegExp])[] = [
  [`“${KEY}”`, /^holds “, U\+201C, \(character 1, its first\)/],
  [`${KEY}\n`, /^holds a line break, U\+000A \(character 19, its last\)/],
  [`${KEY.slice(0, 4)}\r\n${KEY.slice(4)}`, /^holds a carriage return, U\+000D \(character 5\)/],
  [` ${KEY}`, /^holds a space, U\+0020 \(character 1, its first\)/],
  [`${KEY}\u00a0`, /^holds U\+00A0 \(character 19, its last\)/],
  [`${KEY}\u200b`, /^holds U\+200B/],
  [`\ufeff${KEY}`, /^holds U\+FEFF \(character 1, its first\)/],
  [`"${KEY}"`, /^is in quotes \(", U\+0022\), which are a part of it here; set it without them/],
  [`'${KEY}'`, /^is in quotes \(', U\+0027\)/],
  [`sk-\u{1f511}`, /^holds 🔑, U\+1F511, \(character 4, its last\)/],
]

test('life B5: a key that no header can hold is named by its variable and the character, and never shown', () => {
  assert.equal(apiKeyProblem(KEY), null)
  for (const [key, says] of pasted) {
    assert.match(String(apiKeyProblem(key)), says)
    for (const variable of ['ANTHROPIC_API_KEY', 'OPENAI_COMPATIBLE_API_KEY', 'GH_TOKEN', 'GITHUB_TOKEN']) {
      assert.throws(
        () => readConfig({ HOME: '/home/x', [variable]: key }),
        (error: unknown) => {
          assert.ok(error instanceof Fault && error.code === 'config_invalid')
          assert.ok(error.message.includes(`${variable} ${String(apiKeyProblem(key)).slice(0, 8)}`), error.message)
          return !error.message.includes(KEY) && !error.message.includes(KEY.slice(4))
        },
      )
    }
  }
})
