import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { reserve, settle } from '../../src/budget/ledger.ts'
import { setLimit } from '../../src/budget/limits.ts'
import { setEmergencyStop } from '../../src/db/system-config.ts'
import { findWorkOrder } from '../../src/db/work-orders/work-orders.ts'
import { Usd } from '../../src/money.ts'
import { fetchAt } from '../support/api-token.ts'
import { createMooseHome, fileOrder, type MooseHome } from '../support/moose-home.ts'
import { mooseUp } from '../support/service-process.ts'
import { shiftTime } from '../support/shifted-time.ts'
import { atRest, bench, FILES, greet, NEVER_POLLS, stands } from '../support/suspended-bench.ts'
import { until } from '../support/until.ts'

describe('an emergency stop', () => {
  // Neither test looks at the clock: without the notification nothing moves for longer than they wait.
  test('reaches a process that claims nothing', async (context) => {
    await using home = await createMooseHome(FILES, [greet], NEVER_POLLS)
    await using moose = await bench(home)
    moose.trouble.propose.push('hangs')
    const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
    const patience = AbortSignal.timeout(30_000)
    const ran = assert.rejects(moose.orchestrator.execute(id, patience), { code: 'emergency_stop' })
    await until('a proposal', () => moose.calls.propose === 1)
    const stoppedAt = Date.now()
    await setEmergencyStop(home.database.db, true)
    await ran
    context.diagnostic(`ended after ${Date.now() - stoppedAt} ms`)
  })

  const limits = (home: MooseHome, value: string) =>
    sql`insert into system_config (key, value) values ('budget_limits', ${value})
      on conflict (key) do update set value = excluded.value`.execute(home.database.db)
  const STOPS = [
    {
      why: 'the stop is set',
      stop: ({ database: { db } }: MooseHome) => setEmergencyStop(db, true),
      goOn: ({ database: { db } }: MooseHome) => setEmergencyStop(db, false),
      said: /emergency_stop is set\. Resume with: moose budget resume/,
    },
    {
      why: 'the day has reached its kill',
      async stop({ database: { db } }: MooseHome) {
        await setLimit(db, 'emergency_kill', new Usd('0.1'))
        const call = { workOrderId: null, attempt: null, proposer: 'p', provider: 'replay', model: 'm' }
        await settle(db, await reserve(db, call, new Usd('0.1')), new Usd('0.1'))
      },
      goOn: ({ database: { db } }: MooseHome) => shiftTime(db, 25 * 3_600_000),
      said: /the day has reached emergency_kill/,
    },
    {
      why: 'nobody can read the limits',
      stop: (home: MooseHome) => limits(home, '{"order_cap": "five"}'),
      goOn: (home: MooseHome) => limits(home, '{"order_cap": "5"}'),
      said: /Bad row budget_limits in system_config: order_cap is not an amount in USD/,
    },
  ]
  for (const { why, stop, goOn, said } of STOPS) {
    test(`moose up --start when ${why}: it serves, says so, and goes on by itself`, async () => {
      await using home = await createMooseHome(FILES, [greet], { ORCHESTRATOR_POLLING_INTERVAL_MS: '200' })
      await stop(home)
      const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
      await using service = await mooseUp(home.environment, '--start')
      assert.equal(service.status.polling, true)
      assert.match(JSON.stringify(service.status), said)
      await delay(500)
      assert.equal((await findWorkOrder(home.database.db, id)).status, 'pending')
      // Who asks for it is told.
      const refused = await fetchAt(home.config.home, `${service.url}/api/orchestrator/start`, { method: 'POST' })
      assert.ok(refused.status >= 500, String(refused.status))
      await goOn(home)
      const order = await atRest(home, id)
      assert.equal(stands(order), 'in_progress/in_review', JSON.stringify(order.status_reason))
    })
  }
})
