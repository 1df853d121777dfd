import type { DoctorFinding } from '../contract/doctor.ts'
import { readKeptDays } from '../db/system-config.ts'
import { toFault } from '../faults/fault.ts'
import { findLeftovers } from '../retention/find-leftovers.ts'
import { KINDS, type Kind, type Leftover, removeLeftovers } from '../retention/leftover.ts'
import type { RetentionDeps } from '../retention/retention-deps.ts'
import { otherDatabases } from '../retention/served-databases.ts'
import { endLeftGroups } from '../sandbox/limits/left-groups.ts'
import type { RepairWatch } from './repair.ts'

/** Names of leftovers in one line. */
const MOST_NAMED = 3

/** One finding for each kind of leftover. Changes nothing. */
export async function examineLeftovers(deps: RetentionDeps): Promise<DoctorFinding[]> {
  try {
    const findings = [...(await examineSharing(deps)), ...summarize(await findLeftovers(deps)).map(leftoverFinding)]
    if (findings.length > 0) return findings
    return [{ name: 'leftovers', state: 'ok', detail: 'none', remedy: null }]
  } catch (thrown) {
    return [{ name: 'leftovers', state: 'broken', detail: toFault(thrown).message, remedy: null }]
  }
}

const leftoverFinding = ({ kind, summary }: { kind: Kind; summary: string }): DoctorFinding => ({
  name: `leftover ${kind}`,
  state: 'warning',
  detail: summary,
  remedy: 'moose doctor --fix',
})

async function examineSharing(deps: RetentionDeps): Promise<DoctorFinding[]> {
  const { mirrors } = await readKeptDays(deps.db, deps.config.kept)
  return (await otherDatabases(deps, mirrors)).map(({ url, file }) => ({
    name: 'home',
    state: 'warning',
    detail: `also runs the orders of ${url}, so no old workspace or mirror is removed`,
    remedy: `give each database its own MOOSE_HOME; if that one is not used here any more: rm '${file}'`,
  }))
}

/** Removes leftovers and reports them. Safe while a service runs. */
export async function tidy(deps: RetentionDeps, { onProgress, signal }: RepairWatch): Promise<void> {
  const { removed, failed } = await removeLeftovers(await findLeftovers(deps), signal)
  for (const { kind, summary } of summarize(removed)) onProgress(`Removed ${kind}: ${summary}`)
  for (const { leftover, fault } of failed) onProgress(`Left over: ${leftover.name}. ${fault.message}`)
  const groups = await endLeftGroups(deps.config.home, deps.log)
  if (groups.length > 0) onProgress(`Removed control groups of a Moose that is gone: ${groups.join(', ')}`)
}

/** e.g. `4 of attempts that do not run, 1.2 MB: … and 1 more`, by kind. */
function summarize(leftovers: readonly Leftover[]): { kind: Kind; summary: string }[] {
  return Array.from(
    Map.groupBy(leftovers, ({ kind }) => kind),
    ([kind, ofKind]) => {
      const measured = ofKind.flatMap(({ bytes }) => (bytes === null ? [] : [bytes]))
      const size = measured.length === 0 ? '' : `, ${shownBytes(measured.reduce((sum, bytes) => sum + bytes, 0))}`
      const names = ofKind.slice(0, MOST_NAMED).map(({ name }) => name)
      const more = ofKind.length > MOST_NAMED ? ` and ${ofKind.length - MOST_NAMED} more` : ''
      return { kind, summary: `${ofKind.length} ${KINDS[kind]}${size}: ${names.join(', ')}${more}` }
    },
  )
}

function shownBytes(bytes: number): string {
  if (bytes < 1e6) return `${Math.ceil(bytes / 1e3)} kB`
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`
}
