import { readdirSync, readFileSync } from 'node:fs'
import type { Config } from '../../config.ts'
import { errorCode } from '../../faults/error-code.ts'
import { Fault } from '../../faults/fault.ts'
import { endWithProcess } from '../../process/process-group.ts'
import { type Command, type CommandResult, runCommand } from '../../process/run-command.ts'
import type { ChildGroup } from './child-group.ts'
import { DiskWatch } from './disk-watch.ts'
import {
  CPU_GRACE_SECONDS,
  diskFault,
  type Ending,
  faultOfEnding,
  faultOfUsage,
  type Limited,
  RefusalListener,
} from './limit-fault.ts'
import { lookedAfter, OVER } from './looked-after.ts'
import { OwnGroups } from './own-groups.ts'

export type ChildLimits = Config['childLimits']

/**
 * Runs a program within limits, with all that it starts.
 *
 * @param child.folder absolute path of the attempt's folder, whose disk is watched
 * @throws {Fault} `child_limit` when a limit ended it (details: `limit`, `value`, `setting`), `machine_out_of_memory`,
 *   `disk_full` when something else fills the disk, and those of `runCommand`
 */
export type LimitedRun = (command: Command, child: { what: Limited; folder: string }) => Promise<CommandResult>

const LOOK_EVERY_MS = 200
/** The unit of `ulimit -f`: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/ulimit.html */
const BLOCK_BYTES = 512

/**
 * Enters the groups and sets the limits of a process, which what it starts inherits, then becomes the child. A limit that
 * cannot be set is refused because a lower one holds already. Of processes there is a limit where no group counts them;
 * the shells do not agree on its letter. Where the machine itself runs out of memory, the kernel ends children before others.
 */
const WITHIN_LIMITS = `
while [ "$1" != -- ]; do echo 0 > "$1" || exit 126; shift; done
{ echo 500 > /proc/self/oom_score_adj; ulimit -n "$2"; ulimit -f "$3"; ulimit -S -t "$4"; ulimit -H -t "$5"; } 2>/dev/null
[ -z "$6" ] || ulimit -u "$6" 2>/dev/null || ulimit -p "$6" 2>/dev/null
shift 6
exec "$@"`

export function createLimitedRun({ home, childLimits: limits }: Pick<Config, 'home' | 'childLimits'>): LimitedRun {
  const groups = new OwnGroups(home)
  return (command, child) => runLimited({ groups, limits }, command, child)
}

export async function runLimited(
  { groups, limits }: { groups: OwnGroups; limits: ChildLimits },
  command: Command,
  { what, folder }: Parameters<LimitedRun>[1],
): Promise<CommandResult> {
  const refusals = new RefusalListener()
  await using child = await LimitedChild.begin({ groups, limits, what, folder })
  const { onOutput } = command
  const result = await child.watched((over) =>
    runCommand({
      ...command,
      command: '/bin/sh',
      args: ['-c', WITHIN_LIMITS, 'sh', ...child.words, command.command, ...command.args],
      signal: command.signal === null ? over : AbortSignal.any([command.signal, over]),
      onOutput(text) {
        refusals.add(text)
        onOutput?.(text)
      },
    }),
  )
  refusals.tell(result, limits, onOutput)
  return result
}

type Parts = { groups: OwnGroups; limits: ChildLimits; what: Limited; folder: string }

/** What holds one child to its limits while it runs. */
class LimitedChild implements AsyncDisposable {
  readonly #parts: Parts
  readonly #group: ChildGroup | null
  readonly #disk: DiskWatch
  /** What its groups said when it was ended; how it is ended shows in them. */
  #found: Fault | null = null

  private constructor(parts: Parts, group: ChildGroup | null, disk: DiskWatch) {
    this.#parts = parts
    this.#group = group
    this.#disk = disk
  }

  static async begin(parts: Parts): Promise<LimitedChild> {
    const disk = await DiskWatch.begin(parts.folder)
    return new LimitedChild(parts, await parts.groups.make(parts.limits), disk)
  }

  /** For the shell that becomes the child. */
  get words(): string[] {
    const { openFiles, fileBytes, cpuSeconds, processes } = this.#parts.limits
    const entrances = this.#group === null ? [] : this.#group.entrances
    const numbers = [openFiles, Math.ceil(fileBytes / BLOCK_BYTES), cpuSeconds, cpuSeconds + CPU_GRACE_SECONDS]
    const most = this.#group?.has('pids') === true ? '' : mostOfUser(processes)
    return [...entrances, '--', ...numbers.map(String), most]
  }

  /** Ends the child when it is over a limit. @throws {Fault} the limit, also when it was found at the end */
  async watched(run: (over: AbortSignal) => Promise<CommandResult>): Promise<CommandResult> {
    const forget = endWithProcess(() => this.#group?.kill())
    try {
      const result = await lookedAfter({ everyMs: LOOK_EVERY_MS, isOver: () => this.#isOver() }, run)
      const fault = await this.#faultAtEnd(result)
      if (fault !== null) throw fault
      return result
    } catch (error) {
      if (error !== OVER) throw error
      throw this.#found ?? (await this.#faultOfDisk())
    } finally {
      forget()
    }
  }

  /** Ends what is in the group too, also what the signal does not reach. */
  async #isOver(): Promise<boolean> {
    const found = this.#faultOfUsage()
    if (found === null && !(await this.#disk.isLow())) return false
    this.#found = found
    this.#group?.kill()
    return true
  }

  #faultOfUsage(): Fault | null {
    const { what, limits } = this.#parts
    return this.#group === null ? null : faultOfUsage(this.#group.usage(), what, limits)
  }

  async #faultAtEnd(ending: Ending): Promise<Fault | null> {
    const { what, limits } = this.#parts
    const found = this.#faultOfUsage() ?? faultOfEnding(ending, what, limits)
    if (found !== null || ending.exitCode === 0 || !(await this.#disk.isLow())) return found
    return await this.#faultOfDisk()
  }

  async #faultOfDisk(): Promise<Fault> {
    const { what, folder } = this.#parts
    return await faultOfDisk(this.#disk, { what, folder })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#group !== null) await this.#parts.groups.end(this.#group)
  }
}

/** Why there is too little room, once the child has ended. @param child.folder absolute path */
export async function faultOfDisk(
  disk: DiskWatch,
  { what, folder }: { what: Limited; folder: string },
): Promise<Fault> {
  if (await disk.wasFilledByChild()) return diskFault(what, disk.floorBytes)
  return new Fault('disk_full', `The disk of ${folder} is full, and not because of what ran there.`, { folder })
}

/**
 * A limit of processes counts all those of the user, so what runs already is added. The superuser has no such limit.
 *
 * @see https://man7.org/linux/man-pages/man2/getrlimit.2.html (RLIMIT_NPROC)
 */
function mostOfUser(processes: number): string {
  const user = process.getuid?.()
  return user === undefined || user === 0 ? '' : String(processes + threadsOf(user))
}

/** 0 where there is no /proc. */
function threadsOf(user: number): number {
  if (process.platform !== 'linux') return 0
  const isTheirs = new RegExp(`^Uid:\\s+${user}\\s`, 'm')
  const counts = readdirSync('/proc').map((name) => {
    const status = /^\d+$/.test(name) ? statusOf(name) : ''
    return isTheirs.test(status) ? Number(/^Threads:\s+(\d+)/m.exec(status)?.[1]) : 0
  })
  return counts.reduce((sum, count) => sum + count, 0)
}

function statusOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES'].includes(String(errorCode(error)))) return ''
    throw error
  }
}
