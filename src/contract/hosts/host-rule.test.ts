import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { allows, grantOptions, HostRule, placeOf, plainRule } from './host-rule.ts'

describe('a rule for a host', () => {
  for (const rule of [
    'registry.example',
    'Registry.Example:8443',
    '*.example.org',
    'localhost:4873',
    'xn--bcher-kva.example',
    '10.1.2.3:8080',
    '[fd00::1]',
    'my_host.internal',
  ])
    test(`can be ${rule}`, () => assert.ok(HostRule.safeParse(rule).success))

  for (const rule of [
    '',
    '*',
    '*.org',
    'a.*.org',
    '**.example.org',
    'registry.example.',
    '.example.org',
    'a..b',
    '-a.example',
    'registry.example:0',
    'registry.example:65536',
    'registry.example:',
    'user@registry.example',
    'a.example/path',
    'https://registry.example',
    'bücher.example',
    'a.example\0.evil.test',
    'a.example\n',
    '127.1',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '2130706433',
    '256.1.1.1',
    '::1',
    '[::ffff:127.0.0.1]',
    '[fe80::1%eth0]',
    `${'a'.repeat(64)}.example`,
    Array(130).fill('aa').join('.'),
  ])
    test(`cannot be ${JSON.stringify(rule).slice(0, 40)}`, () => assert.ok(!HostRule.safeParse(rule).success))

  test('that is an address is for that address alone, in any form of it', () => {
    assert.ok(allows('[FD00:0:0::1]:80', { host: '[fd00::1]', port: 80 }))
    assert.ok(!allows('*.0.0.1', { host: '10.0.0.1', port: 80 }))
    assert.deepEqual(placeOf('[FD00:0:0::1]:80', null), { host: '[fd00::1]', port: 80 })
    assert.equal(plainRule('Registry.Example:8443'), 'registry.example:8443')
  })

  test('is typed so that no shell takes it for the names of files', () => {
    assert.equal(
      grantOptions(['a.example', '*.b.example'], 'setup'),
      "--allow-host a.example --allow-host '*.b.example'",
    )
    assert.equal(grantOptions(['[fd00::1]:8080'], 'checks'), "--allow-host '[fd00::1]:8080' --for checks")
  })
})
