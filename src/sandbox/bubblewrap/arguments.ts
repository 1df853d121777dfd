import path from 'node:path'
import { TMP_BYTES } from '../sandbox.ts'
import { isOfSystem, NAMED_HOME, type SandboxUser } from './system-mounts.ts'

export type Confinement = {
  user: SandboxUser
  /** As `systemMounts` gives them. */
  system: readonly string[]
  writable: readonly string[]
  readable: readonly string[]
  /** Files that lie elsewhere outside; by their path inside. */
  placed: Readonly<Record<string, string>>
  /** Absolute path of the folder the program starts in. */
  cwd: string
  home: string | undefined
  /** Descriptors: where bubblewrap tells what it has started, and where it reads the filter of system calls. */
  status: number
  filter: number | null
}

/**
 * Where Moose is root, the child is that user to the kernel, only without capabilities, and settings such as `core_pattern`
 * take none: who owns `/proc/sys` writes them for the whole machine.
 */
const READ_ONLY = ['/proc', '/dev', '/']
const NAMESPACES = ['user', 'pid', 'ipc', 'uts', 'net', 'cgroup-try'].map((name) => `--unshare-${name}`)

/**
 * The arguments of bubblewrap for one child, up to its program: every namespace its own, no capability, nothing of the disk
 * but what is listed. What lies deeper is mounted later, so that a part of what may be written can be read-only, and the
 * other way round.
 *
 * @see https://github.com/containers/bubblewrap/blob/main/bwrap.xml
 */
export function bubblewrapArguments(confinement: Confinement): string[] {
  const { user, system, cwd, home, status, filter, placed } = confinement
  return [
    NAMESPACES,
    ['--uid', String(user.uid), '--gid', String(user.gid), '--hostname', 'moose', '--cap-drop', 'ALL'],
    ['--die-with-parent', '--new-session', '--json-status-fd', String(status)],
    filter === null ? [] : ['--seccomp', String(filter)],
    ['--proc', '/proc', '--dev', '/dev', ...inMemory('/dev/shm'), ...inMemory('/tmp'), '--symlink', '/tmp', '/var/tmp'],
    system,
    mounts(confinement),
    Object.entries(placed).flatMap(([inside, outside]) => ['--ro-bind', outside, inside]),
    home === undefined ? [] : ['--symlink', home, NAMED_HOME],
    READ_ONLY.flatMap((place) => ['--remount-ro', place]),
    ['--chdir', cwd, '--'],
  ].flat()
}

function inMemory(place: string): string[] {
  return ['--size', String(TMP_BYTES), '--tmpfs', place]
}

type Mount = { place: string; writable: boolean }

function mounts({ writable, readable }: Pick<Confinement, 'writable' | 'readable'>): string[] {
  const wanted = [
    ...readable.map((place): Mount => ({ place, writable: false })),
    ...writable.map((place): Mount => ({ place, writable: true })),
  ].sort((one, other) => depth(one.place) - depth(other.place))
  const kept: Mount[] = []
  for (const mount of wanted) {
    const around = kept.findLast(({ place }) => mount.place === place || mount.place.startsWith(`${place}/`))
    const isGiven = around === undefined ? isOfSystem(mount.place) : around.writable === mount.writable
    if (!isGiven) kept.push(mount)
  }
  return kept.flatMap(({ place, writable: isWritable }) => [isWritable ? '--bind' : '--ro-bind-try', place, place])
}

function depth(place: string): number {
  return place.split(path.sep).length
}
