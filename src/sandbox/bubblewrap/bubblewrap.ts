import { access, constants } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { Fault } from '../../faults/fault.ts'
import { jsonOrNull } from '../../json-or-null.ts'
import type { PidNamespace } from '../../process/foreign-child.ts'
import { lookAtProcess } from '../../process/process-table.ts'
import { type Command, type CommandResult, commandMissing, runCommand } from '../../process/run-command.ts'
import { givenPlace, treeIn } from '../cache-places.ts'
import type { LimitedRun } from '../limits/limited-run.ts'
import { createProgramPlaces, holds, type ProgramPlaces } from '../program-places.ts'
import { forwarded, NODE_INSIDE, placedFor } from '../reach/forwarding.ts'
import { type ConfinedCommand, ORDINARY_USER, type Sandbox } from '../sandbox.ts'
import { bubblewrapArguments, type Confinement } from './arguments.ts'
import { seccompFilter } from './seccomp.ts'
import { isOfSystem, type SandboxUser, systemMounts } from './system-mounts.ts'

export type BubblewrapOptions = {
  /** Absolute path of Moose's home. */
  home: string
  /** The `PATH` of Moose: where bubblewrap is. */
  executablePath: string
  /** Absolute paths of private folders, as `privateFolders` gives them. */
  kept: readonly string[]
  runLimited: LimitedRun
}

const STATUS = 3
const FILTER = 4
const PROBE_TIMEOUT_MS = 30_000

/**
 * Foreign code in namespaces of its own, made by bubblewrap: it sees the system's programs read-only, what it was given, and
 * no network, process or file else. All that it starts ends with it.
 *
 * @see https://github.com/containers/bubblewrap
 */
export function createBubblewrap(options: BubblewrapOptions): Sandbox {
  const { home, kept, runLimited } = options
  const places = createProgramPlaces({ kept, isOfSystem })
  let ready: Promise<Prepared> | null = null
  const prepared = () => {
    ready ??= prepare(options).catch((error: unknown) => {
      ready = null
      throw error
    })
    return ready
  }
  return {
    kind: 'bubblewrap',
    async assertReady() {
      await prepared()
    },
    async run(command) {
      try {
        return await run(await prepared(), { home, kept, places, runLimited }, command)
      } catch (error) {
        // What was found once may have been taken away: it is looked for again.
        if (error instanceof Fault && error.code === 'sandbox_unavailable') ready = null
        throw error
      }
    },
  }
}

type Prepared = Pick<Confinement, 'user' | 'system'> & {
  /** Absolute path. */
  bwrap: string
  filter: Uint8Array | null
}

/** @throws {Fault} `sandbox_unavailable` */
async function prepare({ home, executablePath }: BubblewrapOptions): Promise<Prepared> {
  const bwrap = await find(executablePath)
  const user = sandboxUser()
  const prepared = { bwrap, user, filter: seccompFilter(process.arch), system: await systemMounts(home, user) }
  const confinement = { writable: [], readable: [], placed: {}, cwd: '/', home: undefined }
  const { exitCode } = await spawn(prepared, confinement, {
    command: '/bin/sh',
    args: ['-c', ':'],
    env: {},
    cwd: '/',
    timeoutMs: PROBE_TIMEOUT_MS,
    maxOutputBytes: 2_000,
    signal: null,
  })
  if (exitCode === 0) return prepared
  throw unavailable(`A shell in a sandbox of bubblewrap ended with exit code ${exitCode}.`, WHY_NOT)
}

function sandboxUser(): SandboxUser {
  const ordinary = (id: number | undefined) => (id === undefined || id === 0 ? ORDINARY_USER : id)
  return { uid: ordinary(process.getuid?.()), gid: ordinary(process.getgid?.()) }
}

const INSTALL = 'Install it (Debian, Ubuntu: apt-get install bubblewrap; Fedora: dnf install bubblewrap)'
const WITHOUT = 'or set MOOSE_SANDBOX=none to run set-ups, checks and Aider without any sandbox'
const WHY_NOT =
  'It needs user namespaces: see docs/sandbox.md for what containers, Ubuntu 24.04 and hardened kernels ask for,'

function unavailable(what: string, remedy: string, cause?: unknown): Fault {
  return new Fault('sandbox_unavailable', `${what} ${remedy} ${WITHOUT}.`, { sandbox: 'bubblewrap' }, cause)
}

