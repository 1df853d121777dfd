import { readdirSync, readFileSync } from 'node:fs'
import { errorCode } from '../faults/error-code.ts'

/** A process as Linux shows it. Pid and start time together name one process of a boot; a pid alone is given again. */
export type ProcessEntry = {
  pid: number
  parent: number
  session: number
  /** Clock ticks between the boot and its start. */
  startTime: number
  /** A zombie: it has ended, and its parent has not collected it yet. */
  ended: boolean
}

/** What names this boot; null where there is no /proc (macOS), and then no process is seen either. */
export function bootId(): string | null {
  const id = readIfThere('/proc/sys/kernel/random/boot_id')
  return id === null ? null : id.trim()
}

/**
 * The process with this pid; null when there is none.
 * @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html (fields 3, 4, 6 and 22)
 */
export function lookAtProcess(pid: number): ProcessEntry | null {
  const stat = readIfThere(`/proc/${pid}/stat`)
  if (stat === null) return null
  // The name of the program stands in parentheses and may hold anything, parentheses too.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return {
    pid,
    parent: Number(fields[1]),
    session: Number(fields[3]),
    startTime: Number(fields[19]),
    ended: fields[0] === 'Z' || fields[0] === 'X',
  }
}

/** Whether this very process still runs, and not another with its pid. */
export function lives({ pid, startTime }: Pick<ProcessEntry, 'pid' | 'startTime'>): boolean {
  const found = lookAtProcess(pid)
  return found !== null && found.startTime === startTime && !found.ended
}

/** Every living process but this one that was started then or later. */
export function processesSince(startTime: number): ProcessEntry[] {
  return readdirSync('/proc').flatMap((name) => {
    const pid = Number(name)
    if (!Number.isInteger(pid) || pid === process.pid) return []
    const entry = lookAtProcess(pid)
    return entry === null || entry.ended || entry.startTime < startTime ? [] : [entry]
  })
}

/** Whether the environment a process was started with holds this text; false for one we may not look into. */
export function environmentHolds(pid: number, text: string): boolean {
  const environment = readIfThere(`/proc/${pid}/environ`)
  return environment?.includes(text) === true
}

const NOT_THERE: ReadonlySet<string | null> = new Set(['ENOENT', 'ESRCH', 'EACCES', 'EPERM'])

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'latin1')
  } catch (error) {
    if (NOT_THERE.has(errorCode(error))) return null
    throw error
  }
}
