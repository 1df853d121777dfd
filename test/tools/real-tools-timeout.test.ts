import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { says } from '../support/aider-bench.ts'
import { AIDER } from '../support/aider-program.ts'
import {
  chargedBy,
  fileBySql,
  lackingRealTools,
  orderByCommand,
  settledOverHttp,
  startRealTools,
  untilOrder,
} from '../support/real-tools.ts'
import { processesOf, tracesOf } from '../support/traces.ts'
import { until } from '../support/until.ts'

const TIMEOUT_MS = 5_000

test('an Aider that takes too long is ended with its children, tried once more, and leaves nothing', {
  timeout: 120_000,
  skip: lackingRealTools(),
}, async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'moose-aider-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const settings = {
    ORCHESTRATOR_EXECUTOR: 'aider',
    ORCHESTRATOR_AIDER_TIMEOUT_MS: String(TIMEOUT_MS),
    // What the script starts is readable in the sandbox where the PATH leads to it.
    PATH: [process.env['PATH'], path.dirname(AIDER)].join(path.delimiter),
    ORCHESTRATOR_AIDER_BIN: await withStubbornChild(folder, AIDER),
  }
  await using tools = await startRealTools({ files: { 'greeting.txt': 'hello\n' }, settings })
  tools.model.script.push(says('Put "hello, world" into greeting.txt.'), { kind: 'silent' })
  const id = await fileBySql(tools, { title: 'Greet', description: 'Please.', files: ['greeting.txt'] })
  await untilOrder(tools, id, 'it is applied', ({ phase }) => phase === 'applying')
  await until('the stubborn child runs', async () => (await stubborn(tools)).length > 0)
  const order = await settledOverHttp(tools, id)
  assert.deepEqual(await processesOf(tools), [])

  assert.deepEqual([order.status, order.status_reason?.code], ['failed', 'aider_timed_out'])
  assert.match(String(order.status_reason?.message), /ORCHESTRATOR_AIDER_TIMEOUT_MS/)
  const [attempt, ...others] = order.attempt_history
  assert.ok(attempt !== undefined && others.length === 0)
  const tookMs = Date.parse(String(attempt.ended_at)) - Date.parse(attempt.claimed_at)
  assert.ok(tookMs > 2 * TIMEOUT_MS && tookMs < 2 * TIMEOUT_MS + 20_000, `${tookMs} ms`)
  const { rows } = await tools.home.database.pool.query<{ count: string }>(
    `select count(*) from work_order_events where work_order_id = $1 and message ~ 'once more'`,
    [id],
  )
  assert.equal(Number(rows[0]?.count), 1)

  assert.deepEqual(await tools.home.remote.branches(), ['main'])
  assert.deepEqual(tools.github.state.pulls, [])
  const nothing = { processes: [], workspaces: [], temporary: [], refs: ['refs/heads/main'] }
  assert.deepEqual(await tracesOf(tools), nothing)
  const shown = await orderByCommand(tools, id)
  assert.ok(Math.abs(Number(shown.actual_cost) - chargedBy(tools.model)) < 1e-9, String(shown.actual_cost))
})

/** Real Aider with a child that outlives its parent and does not go when it is asked to. */
async function withStubbornChild(folder: string, aider: string): Promise<string> {
  const program = path.join(folder, 'aider')
  const child = `(trap '' TERM INT HUP; while :; do sleep 7654; done) &`
  await writeFile(program, `#!/bin/sh\ncase "$*" in *--message-file*) ${child} ;; esac\nexec '${aider}' "$@"\n`)
  await chmod(program, 0o755)
  return program
}

async function stubborn(tools: Parameters<typeof processesOf>[0]): Promise<string[]> {
  return (await processesOf(tools)).filter((line) => line.includes('sleep 7654'))
}