async function find(executablePath: string): Promise<string> {
  for (const folder of executablePath.split(path.delimiter)) {
    const program = path.join(folder, 'bwrap')
    const isThere = await access(program, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isThere) return program
  }
  throw unavailable('bubblewrap, which confines foreign code, is not installed.', INSTALL)
}

async function run(
  prepared: Prepared,
  {
    home,
    kept,
    places,
    runLimited,
  }: Pick<BubblewrapOptions, 'home' | 'runLimited'> & {
    kept: readonly string[]
    places: ProgramPlaces
  },
  { what, folder, writable, readable, reach, ...command }: ConfinedCommand,
): Promise<CommandResult> {
  const programs = await places.of(String(command.env['PATH']), command.command)
  const confinement = {
    writable: await within(folder, writable),
    readable: [...(await within(folder, readable)), ...programs].filter(
      (place) => !kept.some((own) => holds(place, own)),
    ),
    placed: reach.length === 0 ? {} : placedFor(reach),
    cwd: treeIn(folder),
    home: command.env['HOME'],
  }
  const namespace: PidNamespace = { init: null }
  const behind = { command: NODE_INSIDE, args: forwarded(reach, [command.command, ...command.args]) }
  const started = reach.length === 0 ? command : { ...command, ...behind }
  const limited = (confined: Command) => runLimited(confined, { what, folder })
  const child = { ...started, cwd: treeIn(folder), foreign: { home, what, namespace } }
  return await spawn(prepared, confinement, child, limited)
}

async function within(folder: string, places: readonly string[]): Promise<string[]> {
  const found = await Promise.all(places.map((place) => givenPlace(folder, place)))
  return found.filter((place) => place !== null)
}

const Status = z.union([z.object({ 'child-pid': z.int().positive() }), z.object({ 'exit-code': z.int() })])
/** Of what bubblewrap itself says. */
const SAID_BYTES = 4_000

/**
 * bubblewrap itself has no environment: what stood in it would be read in the sandbox too, and that of the child may tell
 * the loader of any program to run foreign code, here outside of the sandbox. It is given the child's as arguments, by a
 * descriptor: others on this machine see what stands on a command line. It says that it has made a sandbox, and how the program
 * ended only where that was started: what ended before that was no program of the child.
 */
async function spawn(
  { bwrap, user, system, filter }: Prepared,
  confinement: Omit<Confinement, 'user' | 'system' | 'status' | 'filter'>,
  command: Command,
  run: (command: Command) => Promise<CommandResult> = runCommand,
): Promise<CommandResult> {
  const namespace = command.foreign?.namespace
  let isMade = false
  let hasRun = false
  const onStatus = (line: string) => {
    // A line that was cut short, by the end of bubblewrap itself, says nothing.
    const { data: status } = Status.safeParse(jsonOrNull(line))
    if (status === undefined) return
    isMade = true
    if ('exit-code' in status) hasRun = true
    else if (namespace !== undefined) namespace.init = lookAtProcess(status['child-pid'])
  }
  const descriptors = { status: STATUS, filter: filter === null ? null : FILTER }
  const environment = Object.entries(command.env).flatMap(([name, value]) => ['--setenv', name, value])
  const read = [...(filter === null ? [] : [filter]), Buffer.from(environment.map((word) => `${word}\0`).join(''))]
  const before = bubblewrapArguments({ ...confinement, ...descriptors, user, system })
  const result = await run({
    ...command,
    command: bwrap,
    args: ['--clearenv', '--args', String(STATUS + read.length), ...before, command.command, ...command.args],
    env: {},
    maxErrorBytes: Math.max(SAID_BYTES, command.maxOutputBytes),
    descriptors: [onStatus, ...read],
  })
  const said = result.stderr.text().trim()
  if (hasRun || result.endedBy !== null || (isMade && !said.startsWith('bwrap: '))) return result
  if (said.startsWith('bwrap: execvp ')) throw commandMissing(command.command, 'is not there in the sandbox')
  const how = said === '' ? `exit code ${result.exitCode}` : said
  throw unavailable(`bubblewrap cannot make a sandbox on this machine (${how}).`, WHY_NOT)
}
