import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readConfig } from '../config.ts'
import { createRedaction, formsOf, isWorthStopping, knownSecrets, withStringsReplaced } from './redaction.ts'

const secretOf = (value: string) => ({ value, written: value })

test('every secret of the configuration is known by the name of where it is set', () => {
  const config = readConfig({
    MOOSE_HOME: '/home/ada/moose',
    DATABASE_URL: 'postgresql://ada:p%40ss@localhost/x?password=other',
    ANTHROPIC_API_KEY: 'a-key',
    GITHUB_TOKEN: 'a-token',
    MOOSE_MANAGER_URL: 'http://ada:manager@host/route',
    HTTPS_PROXY: 'http://ada:through@proxy:3128',
    NO_PROXY: 'localhost',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318',
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20for-traces,x-team=a',
  })
  assert.deepEqual(
    knownSecrets(config).map(({ name, value, written }) => [name, value, written]),
    [
      ['ANTHROPIC_API_KEY', 'a-key', 'a-key'],
      ['GH_TOKEN (or GITHUB_TOKEN)', 'a-token', 'a-token'],
      ['the password of DATABASE_URL', 'p@ss', 'p%40ss'],
      ['the password of DATABASE_URL', 'other', 'other'],
      ['the password of MOOSE_MANAGER_URL', 'manager', 'manager'],
      ['the password of MOOSE_MANAGER_URL', btoa('ada:manager'), btoa('ada:manager')],
      ['the password of HTTPS_PROXY', 'through', 'through'],
      ['the password of HTTPS_PROXY', btoa('ada:through'), btoa('ada:through')],
      ['the header "authorization" of OTEL_EXPORTER_OTLP_HEADERS (or …_TRACES_HEADERS)', 'for-traces', 'for-traces'],
      ['the header "x-team" of OTEL_EXPORTER_OTLP_HEADERS (or …_TRACES_HEADERS)', 'a', 'a'],
    ],
  )
  const broken = { ...config, databaseUrl: 'postgresql://ada:100%@localhost/x' }
  assert.equal(knownSecrets(broken).find(({ name }) => name === 'the password of DATABASE_URL')?.value, '100%')
})

const WORTH: Record<string, boolean> = {
  '': false,
  'a1b2c3!': false,
  postgres: false,
  'my-password': false,
  moose_dev: false,
  'my secret': false,
  'Größenwahn.x': false,
  'correct-horses': false,
  '12345678': false,
  '123456789012345': false,
  '1234567890123456': true,
  'correct-horse-battery-staple': true,
  abcdefghijklmnop: true,
  abcdefghijklmno: false,
  postgres1: true,
  pa$$word: true,
  a1b2c3d4: true,
  'sk-ant-api03-0123456789abcdef': true,
}
for (const [value, expected] of Object.entries(WORTH)) {
  test(`${JSON.stringify(value)} ${expected ? 'stops' : 'does not stop'} a push`, () => {
    assert.equal(isWorthStopping(value), expected)
  })
}

test('a secret is taken out as it is, percent-encoded, in hexadecimal, in base64 and in JSON, once or twice, whatever stands around it', () => {
  const secret = `p@ss w/ö"rd's+1%`
  const redacted = createRedaction([secretOf(secret)])
  const forms = [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    encodeURIComponent(secret).toLowerCase(),
    new URLSearchParams({ secret }).toString().slice('secret='.length),
    Buffer.from(secret).toString('hex'),
    Buffer.from(secret).toString('hex').toUpperCase(),
    JSON.stringify(JSON.stringify({ a: secret })).slice('"{\\"a\\":\\"'.length, -'\\"}"'.length),
    `ada:${encodeURIComponent(secret).replaceAll("'", '%27')}@host`,
  ]
  for (const form of forms) assert.match(redacted(`before ${form} after`), /^before (ada:)?\[redacted\](@host)? after$/)
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), fc.constantFrom('base64', 'base64url'), (before, after, encoding) => {
      const encoded = Buffer.concat([before, Buffer.from(secret), after]).toString(encoding)
      const core = Buffer.from(secret).toString(encoding).slice(4, 16)
      const left = redacted(encoded)
      assert.match(left, /\[redacted\]/)
      assert.ok(!left.includes(core))
    }),
  )
})

test('of secrets that hold each other nothing is left, and what was taken out is not looked at again', () => {
  const redacted = createRedaction(['password', 'password-and-more', 'redacted'].map(secretOf))
  assert.equal(redacted('password-and-more, password, redacted'), '[redacted], [redacted], [redacted]')
})

test('what is too short is left, and without secrets everything is', () => {
  assert.equal(createRedaction([secretOf('short')])('short'), 'short')
  assert.equal(createRedaction([])('anything'), 'anything')
  assert.deepEqual(formsOf(secretOf('postgres')).includes('postgres'), true)
})

test('strings of a JSON text are replaced, and names, numbers and spaces are as they were', () => {
  const upper = (json: string) => withStringsReplaced(json, (text) => text.toUpperCase())
  assert.equal(
    upper('{"a" : "a\\"b\\\\", "b":[1.0e2,true,"b"],"\\"c":{"c":"\\u00e9"}}\n'),
    '{"a" : "A\\"B\\\\", "b":[1.0e2,true,"B"],"\\"c":{"c":"É"}}\n',
  )
  assert.equal(upper('{"a":"left open'), '{"A":"LEFT OPEN')
  fc.assert(
    fc.property(fc.json(), (json) => {
      assert.equal(
        withStringsReplaced(json, (text) => text),
        json,
      )
    }),
  )
})
