import type { Config } from '../../config.ts'
import { CPU_GRACE_SECONDS } from '../limits/limit-fault.ts'
import { ORDINARY_USER, TMP_BYTES } from '../sandbox.ts'
import type { EngineFacts, Image } from './engine.ts'

/** A file or folder of this machine in the container, at the same path unless another is named. */
export type Bind = { source: string; target: string; writable: boolean }

export type ContainerPlan = {
  name: string
  /** Who started it, for the Moose that finds it left. */
  labels: Readonly<Record<string, string>>
  image: Image
  limits: Config['childLimits']
  hard: HardLimits
  /** Those of a folder before those in it. */
  binds: readonly Bind[]
  /** Absolute path; it is bound. */
  workingFolder: string
  /** A file that `environmentFile` wrote, and what stands in arguments beside it. */
  environment: { file: string; rest: Readonly<Record<string, string>> }
  command: readonly [program: string, ...args: string[]]
  /** Whether its stdin is read; else it is empty. */
  hasInput: boolean
}

/** The user of Moose; the files that a container writes have to be its own. */
export type Owner = { uid: number; gid: number }

/**
 * The arguments of `run`, as Podman and Docker both take them. What the engine would do by itself or by a file of its
 * own is said all the same where it is part of the guarantees.
 *
 * @see https://docs.podman.io/en/v4.3/markdown/podman-run.1.html and https://docs.docker.com/reference/cli/docker/container/run/
 */
export function runArguments(plan: ContainerPlan, facts: EngineFacts, owner: Owner): string[] {
  const { name, labels, image, binds, workingFolder, environment, hasInput } = plan
  const [program, ...args] = plan.command
  return [
    'run',
    '--rm',
    ...(hasInput ? ['--interactive'] : []),
    '--name',
    name,
    ...Object.entries(labels).flatMap(([key, value]) => ['--label', `${key}=${value}`]),
    '--hostname',
    'moose',
    '--pull',
    'never',
    '--log-driver',
    'none',
    '--init',
    '--no-healthcheck',
    '--sig-proxy=false',
    ...confinement(facts),
    ...userArguments(facts, owner),
    ...limitArguments(plan.limits, plan.hard),
    '--tmpfs',
    `/tmp:rw,exec,nosuid,nodev,mode=1777,size=${TMP_BYTES}`,
    ...binds.flatMap((bind) => ['--mount', mountOption(bind)]),
    ...volumeArguments(image, facts),
    '--workdir',
    workingFolder,
    '--env-file',
    environment.file,
    ...Object.entries(environment.rest).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
    '--entrypoint',
    program,
    image.id,
    ...args,
  ]
}

function confinement({ flavour, selinux }: EngineFacts): string[] {
  return [
    '--network',
    'none',
    '--ipc',
    'private',
    '--cgroupns',
    'private',
    '--read-only',
    '--cap-drop',
    'ALL',
    '--security-opt',
    'no-new-privileges',
    // Its labels would have to be changed on the operator's own files, for good.
    ...(selinux ? ['--security-opt', 'label=disable'] : []),
    ...(flavour === 'podman'
      ? ['--pid', 'private', '--uts', 'private', '--read-only-tmpfs=false', '--http-proxy=false', '--env-host=false']
      : []),
  ]
}

const IDS = 65_536
/** On the machine: the first of the ids without a user that are all others inside. */
const OUTSIDE = 2_000_000_000

/**
 * What the child writes belongs to the user of Moose, and it is none to the machine that could do more: a user of Moose's
 * own id, or the root of a namespace in which that is the user of Moose. For a Moose that is root, Podman makes a namespace
 * in which an ordinary user is the machine's root, without any of its capabilities; Docker can only take those away.
 */
export function userArguments({ flavour, rootless, hasMoreIds }: EngineFacts, { uid, gid }: Owner): string[] {
  const same = ['--user', `${uid}:${gid}`]
  const namespaceRoot = ['--user', '0:0']
  if (rootless) return flavour === 'podman' && hasMoreIds ? ['--userns', 'keep-id', ...same] : namespaceRoot
  if (flavour === 'docker' || uid !== 0) return same
  return [...mapping('--uidmap', uid), ...mapping('--gidmap', gid), '--user', `${ORDINARY_USER}:${ORDINARY_USER}`]
}

