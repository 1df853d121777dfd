import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Moose } from '../../src/app.ts'
import { type Scripted, startModelServer } from '../support/model-server.ts'
import { createMooseHome, fileOrder, type MooseHome, settled } from '../support/moose-home.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'
import { NEVER_POLLS, write } from '../support/suspended-bench.ts'
import { until } from '../support/until.ts'

const LOOKS = { ...NEVER_POLLS, MOOSE_TRACK_INTERVAL_MS: '1000', ORCHESTRATOR_EXECUTOR: 'patch' }
const FILES = {
  'greeting.txt': 'top\nhello\nbottom\n',
  'other.txt': 'other\n',
  'moose.yaml': 'checks:\n  - { name: polite, run: "! grep -q rude greeting.txt other.txt", proves: [1] }\n',
}
const text = (told: string): Scripted => ({ kind: 'text', text: told })
const CHANGE = text(write('greeting.txt', 'top\nhello, world\nbottom'))

type Given = AsyncDisposable & {
  home: MooseHome
  moose: Moose
  calls: readonly unknown[]
  id: string
  branch: string
  head: string
}

/** An order in review in a service that looks at its pull request each second, and what the model answers from then on. */
async function inReview(answers: Scripted[], settings: Record<string, string> = {}): Promise<Given> {
  await using stack = new AsyncDisposableStack()
  const home = stack.use(await createMooseHome(FILES, [], { ...LOOKS, ...settings }))
  const server = stack.use(await startModelServer(CHANGE, ...answers))
  await useStandIn(home, 'stand-in', { url: server.url, threshold: 1 })
  const moose = stack.use(await home.open())
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, {
    title: 'Greet the world',
    files: ['greeting.txt'],
    criteria: ['It is polite'],
  })
  const order = await settled(moose, id)
  assert.equal(order.phase, 'in_review', JSON.stringify(order.status_reason))
  const branch = String(order.github_branch)
  const head = await home.remote.git('rev-parse', branch)
  const owned = stack.move()
  return { home, moose, calls: server.calls, id, branch, head, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** The follow-ups of the order, once there are so many and the order is at rest. */
async function followed({ home, moose, id }: Given, count: number) {
  const { db } = home.database
  const rows = () =>
    db.selectFrom('follow_ups').select(['kind', 'outcome', 'attempt', 'because']).orderBy('id').execute()
  const isThere = async () => {
    const all = await rows()
    return all.length >= count && all.every(({ outcome }) => outcome !== null)
  }
  await until(`${count} follow-ups have ended`, isThere, { withinMs: 60_000 })
  const order = await settled(moose, id)
  return { order, rows: await rows() }
}

/** Some further looks, in which nothing more may happen. */
async function looksAgain({ home, id }: Given): Promise<void> {
  const seenAt = async () => {
    const row = await home.database.db
      .selectFrom('pull_requests')
      .select('seen_at')
      .where('work_order_id', '=', id)
      .executeTakeFirstOrThrow()
    return row.seen_at === null ? 0 : row.seen_at.getTime()
  }
  for (let looks = 0; looks < 2; looks += 1) {
    const before = await seenAt()
    await until('the tracker looks again', async () => (await seenAt()) > before, { withinMs: 30_000 })
  }
}

test('a base that moves is merged in and verified, by itself and once, without a model', async () => {
  await using given = await inReview([])
  const { home, branch, head, calls } = given
  const tip = await home.remote.commit('main', { 'other.txt': 'another\n' })
  const { order, rows } = await followed(given, 1)
  assert.deepEqual(
    rows.map(({ kind, outcome, attempt }) => [kind, outcome, attempt]),
    [['base', 'succeeded', 2]],
  )
  const made = await home.remote.git('rev-parse', branch)
  assert.deepEqual((await home.remote.git('show', '-s', '--format=%P', made)).split(' '), [head, tip])
  assert.equal(order.phase, 'in_review')
  assert.deepEqual([order.pull_request?.head_sha, order.pull_request?.base_sha], [made, tip])
  await looksAgain(given)
  assert.deepEqual([(await followed(given, 1)).rows.length, calls.length], [1, 1])
  assert.equal(await home.remote.git('rev-parse', branch), made)
})
