import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import { OrchestratorStatusResponse } from '../../src/contract/orchestrator.ts'
import { openApiHome } from '../support/api-home.ts'
import { createTokenApp } from '../support/api-token.ts'
import { moose } from '../support/moose-command.ts'
import { until } from '../support/until.ts'

const api = await openApiHome()
after(() => api[Symbol.asyncDispose]())
const environment = { MOOSE_HOME: api.home.config.home }

const rows = () =>
  api.home.database.db
    .selectFrom('system_config')
    .select(['key', 'value'])
    .where('key', 'like', 'orchestrator_max_%')
    .orderBy('key')
    .execute()

test('moose places sets how many attempts run at once, and gives them back to the environment', async () => {
  await using _served = await api.serve(api.deps())
  const run = (...words: string[]) => moose(['places', ...words], { environment })
  const usual = await run()
  assert.equal(usual.stdout, 'at most 3 at once, any number of them in one repository\n', usual.stderr)
  assert.equal(
    (await run('5', '--per-repository', '2')).stdout,
    'at most 5 at once, at most 2 of them in one repository\n',
  )
  assert.deepEqual(await rows(), [
    { key: 'orchestrator_max_concurrent', value: '5' },
    { key: 'orchestrator_max_per_repository', value: '2' },
  ])
  const back = await run('--per-repository', 'usual', '--json')
  assert.deepEqual(JSON.parse(back.stdout).places, { max_concurrent: 5, max_per_repository: null })
  assert.deepEqual(await rows(), [{ key: 'orchestrator_max_concurrent', value: '5' }])
  const refused = await run('101')
  assert.equal(refused.exitCode, 2)
  assert.match(refused.stderr, /whole number from 1 to 100, or usual/)
})

test('places that make no sense are refused, and nothing is changed where another row cannot be read', async () => {
  const app = createTokenApp(api.deps())
  const put = (body: object) =>
    app.request('/api/orchestrator/places', {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    })
  for (const body of [{}, { max_concurrent: 0 }, { max_concurrent: 1.5 }, { max_per_repository: 1_001 }, { many: 1 }])
    assert.equal((await put(body)).status, 400, JSON.stringify(body))
  const before = await rows()
  await api.home.database.pool.query(
    `insert into system_config (key, value) values ('orchestrator_polling_interval_ms', 'soon')`,
  )
  const answer = await put({ max_concurrent: 7 })
  assert.match(await answer.text(), /orchestrator_polling_interval_ms/)
  assert.deepEqual(await rows(), before)
})

test('the status names the attempts that each worker holds', async () => {
  await api.clear()
  const app = createTokenApp(api.deps())
  await api.home.database.pool.query(
    `insert into workers (executor_id, holder, host, pid, version, revision, lease_until)
      values ('other', gen_random_uuid(), 'far', 7, '1', '1', now() + interval '1 minute')`,
  )
  const id = await api.place({
    title: 'Held there',
    status: 'in_progress',
    phase: 'proposing',
    attempt_history: [{ number: 1, status: 'running' }],
  })
  await api.home.database.pool.query(`update attempts set executor_id = 'other' where work_order_id = $1`, [id])
  const { status } = OrchestratorStatusResponse.parse(await (await app.request('/api/orchestrator')).json())
  const held = status.workers.map(({ id: worker, holds }) => [
    worker,
    holds?.map(({ work_order_id, title, attempt }) => [work_order_id, title, attempt]),
  ])
  assert.deepEqual(
    held.filter(([worker]) => worker === 'other'),
    [['other', [[id, 'Held there', 1]]]],
  )
})

test('moose open gives the link to the browser of the desktop, leads to an order, and only prints where it is asked or told', async () => {
  await using stack = new AsyncDisposableStack()
  stack.use(await api.serve(api.deps({ homeToken: async () => 'that of this home' })))
  const folder = await mkdtemp(path.join(tmpdir(), 'moose-open-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const told = path.join(folder, 'told')
  for (const program of ['xdg-open', 'open'])
    await writeFile(
      path.join(folder, program),
      `#!/bin/sh\nprintf '%s' "$1" >"${told}.part"\nmv "${told}.part" "${told}"\n`,
      {
        mode: 0o755,
      },
    )
  const desktop = { ...environment, PATH: `${folder}:${process.env['PATH']}`, DISPLAY: ':0' }
  const id = await api.place({ title: 'To look at' })
  for (const [words, more] of [
    [['--print'], {}],
    [['--json'], {}],
    [[], { SSH_CONNECTION: '10.0.0.1 1 10.0.0.2 22' }],
  ] as const) {
    const printed = await moose(['open', ...words], { environment: { ...desktop, ...more } })
    assert.match(printed.stdout, /\/login#/, printed.stderr)
    assert.doesNotMatch(printed.stderr, /is opened/)
  }
  const opened = await moose(['open', id.slice(0, 8)], { environment: desktop })
  assert.match(opened.stdout, new RegExp(`^http://[^/]+/login\\?order=${id}#[\\w-]{43}\\n$`), opened.stderr)
  assert.match(opened.stderr, /is opened in your browser/)
  await until('the browser was told', async () => (await readFile(told, 'utf8').catch(() => '')) !== '')
  assert.equal(await readFile(told, 'utf8'), opened.stdout.trim(), 'that link, and none of the printed ones')
  const unknown = await moose(['open', '00000000'], { environment: desktop })
  assert.match(unknown.stderr, /no work order/)
})
