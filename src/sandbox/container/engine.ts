import { z } from 'zod'
import type { Config } from '../../config.ts'
import { Fault, toFault } from '../../faults/fault.ts'
import { jsonOrNull } from '../../json-or-null.ts'
import { type CommandResult, runCommand } from '../../process/run-command.ts'

/** Of a call that only asks or removes; a busy engine takes its time. */
const CALL_TIMEOUT_MS = 60_000
const MOST_ANSWER_BYTES = 4 * 1024 * 1024
const LONGEST_QUOTE = 500

export type EngineKind = 'podman' | 'docker'

export type EngineOptions = { kind: EngineKind } & Pick<Config, 'engineArguments' | 'engineEnvironment'>

/** What an engine says of itself. */
export type EngineFacts = {
  /** Whose words it speaks: `docker` may be Podman's own stand-in of that name. */
  flavour: 'podman' | 'docker'
  version: string
  rootless: boolean
  /** Whether a rootless engine has other ids than the user's own, so that the user can have its own in a container. */
  hasMoreIds: boolean
  /** Memory and processes of a container can be limited. */
  canLimit: boolean
  /** Why not, and for people. */
  controlGroups: string
  selinux: boolean
}

export type Image = {
  /** The hash of its configuration: another content has another. */
  id: string
  /** As node calls it; null: it says none. */
  architecture: string | null
  /** Absolute paths that it would have be volumes. */
  volumes: readonly string[]
}

/** @see https://docs.podman.io/en/v4.3/markdown/podman-info.1.html */
const PodmanInfo = z.object({
  host: z.object({
    cgroupVersion: z.string(),
    cgroupControllers: z.array(z.string()).nullish(),
    security: z.object({ rootless: z.boolean(), selinuxEnabled: z.boolean() }),
    idMappings: z.object({ uidmap: z.array(z.object({ size: z.number() })).nullish() }),
  }),
  version: z.object({ Version: z.string() }),
})

/** @see https://docs.docker.com/reference/api/engine/version/v1.48/#tag/System/operation/SystemInfo */
const DockerInfo = z.object({
  ServerVersion: z.string().min(1),
  SecurityOptions: z.array(z.string()).nullish(),
  CgroupVersion: z.string().optional(),
  MemoryLimit: z.boolean(),
  PidsLimit: z.boolean(),
})

const ImageDocument = z.array(
  z.object({
    Id: z.string().min(1),
    Architecture: z.string().optional(),
    Config: z.object({ Volumes: z.record(z.string(), z.unknown()).nullish() }).nullish(),
  }),
)

/** The engine that `MOOSE_SANDBOX` names; null: it names none. */
export function engineOf(config: Pick<Config, 'sandbox' | 'engineArguments' | 'engineEnvironment'>): Engine | null {
  const { sandbox: kind } = config
  return kind === 'podman' || kind === 'docker' ? new Engine({ ...config, kind }) : null
}

/** Podman or Docker through its command line: what both understand alike. */
export class Engine {
  readonly kind: EngineKind
  readonly #options: EngineOptions
  #facts: Promise<EngineFacts> | null = null

  constructor(options: EngineOptions) {
    this.kind = options.kind
    this.#options = options
  }

  /** The program and how it is called; a subcommand and its arguments come after `args`. */
  get client(): { command: string; args: readonly string[]; env: Readonly<Record<string, string>> } {
    const { kind, engineArguments, engineEnvironment } = this.#options
    return { command: kind, args: engineArguments, env: engineEnvironment }
  }

  /**
   * Asks the engine for something; a non-zero exit is a result.
   *
   * @throws {Fault} `sandbox_unavailable` when its program is not there or does not answer
   */
  async call(args: readonly string[], signal: AbortSignal | null = null): Promise<CommandResult> {
    const { command, args: before, env } = this.client
    const limits = { timeoutMs: CALL_TIMEOUT_MS, maxOutputBytes: MOST_ANSWER_BYTES, signal }
    try {
      return await runCommand({ command, args: [...before, ...args], cwd: '/', env, ...limits })
    } catch (error) {
      throw this.unreachable(error)
    }
  }

  /** What a thrown error of the client's start means; one that is none of the engine's stays as it is. */
  unreachable(error: unknown): Fault {
    const fault = toFault(error)
    if (fault.code === 'command_missing') {
      const remedy = `Install ${this.kind}, or choose another sandbox with MOOSE_SANDBOX.`
      return this.fault(`${this.kind} is not installed or not on the PATH. ${remedy}`, 'engine_missing', error)
    }
    if (fault.code === 'command_timed_out' || fault.code === 'command_failed') {
      return this.fault(`${this.kind} does not answer: ${fault.message}`, 'engine_broken', error)
    }
    return fault
  }

