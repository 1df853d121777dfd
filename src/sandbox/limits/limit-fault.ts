import { constants } from 'node:os'
import type { Config } from '../../config.ts'
import { Fault } from '../../faults/fault.ts'
import type { GroupUsage } from './child-group.ts'

type ChildLimits = Config['childLimits']

/** What may run into a limit. */
export type Limited = 'check' | 'setup' | 'aider'

const NAMES: Readonly<Record<Limited, string>> = { check: 'The check', setup: 'The set-up', aider: 'Aider' }
const MEGABYTE = 1024 * 1024
const megabytes = (bytes: number) => Math.round(bytes / MEGABYTE)

type Limit = {
  setting: string
  value: (limits: ChildLimits) => number
  /** In front of `much`: what a child did that was ended. */
  did: string
  /** What is more than it may have. */
  much: (value: number) => string
}

/** By the name that details of a fault have for it. */
const LIMITS = {
  memory: {
    setting: 'MOOSE_CHILD_MEMORY_MB',
    value: ({ memoryBytes }) => megabytes(memoryBytes),
    did: 'used',
    much: (value) => `more than ${value} MB of memory`,
  },
  processes: {
    setting: 'MOOSE_CHILD_PROCESSES',
    value: ({ processes }) => processes,
    did: 'had',
    much: (value) => `more than ${value} processes and threads at once`,
  },
  open_files: {
    setting: 'MOOSE_CHILD_OPEN_FILES',
    value: ({ openFiles }) => openFiles,
    did: 'had',
    much: (value) => `more than ${value} open files in one process`,
  },
  file_size: {
    setting: 'MOOSE_CHILD_FILE_MB',
    value: ({ fileBytes }) => megabytes(fileBytes),
    did: 'wrote',
    much: (value) => `a file of more than ${value} MB`,
  },
  cpu_time: {
    setting: 'MOOSE_CHILD_CPU_SECONDS',
    value: ({ cpuSeconds }) => cpuSeconds,
    did: 'used',
    much: (value) => `more than ${value} s of processor time`,
  },
} as const satisfies Readonly<Record<string, Limit>>

export type LimitName = keyof typeof LIMITS

/** `child_limit`, for a child that was ended by a limit. */
export function limitFault(name: LimitName, what: Limited, limits: ChildLimits): Fault {
  const { setting, did, much, ...limit } = LIMITS[name]
  const value = limit.value(limits)
  const message = `${NAMES[what]} was ended: it ${did} ${much(value)} (${setting}). Where it needs more, raise ${setting}.`
  return new Fault('child_limit', message, { what, limit: name, value, setting })
}

/** `child_limit`, for a child that was ended because it filled the disk. */
export function diskFault(what: Limited, leftBytes: number): Fault {
  const value = megabytes(leftBytes)
  const message =
    `${NAMES[what]} was ended: it filled the disk of its work folder, on which less than ${value} MB were left. ` +
    'Have it write less, or free some space.'
  return new Fault('child_limit', message, { what, limit: 'disk', value, setting: null })
}

/** A child that was ended for want of memory, and had not used what it may. */
export function machineOutOfMemory(what: Limited): Fault {
  const message =
    `${NAMES[what]} was ended: the machine, or what Moose itself runs in, had no memory left, and it had used less than it ` +
    'may. Free some memory, have fewer attempts run at once, or lower MOOSE_CHILD_MEMORY_MB.'
  return new Fault('machine_out_of_memory', message, { what })
}

/** What the counters of its groups say a child has to be ended for; null: nothing. */
export function faultOfUsage(usage: GroupUsage, what: Limited, limits: ChildLimits): Fault | null {
  if (usage.outOfMemory === 'group') return limitFault('memory', what, limits)
  if (usage.outOfMemory === 'machine') return machineOutOfMemory(what)
  if (usage.refusedProcess) return limitFault('processes', what, limits)
  const isOver = usage.cpuSeconds !== null && usage.cpuSeconds >= limits.cpuSeconds
  return isOver ? limitFault('cpu_time', what, limits) : null
}

export type Ending = { exitCode: number | null; endedBy: NodeJS.Signals | null }

/** The signals of limits of the system, with which it ends a process; a shell tells them as 128 and their number. */
const BY_SIGNAL = { SIGXFSZ: 'file_size', SIGXCPU: 'cpu_time' } as const

/** What the way in which a child ended says of limits; null: nothing. */
export function faultOfEnding({ exitCode, endedBy }: Ending, what: Limited, limits: ChildLimits): Fault | null {
  for (const signal of ['SIGXFSZ', 'SIGXCPU'] as const) {
    if (endedBy === signal || exitCode === 128 + constants.signals[signal])
      return limitFault(BY_SIGNAL[signal], what, limits)
  }
  return null
}

/** Between the signal that tells a process of its time, and the end of it. */
export const CPU_GRACE_SECONDS = 5

/** What programs say of a limit that they were refused something by; it ends none of them. */
const REFUSALS: readonly { limit: LimitName; says: RegExp }[] = [
  { limit: 'open_files', says: /Too many open files|\bEMFILE\b/i },
  { limit: 'file_size', says: /File too large|\bEFBIG\b|File size limit exceeded/i },
  {
    limit: 'processes',
    says: /fork: (?:retry: )?Resource temporarily unavailable|Cannot fork|can't fork|\bspawn \S{1,200} EAGAIN|unable to create native thread/i,
  },
]
/** No pattern is longer than what is kept of the piece before. */
const CARRIED = 256

/** Listens for refusals in what a child prints. */
export class RefusalListener {
  readonly #heard = new Set<LimitName>()
  #carried = ''

  add(text: string): void {
    const heard = this.#carried + text
    for (const { limit, says } of REFUSALS) {
      if (!this.#heard.has(limit) && says.test(heard)) this.#heard.add(limit)
    }
    this.#carried = heard.slice(-CARRIED)
  }

  /** Tells what was heard, where the child failed. */
  tell({ exitCode }: Pick<Ending, 'exitCode'>, limits: ChildLimits, onOutput: ((text: string) => void) | undefined) {
    if (exitCode !== 0) for (const note of this.notes(limits)) onOutput?.(`\n${note}\n`)
  }

  /** One sentence for each, about a child that failed. */
  notes(limits: ChildLimits): string[] {
    return [...this.#heard].map((name) => {
      const { setting, much, ...limit } = LIMITS[name]
      return `Note: it seems to have been refused ${much(limit.value(limits))} (${setting}).`
    })
  }
}
