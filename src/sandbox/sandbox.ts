import type { Config } from '../config.ts'
import type { Command, CommandResult } from '../process/run-command.ts'

/** What confines the children that run code of a repository or of a model; `none` does not. */
export type SandboxKind = Config['sandbox']

/** Of what a child writes to `/tmp` itself, where it has one of its own; `TMPDIR` is on the disk. */
export const TMP_BYTES = 1024 ** 3

/** Who a child is inside where Moose runs as root: some programs refuse to be root, or behave otherwise. */
export const ORDINARY_USER = 1000

/** A program that runs foreign code, and all that it is given. */
export type ConfinedCommand = Pick<
  Command,
  'command' | 'args' | 'env' | 'input' | 'timeoutMs' | 'maxOutputBytes' | 'signal' | 'onOutput'
> & {
  /** For people. */
  what: 'check' | 'setup' | 'aider'
  /** Absolute path of the attempt's folder; the program starts in `tree` in it. */
  folder: string
  /** Absolute paths in the folder; nothing else keeps what is written there. */
  writable: readonly string[]
  /** Beside the system's folders; absolute paths, also below one of `writable`. What is not there is left out. */
  readable: readonly string[]
  /** Unix sockets on Moose's side, each reached at `127.0.0.1:<port>`; empty: no network at all. */
  reach: readonly Reached[]
  /** What a container is made of; null: none is set. Nothing to the other sandboxes. */
  image: string | null
}

export type Reached = {
  /** Absolute path; of a sandbox that shares this machine's loopback it is not used, and may be empty. */
  socket: string
  port: number
}

/** Runs foreign code; nothing it starts outlives it. */
export interface Sandbox {
  readonly kind: SandboxKind
  /** @throws {Fault} `sandbox_unavailable` with what to install */
  assertReady(): Promise<void>
  /** @throws {Fault} those of `runCommand`, and `sandbox_unavailable` */
  run(command: ConfinedCommand): Promise<CommandResult>
}

/** What children of a project are run in, where the sandbox is one of containers. */
export interface Images {
  /**
   * Whether a child can be run in an image; tried once.
   *
   * @param image of the project
   * @throws {Fault} `sandbox_unavailable` also when the project has none, or one that is not on this machine
   */
  assertUsable(image: string | null): Promise<void>
  /**
   * What children find beside this machine: the hash of the image; null: nothing.
   *
   * @throws {Fault} `sandbox_unavailable` as `assertUsable`, without trying it
   */
  idOf(image: string | null): Promise<string | null>
}

/** Of the other sandboxes, in which children have the programs of this machine. */
export const NO_IMAGES: Images = {
  async assertUsable() {},
  async idOf() {
    return null
  },
}
