import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { CHAINED_ORDERS, createChainHome, NAMES } from '../support/dependency-chain.ts'
import { detailOf } from '../support/moose-home.ts'
import { moose, mooseUp } from '../support/service-process.ts'
import { until } from '../support/until.ts'

const PATIENCE = { withinMs: 300_000 }

test('five orders of one file, each waiting for the one before: the third fails once and is retried, each is merged by hand', {
  timeout: 1_200_000,
}, async () => {
  await using stack = new AsyncDisposableStack()
  const home = await createChainHome(stack)
  stack.use(await mooseUp(home.environment, '--start'))
  const looker = stack.use(await home.open('client'))
  const run = async (...words: string[]) => {
    const { exitCode, stdout, stderr } = await moose(home.environment, ...words)
    assert.equal(exitCode, 0, `${words.join(' ')}: ${stderr}`)
    return stdout
  }
  const file = path.join(home.remote.folder, 'orders.json')
  await writeFile(file, JSON.stringify(CHAINED_ORDERS.toReversed()))
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
