import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMooseHome, detailOf, fileOrder, settled } from '../support/moose-home.ts'
import { moose, mooseUp } from '../support/service-process.ts'
import { greet } from '../support/suspended-bench.ts'

const FILES = {
  'greeting.txt': 'hello\n',
  'other.txt': 'other\n',
  'moose.yaml': 'checks:\n  - { name: polite, run: "! grep -q rude greeting.txt other.txt" }\n',
}
const QUIET = {
  ORCHESTRATOR_POLLING_INTERVAL_MS: '3600000',
  MOOSE_TRACK_INTERVAL_MS: '3600000',
  MOOSE_FOLLOW_UP: 'false',
}

/** Around what a verification leaves outside of its process. */
const MOMENTS = [
  'commit:after',
  'check:before',
  'push:before',
  'push:after',
  'keep_pull_request:after',
  'record:after',
] as const

for (const moment of MOMENTS) {
  test(`kill -9 of a moose verify, ${moment}: the next start verifies and publishes one commit`, async () => {
    await using home = await createMooseHome(FILES, [greet], QUIET)
    const { id, branch } = await (async () => {
      await using first = await home.open()
      await first.orchestrator.start(null)
      const filed = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
      const order = await settled(first, filed)
      assert.equal(order.phase, 'in_review', JSON.stringify(order.status_reason))
      return { id: filed, branch: String(order.github_branch) }
    })()
    const head = await home.remote.git('rev-parse', branch)
    const tip = await home.remote.commit('main', { 'other.txt': 'kind\n' })

    const killed = await moose({ ...home.environment, MOOSE_FAULT: `${moment}:kill` }, 'verify', id)
    assert.equal(killed.exitCode, null, killed.stderr)

    await using up = await mooseUp(home.environment, '--start')
    await using looker = await home.open('client')
    const order = await settled(looker, id)
    assert.equal(order.phase, 'in_review', `${JSON.stringify(order.attempt_history.at(-1)?.error)} ${up.printed()}`)
    assert.deepEqual([order.attempts, order.attempt_history.at(-1)?.status], [2, 'succeeded'])
    const brought = await home.remote.git('rev-parse', branch)
    assert.deepEqual((await home.remote.git('show', '-s', '--format=%P', brought)).split(' '), [head, tip])
    assert.deepEqual([order.pull_request?.head_sha, order.pull_request?.verified_by], [brought, 2])
    const pulls = await home.database.db.selectFrom('pull_requests').select('number').execute()
    assert.equal(pulls.length, 1)
    const merged = await moose(home.environment, 'merge', id)
    assert.equal(merged.exitCode, 0, merged.stderr)
    assert.equal(await home.remote.git('rev-parse', 'main^2'), brought)
    assert.equal((await detailOf(looker, id)).status, 'completed')
  })
}

test('moose verify shows its steps and says what it verified; what went wrong is its exit code', async () => {
  await using home = await createMooseHome(FILES, [greet], QUIET)
  const added = await moose(
    home.environment,
    'add',
    '--title',
    greet.task,
    '--file',
    'greeting.txt',
    '--approve',
    '--json',
  )
  const id: string = JSON.parse(added.stdout).work_orders[0].id
  const early = await moose(home.environment, 'verify', id)
  assert.deepEqual([early.exitCode, /is pending and cannot be verified/.test(early.stderr)], [1, true], early.stderr)
  assert.equal((await moose(home.environment, 'run', id)).exitCode, 0)
  const good = await moose(home.environment, 'verify', id)
  assert.equal(good.exitCode, 0, good.stderr)
  assert.match(good.stdout, /Verified [0-9a-f]{12}: pull request #1/)
  assert.match(good.stdout + good.stderr, /verify/)
  await home.remote.commit('main', { 'other.txt': 'rude\n' })
  const bad = await moose(home.environment, 'verify', id, '--json')
  assert.equal(bad.exitCode, 1)
  assert.equal(JSON.parse(bad.stdout).error.code, 'check_failed')
  await home.remote.commit('main', { 'greeting.txt': 'good morning\n' })
  await using up = await mooseUp(home.environment, '--start')
  const conflict = await moose({ ...home.environment, MOOSE_PORT: new URL(up.url).port }, 'verify', id)
  assert.equal(conflict.exitCode, 3, conflict.stderr)
  assert.match(conflict.stderr, /conflicts with main in: greeting\.txt/)
  const shown = await moose(home.environment, 'show', id)
  assert.match(shown.stdout, /attempt 4/i)
})
