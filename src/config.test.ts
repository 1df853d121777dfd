import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig } from './config.ts'

test('entries of PATH that mean the working folder are left out: it may be a foreign repository', () => {
  assert.equal(readConfig({ PATH: ':.:/usr/bin:node_modules/.bin:/bin:' }).executablePath, '/usr/bin:/bin')
})

test('traces go nowhere unless an endpoint is named; the one for traces goes before the general one', () => {
  assert.equal(readConfig({}).tracing, null)
  const general = {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318/',
    OTEL_EXPORTER_OTLP_HEADERS: 'a=1,b=x%3D%20y',
  }
  assert.deepEqual(readConfig(general).tracing, {
    url: 'http://127.0.0.1:4318/v1/traces',
    headers: { a: '1', b: 'x= y' },
    serviceName: 'moose',
  })
  const own = {
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://traces.example/in',
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'b=2',
    OTEL_SERVICE_NAME: 'moose-7',
  }
  assert.deepEqual(readConfig({ ...general, ...own }).tracing, {
    url: 'https://traces.example/in',
    headers: { a: '1', b: '2' },
    serviceName: 'moose-7',
  })
  assert.equal(readConfig({ ...general, OTEL_SDK_DISABLED: 'true' }).tracing, null)
})

test('a malformed setting of OpenTelemetry is named', () => {
  for (const [name, value] of [
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'localhost:4317'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'no equals sign'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'a=%FF'],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
  ] as const) {
    assert.throws(() => readConfig({ [name]: value }), { code: 'config_invalid', message: new RegExp(name) }, value)
  }
})
