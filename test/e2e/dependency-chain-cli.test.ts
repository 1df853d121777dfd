import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import type { Moose } from '../../src/app.ts'
import { CHAINED_ORDERS, createChainHome, NAMES } from '../support/dependency-chain.ts'
import { detailOf, type MooseHome } from '../support/moose-home.ts'
import { moose, mooseUp } from '../support/service-process.ts'
import { until } from '../support/until.ts'

const PATIENCE = { withinMs: 300_000 }

const OPTIONS = { timeout: 1_200_000 }

type Chain = AsyncDisposable & {
  home: MooseHome
  /** In the order in which they have to be merged. */
  ids: readonly string[]
  run: (...words: string[]) => Promise<string>
  /** Until an order is so. */
  stands: (id: string | undefined, wanted: string) => Promise<void>
  looker: Moose
}

/** The chain, filed and approved on the command line, the last first; carried out by a service of its own. */
async function chain(...settings: readonly string[]): Promise<Chain> {
  await using stack = new AsyncDisposableStack()
  const home = await createChainHome(stack)
  stack.use(await mooseUp(home.environment, '--start'))
  const looker = stack.use(await home.open('client'))
  const run = async (...words: string[]) => {
    const { exitCode, stdout, stderr } = await moose(home.environment, ...words)
    assert.equal(exitCode, 0, `${words.join(' ')}: ${stderr}`)
    return stdout
  }
  if (settings.length > 0) await run('project', 'edit', 'sample', ...settings)
  const file = path.join(home.remote.folder, 'orders.json')
  await writeFile(file, JSON.stringify(CHAINED_ORDERS.toReversed()))
  await run('add', '-f', file, '--approve')
  const { rows } = await home.database.pool.query('select id, title from work_orders')
  const ids = NAMES.map((name) => String(rows.find(({ title }) => title === `Write ${name}`)?.id))
  const stands = (id: string | undefined, wanted: string) =>
    until(
      `${id} is ${wanted}`,
      async () => {
        const { status, phase } = await detailOf(looker, String(id))
        return (phase === 'in_review' ? phase : status) === wanted
      },
      PATIENCE,
    )
  const owned = stack.move()
  return { home, ids, run, stands, looker, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** Each was merged once, in order, on top of the one before. */
async function assertMergedInOrder({ home }: Chain): Promise<void> {
  const { rows: pulls } = await home.database.pool.query(
    'select title, base_sha, merge_sha, state from pull_requests order by created_at',
  )
  assert.deepEqual(
    pulls.map(({ title, state }) => [/Write (\w+)/.exec(title)?.[1], state]),
    NAMES.map((name) => [name, 'merged']),
  )
  for (const [index, pull] of pulls.entries()) if (index > 0) assert.equal(pull.base_sha, pulls[index - 1].merge_sha)
  for (const name of NAMES) assert.equal(await home.remote.git('show', `main:${name}.txt`), name)
}

test(
  'five orders of one file, each waiting for the one before: the third fails once and is retried, each is merged by hand',
  OPTIONS,
  async () => {
    await using given = await chain()
    const { ids, run, stands, looker } = given
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
    await assertMergedInOrder(given)
  },
)

test(
  'the same with the policy auto, set on the command line: nothing but the retry of the third is typed',
  OPTIONS,
  async () => {
    await using given = await chain('--merge-policy', 'auto', '--max-open-pull-requests', '1')
    const { ids, run, stands, looker } = given
    const [, , third = '', fourth, fifth] = ids
    await stands(fourth, 'blocked')
    await run('retry', third)
    await stands(fifth, 'completed')
    await assertMergedInOrder(given)
    const details = await Promise.all(ids.map((id) => detailOf(looker, id)))
    assert.deepEqual(
      details.map(({ status, attempts }) => [status, attempts]),
      NAMES.map((name) => ['completed', name === 'three' ? 2 : 1]),
    )
  },
)
