import type { Mirror } from '../git/mirror.ts'
import { attemptRef } from '../git/ref-names.ts'
import { workOrderTrailer } from '../work-order/naming.ts'

/** See `Workspaces.rollBack`. */
export async function rollBack(mirror: Mirror, workOrderId: string, attempt: number): Promise<string | null> {
  const ref = attemptRef(workOrderId, attempt)
  const { stdout } = await mirror.run(['for-each-ref', '--format=%(objectname)', '--', ref], { signal: null })
  const sha = stdout.text().trim()
  if (sha === '') return null
  const commit = await mirror.succeed(['cat-file', 'commit', sha], { signal: null })
  if (!commit.stdout.text().split('\n').includes(workOrderTrailer(workOrderId, attempt))) return null
  return (await mirror.letGo(ref, sha)) ? sha : null
}
