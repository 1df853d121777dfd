import { randomUUID } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { Database } from '../../src/db/schema.ts'
import { lengthenRow } from '../../src/db/work-orders/failure-rows.ts'

/** As many orders as pause it have failed alike, of a project by its id or a proposer by its name. */
export async function pauseByFailures(
  db: Kysely<Database>,
  { kind, subject }: { kind: 'project' | 'proposer'; subject: string },
): Promise<void> {
  const failure = { code: 'check_failed', step: 'verify', message: 'nothing works' }
  for (let n = 0; n < 5; n += 1) {
    const projectId = kind === 'project' ? subject : randomUUID()
    await lengthenRow(db, { kind, subject }, { ...failure, workOrderId: randomUUID(), projectId })
  }
}
