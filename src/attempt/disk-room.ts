import type { StatsFs } from 'node:fs'
import { statfs } from 'node:fs/promises'
import path from 'node:path'
import { errorCode, isMissing } from '../faults/error-code.ts'
import { isOf } from '../faults/families.ts'
import { Fault, NEXT_MOVE } from '../faults/fault.ts'

/** With less than this no attempt is started or resumed: a clone, a commit or a log would be cut short. */
const LEAST_BYTES = 100_000_000
const LEAST_FILES = 1_000
/** Cleaning up after a failure may free just what the next run would fill: it waits this long. */
const REST_MS = 60_000
const NO_ROOM = /No space left on device|Disk quota exceeded|ENOSPC|EDQUOT/

/** Whether the disk of a home has room for one more attempt. Some file systems count no files. */
export async function hasRoom(home: string): Promise<boolean> {
  const { bavail, bsize, files, ffree } = await diskOf(home)
  return bavail * bsize >= LEAST_BYTES && (files === 0 || ffree >= LEAST_FILES)
}

/** Of the nearest folder that exists: a home is made when it is first used. */
async function diskOf(folder: string): Promise<StatsFs> {
  try {
    return await statfs(folder)
  } catch (error) {
    if (!isMissing(error) || folder === path.dirname(folder)) throw error
    return diskOf(path.dirname(folder))
  }
}

/** @throws {Fault} `disk_full` */
export async function assertRoom(home: string): Promise<void> {
  if (await hasRoom(home)) return
  throw new Fault('disk_full', `The disk of ${home} is full, so nothing is begun. ${NEXT}`, { home })
}

const NEXT = 'Free some space, e.g. with: moose doctor --fix. Orders are then resumed.'

/**
 * Names the fault by its cause: a step that fails on a full disk is `disk_full`, whatever it reported. A fault that
 * suspends, stops or relinquishes the attempt stays as it is.
 *
 * @param home the MOOSE_HOME on whose disk the attempt runs
 */
export async function namedByDisk(home: string, fault: Fault, now: Date): Promise<Fault> {
  const move = NEXT_MOVE[fault.code]
  if (move === 'suspend' || move === 'stop' || move === 'leave') return fault
  if (!saysNoRoom(fault) && (await hasRoom(home))) return fault
  const message = `The disk of ${home} is full: ${fault.message} ${NEXT}`
  const details = { home, code: fault.code, not_before: new Date(now.getTime() + REST_MS).toISOString() }
  return new Fault('disk_full', message, details, fault)
}

function saysNoRoom(fault: Fault): boolean {
  if (isOf('repeats_the_system', fault.code) && NO_ROOM.test(fault.message)) return true
  for (let error = fault.cause; error instanceof Error; error = error.cause) {
    if (['ENOSPC', 'EDQUOT'].includes(String(errorCode(error)))) return true
  }
  return false
}
