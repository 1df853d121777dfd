import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Config } from '../../config.ts'
import { Fault, toFault } from '../../faults/fault.ts'
import { lstatOrNull } from '../../files/lstat-or-null.ts'
import type { CommandResult } from '../../process/run-command.ts'
import { treeIn } from '../cache-places.ts'
import { DiskWatch } from '../limits/disk-watch.ts'
import { faultOfEnding, faultOfUsage, RefusalListener } from '../limits/limit-fault.ts'
import { faultOfDisk } from '../limits/limited-run.ts'
import { lookedAfter, OVER } from '../limits/looked-after.ts'
import { removeTree } from '../remove-tree.ts'
import type { ConfinedCommand, Images, Sandbox } from '../sandbox.ts'
import { bindsOf, createMachinePrograms, type MachinePrograms } from './binds.ts'
import { newName } from './container-name.ts'
import { type Engine, type Image, quoted } from './engine.ts'
import { type InnerReach, innerReach } from './inner-reach.ts'
import { readReport, wrapped } from './inside.ts'
import { placesIn } from './left-containers.ts'
import { environmentParts, hardLimits, type Owner, runArguments } from './run-arguments.ts'
import { runClient } from './running-container.ts'

const LOOK_EVERY_MS = 500
const TRIAL_TIMEOUT_MS = 120_000
/** What a shell can do by itself: read what Moose has written, and write what Moose can read. */
const TRIAL = 'read -r given < given && echo "$given" > "$HOME/written" && echo "$given" > "$TMPDIR/written"'
/** Named from the working folder of the client: Podman takes a path for a list, in which quotes and commas count. */
const ENVIRONMENT_FILE = 'environment'
const TRIAL_TEXT = 'moose'

export type ContainerOptions = Pick<Config, 'home' | 'childLimits'> & {
  engine: Engine
  /** Absolute paths of private folders. */
  kept: readonly string[]
}

/**
 * Every child in a container of its own, made of the image of its project and removed when the child has ended. It is given
 * no network, a root it cannot write to, and of this machine only what the command names, at the same paths. The programs
 * are those of the image; for Aider those of this machine are bound over them.
 */
export class ContainerSandbox implements Sandbox, Images {
  readonly kind: Engine['kind']
  readonly #home: string
  readonly #limits: Config['childLimits']
  readonly #engine: Engine
  readonly #machine: MachinePrograms
  /** By the id of the image: whether a container of it can be run. */
  readonly #trials = new Map<string, Promise<void>>()

  constructor({ home, kept, childLimits, engine }: ContainerOptions) {
    this.kind = engine.kind
    this.#home = home
    this.#limits = childLimits
    this.#engine = engine
    this.#machine = createMachinePrograms(kept)
  }

  async assertReady(): Promise<void> {
    const { canLimit, rootless, controlGroups } = await this.#engine.facts()
    if (canLimit) return
    const how = rootless ? 'rootless, ' : ''
    const message =
      `it cannot limit the memory and the processes of a container here (${how}${controlGroups}). A rootless engine needs ` +
      'control groups of version 2 with memory and pids delegated to its user; else run it and Moose as root, or choose ' +
      'another sandbox with MOOSE_SANDBOX.'
    throw this.#engine.fault(message, 'no_limits')
  }

  /** What the engine is, for people. @throws {Fault} `sandbox_unavailable` */
  async describe(): Promise<string> {
    const { version, rootless, controlGroups } = await this.#engine.facts()
    return `${version}, ${rootless ? 'rootless' : 'as root'}, ${controlGroups}`
  }

  async assertUsable(name: string | null): Promise<void> {
    await this.#usable(name)
  }

  async idOf(name: string | null): Promise<string> {
    return (await this.#find(name)).id
  }

  async run(command: ConfinedCommand): Promise<CommandResult> {
    return await this.#execute(await this.#usable(command.image), command)
  }

  async #find(name: string | null): Promise<Image> {
    // An attempt that an earlier version began has no such setting.
    if (typeof name === 'string') return await this.#engine.image(name)
    const message =
      'the project names no image, in which its set-up, its checks and Aider would run. ' +
      'Name one that is on this machine: moose project edit PROJECT --image IMAGE'
    throw this.#engine.fault(message, 'image_unset')
  }

  /** An image of which a container was run here, by this process or now. */
  async #usable(name: string | null): Promise<Image> {
    await this.assertReady()
    const image = await this.#find(name)
    const known = this.#trials.get(image.id)
    const trial = known === undefined ? this.#try(image, String(name)) : known
    this.#trials.set(image.id, trial)
    trial.catch(() => this.#trials.delete(image.id))
    await trial
    return image
  }

