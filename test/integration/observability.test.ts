import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { openMoose } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { createLog, createLogFor } from '../../src/log.ts'
import { knownSecrets } from '../../src/redaction/redaction.ts'
import { fetchAt } from '../support/api-token.ts'
import { makeHome } from '../support/embedded-home.ts'
import { createMooseHome, fileOrder, settled } from '../support/moose-home.ts'
import { type OtlpSpan, startOtlpCollector } from '../support/otlp-collector.ts'
import { until } from '../support/until.ts'

const FILES = { 'a.txt': 'a\n', 'moose.yaml': 'checks:\n  - { name: has a, run: test -s a.txt }\n' }
const write = (text: string) => `### write a.txt\n\`\`\`\n${text}\n\`\`\`\n`
const CANARY = 'content-canary'
const greet = { task: `Write ${CANARY}`, turn: 1, text: write(CANARY) }
const spoil = [1, 2, 3, 4].map((turn) => ({ task: 'Spoil it', turn, text: write('').replace('\n\n', '\n') }))

/** Name, and the names of what lies below it, in the order they began; without the commands that were run. */
function treeOf(spans: OtlpSpan[], span: OtlpSpan): unknown {
  const below = spans
    .filter(({ parentSpanId, name }) => parentSpanId === span.spanId && !name.startsWith('run '))
    .sort((a, b) => Number(BigInt(a.startTimeUnixNano) - BigInt(b.startTimeUnixNano)))
  return below.length === 0 ? span.name : { [span.name]: below.map((child) => treeOf(spans, child)) }
}

/** Samples by name and labels, of a text in the format of Prometheus. */
function samplesOf(text: string): Map<string, number> {
  const samples = new Map<string, number>()
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('# HELP ') || line.startsWith('# TYPE ')) continue
    const [, name, value] = /^([a-zA-Z_:][\w:]*(?:\{(?:\w+="(?:[^"\\]|\\.)*",?)*\})?) (\S+)$/.exec(line) ?? []
    assert.ok(name !== undefined && value !== undefined, `no sample: ${line}`)
    samples.set(name, Number(value))
  }
  return samples
}

async function metricsOf(moose: { http: { fetch(request: Request): Response | Promise<Response> } }) {
  const response = await moose.http.fetch(new Request('http://127.0.0.1/metrics'))
  assert.equal(response.status, 200)
  assert.match(String(response.headers.get('content-type')), /^text\/plain; version=0\.0\.4/)
  return samplesOf(await response.text())
}

test('an attempt is one trace with its steps and model calls, in numbers and in every line of the log, without content', async () => {
  await using collector = await startOtlpCollector()
  await using home = await createMooseHome(FILES, [greet, ...spoil], {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: 'api-key=collector-key-canary',
    OPENAI_API_KEY: 'openai-key-canary',
  })
  const lines: string[] = []
  const secrets = knownSecrets(home.config)
  const log = createLog('debug', { secrets, destination: { write: (line) => void lines.push(line) } })
  const ids: string[] = []
  {
    await using moose = await openMoose(home.config, { log, role: 'service' })
    const before = await metricsOf(moose)
    await moose.orchestrator.start(null)
    for (const title of [greet.task, 'Spoil it']) {
      ids.push(await fileOrder(home.database, { title, files: ['a.txt'] }))
      await settled(moose, String(ids.at(-1)))
    }
    await assertCounted(moose, before)
  }
  const spans = collector.spans()
  assert.match(String(collector.headers[0]), /^POST \/v1\/traces .*"api-key":"collector-key-canary"/)
  assert.equal(collector.resources()[0]?.['service.name'], 'moose')
  const roots = spans.filter(({ parentSpanId }) => parentSpanId === undefined || parentSpanId === '')
  assert.deepEqual(
    roots.map((root) => treeOf(spans, root)),
    [
      {
        attempt: [
          'step route',
          'step prepare',
          { 'step propose': ['chat scripted'] },
          'step apply',
          'step verify',
          'step publish',
          'step record',
        ],
      },
      {
        attempt: [
          'step route',
          'step prepare',
          { 'step propose': ['chat scripted'] },
          'step apply',
          'step verify',
          'step record',
        ],
      },
    ],
  )
  assert.equal(new Set(spans.map(({ traceId }) => traceId)).size, 2)
  const [done, failed] = roots
  assert.deepEqual(done?.attributes, {
    'moose.work_order.id': ids[0],
    'moose.attempt': 1,
    'moose.resumed': 0,
    'moose.outcome': 'succeeded',
  })
  assert.equal(failed?.attributes['moose.outcome'], 'check_failed')
  assert.equal(failed?.status.code, 2)
  const call = spans.find(({ name }) => name === 'chat scripted')
  assert.deepEqual(
    [
      'gen_ai.provider.name',
      'gen_ai.request.model',
      'gen_ai.usage.input_tokens',
      'moose.cost_usd',
      'moose.replayed',
    ].map((name) => call?.attributes[name]),
    ['replay', 'scripted', 100, 0, true],
  )
  const verify = spans.find(({ name, traceId }) => name === 'step verify' && traceId === failed?.traceId)
  assert.equal(verify?.attributes['moose.outcome'], 'check_failed')
  assert.doesNotMatch(collector.received.join(''), /canary/)
  const commands = spans.filter(({ name }) => name.startsWith('run '))
  const check = commands.find(({ name, parentSpanId }) => name !== 'run git' && parentSpanId === verify?.spanId)
  assert.equal(Number(check?.attributes['process.exit.code']), 1)
  const known = new Set(spans.map(({ spanId }) => spanId))
  assert.ok(commands.length > 10 && commands.every(({ parentSpanId }) => known.has(String(parentSpanId))))

  const [line] = lines.map((one) => JSON.parse(one)).filter(({ msg }) => msg === 'model call')
  assert.deepEqual([line.workOrderId, line.attempt, line.step, line.traceId], [ids[0], 1, 'propose', done?.traceId])
  assert.doesNotMatch(lines.join(''), /key-canary/)
})