  /** What it can do, asked once. @throws {Fault} `sandbox_unavailable` */
  facts(): Promise<EngineFacts> {
    if (this.#facts !== null) return this.#facts
    const asked = this.#ask()
    this.#facts = asked
    asked.catch(() => {
      this.#facts = null
    })
    return asked
  }

  async #ask(): Promise<EngineFacts> {
    const { exitCode, stdout, stderr } = await this.call(['info', '--format', '{{json .}}'])
    const said = jsonOrNull(stdout.text())
    const podman = PodmanInfo.safeParse(said)
    if (exitCode === 0 && podman.success) return ofPodman(podman.data)
    const docker = DockerInfo.safeParse(said)
    if (exitCode === 0 && docker.success) return ofDocker(docker.data)
    const errors = z.object({ ServerErrors: z.array(z.string()) }).safeParse(said)
    const why = errors.success ? errors.data.ServerErrors.join(' ') : stderr.text()
    throw this.fault(`${this.kind} cannot run: ${quoted(why)} See what it says to: ${this.kind} info`, 'engine_broken')
  }

  /** @throws {Fault} `sandbox_unavailable` when there is none of this name on this machine */
  async image(name: string): Promise<Image> {
    const { exitCode, stdout, stderr } = await this.call(['image', 'inspect', '--', name])
    const found = ImageDocument.safeParse(jsonOrNull(stdout.text()))
    const [image] = found.success ? found.data : []
    if (exitCode === 0 && image !== undefined) return toImage(image)
    const reason = /no such|not known|not found/i.test(stderr.text()) ? 'image_missing' : 'engine_broken'
    const remedy = `Moose fetches none: have it there (${this.kind} pull ${name}), or name another: moose project edit PROJECT --image IMAGE`
    throw this.fault(`${this.kind} has no image "${name}": ${quoted(stderr.text())} ${remedy}`, reason, null, name)
  }

  /** Removes a container, whatever it does. @returns whether none of this name is there any more */
  async remove(name: string): Promise<boolean> {
    const { exitCode, stderr } = await this.call(await this.removal(name))
    return exitCode === 0 || /no such container/i.test(stderr.text())
  }

  /** The arguments that do so. Podman would first wait for it to end by itself. */
  async removal(name: string): Promise<string[]> {
    const { flavour } = await this.facts()
    return ['rm', '--force', '--volumes', ...(flavour === 'podman' ? ['--time', '0'] : []), name]
  }

  fault(message: string, reason: Reason, cause: unknown = null, image: string | null = null): Fault {
    const details = { sandbox: this.kind, reason, ...(image === null ? {} : { image }) }
    return new Fault('sandbox_unavailable', `MOOSE_SANDBOX is ${this.kind}: ${message}`, details, cause)
  }
}

export type Reason = 'engine_missing' | 'engine_broken' | 'image_missing' | 'image_unset' | 'cannot_start' | 'no_limits'

function ofPodman({ host, version }: z.infer<typeof PodmanInfo>): EngineFacts {
  const { rootless, selinuxEnabled: selinux } = host.security
  const controllers = host.cgroupControllers ? host.cgroupControllers : []
  const uids = host.idMappings.uidmap ? host.idMappings.uidmap : []
  return {
    flavour: 'podman',
    version: version.Version,
    rootless,
    hasMoreIds: uids.length > 1,
    canLimit: controllers.includes('memory') && controllers.includes('pids'),
    controlGroups: `control groups ${host.cgroupVersion} with ${controllers.length === 0 ? 'no controllers' : controllers.join(', ')}`,
    selinux,
  }
}

function ofDocker(info: z.infer<typeof DockerInfo>): EngineFacts {
  const security = (info.SecurityOptions ? info.SecurityOptions : []).map((option) => option.split(',', 1)[0])
  const version = info.CgroupVersion === undefined ? '' : ` v${info.CgroupVersion}`
  const limits = `${info.MemoryLimit ? 'memory' : 'no memory'}, ${info.PidsLimit ? 'pids' : 'no pids'}`
  return {
    flavour: 'docker',
    version: info.ServerVersion,
    rootless: security.includes('name=rootless'),
    hasMoreIds: false,
    canLimit: info.MemoryLimit && info.PidsLimit,
    controlGroups: `control groups${version} with ${limits}`,
    selinux: security.includes('name=selinux'),
  }
}

/** What images call an architecture that node calls otherwise. */
const ARCHITECTURES: Readonly<Record<string, string>> = { amd64: 'x64', '386': 'ia32' }

function toImage({ Id: id, Architecture: named, Config: config }: z.infer<typeof ImageDocument>[number]): Image {
  const known = named === undefined || named === '' ? null : ARCHITECTURES[named]
  const architecture = known === undefined ? String(named) : known
  return { id, architecture, volumes: config?.Volumes ? Object.keys(config.Volumes) : [] }
}

/** The end of what an engine said, which is where it says what is wrong. */
export function quoted(said: string): string {
  const text = said.trim()
  if (text === '') return 'it does not say why.'
  const end = text.length > LONGEST_QUOTE ? `…${text.slice(-LONGEST_QUOTE)}` : text
  return /[.!?]$/.test(end) ? end : `${end}.`
}
