import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { domainToASCII } from 'node:url'
import fc from 'fast-check'
import { allows, HOST_RULE, HostRule, placeOf, plainRule } from './host-rule.ts'

const letters = fc.constantFrom(...'a b c x y z 0 1 9 - _'.split(' '))
const label = fc
  .array(letters, { minLength: 1, maxLength: 12 })
  .map((parts) => parts.join(''))
  .filter((text) => !text.startsWith('-') && !text.endsWith('-'))
const name = fc
  .tuple(fc.array(label, { minLength: 1, maxLength: 4 }), fc.constantFrom('example', 'org', 'internal'))
  .map(([labels, last]) => [...labels, last].join('.'))
const port = fc.integer({ min: 1, max: 65_535 })
/** What has opened allow-lists elsewhere: NUL, users, dots, slashes, ends of lines, other letters for the same. */
const noise = fc.constantFrom(
  '\0',
  '.',
  '..',
  '@',
  ':',
  '/',
  '\\',
  '?',
  '#',
  '%00',
  '%2e',
  ' ',
  '\t',
  '\r\n',
  '[',
  ']',
  '*',
  '。',
  '．',
  '\u200d',
  'ß',
  'ſ',
  'K',
  'İ',
  '։',
  ',',
  ';',
  '|',
  '$',
  '`',
  '\u202e',
  '-',
  '_',
  'a',
  ':443',
  '.evil.test',
)

/** A text with something put into it at a place. */
const spoilt = (text: fc.Arbitrary<string>) =>
  fc.tuple(text, noise, fc.nat(40)).map(([plain, odd, at]) => {
    const place = at % (plain.length + 1)
    return plain.slice(0, place) + odd + plain.slice(place)
  })

describe('rules for hosts', () => {
  test('a name is allowed by itself, in either case, on the usual ports or on its own', () => {
    fc.assert(
      fc.property(name, port, (host, at) => {
        assert.ok(allows(host.toUpperCase(), { host, port: 443 }) && allows(host, { host, port: 80 }))
        assert.equal(allows(host, { host, port: at }), at === 443 || at === 80)
        assert.ok(allows(`${host}:${at}`, { host, port: at }))
        assert.deepEqual(placeOf(`${host.toUpperCase()}:${at}`, null), { host, port: at })
      }),
    )
  })

  test('a wildcard allows what is below a name, and neither that name nor one that ends alike', () => {
    fc.assert(
      fc.property(name, label, (host, below) => {
        const rule = `*.${host}`
        assert.equal(allows(rule, { host, port: 443 }), false)
        assert.ok(allows(rule, { host: `${below}.${host}`, port: 443 }))
        assert.equal(allows(rule, { host: `${below}${host}`, port: 443 }), false)
        assert.equal(allows(rule, { host: `${below}.${host}.${below}`, port: 443 }), false)
      }),
    )
  })

  test('whatever is put into an authority, what is let through is a place that the rule names as a text', () => {
    const rule = fc.oneof(
      name,
      name.map((host) => `*.${host}`),
    )
    fc.assert(
      fc.property(rule, fc.context(), (granted, context) => {
        const host = granted.replace('*.', 'below.')
        fc.assert(
          fc.property(spoilt(fc.constantFrom(`${host}:443`, host)), (asked) => {
            const place = placeOf(asked, 443)
            if (place === null || !allows(granted, place)) return
            context.log(asked)
            const end = granted.startsWith('*.') ? granted.slice(1) : granted
            // Read by a program that is kinder than ours it is the same host.
            assert.equal(domainToASCII(asked.replace(/:\d+$/, '')), place.host)
            assert.ok(place.host === end || (granted.startsWith('*.') && place.host.endsWith(end)), asked)
          }),
          { numRuns: 60 },
        )
      }),
      { numRuns: 60 },
    )
  })

  test('no form of a number is taken for a name', () => {
    const number = fc.oneof(
      fc.nat(0xffffffff).map(String),
      fc.nat(0xffffffff).map((value) => `0x${value.toString(16)}`),
      fc.nat(0xffffffff).map((value) => `0${value.toString(8)}`),
    )
    const parts = fc.array(number, { minLength: 1, maxLength: 4 }).map((all) => all.join('.'))
    fc.assert(
      fc.property(parts, (host) => {
        const place = placeOf(host, 80)
        assert.ok(place === null || /^(?:\d{1,3}\.){3}\d{1,3}$/.test(host), host)
      }),
    )
  })

  test('what the schema takes and what is matched are the same, and any text is answered', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), spoilt(name)), (text) => {
        const isRule = HostRule.safeParse(text).success
        assert.equal(isRule, HOST_RULE.test(text) && text.length <= 270)
        if (isRule) assert.equal(plainRule(plainRule(text)), plainRule(text))
        else assert.equal(allows(text, { host: 'registry.example', port: 443 }), false)
      }),
    )
  })
})
