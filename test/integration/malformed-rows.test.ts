import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FaultBody } from '../../src/contract/faults.ts'
import { OrchestratorStatusResponse } from '../../src/contract/orchestrator.ts'
import { moose, startMoose } from '../support/moose-command.ts'
import { createMooseHome, type MooseHome } from '../support/moose-home.ts'

const ROWS = {
  orchestrator_max_concurrent: 'many',
  budget_limits: 'nonsense',
  routing_policy: '[]',
  keep_runs_days: 'never',
}

async function setRow(home: MooseHome, key: string, value: string): Promise<void> {
  await home.database.pool.query(
    'insert into system_config (key, value) values ($1, $2) on conflict (key) do update set value = excluded.value',
    [key, value],
  )
}

test('life F3: a malformed row is named by status and by readiness, and doctor names each', async () => {
  await using home = await createMooseHome({ a: 'a' }, [])
  await using service = await home.open('service')
  const get = (path: string) => service.http.fetch(new Request(`http://127.0.0.1${path}`))
  assert.equal((await get('/readyz')).status, 200)
  for (const [key, value] of Object.entries(ROWS)) await setRow(home, key, value)

  const response = await get('/api/orchestrator')
  assert.equal(response.status, 200)
  const { status } = OrchestratorStatusResponse.parse(await response.json())
  assert.deepEqual([status.max_concurrent, status.budget], [3, null])
  const named = status.errors.map(({ message }) => Object.keys(ROWS).filter((key) => message.includes(key)))
  assert.deepEqual(named, [['orchestrator_max_concurrent'], ['budget_limits']])
  await assert.rejects(service.orchestrator.start(null))
  const later = await service.orchestrator.status()
  assert.equal(later.errors.length, 2, JSON.stringify(later.errors))

  const ready = await get('/readyz')
  const { error } = FaultBody.parse(await ready.json())
  assert.deepEqual([ready.status, error.code, error.details?.['database_answers']], [503, 'config_invalid', true])
  for (const key of Object.keys(ROWS)) assert.ok(error.message.includes(key), `${key}: ${error.message}`)
  const settings = (await service.doctor(null)).filter(({ name }) => name === 'settings')
  assert.deepEqual(
    settings.map(({ detail }) => Object.keys(ROWS).find((key) => detail.includes(key))),
    Object.keys(ROWS),
  )
})

test('life F3: readiness says which tables are missing', async () => {
  await using home = await createMooseHome({ a: 'a' }, [])
  await using service = await home.open('service')
  await home.database.pool.query('drop table github_events, outcome_vectors cascade')
  const ready = await service.http.fetch(new Request('http://127.0.0.1/readyz'))
  const { error } = FaultBody.parse(await ready.json())
  assert.deepEqual([ready.status, error.code], [503, 'database_refused'])
  assert.match(error.message, /tables github_events, outcome_vectors are missing/)
})

test('a malformed row hides no service: status, stop and the emergency stop reach it', async () => {
  await using home = await createMooseHome({ a: 'a' }, [])
  const { environment } = home
  await using up = startMoose(['up', '--port', '0'], { environment })
  await up.said(/serves/)
  await setRow(home, 'orchestrator_max_concurrent', 'many')
  await setRow(home, 'budget_limits', '{')
  const run = (...words: string[]) => moose(words, { environment })
  const status = await run('status')
  assert.match(status.stdout, /service +up at http/)
  assert.equal(status.stdout.match(/budget_limits/g)?.length, 1, status.stdout)
  assert.equal((await run('stop')).exitCode, 0)
  const start = await run('start')
  assert.match(start.stderr, /^error: Bad row/)
  const stop = await run('budget', 'stop')
  assert.deepEqual([stop.exitCode, stop.stdout.startsWith('stopped')], [0, true], stop.stderr)
  assert.match(stop.stderr, /^warning: Bad row budget_limits/)
  const resume = await run('budget', 'resume', '--json')
  const { success, budget, problem } = JSON.parse(resume.stdout)
  assert.deepEqual([success, budget, /budget_limits/.test(problem)], [true, null, true])
})
