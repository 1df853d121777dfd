import assert from 'node:assert/strict'
import { test } from 'node:test'
import { USUAL_MODEL_HOSTS, whyHostRefused } from './model-hosts.ts'

const may = (baseUrl: string | null, ...allowed: string[]) => whyHostRefused({ name: 'own', baseUrl }, allowed) === null

test('this machine, the services Moose knows and a provider without an address are called', () => {
  const usual = [...USUAL_MODEL_HOSTS].map((host) => `https://${host}/v1`)
  for (const url of [null, ...usual, 'http://localhost:1/v1', 'http://[::1]:1/v1', 'https://127.0.0.2/v1'])
    assert.ok(may(url), String(url))
})

test('nobody else is, until the operator names the host', () => {
  for (const [url, entry] of [
    ['https://models.example.com/v1', 'models.example.com'],
    ['https://models.example.com:8443/v1', 'models.example.com:8443'],
    ['https://models.example.com:8443/v1', 'models.example.com'],
    ['https://acme.openai.azure.com/openai/v1', '*.openai.azure.com'],
    ['http://gpu.lan:11434/v1', 'http://gpu.lan:11434'],
    ['http://gpu.lan/v1', 'http://gpu.lan:80'],
    ['http://10.0.0.7:8000/v1', 'http://10.0.0.7'],
    ['https://api.openai.com:8443/v1', 'api.openai.com:8443'],
  ] as const) {
    assert.equal(may(url), false, url)
    assert.equal(may(url, 'other.example', entry), true, entry)
  }
})

test('a host that only looks like one that is named is not', () => {
  for (const [url, ...allowed] of [
    ['https://api.openai.com.evil.example/v1'],
    ['https://api.openai.com@evil.example/v1'],
    ['http://api.openai.com/v1'],
    ['http://127.0.0.1.evil.example/v1'],
    ['https://evilopenai.azure.com/v1', '*.openai.azure.com'],
    ['https://openai.azure.com/v1', '*.openai.azure.com'],
    ['https://models.example.com.evil.example', 'models.example.com'],
    ['https://xmodels.example.com', 'models.example.com'],
    ['http://models.example.com', 'models.example.com'],
    ['https://models.example.com:1/v1', 'models.example.com:8443'],
    ['https://models.example.com./v1', 'models.example.com'],
  ] as const)
    assert.equal(may(url, ...allowed), false, url)
})

test('the refusal names the variable and what to set it to', () => {
  const { reason, command } = whyHostRefused({ name: 'own', baseUrl: 'https://a.example/v1' }, ['b.example']) ?? {}
  assert.match(String(reason), /a\.example.*MOOSE_MODEL_HOSTS/)
  assert.equal(command, 'export MOOSE_MODEL_HOSTS=b.example,a.example')
  const clear = whyHostRefused({ name: 'own', baseUrl: 'http://a.example:1/v1' }, [])
  assert.match(String(clear?.reason), /clear text.*MOOSE_MODEL_HOSTS=http:\/\/a\.example:1/)
})

test('a host that a shell would run is never part of what is to be typed', () => {
  for (const scheme of ['https', 'http']) {
    const refused = whyHostRefused({ name: 'own', baseUrl: `${scheme}://$(reboot);x.example/v1` }, ['b.example'])
    assert.equal(refused?.command, 'moose proposer edit own --base-url https://…')
    assert.doesNotMatch(refused.reason, /MOOSE_MODEL_HOSTS=/)
  }
})
