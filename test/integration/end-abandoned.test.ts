import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { createLog } from '../../src/log.ts'
import { endAbandoned } from '../../src/orchestrator/end-abandoned.ts'
import type { Workspaces } from '../../src/ports/workspace.ts'
import { createMooseHome, fileOrder } from '../support/moose-home.ts'

test('what nobody will resume ends wherever it began, and is rolled back only where it is', async () => {
  await using home = await createMooseHome({ 'a.txt': 'a\n' }, [])
  const { db } = home.database
  const ids: string[] = []
  for (const executor of ['here', 'elsewhere']) {
    const id = await fileOrder(home.database, { title: executor, files: ['a.txt'] })
    await sql`update work_orders set status = 'cancelled', attempts = 1 where id = ${id}`.execute(db)
    await sql`
      insert into attempts (work_order_id, number, status, content, executor_id, error, ended_at, project_id)
      select ${id}, 1, 'blocked', '{}', ${executor}, '{"code": "emergency_stop", "message": "m"}', now(), projects.id
      from projects`.execute(db)
    ids.push(id)
  }
  const rolledBack: string[] = []
  const workspaces: Pick<Workspaces, 'rollBack'> = {
    async rollBack(_project, id) {
      rolledBack.push(id)
      return null
    },
  }
  await endAbandoned({ db, workspaces, homeId: 'here', log: createLog('silent') })
  const statuses = await db.selectFrom('attempts').select('status').execute()
  assert.deepEqual(statuses, [{ status: 'cancelled' }, { status: 'cancelled' }])
  assert.deepEqual(rolledBack, ids.slice(0, 1))
})
