import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { findWorkOrder } from '../../src/db/work-orders/work-orders.ts'
import { createMooseHome, fileOrder, type MooseHome } from '../support/moose-home.ts'
import { type LaunchedWorker, launchWorker } from '../support/service-process.ts'

const FILES = {
  'greeting.txt': 'hello\n',
  'name.txt': 'world\n',
  'other.txt': 'none\n',
  // The shell's parent is the worker itself.
  'moose.yaml': 'checks:\n  - { name: whole, run: "if grep -q poison greeting.txt; then kill -9 $PPID; fi" }\n',
}
const ANSWERS = [
  { task: 'Poison', turn: 1, text: '### write greeting.txt\n```\npoison\n```\n' },
  { task: 'Name', turn: 1, text: '### write name.txt\n```\nmoose\n```\n' },
  { task: 'Other', turn: 1, text: '### write other.txt\n```\nsome\n```\n' },
]
/** A sandbox would keep the order from what makes it unstable. */
const FAST = {
  MOOSE_SANDBOX: 'none',
  MOOSE_LEASE_MS: '1500',
  ORCHESTRATOR_POLLING_INTERVAL_MS: '500',
  MOOSE_LOG_LEVEL: 'warn',
}
const WITHIN_MS = 180_000

type Supervised = AsyncDisposable & { deaths: () => number; printed: () => string }

/** A worker that is started again whenever it was killed, as systemd does. */
function supervised(home: MooseHome, name: string): Supervised {
  const folder = path.join(home.config.home, '..', name)
  let isStopped = false
  let deaths = 0
  let printed = ''
  let worker: LaunchedWorker | null = null
  const running = (async () => {
    while (!isStopped) {
      await using launched = launchWorker({ ...home.environment, MOOSE_HOME: folder })
      worker = launched
      await launched.closed
      printed += launched.printed()
      if (launched.child.signalCode === 'SIGKILL') deaths += 1
    }
  })()
  return {
    deaths: () => deaths,
    printed: () => printed,
    async [Symbol.asyncDispose]() {
      isStopped = true
      await worker?.[Symbol.asyncDispose]()
      await running
    },
  }
}

async function fileAll({ database }: MooseHome): Promise<{ poison: string; others: string[] }> {
  const poison = await fileOrder(database, { title: 'Poison', files: ['greeting.txt'] })
  const name = await fileOrder(database, { title: 'Name', files: ['name.txt'] })
  const other = await fileOrder(database, { title: 'Other', files: ['other.txt'] })
  return { poison, others: [name, other] }
}

async function untilSettled({ database }: MooseHome, ids: readonly string[], say: () => string): Promise<void> {
  for (const deadline = Date.now() + WITHIN_MS; ; await delay(100)) {
    const orders = await Promise.all(ids.map((id) => findWorkOrder(database.db, id)))
    if (orders.every(({ status, phase }) => status === 'blocked' || phase === 'in_review')) return
    if (Date.now() > deadline) throw new Error(`not settled: ${JSON.stringify(orders)} ${say()}`)
  }
}

/** The poison is held, and only it; nothing of it is left but its record. */
async function assertHeld({ database, config }: MooseHome, poison: string, others: readonly string[]): Promise<void> {
  const { db } = database
  for (const id of others) assert.equal((await findWorkOrder(db, id)).phase, 'in_review')
  const held = await findWorkOrder(db, poison)
  assert.deepEqual([held.status, held.status_reason?.code], ['blocked', 'attempt_unstable'])
  assert.match(
    String(held.status_reason?.message),
    /^4 workers died or hung while they carried attempt 1 out, the last one at verify; .*moose show [0-9a-f]{8} .*moose retry [0-9a-f]{8} /,
  )
  const { rows } = await sql`
    select takeovers, left_behind, status from attempts where work_order_id = ${poison}`.execute(db)
  assert.deepEqual(rows, [{ takeovers: 4, left_behind: false, status: 'blocked' }])
  const workflow = await sql`
    select status from dbos.workflow_status where workflow_uuid = ${`wo-${poison}-1`}`.execute(db)
  assert.deepEqual(workflow.rows, [{ status: 'CANCELLED' }])
  const steps = await sql`
    select name, status, error ->> 'code' as code from attempt_steps
    where work_order_id = ${poison} and status <> 'succeeded'`.execute(db)
  assert.deepEqual(steps.rows, [{ name: 'verify', status: 'failed', code: 'attempt_unstable' }])
  const outcomes = await sql`
    select outcome, failure_class, model_used from outcome_vectors where work_order_id = ${poison}`.execute(db)
  assert.deepEqual(outcomes.rows, [{ outcome: 'blocked', failure_class: 'orchestration_error', model_used: 'none' }])
  for (const home of ['only', 'first', 'second']) {
    const workspaces = path.join(config.home, '..', home, 'workspaces')
    // A home that was killed over one puts it away at its next start.
    for (const deadline = Date.now() + WITHIN_MS; ; await delay(100)) {
      const left = await readdir(workspaces).catch(() => [])
      if (left.length === 0) break
      assert.ok(Date.now() < deadline, `${left.join()} in ${home}`)
    }
  }
}

describe('an order that ends the process that carries it out', { concurrency: false }, () => {
  test('one home that is started again and again: it is held, and the others go on', async () => {
    await using home = await createMooseHome(FILES, ANSWERS, FAST)
    const { poison, others } = await fileAll(home)
    await using only = supervised(home, 'only')
    await untilSettled(home, [poison, ...others], only.printed)
    await assertHeld(home, poison, others)
    assert.equal(only.deaths(), 4)
  })

  test('two homes that take over from each other: it is held, and the others go on', async () => {
    await using home = await createMooseHome(FILES, ANSWERS, FAST)
    const { poison, others } = await fileAll(home)
    await using first = supervised(home, 'first')
    await using second = supervised(home, 'second')
    await untilSettled(home, [poison, ...others], () => `${first.printed()}\n${second.printed()}`)
    await assertHeld(home, poison, others)
    assert.equal(first.deaths() + second.deaths(), 4)
  })
})
