import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { type ReceivedCall, type Scripted, startModelServer } from '../support/model-server.ts'
import { createMooseHome, detailOf } from '../support/moose-home.ts'
import { moose, mooseUp } from '../support/service-process.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'
import { until } from '../support/until.ts'

const FILES = {
  'a.txt': 'a\n',
  'moose.yaml': 'checks:\n  - { name: whole, run: "! grep -q broken *.txt", proves: [1] }\n',
}
const SETTINGS = { OPENAI_COMPATIBLE_API_KEY: 'sk-real', ORCHESTRATOR_EXECUTOR: 'patch', MOOSE_REPAIR_MAX: '0' }
const NAMES = ['one', 'two', 'three', 'four', 'five']
const PATIENCE = { withinMs: 300_000 }

test('five orders of one file, each waiting for the one before: the third fails once and is retried, each is merged by hand', {
  timeout: 1_200_000,
}, async () => {
  let asked = 0
  const written = ({ body }: ReceivedCall): Scripted => {
    const [, name] = /Work Order: Write (\w+)\\n/.exec(JSON.stringify(body)) ?? []
    asked += name === 'three' ? 1 : 0
    const word = name === 'three' && asked === 1 ? 'broken' : name
    return { kind: 'text', text: `### write ${name}.txt\n\`\`\`\n${word}\n\`\`\`\n` }
  }
  await using stack = new AsyncDisposableStack()
  const home = stack.use(await createMooseHome(FILES, [], SETTINGS))
  const server = stack.use(await startModelServer(written))
  await useStandIn(home, 'small', { url: server.url, threshold: 1 })
  stack.use(await mooseUp(home.environment, '--start'))
  const looker = stack.use(await home.open('client'))
  const run = async (...words: string[]) => {
    const { exitCode, stdout, stderr } = await moose(home.environment, ...words)
    assert.equal(exitCode, 0, `${words.join(' ')}: ${stderr}`)
    return stdout
  }
  const orders = NAMES.map((name, index) => ({
    title: `Write ${name}`,
    files_in_scope: [`${name}.txt`],
    acceptance_criteria: ['Nothing is broken'],
    risk_level: 'low',
    ...(index === 0 ? {} : { depends_on: [`Write ${NAMES[index - 1]}`] }),
  }))
  const file = path.join(home.remote.folder, 'orders.json')
  await writeFile(file, JSON.stringify(orders.toReversed()))
  await run('add', '-f', file, '--approve')
  const { rows } = await home.database.pool.query('select id, title from work_orders')
  const ids = NAMES.map((name) => String(rows.find(({ title }) => title === `Write ${name}`)?.id))

  const stands = (id: string, wanted: string) =>
    until(
      `${id} is ${wanted}`,
      async () => {
        const { status, phase } = await detailOf(looker, id)
        return (phase === 'in_review' ? phase : status) === wanted
      },
      PATIENCE,
    )
  for (const [index, id] of ids.entries()) {
    if (NAMES[index] === 'three') {
      const next = String(ids[index + 1])
      await stands(next, 'blocked')
      assert.match(await run('why', next), /"Write three", which it depends on and which failed/)
      await run('retry', id)
    }
    await stands(id, 'in_review')
    for (const later of ids.slice(index + 1)) assert.notEqual((await detailOf(looker, later)).phase, 'in_review')
    await run('merge', id)
  }
  const { rows: pulls } = await home.database.pool.query(
    'select title, base_sha, merge_sha, state from pull_requests order by created_at',
  )
  assert.deepEqual(
    pulls.map(({ title, state }) => [/Write (\w+)/.exec(title)?.[1], state]),
    NAMES.map((name) => [name, 'merged']),
  )
  for (const [index, pull] of pulls.entries()) if (index > 0) assert.equal(pull.base_sha, pulls[index - 1].merge_sha)
  for (const name of NAMES) assert.equal(await home.remote.git('show', `main:${name}.txt`), name)
})