  /** Whether what Moose gives a container is there, and what that leaves is Moose's own. */
  async #try(image: Image, name: string): Promise<void> {
    const folder = path.join(placesIn(this.#home), newName(this.#home))
    await using _removed = { [Symbol.asyncDispose]: () => removeTree(folder) }
    const [home, temporary] = [path.join(folder, 'home'), path.join(folder, 'tmp')]
    for (const part of [treeIn(folder), home, temporary]) await mkdir(part, { recursive: true, mode: 0o700 })
    await writeFile(path.join(treeIn(folder), 'given'), `${TRIAL_TEXT}\n`, { mode: 0o600 })
    const { exitCode, stderr } = await this.#execute(image, {
      what: 'check',
      folder,
      writable: [folder],
      readable: [],
      reach: [],
      image: name,
      command: '/bin/sh',
      args: ['-c', TRIAL],
      env: { HOME: home, TMPDIR: temporary },
      timeoutMs: TRIAL_TIMEOUT_MS,
      maxOutputBytes: 4_096,
      signal: null,
    })
    const isOwn = (await Promise.all([home, temporary].map(isWrittenByUs))).every(Boolean)
    if (exitCode === 0 && isOwn) return
    const why = exitCode === 0 ? 'what it writes does not become a file of the user of Moose.' : quoted(stderr.text())
    const message = `a container of ${name} cannot use the folders of Moose: ${why} Where the engine is on another machine, or maps users to others, it does not do.`
    throw this.#engine.fault(message, 'cannot_start', null, name)
  }

  async #execute(image: Image, command: ConfinedCommand): Promise<CommandResult> {
    const engine = this.#engine
    const facts = await engine.facts()
    const name = newName(this.#home)
    const place = path.join(placesIn(this.#home), name)
    const report = path.join(place, 'report')
    await mkdir(report, { recursive: true, mode: 0o700 })
    await using _removed = { [Symbol.asyncDispose]: () => removeTree(place) }
    const { lines, rest } = environmentParts(command.env)
    await writeFile(path.join(place, ENVIRONMENT_FILE), lines, { mode: 0o600 })
    const refusals = new RefusalListener()
    const reach = await this.#reach(command)
    const plan = {
      name,
      labels: { 'moose.home': this.#home, 'moose.what': command.what },
      image,
      limits: this.#limits,
      hard: hardLimits(await readFile('/proc/self/limits', 'utf8').catch(() => '')),
      binds: [...(await bindsOf(command, { report, machine: this.#machine })), ...reach.binds],
      workingFolder: treeIn(command.folder),
      environment: { file: ENVIRONMENT_FILE, rest },
      command: wrapped(reach.through([command.command, ...command.args])),
      hasInput: command.input !== undefined,
    }
    const result = await this.#untilDiskIsFull(command, (signal) =>
      runClient(engine, {
        ...command,
        name,
        signal,
        cwd: place,
        args: runArguments(plan, facts, owner()),
        onOutput(text) {
          refusals.add(text)
          command.onOutput?.(text)
        },
      }),
    )
    const { hasStarted, usage } = await readReport(report, this.#limits.memoryBytes)
    if (!hasStarted && result.exitCode !== 0) throw this.#notStarted(result, image, command)
    const fault = faultOfUsage(usage, command.what, this.#limits) ?? faultOfEnding(result, command.what, this.#limits)
    if (fault !== null) throw fault
    refusals.tell(result, this.#limits, command.onOutput)
    return result
  }

  /** Ends a container that fills the disk, as no limit of an engine does. */
  async #untilDiskIsFull(
    { what, folder, signal }: ConfinedCommand,
    run: (signal: AbortSignal) => Promise<CommandResult>,
  ): Promise<CommandResult> {
    const disk = await DiskWatch.begin(folder)
    try {
      return await lookedAfter({ everyMs: LOOK_EVERY_MS, isOver: () => disk.isLow() }, (full) =>
        run(signal === null ? full : AbortSignal.any([signal, full])),
      )
    } catch (error) {
      throw error === OVER ? await faultOfDisk(disk, { what, folder }) : error
    }
  }

  async #reach({ reach }: ConfinedCommand): Promise<InnerReach> {
    try {
      return await innerReach(reach)
    } catch (error) {
      const why = `nothing of this machine can be reached from a container: ${toFault(error).message}`
      throw this.#engine.fault(why, 'engine_broken', error)
    }
  }

  #notStarted({ exitCode, stderr }: CommandResult, image: Image, command: ConfinedCommand): Fault {
    const name = String(command.image)
    const machine =
      image.architecture === null || image.architecture === process.arch
        ? ''
        : ` It is for ${image.architecture}, and this machine is ${process.arch}.`
    const message =
      `no container of ${name} can be started (exit code ${exitCode}): ${quoted(stderr.text())}${machine} An image needs ` +
      `/bin/sh; try it: ${this.kind} run --rm ${name} /bin/sh -c true`
    return this.#engine.fault(message, 'cannot_start', null, name)
  }
}

function owner(): Owner {
  const [uid, gid] = [process.getuid?.(), process.getgid?.()]
  return { uid: uid === undefined ? 0 : uid, gid: gid === undefined ? 0 : gid }
}

async function isWrittenByUs(folder: string): Promise<boolean> {
  const found = await lstatOrNull(path.join(folder, 'written'))
  return found?.isFile() === true && found.uid === owner().uid
}
