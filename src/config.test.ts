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

test('a database URL that the driver cannot read is named, and nothing of it is shown', () => {
  const refused = [
    'postgres://ada:s3cret%zz@db/moose',
    'postgres://ada:s3cret%@db/moose',
    'postgres://ada:s3cret%ff@db/moose',
    'postgres://ada%zz:s3cret@db/moose',
    'postgres://ada:s3cret@d%zzb/moose',
    'postgres://ada:s3cret@db/moose%zz',
    'postgres://ada:s3cret@db/moose%ff',
    'postgres://ada:s3cret@db/moose%00',
    'postgres://ada:s3cret@db/moose?port=abc',
    'postgres://ada:s3cret@db/moose?port=65536',
    'postgres://ada:s3cret@db:x/moose',
    's3cret',
  ]
  for (const url of refused) {
    const isNamed = { code: 'config_invalid', message: /^Bad configuration: DATABASE_URL (?!.*s3cret)/ }
    assert.throws(() => readConfig({ DATABASE_URL: url }), isNamed, url)
  }
  const unencoded = ['s3#cret', 's3/cret', 's3?cret', '12#3cret', '1/s3cret', '1?s3cret', '5/s3?cret']
  for (const password of unencoded) {
    const isExplained = { message: /^Bad configuration: DATABASE_URL has a #, \/ or \? .* write # as %23(?!.*cret)/ }
    assert.throws(() => readConfig({ DATABASE_URL: `postgres://ada:${password}@db:5432/moose` }), isExplained, password)
  }
  const read = [
    'postgres://ada:s3%23cret@db/moose?application_name=a@b',
    'postgres://a%20b:%25zz@db/m%C3%BC?options=-c%20x%3D1',
    'postgres://%2Ftmp/moose',
    'postgres:///m?port=5432',
  ]
  for (const url of read) assert.equal(readConfig({ DATABASE_URL: url }).databaseUrl, url)
})

test('a URL whose name or password is not percent-encoded is named', () => {
  const names = ['MOOSE_MANAGER_URL', 'MOOSE_PROPOSER_URL', 'OTEL_EXPORTER_OTLP_ENDPOINT']
  for (const name of [...names, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']) {
    for (const url of [
      'http://%zz@host/',
      'http://ada:100%@host/',
      'https://ada:%ff@host/',
      'http://%zz/',
      'ftp://host/',
    ]) {
      const isNamed = { code: 'config_invalid', message: new RegExp(`^Bad configuration: ${name} `) }
      assert.throws(() => readConfig({ [name]: url }), isNamed, url)
    }
    assert.doesNotThrow(() => readConfig({ [name]: 'https://a%40b:%25zz@host:8443/100%?q=%zz' }))
  }
})
