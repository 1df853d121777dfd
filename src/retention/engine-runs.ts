import { orphanedRuns } from '../db/engine-workflows.ts'
import type { Leftover } from './leftover.ts'
import type { RetentionDeps } from './retention-deps.ts'

/**
 * Deletes workflows with all the engine keeps of them.
 *
 * @see https://docs.dbos.dev/typescript/reference/client
 */
export async function deleteRuns({ pool }: Pick<RetentionDeps, 'pool'>, ids: string[]): Promise<void> {
  if (ids.length === 0) return
  const { DBOSClient } = await import('@dbos-inc/dbos-sdk')
  const client = await DBOSClient.create({ systemDatabaseUrl: '', systemDatabasePool: pool })
  try {
    await client.deleteWorkflows(ids)
  } finally {
    await client.destroy()
  }
}

/** Workflows the engine would take up again although their attempt has ended. */
export async function idleRuns(deps: RetentionDeps): Promise<Leftover[]> {
  return (await orphanedRuns(deps.db)).map((id) => ({
    kind: 'engine runs',
    name: id,
    bytes: null,
    async remove() {
      await deleteRuns(deps, [id])
      return true
    },
  }))
}
