import { assertRoom } from '../attempt/disk-room.ts'
import { PIPELINE_REVISION } from '../attempt/pipeline-revision.ts'
import type { Actor } from '../contract/actor.ts'
import { actingAs } from '../db/audit/acting-as.ts'
import { readSettings, type Settings } from '../db/system-config.ts'
import { type Claim, claimOrders } from '../db/work-orders/claim.ts'
import type { Fault } from '../faults/fault.ts'
import { faultPoint } from '../faults/fault-point.ts'
import { endAbandoned } from './end-abandoned.ts'
import type { OrchestratorDeps } from './orchestrator.ts'
import { resumeAsked, resumeSuspended } from './resume-suspended.ts'

/** How many attempts may run at once. */
type Places = Pick<Settings, 'maxConcurrent' | 'maxPerRepository' | 'pauseAfterFailures'>

/** How this process comes to its orders. */
export type Claims = {
  settings(): Promise<Settings>
  /** Makes suspended orders pending whose condition is met: they may be claimed next. */
  resumeSuspended(): Promise<void>
  /** Makes one suspended order pending on request. @returns as `resumeAsked` */
  resumeAsked(workOrderId: string): Promise<Fault | null>
  /** Claims what is next. @throws {Fault} `disk_full` */
  next(places: Places): Promise<Claim>
  /** Claims one order. @throws {Fault} `emergency_stop`, `disk_full` */
  one(workOrderId: string, by?: Actor): Promise<Claim>
  /** Ends suspended attempts that will not be resumed. */
  endAbandoned(): Promise<void>
}

export function createClaims(
  deps: OrchestratorDeps,
  { emergencyStop, onError }: { emergencyStop: { assertReleased(): Promise<void> }; onError: (error: unknown) => void },
): Claims {
  const { db, config, homeId, adapters } = deps
  const settings = () => readSettings(db, config)
  const endRest = () => endAbandoned({ ...deps, workspaces: adapters.workspaces })
  const runner = { homeId, revision: PIPELINE_REVISION }
  const claim = async (places: Places, only: string | null, by?: Actor) => {
    const { maxConcurrent, maxPerRepository, pauseAfterFailures: pauseAfter } = places
    await assertRoom(config.home)
    return faultPoint('claim', () =>
      claimOrders(actingAs(db, by), { maxConcurrent, maxPerRepository, pauseAfter, runner, only }),
    )
  }
  return {
    settings,
    resumeSuspended: () => resumeSuspended({ ...deps, home: config.home }, onError),
    resumeAsked: (workOrderId) => resumeAsked({ ...deps, home: config.home }, workOrderId),
    next: (places) => claim(places, null),
    async one(workOrderId, by) {
      await emergencyStop.assertReleased()
      await endRest()
      return claim(await settings(), workOrderId, by)
    },
    endAbandoned: endRest,
  }
}
