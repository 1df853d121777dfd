import { readPlainFile } from '../../files/plain-file.ts'
import { type GroupUsage, isAtLimit } from '../limits/child-group.ts'
import { inside } from '../reach/forwarding.ts'

/** What is written there is read by Moose, and may have been written by the child. */
export const REPORT_FOLDER = inside('report')
const STARTED = 'started'
const COUNTED = 'counted'
const MOST_REPORT_BYTES = 16 * 1024

/**
 * The first program of a container: says that it has started, starts the child, and says afterwards what the control groups
 * of the container have counted, which are gone with it. It is given the folder of the report and the command. Only what a
 * shell can do itself: an image need not have more than /bin/sh. `max` and `oom` stand in several of the files, so each line
 * is told with its file.
 *
 * @see https://docs.kernel.org/admin-guide/cgroup-v2.html and https://docs.kernel.org/admin-guide/cgroup-v1/memory.html
 */
export const WRAPPER = `
moose_report=$1; shift
: > "$moose_report/${STARTED}"
"$@"
code=$?
cd /sys/fs/cgroup 2>/dev/null && for file in memory.events pids.events cpu.stat \\
  memory/memory.oom_control memory/memory.max_usage_in_bytes pids/pids.events cpuacct/cpuacct.usage
do
  [ -r "$file" ] && while read -r name value rest; do echo "$file $name $value"; done < "$file"
done > "$moose_report/${COUNTED}"
exit "$code"`

/** How the command line of a container begins; the child's own follows. */
export const wrapped = (command: readonly string[]): [string, ...string[]] => [
  '/bin/sh',
  '-c',
  WRAPPER,
  'moose',
  REPORT_FOLDER,
  ...command,
]

export type Report = {
  /** False: the child was not started; or it has removed the report, which only harms itself. */
  hasStarted: boolean
  usage: GroupUsage
}

/** @param folder absolute path on this machine; what lies there may be of the child's making */
export async function readReport(folder: string, memoryBytes: number): Promise<Report> {
  const started = await readPlainFile(`${folder}/${STARTED}`, MOST_REPORT_BYTES)
  const counted = await readPlainFile(`${folder}/${COUNTED}`, MOST_REPORT_BYTES)
  return { hasStarted: started !== null, usage: usageOf(counted === null ? '' : counted, memoryBytes) }
}

/** What the counters say, of whichever version they are. */
export function usageOf(counted: string, memoryBytes: number): GroupUsage {
  const counters = new Map<string, number>()
  for (const line of counted.split('\n')) {
    const [file, name, value] = line.split(' ')
    if (file === undefined || name === undefined) continue
    if (value === undefined || value === '') counters.set(file, Number(name))
    else counters.set(`${file} ${name}`, Number(value))
  }
  const of = (name: string): number | null => {
    const value = counters.get(name)
    return value === undefined || !Number.isFinite(value) ? null : value
  }
  const isSome = (...names: string[]) => names.some((name) => Number(of(name)) > 0)
  const killed = isSome('memory.events oom_kill', 'memory/memory.oom_control oom_kill')
  const highest = of('memory/memory.max_usage_in_bytes')
  const isOwn = isSome('memory.events oom') || (highest !== null && isAtLimit(highest, memoryBytes))
  const [micro, nano] = [of('cpu.stat usage_usec'), of('cpuacct/cpuacct.usage')]
  return {
    outOfMemory: killed ? (isOwn ? 'group' : 'machine') : null,
    refusedProcess: isSome('pids.events max', 'pids/pids.events max'),
    cpuSeconds: micro !== null ? micro / 1e6 : nano !== null ? nano / 1e9 : null,
  }
}
