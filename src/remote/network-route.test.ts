import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type NetworkEnvironment, routeTo } from './network-route.ts'

const through = (url: string, environment: NetworkEnvironment) => {
  const { proxy, variable } = routeTo(new URL(url), environment)
  return [proxy, variable]
}
const PROXY = { HTTPS_PROXY: 'http://user:secret@proxy.example:3128' }

test('a proxy is named without its password, with the variable that decided', () => {
  assert.deepEqual(through('https://api.example/v1', PROXY), ['http://proxy.example:3128', 'HTTPS_PROXY'])
  assert.deepEqual(through('https://api.example/v1', { ...PROXY, https_proxy: 'other.example:80' }), [
    'http://other.example',
    'https_proxy',
  ])
  assert.deepEqual(through('http://api.example/v1', PROXY), [null, null])
  assert.deepEqual(through('http://api.example/v1', { http_proxy: 'http://p.example:1' }), [
    'http://p.example:1',
    'http_proxy',
  ])
  assert.deepEqual(through('https://api.example', { ALL_PROXY: 'https://p.example' }), [
    'https://p.example',
    'ALL_PROXY',
  ])
})

test('this machine is reached directly, and so is what NO_PROXY names', () => {
  for (const url of ['https://localhost:1/v1', 'https://127.0.0.1:1/v1', 'https://[::1]:1/v1']) {
    assert.deepEqual(through(url, PROXY), [null, null], url)
  }
  const exempt = (url: string, NO_PROXY: string) => through(url, { ...PROXY, NO_PROXY })[1] === 'NO_PROXY'
  assert.ok(exempt('https://api.example', '*'))
  assert.ok(exempt('https://api.example', 'other, api.example'))
  assert.ok(exempt('https://a.api.example', '.api.example'))
  assert.ok(exempt('https://a.api.example', '*.api.example'))
  assert.ok(exempt('https://api.example', 'api.example:443'))
  assert.ok(!exempt('https://api.example', 'api.example:8443'))
  assert.ok(!exempt('https://notapi.example', 'api.example'))
  assert.ok(!exempt('https://api.example', ' , '))
  assert.ok(exempt('https://api.example.', 'api.example'))
  assert.ok(exempt('https://10.1.2.3', '10.0.0.0/8'))
  assert.ok(!exempt('https://11.1.2.3', '10.0.0.0/8'))
  assert.ok(exempt('https://10.1.2.3:8443', '10.1.2.3'))
  assert.ok(exempt('https://[fd00::1]', 'fd00::/8'))
  assert.ok(exempt('https://[fd00::1]', '[fd00::1]'))
  for (const written of ['10.0.0.0/99', '10.0.0.0/', '10.0.0.0/x', 'fd00::/8', '/8'])
    assert.ok(!exempt('https://10.1.2.3', written), written)
})

test('a proxy of another kind, or no URL at all, is a problem that is named', () => {
  for (const proxy of ['socks5://p.example:1080', 'http://', 'a b']) {
    const { problem } = routeTo(new URL('https://api.example'), { HTTPS_PROXY: proxy })
    assert.match(String(problem), /HTTPS_PROXY is not the URL of an http or https proxy/, proxy)
  }
})
