import type { Config } from '../../config.ts'
import type { FoundGroups } from './own-groups.ts'

/** What holds children to their limits on this machine. */
export type HowLimited = {
  /** False: some limit cannot be held here. */
  isWhole: boolean
  /** For people: each limit with what holds it. */
  detail: string
}

/** @param isRoot a limit of processes per user does not bind the superuser */
export function howLimited(limits: Config['childLimits'], found: FoundGroups, isRoot: boolean): HowLimited {
  const has = (controller: FoundGroups['controllers'][number]) => found.controllers.includes(controller)
  const memory = `${Math.round(limits.memoryBytes / 1024 / 1024)} MB of memory`
  const processes = `${limits.processes} processes`
  const cpu = `${limits.cpuSeconds} s of processor time`
  const byGroup = [
    ...(has('memory') ? [memory] : []),
    ...(has('pids') ? [processes] : []),
    ...(has('cpu') ? [cpu] : []),
  ]
  const byProcess = [
    ...(has('pids') || isRoot ? [] : [`${processes} of the user`]),
    ...(has('cpu') ? [] : [cpu]),
    `${limits.openFiles} open files`,
    `files of ${Math.round(limits.fileBytes / 1024 / 1024)} MB`,
  ]
  const byNothing = [...(has('memory') ? [] : ['memory']), ...(has('pids') || !isRoot ? [] : ['processes'])]
  const parts = [
    byGroup.length === 0 ? [] : [`by control groups (version ${found.version}): ${byGroup.join(', ')}`],
    [`by limits of each process: ${byProcess.join(', ')}`],
    byNothing.length === 0
      ? []
      : [`not limited: ${byNothing.join(', ')}, for no control group can be made${why(found)}`],
  ]
  return { isWhole: byNothing.length === 0, detail: parts.flat().join('; ') }
}

const why = ({ refused }: FoundGroups) => (refused.length === 0 ? '' : ` (${refused.join('; ')})`)