async function assertCounted(moose: Parameters<typeof metricsOf>[0], before: Map<string, number>): Promise<void> {
  let after = await metricsOf(moose)
  const more = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0)
  // What a waiting client is told comes from the last step, a moment before the attempt itself ends.
  await until('the second attempt ends', async () => {
    after = await metricsOf(moose)
    return more('moose_attempts_ended_total{outcome="check_failed"}') >= 1
  })
  assert.equal(more('moose_attempts_ended_total{outcome="succeeded"}'), 1)
  assert.equal(more('moose_attempts_ended_total{outcome="check_failed"}'), 1)
  assert.equal(more('moose_step_duration_seconds_count{step="publish",outcome="succeeded"}'), 1)
  assert.equal(more('moose_step_duration_seconds_count{step="verify",outcome="failed"}'), 1)
  assert.equal(more('moose_model_calls_total{provider="replay",outcome="answered"}'), 2)
  assert.equal(more('moose_model_tokens_total{provider="replay",direction="input"}'), 200)
  assert.equal(more('moose_claim_latency_seconds_count'), 2)
  assert.equal(after.get('moose_attempts_running'), 0)
  for (const name of ['process_resident_memory_bytes', 'process_open_fds', 'nodejs_eventloop_lag_p99_seconds']) {
    assert.ok(Number(after.get(name)) > 0, name)
  }
  assert.equal(after.get('moose_database_up'), 1)
  assert.equal(after.get('moose_work_orders{status="pending"}'), 0)
  assert.equal(after.get('moose_workers_alive'), 1)
  assert.ok(Number(after.get('moose_budget_limit_usd{period="day"}')) > 0)
  assert.equal(after.get('moose_emergency_stop'), 0)
}

test('a collector that never answers costs an order nothing and the end of the service two seconds at most', async () => {
  await using collector = await startOtlpCollector('silent')
  await using home = await createMooseHome(FILES, [greet], { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })
  const moose = await home.open()
  await moose.orchestrator.start(null)
  const order = await settled(moose, await fileOrder(home.database, { title: greet.task, files: ['a.txt'] }))
  assert.equal(order.phase, 'in_review')
  await moose.orchestrator.drain(0)
  const began = performance.now()
  await moose[Symbol.asyncDispose]()
  const tookMs = performance.now() - began
  assert.ok(tookMs < 4_000, `${tookMs} ms`)
  assert.ok(collector.received.length > 0)
})

test('without a database the service lives, is not ready and says why, both within bounds; with it, it is ready again', async () => {
  await using folder = await makeHome()
  const home = path.join(folder.path, 'moose')
  const config = readConfig({ MOOSE_HOME: home, MOOSE_LOG_LEVEL: 'silent', PATH: String(process.env['PATH']) })
  await using moose = await openMoose(config, { log: createLogFor(config), role: 'service' })
  const { url } = await moose.serve(0)
  const ask = (page: string) => fetchAt(home, `${url}/${page}`)
  assert.equal((await ask('readyz')).status, 200)
  const server = await postgresOf(home)
  for (const pid of server) process.kill(pid, 'SIGSTOP')
  try {
    const began = performance.now()
    const [alive, ready, metrics] = await Promise.all(['healthz', 'readyz', 'metrics'].map(ask))
    const tookMs = performance.now() - began
    assert.ok(tookMs < 2_500, `${tookMs} ms`)
    assert.equal(alive?.status, 200)
    assert.equal(ready?.status, 503)
    assert.equal(ready?.headers.get('retry-after'), '5')
    const { success, error } = JSON.parse(await ready.text())
    assert.deepEqual([success, error.code], [false, 'database_unreachable'])
    assert.deepEqual(error.details, { database_answers: false, home_owned: true, stopping: false })
    const samples = samplesOf(String(await metrics?.text()))
    assert.equal(samples.get('moose_database_up'), 0)
    assert.ok(!samples.has('moose_work_orders{status="pending"}'))
  } finally {
    for (const pid of server) process.kill(pid, 'SIGCONT')
  }
  await until('it is ready again', async () => (await fetch(`${url}/readyz`)).status === 200)
  await moose.orchestrator.drain(0)
  const drained = await ask('readyz')
  assert.equal(drained.status, 503)
  assert.match(await drained.text(), /"not_running".*stopping/)
})

/** The embedded server of a home and everything it has forked. */
async function postgresOf(home: string): Promise<number[]> {
  const [pid] = (await readFile(path.join(home, 'postgres', 'data', 'postmaster.pid'), 'utf8')).split('\n')
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return [pid, ...children.trim().split(' ')].map(Number)
}
