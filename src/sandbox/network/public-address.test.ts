import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isPublicAddress } from './public-address.ts'

describe('an address', () => {
  for (const address of ['8.8.8.8', '203.0.113.80', '2606:4700::1', '64:ff9b::8.8.8.8'])
    test(`of the public net: ${address}`, () => assert.ok(isPublicAddress(address)))

  for (const address of [
    '0.0.0.0',
    '10.0.0.1',
    '100.100.100.200',
    '127.0.0.1',
    '169.254.169.254',
    '172.31.0.1',
    '192.168.1.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:8.8.8.8',
    '::ffff:127.0.0.1',
    '::127.0.0.1',
    'fe80::1',
    'fd00:ec2::254',
    'ff02::1',
    '2002:7f00:1::',
    '2001:0:1::1',
    '64:ff9b::127.0.0.1',
    '64:ff9b::a00:1',
    '64:ff9b::',
    '64:ff9b:1::1',
    'fe80::1%eth0',
  ])
    test(`that is not: ${address}`, () => assert.ok(!isPublicAddress(address)))
})
