import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../../config.ts'
import { errorCode } from '../../faults/error-code.ts'
import { signalProcess } from '../../process/process-group.ts'
import type { Controller, GroupParent } from './group-parents.ts'

const GONE_WITHIN_MS = 2_000
const LOOK_AGAIN_MS = 5
const NEARLY = 0.99

/** What a group says of its processes, those that have ended among them. */
export type GroupUsage = {
  /** The kernel ended a process because the group, or something around it such as the machine, had no more memory. */
  outOfMemory: 'group' | 'machine' | null
  /** It refused to start one more process or thread. */
  refusedProcess: boolean
  /** Null: it is not counted. */
  cpuSeconds: number | null
}

/** The control groups of one child: one folder, or in version 1 one in each hierarchy. What the child starts stays in them. */
export class ChildGroup {
  readonly #places: readonly GroupParent[]
  #memoryBytes = 0

  /** @param places folders that exist */
  constructor(places: readonly GroupParent[]) {
    this.#places = places
  }

  /**
   * @param within groups of Moose; one is made in each
   * @throws {Error} of the system, where none can be made
   */
  static make(within: readonly GroupParent[], name: string, limits: Config['childLimits']): ChildGroup {
    const group = new ChildGroup(within.map((parent) => ({ ...parent, folder: path.join(parent.folder, name) })))
    try {
      for (const { folder } of group.#places) mkdirSync(folder)
      group.#limit(limits)
    } catch (error) {
      for (const { folder } of group.#places) removeFolder(folder)
      throw error
    }
    return group
  }

  /** A process enters the group by writing 0 to each of them. */
  get entrances(): string[] {
    return this.#places.map(({ folder }) => path.join(folder, 'cgroup.procs'))
  }

  has(controller: Controller): boolean {
    return this.#place(controller) !== undefined
  }

  /**
   * @see https://docs.kernel.org/admin-guide/cgroup-v1/memory.html and https://docs.kernel.org/admin-guide/cgroup-v2.html;
   *   with swap a group would otherwise use as much again
   */
  #limit({ memoryBytes, processes }: Config['childLimits']): void {
    this.#memoryBytes = memoryBytes
    const memory = this.#place('memory')
    if (memory?.version === 1) {
      write(memory, 'memory.limit_in_bytes', memoryBytes)
      writeIfThere(memory, 'memory.memsw.limit_in_bytes', memoryBytes)
    } else if (memory?.version === 2) {
      write(memory, 'memory.max', memoryBytes)
      writeIfThere(memory, 'memory.swap.max', 0)
      writeIfThere(memory, 'memory.oom.group', 1)
    }
    const pids = this.#place('pids')
    if (pids !== undefined) write(pids, 'pids.max', processes)
  }

  usage(): GroupUsage {
    const pids = this.#place('pids')
    const refused = pids === undefined ? 0 : numberAfter('max', read(pids, 'pids.events'))
    return { outOfMemory: this.#outOfMemory(), refusedProcess: refused > 0, cpuSeconds: this.#cpuSeconds() }
  }

  #outOfMemory(): GroupUsage['outOfMemory'] {
    const memory = this.#place('memory')
    if (memory === undefined) return null
    if (memory.version === 2) {
      const events = read(memory, 'memory.events')
      if (numberAfter('oom_kill', events) === 0) return null
      return numberAfter('oom', events) > 0 ? 'group' : 'machine'
    }
    if (numberAfter('oom_kill', read(memory, 'memory.oom_control')) === 0) return null
    const highest = Number(read(memory, 'memory.max_usage_in_bytes'))
    return isAtLimit(highest, this.#memoryBytes) ? 'group' : 'machine'
  }

  #cpuSeconds(): number | null {
    const cpu = this.#place('cpu')
    if (cpu === undefined) return null
    if (cpu.version === 1) return Number(read(cpu, 'cpuacct.usage')) / 1e9
    return numberAfter('usage_usec', read(cpu, 'cpu.stat')) / 1e6
  }

  /** Kills every process in it, also one that starts others as fast as it can. @returns how many there were */
  kill(): number {
    const pids = this.#place('pids')
    // What cannot start another is gone after one round.
    if (pids !== undefined) writeIfThere(pids, 'pids.max', 0)
    const [place] = this.#places
    if (place === undefined) return 0
    const members = read(place, 'cgroup.procs').split('\n').map(Number).filter(isPid)
    for (const pid of members) signalProcess(pid, 'SIGKILL')
    return members.length
  }

  /** Ends what is in it and removes it. @returns false when that cannot be done in two seconds */
  async remove(): Promise<boolean> {
    const until = performance.now() + GONE_WITHIN_MS
    for (;;) {
      this.kill()
      if (this.#places.map(({ folder }) => removeFolder(folder)).every(Boolean)) return true
      if (performance.now() > until) return false
      await sleep(LOOK_AGAIN_MS)
    }
  }

  #place(controller: Controller): GroupParent | undefined {
    return this.#places.find(({ controllers }) => controllers.includes(controller))
  }
}

/** Whether memory ran out at a limit: the kernel charges pages in batches, so the highest usage ends a little below it. */
export function isAtLimit(highestBytes: number, limitBytes: number): boolean {
  return highestBytes >= limitBytes * NEARLY
}

/** A process of another PID namespace is shown as 0, which would mean our own process group. */
const isPid = (pid: number) => Number.isInteger(pid) && pid > 0

/** Empty when the group is gone. */
function read({ folder }: GroupParent, name: string): string {
  try {
    return readFileSync(path.join(folder, name), 'utf8')
  } catch (error) {
    if (['ENOENT', 'ENODEV'].includes(String(errorCode(error)))) return ''
    throw error
  }
}

function write({ folder }: GroupParent, name: string, value: number): void {
  writeFileSync(path.join(folder, name), String(value))
}

/** A kernel may be built without, e.g. without accounting for swap. */
function writeIfThere(place: GroupParent, name: string, value: number): void {
  if (existsSync(path.join(place.folder, name))) write(place, name, value)
}

/** Of a file of lines such as `oom_kill 3`; 0 without one. */
function numberAfter(name: string, text: string): number {
  const line = text.split('\n').find((each) => each.startsWith(`${name} `))
  return line === undefined ? 0 : Number(line.slice(name.length + 1))
}

/** @returns false while a process is in it, and one that has ended is for a moment longer */
export function removeFolder(folder: string): boolean {
  try {
    rmdirSync(folder)
    return true
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return true
    if (['EBUSY', 'ENOTEMPTY'].includes(String(errorCode(error)))) return false
    throw error
  }
}
