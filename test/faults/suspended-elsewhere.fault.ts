import assert from 'node:assert/strict'
import { once } from 'node:events'
import path from 'node:path'
import { test } from 'node:test'
import { sql } from 'kysely'
import { setEmergencyStop } from '../../src/db/system-config.ts'
import { findWorkOrder } from '../../src/db/work-orders/work-orders.ts'
import { createMooseHome, fileOrder, type MooseHome, settled } from '../support/moose-home.ts'
import { launchWorker } from '../support/service-process.ts'
import { until } from '../support/until.ts'

const FILES = {
  'a.txt': 'old\n',
  'moose.yaml': "checks:\n  - { name: changed, run: 'grep -q new a.txt && sleep 3' }\n",
}
const TASK = 'Change it'
const ANSWERS = [{ task: TASK, turn: 1, text: '### write a.txt\n```\nnew\n```\n', delay_ms: 2_000 }]

type Runs = Record<string, number>
/** Where the attempt is suspended, and the runs each step shows in the end; a step after one that runs again shows anew. */
const CASES: { phase: 'proposing' | 'verifying'; runs: Runs }[] = [
  { phase: 'proposing', runs: { route: 1, prepare: 1, propose: 2, apply: 1, verify: 1, publish: 1, record: 1 } },
  { phase: 'verifying', runs: { route: 1, prepare: 1, propose: 1, apply: 2, verify: 1, publish: 1, record: 1 } },
]

async function runsOf({ database }: MooseHome): Promise<Runs> {
  const { rows } = await sql<{ name: string; runs: number }>`
    select name, sum(runs)::integer as runs from attempt_steps group by name`.execute(database.db)
  return Object.fromEntries(rows.map(({ name, runs }) => [name, runs]))
}

/** The homes that hold the checkpoints of the steps, by step; read from the engine's own table. */
async function homesOf({ database }: MooseHome): Promise<Record<string, string>> {
  const { rows } = await sql<{ name: string; home: string }>`
    select function_name as name, output::json -> 'json' ->> 'home' as home from dbos.operation_outputs
    where output::json -> 'json' ->> 'home' is not null`.execute(database.db)
  return Object.fromEntries(rows.map(({ name, home }) => [name, home]))
}

for (const { phase, runs } of CASES) {
  for (const end of ['SIGTERM', 'SIGKILL'] as const) {
    test(`suspended while ${phase}, its worker ended by ${end}: another home resumes it`, async () => {
      await using home = await createMooseHome(FILES, ANSWERS)
      const { db } = home.database
      const folder = path.dirname(home.config.home)
      const worker = (name: string) => launchWorker({ ...home.environment, MOOSE_HOME: path.join(folder, name) })
      const id = await fileOrder(home.database, { title: TASK, files: ['a.txt'] })
      {
        await using first = worker('first')
        await until('the step runs', async () => (await findWorkOrder(db, id)).phase === phase)
        await setEmergencyStop(db, true)
        await until('it is suspended', async () => (await findWorkOrder(db, id)).status === 'blocked')
        first.child.kill(end)
        if (first.child.exitCode === null && first.child.signalCode === null) await once(first.child, 'exit')
      }
      await using second = worker('second')
      await second.ready
      await setEmergencyStop(db, false)
      await until('it is released', async () => (await findWorkOrder(db, id)).status !== 'blocked')
      await using looker = await home.open('client')
      const order = await settled(looker, id)
      assert.deepEqual([order.phase, order.attempts], ['in_review', 1], JSON.stringify(order.status_reason))
      assert.deepEqual(await runsOf(home), runs)
      const homes = await homesOf(home)
      assert.equal(homes['apply'], homes['publish'], JSON.stringify(homes))
      assert.notEqual(homes['route'], homes['publish'])
      assert.equal((await home.remote.branches()).length, 2)
      assert.equal(await home.remote.git('show', `${order.github_branch}:a.txt`), 'new')
    })
  }
}
