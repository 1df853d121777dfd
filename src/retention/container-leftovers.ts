import { Fault, toFault } from '../faults/fault.ts'
import type { Log } from '../log.ts'
import { type LeftContainer, leftContainers } from '../sandbox/container/left-containers.ts'
import type { Leftover } from './leftover.ts'
import type { RetentionDeps } from './retention-deps.ts'

/** Containers of processes of this home that are gone; none where the engine cannot be asked, which doctor tells of by itself. */
export async function containerLeftovers(config: RetentionDeps['config']): Promise<Leftover[]> {
  const left = await leftOrWhyNot(config)
  if (left instanceof Fault) return []
  return left.map(({ name, remove }) => ({ kind: 'containers' as const, name, bytes: null, remove }))
}

/** Ends what a killed process of this home left running in containers. Only for the process that owns the home. */
export async function removeLeftContainers(config: RetentionDeps['config'], log: Log): Promise<void> {
  const left = await leftOrWhyNot(config)
  if (left instanceof Fault)
    return log.warn({ reason: left.message }, 'containers of earlier processes cannot be looked for')
  for (const { name, remove } of left) {
    const removed = await remove().catch((error: unknown) => toFault(error))
    if (removed === true) log.warn({ name }, 'removed a container of a moose that is gone')
    else log.warn({ name }, 'a container of a moose that is gone cannot be removed; remove it by hand')
  }
}

async function leftOrWhyNot(config: RetentionDeps['config']): Promise<LeftContainer[] | Fault> {
  try {
    return await leftContainers(config)
  } catch (error) {
    const fault = toFault(error)
    if (fault.code !== 'sandbox_unavailable') throw error
    return fault
  }
}
