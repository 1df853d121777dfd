import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig } from './config.ts'
import { createLog, withLogFields } from './log.ts'
import { type KnownSecret, knownSecrets } from './redaction/redaction.ts'

function logged(secrets: readonly KnownSecret[] = []) {
  const lines: string[] = []
  const log = createLog('debug', { secrets, destination: { write: (line) => void lines.push(line) } })
  return { log, lines, parsed: () => lines.map((line) => JSON.parse(line)) }
}

test('every secret of the configuration is taken out, wherever in a line it stands and however it is quoted', () => {
  const config = readConfig({
    MOOSE_HOME: '/home/ada/moose',
    DATABASE_URL: 'postgresql://ada:pass%2Fw0rd-canary@localhost/x',
    ANTHROPIC_API_KEY: 'canary-"anthropic"',
    OPENAI_API_KEY: 'canary-openai',
    OPENAI_COMPATIBLE_API_KEY: 'canary-compatible',
    GH_TOKEN: 'canary-github',
    GH_ENTERPRISE_TOKEN: 'canary-enterprise',
    MOOSE_GITHUB_WEBHOOK_SECRET: 'canary-webhook-secret',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318',
    OTEL_EXPORTER_OTLP_HEADERS: 'api-key=canary%20collector',
  })
  const { log, lines, parsed } = logged(knownSecrets(config))
  const said = [
    'canary-"anthropic"',
    'canary-openai',
    'canary-compatible',
    'canary-github',
    'canary-enterprise',
    'canary-webhook-secret',
    'canary collector',
    'pass/w0rd-canary',
    'pass%2Fw0rd-canary',
  ]
  for (const secret of said) {
    log.warn(
      { deep: { list: [`before ${secret} after`] }, err: new Error(`in an error: ${secret}`) },
      `in words: ${secret}`,
    )
  }
  assert.doesNotMatch(lines.join(''), /canary/)
  assert.deepEqual(parsed()[0].deep, { list: ['before [redacted] after'] })
  assert.equal(parsed()[0].msg, 'in words: [redacted]')
})

test('a secret that looks like a part of a line changes its texts alone, and the line stays JSON', () => {
  for (const value of ['12345678', '"level":', 'workOrderId', '":"', 'true,"b', '\\"\\"\\"\\"']) {
    const { log, parsed } = logged([{ name: 'x', value: value.padEnd(8, '"'), written: value }])
    log.info(
      { workOrderId: 'a', n: 1234567890, yes: true, list: [12345678], said: `<${value.padEnd(8, '"')}>` },
      'said',
    )
    const { time, ...line } = parsed()[0]
    assert.ok(time.length > 0)
    assert.deepEqual(line, {
      level: 30,
      workOrderId: 'a',
      n: 1234567890,
      yes: true,
      list: [12345678],
      said: '<[redacted]>',
      msg: 'said',
    })
  }
})

test('a token of the form GitHub and the providers use is taken out although nobody knows it', () => {
  const { log, lines } = logged()
  const tokens = [`ghp_${'a1'.repeat(18)}`, `github_pat_${'B2_'.repeat(20)}`, `sk-ant-api03-${'c-3'.repeat(20)}`]
  for (const token of tokens) log.info({ said: `gh said ${token}.` }, 'a program said')
  for (const token of tokens) assert.ok(!lines.join('').includes(token))
})

test('lines say what they were written in the course of, also from what was begun there and goes on', async () => {
  const { log, parsed } = logged()
  log.info('outside')
  const later = await withLogFields({ workOrderId: 'a', attempt: 1 }, async () => {
    log.info('in the attempt')
    withLogFields({ step: 'apply' }, () => log.info({ attempt: 2 }, 'in the step'))
    await new Promise((resolve) => setImmediate(resolve))
    return () => log.info('in the attempt again')
  })
  later()
  const fields = parsed().map(({ workOrderId, attempt, step, msg }) => ({ workOrderId, attempt, step, msg }))
  const nothing = { workOrderId: undefined, attempt: undefined, step: undefined }
  assert.deepEqual(fields, [
    { ...nothing, msg: 'outside' },
    { ...nothing, workOrderId: 'a', attempt: 1, msg: 'in the attempt' },
    { workOrderId: 'a', attempt: 2, step: 'apply', msg: 'in the step' },
    { ...nothing, msg: 'in the attempt again' },
  ])
})