function mapping(option: string, id: number): string[] {
  const maps = [
    `${ORDINARY_USER}:${id}:1`,
    `0:${OUTSIDE}:${ORDINARY_USER}`,
    `${ORDINARY_USER + 1}:${OUTSIDE + ORDINARY_USER + 1}:${IDS - ORDINARY_USER - 1}`,
  ]
  return maps.flatMap((map) => [option, map])
}

/** What a process may raise its own limits to; absent: to anything. */
export type HardLimits = Readonly<Partial<Record<'nofile' | 'nproc' | 'fsize' | 'cpu', number>>>

const AS_LINUX_SAYS = { nofile: 'Max open files', nproc: 'Max processes', fsize: 'Max file size', cpu: 'Max cpu time' }

/** @param limits of `/proc/self/limits`: https://man7.org/linux/man-pages/man5/proc_pid_limits.5.html */
export function hardLimits(limits: string): HardLimits {
  const lines = limits.split('\n')
  return Object.fromEntries(
    Object.entries(AS_LINUX_SAYS).flatMap(([name, said]) => {
      const line = lines.find((each) => each.startsWith(said))
      const hard = line === undefined ? Number.NaN : Number(line.slice(said.length).trim().split(/ +/)[1])
      return Number.isFinite(hard) ? [[name, hard]] : []
    }),
  )
}

/** Swap would be as much memory again. No engine can give what the process that starts it may not have. */
function limitArguments(limits: Config['childLimits'], hard: HardLimits): string[] {
  const { memoryBytes, processes, openFiles, fileBytes, cpuSeconds } = limits
  const ulimit = (name: keyof HardLimits, soft: number, most = soft) => {
    const highest = hard[name] === undefined ? Number.POSITIVE_INFINITY : hard[name]
    return ['--ulimit', `${name}=${Math.min(soft, highest)}:${Math.min(most, highest)}`]
  }
  return [
    '--memory',
    `${memoryBytes}b`,
    '--memory-swap',
    `${memoryBytes}b`,
    '--pids-limit',
    String(processes),
    ...ulimit('nofile', openFiles),
    ...ulimit('nproc', processes),
    ...ulimit('fsize', fileBytes),
    ...ulimit('cpu', cpuSeconds, cpuSeconds + CPU_GRACE_SECONDS),
    '--ulimit',
    'core=0:0',
  ]
}

/** Of an image that asks for volumes, which could be written to without a bound and are no place of a child. */
function volumeArguments({ volumes }: Image, { flavour }: EngineFacts): string[] {
  if (flavour === 'podman') return ['--image-volume', 'ignore']
  return volumes.flatMap((place) => ['--mount', `type=tmpfs,${field('target', place)},tmpfs-size=1048576`])
}

/** The engines read a line of comma-separated values, in which a path may hold anything. */
function mountOption({ source, target, writable }: Bind): string {
  const places = `type=bind,${field('source', source)},${field('target', target)}`
  return writable ? places : `${places},readonly`
}

/** @see https://www.rfc-editor.org/rfc/rfc4180 */
function field(name: string, value: string): string {
  const text = `${name}=${value}`
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** What no engine reads as anything but itself; in other values, versions of Podman see quotes and escapes. */
const PLAIN = /^[A-Za-z0-9._/:@%+=,~-]*$/
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/
/** The engines read lines of up to 64 KiB. */
const LONGEST_LINE = 32 * 1024

/**
 * An environment in parts: what can stand in a file, which others cannot read as they can read arguments, and the rest, which
 * may hold line breaks. An empty `PATH` is left out: that of the image counts.
 */
export function environmentParts(env: Readonly<Record<string, string>>): {
  lines: string
  rest: Record<string, string>
} {
  const given = Object.entries(env).filter(([name, value]) => name !== 'PATH' || value !== '')
  const fits = ([name, value]: [string, string]) =>
    NAME.test(name) && PLAIN.test(value) && name.length + value.length < LONGEST_LINE
  return {
    lines: given
      .filter(fits)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
    rest: Object.fromEntries(given.filter((entry) => !fits(entry))),
  }
}
