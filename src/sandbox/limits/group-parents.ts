import path from 'node:path'

/** What is limited or counted by a control group. */
export type Controller = 'memory' | 'pids' | 'cpu'

/** A group below which Moose may be able to make its own; `controllers` is what it then limits there. */
export type GroupParent = {
  version: 1 | 2
  /** Absolute path of its folder. */
  folder: string
  controllers: readonly Controller[]
}

/** By the name of the hierarchy in version 1. Time is only counted: no controller ends a group for the time it used. */
const OF_VERSION_1: Readonly<Record<string, Controller>> = { memory: 'memory', pids: 'pids', cpuacct: 'cpu' }

/**
 * The groups below which others may be made: of version 1 the group of this process in each hierarchy, of version 2 its
 * group and the one above it. The latter is where systemd lets a user make groups: a group that holds processes can hand
 * no memory or processes on to groups below itself.
 *
 * @param mountinfo of `/proc/self/mountinfo` (https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html)
 * @param own of `/proc/self/cgroup` (https://man7.org/linux/man-pages/man7/cgroups.7.html)
 */
export function groupParents(mountinfo: string, own: string): GroupParent[] {
  const paths = ownPaths(own)
  return mountinfo.split('\n').flatMap((line) => {
    const mount = parseMount(line)
    if (mount === null) return []
    return mount.type === 'cgroup2' ? ofVersion2(mount, paths) : ofVersion1(mount, paths)
  })
}

type Mount = { root: string; point: string; type: string; options: readonly string[] }

/** Null for what is no file system of control groups. */
function parseMount(line: string): Mount | null {
  const [before = '', after = ''] = line.split(' - ', 2)
  const [, , , root, point] = before.split(' ')
  const [type = '', , options = ''] = after.split(' ')
  if (root === undefined || point === undefined || (type !== 'cgroup' && type !== 'cgroup2')) return null
  return { root: unescaped(root), point: unescaped(point), type, options: options.split(',') }
}

/** A space, tab, newline or backslash is written as three octal digits. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_all, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}

/** The group of this process, by the name of the hierarchy; that of version 2 has none. */
function ownPaths(own: string): Map<string, string> {
  return new Map(
    own.split('\n').flatMap((line) => {
      const [, names, ...rest] = line.split(':')
      return names === undefined ? [] : names.split(',').map((name): [string, string] => [name, rest.join(':')])
    }),
  )
}

function ofVersion1(mount: Mount, paths: ReadonlyMap<string, string>): GroupParent[] {
  const found = Object.entries(OF_VERSION_1).filter(([name]) => mount.options.includes(name))
  const [first] = found
  const folder = first === undefined ? null : folderOf(mount, paths.get(first[0]))
  return folder === null ? [] : [{ version: 1, folder, controllers: found.map(([, controller]) => controller) }]
}

function ofVersion2(mount: Mount, paths: ReadonlyMap<string, string>): GroupParent[] {
  const folder = folderOf(mount, paths.get(''))
  if (folder === null) return []
  const above = folder === mount.point ? [] : [path.dirname(folder)]
  return [folder, ...above].map((each) => ({ version: 2, folder: each, controllers: ['memory', 'pids', 'cpu'] }))
}

/** Where a group is seen; null: not through this mount, as with a group outside of the namespace. */
function folderOf({ root, point }: Mount, group: string | undefined): string | null {
  if (group === undefined || group.split('/').includes('..')) return null
  const below = path.relative(root, group)
  return below === '..' || below.startsWith('../') ? null : path.join(point, below)
}
