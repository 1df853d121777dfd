import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig } from '../config.ts'
import { Fault } from '../faults/fault.ts'

const HOME = { MOOSE_HOME: '/home/ada/moose' }
const TLS = { MOOSE_TLS_CERT: '/etc/moose/cert.pem', MOOSE_TLS_KEY: '/etc/moose/key.pem' }
const PROXY = { MOOSE_TRUSTED_PROXY: '10.0.0.0/8,X-Forwarded-User' }

const read = (settings: Record<string, string>) => readConfig({ ...HOME, ...settings })

test('by default the API takes tokens, and this machine alone reaches it', () => {
  const { api, apiProblems, apiToken } = read({})
  assert.deepEqual(apiProblems, [])
  assert.equal(apiToken, null)
  assert.deepEqual(
    { ...api },
    { auth: true, allowedHosts: [], proxy: null, ratePerSecond: 100, public: null, loopback: '127.0.0.1' },
  )
  for (const host of ['127.0.0.1', '::1', 'localhost']) assert.equal(read({ MOOSE_HOST: host }).api.public, null, host)
})

test('case 27: where others can reach it, neither clear text without a proxy nor a missing login is a start', () => {
  for (const host of ['0.0.0.0', '::', '192.0.2.7', '127.0.0.2']) {
    assert.match(String(read({ MOOSE_HOST: host }).apiProblems), /^MOOSE_HOST is .*MOOSE_TLS_CERT/, host)
    assert.deepEqual(read({ MOOSE_HOST: host, ...TLS }).apiProblems, [], host)
    assert.deepEqual(read({ MOOSE_HOST: host, ...PROXY }).apiProblems, [], host)
    for (const protection of [TLS, PROXY, {}]) {
      const { apiProblems } = read({ MOOSE_HOST: host, MOOSE_API_AUTH: 'off', ...protection })
      assert.match(String(apiProblems), /^MOOSE_API_AUTH is off/, host)
    }
  }
  assert.deepEqual(read({ MOOSE_API_AUTH: 'off' }).apiProblems, [])
  assert.match(String(read({ MOOSE_TLS_CERT: '/cert.pem' }).apiProblems), /^MOOSE_TLS_KEY is not set/)
})

test('an address is the name of its own, one that stands for all is none', () => {
  const hosts = (host: string) =>
    read({ MOOSE_HOST: host, ...TLS, MOOSE_ALLOWED_HOSTS: 'Moose.Example' }).api.allowedHosts
  assert.deepEqual(hosts('0.0.0.0'), ['moose.example'])
  assert.deepEqual(hosts('192.0.2.7'), ['moose.example', '192.0.2.7'])
  assert.deepEqual(hosts('FD00::1'), ['moose.example', '[fd00::1]'])
})

test('the address of the page is scheme, host and port, and its host is one that is answered to', () => {
  const { pageUrl, api } = read({
    MOOSE_PUBLIC_URL: 'https://Moose.Example:8443/',
    MOOSE_ALLOWED_HOSTS: 'other.example',
  })
  assert.equal(pageUrl, 'https://moose.example:8443')
  assert.deepEqual(api.allowedHosts, ['other.example', 'moose.example'])
  assert.equal(read({}).pageUrl, null)
  for (const url of [
    'moose.example',
    'ftp://a',
    'https://a/moose',
    'https://u:p@a',
    'https://a/?x',
    'https://a/#x',
    'https://a/?',
  ])
    assert.throws(() => read({ MOOSE_PUBLIC_URL: url }), /MOOSE_PUBLIC_URL/, url)
})

test('a proxy is a subnet and a header; addresses of IPv4 count in either form', () => {
  const { proxy } = read({ ...PROXY, MOOSE_TRUSTED_PROXY_SCOPES: 'file, approve' }).api
  assert.ok(proxy !== null)
  assert.deepEqual([proxy.header, proxy.scopes], ['x-forwarded-user', ['file', 'approve']])
  for (const peer of ['10.0.0.1', '10.255.255.255', '::ffff:10.1.2.3']) assert.ok(proxy.subnet.holds(peer), peer)
  for (const peer of ['11.0.0.1', '127.0.0.1', '::1', '::ffff:11.0.0.1', 'gone', '', '10.0.0.1.evil']) {
    assert.ok(!proxy.subnet.holds(peer), peer)
  }
  assert.deepEqual(read(PROXY).api.proxy?.scopes, ['read'])
})

test('what is malformed is named by its variable', () => {
  const wrong: [string, string][] = [
    ['MOOSE_API_AUTH', 'no'],
    ['MOOSE_API_TOKEN', 'moose_short'],
    ['MOOSE_HOST', 'moose.example'],
    ['MOOSE_ALLOWED_HOSTS', 'moose.example:4646'],
    ['MOOSE_ALLOWED_HOSTS', '*'],
    ['MOOSE_ALLOWED_HOSTS', 'https://moose.example'],
    ['MOOSE_TLS_CERT', 'cert.pem'],
    ['MOOSE_TRUSTED_PROXY', '10.0.0.0/8'],
    ['MOOSE_TRUSTED_PROXY', '10.0.0.0/33,X-User'],
    ['MOOSE_TRUSTED_PROXY', '0.0.0.0/0,X-User'],
    ['MOOSE_TRUSTED_PROXY', '128.0.0.0/1,X-User'],
    ['MOOSE_TRUSTED_PROXY', '::/0,X-User'],
    ['MOOSE_TRUSTED_PROXY', '10.0.0.0,X-User'],
    ['MOOSE_TRUSTED_PROXY', 'proxy.example/8,X-User'],
    ['MOOSE_TRUSTED_PROXY', '10.0.0.0/8,Authorization'],
    ['MOOSE_TRUSTED_PROXY', '10.0.0.0/8,X User'],
    ['MOOSE_TRUSTED_PROXY_SCOPES', 'read,admin'],
    ['MOOSE_API_RATE', '0'],
  ]
  for (const [name, value] of wrong) {
    assert.throws(
      () => read({ [name]: value }),
      (error) => error instanceof Fault && error.code === 'config_invalid' && error.message.includes(name),
      `${name}=${value}`,
    )
  }
})
