import { readdirSync, readFileSync } from 'node:fs'

/** Ticks per second of the times in /proc; the same on every Linux we know (`getconf CLK_TCK`). */
const TICKS = 100

/** What a process uses, read from /proc: only Linux has that. */
export type Usage = {
  /** Seconds on a processor since it began, its own; without its children. */
  cpuS: number
  rssMb: number
  fds: number
  /** Its living children. */
  children: number
}

/** @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
export function usageOf(pid: number): Usage {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const rssKb = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1])
  return {
    cpuS: ticksOf(pid) / TICKS,
    rssMb: (rssKb * 1024) / 1e6,
    fds: readdirSync(`/proc/${pid}/fd`).length,
    children: childrenOf(pid).length,
  }
}

/** The name may hold anything, so the fields are counted from behind its last bracket. */
function statOf(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

function ticksOf(pid: number): number {
  const stat = statOf(pid)
  return Number(stat[11]) + Number(stat[12])
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8')
      .split(' ')
      .filter((child) => child !== '')
      .map(Number),
  )
}
