import { assertRoom } from '../attempt/disk-room.ts'
import { PIPELINE_REVISION } from '../attempt/pipeline-revision.ts'
import { readSettings, type Settings } from '../db/system-config.ts'
import { type Claim, claimOrders } from '../db/work-orders/claim.ts'
import type { Fault } from '../faults/fault.ts'
import { faultPoint } from '../faults/fault-point.ts'
import type { EmergencyStop } from './emergency-stop.ts'
import { endAbandoned } from './end-abandoned.ts'
import type { OrchestratorDeps } from './orchestrator.ts'
import { resumeAsked, resumeSuspended } from './resume-suspended.ts'

/** How many attempts may run at once. */
type Places = Pick<Settings, 'maxConcurrent' | 'maxPerRepository'>

/** How this process comes to its orders. */
export type Claims = {
  settings(): Promise<Settings>
  /** Lets suspended orders go on whose condition is back: they may be claimed next. */
  resumeSuspended(): Promise<void>
  /** Lets one go on that somebody asks for. @returns as `resumeAsked` */
  resumeAsked(workOrderId: string): Promise<Fault | null>
  /** Claims what is next. @throws {Fault} `disk_full` */
  next(places: Places): Promise<Claim>
  /** Claims one order. @throws {Fault} `emergency_stop`, `disk_full` */
  one(workOrderId: string): Promise<Claim>
  /** Ends suspended attempts that nobody will resume. */
  endAbandoned(): Promise<void>
}

export function createClaims(
  deps: OrchestratorDeps,
  { emergencyStop, onError }: { emergencyStop: EmergencyStop; onError: (error: unknown) => void },
): Claims {
  const { db, config, homeId, adapters } = deps
  const settings = () => readSettings(db, config)
  const endRest = () => endAbandoned({ ...deps, workspaces: adapters.workspaces })
  const runner = { homeId, revision: PIPELINE_REVISION }
  const claim = async ({ maxConcurrent, maxPerRepository }: Places, only: string | null) => {
    await assertRoom(config.home)
    return faultPoint('claim', () => claimOrders(db, { maxConcurrent, maxPerRepository, runner, only }))
  }
  return {
    settings,
    resumeSuspended: () => resumeSuspended({ ...deps, home: config.home }, onError),
    resumeAsked: (workOrderId) => resumeAsked({ ...deps, home: config.home }, workOrderId),
    next: (places) => claim(places, null),
    async one(workOrderId) {
      await emergencyStop.assertReleased()
      await endRest()
      return claim(await settings(), workOrderId)
    },
    endAbandoned: endRest,
  }
}
