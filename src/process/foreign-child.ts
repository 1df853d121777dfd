import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ChildRecord, removeRecord, writeRecord } from './child-record.ts'
import { END_WITHIN_MS, LOOK_AGAIN_MS, Offspring } from './offspring.ts'
import { signalGroup, signalProcess } from './process-group.ts'
import { bootId, lives, lookAtProcess, type ProcessEntry } from './process-table.ts'

/** In the environment of every child that runs foreign code, and so of what it starts; no secret. */
const VARIABLE = 'MOOSE_CHILD'

export type ForeignCode = {
  /** Absolute path of the home that keeps the record of the running child. */
  home: string
  /** For people. */
  what: 'check' | 'setup' | 'aider'
  /** Where the child starts everything else in a PID namespace of its own: its first process. */
  namespace?: PidNamespace
}

/** What a child starts in a PID namespace; when its first process ends, all the others are ended by the system. */
export type PidNamespace = {
  /** Its first process, as this host counts; null: there is none yet. */
  init: Pick<ProcessEntry, 'pid' | 'startTime'> | null
}

/** A child that runs foreign code, from its start to the end of whatever it has started. */
export interface ForeignChild {
  /** What stands in its environment beside its own. */
  readonly environment: Readonly<Record<string, string>>
  /** At once after the start, while even a child that has ended is still to be seen. */
  started(pid: number): void
  /** Asks it to end. */
  ask(pid: number): void
  /** Kills it and all that came from it, without waiting. */
  kill(): void
  /** Ends what is left. What cannot be ended stays on record, and the next Moose tries again. */
  end(): Promise<void>
}

/** On record before its start, so that a killed Moose leaves none behind that the next does not find. */
export function foreignChild(code: ForeignCode, cwd: string): ForeignChild {
  return code.namespace === undefined ? new TrackedChild(code, cwd) : new NamespacedChild(code, code.namespace, cwd)
}

/**
 * A child that runs foreign code, on a lead: it is on record while it runs, so that the next Moose finds it should this
 * one be killed, and what it starts is found by a marker, so that leaving the process group is no way out. Where there is
 * no /proc (macOS) there is neither a record nor a search; the process group is what can be ended there.
 */
class TrackedChild implements ForeignChild {
  readonly environment: Readonly<Record<string, string>>
  readonly #record: OpenRecord
  #offspring: Offspring

  constructor({ home, what }: ForeignCode, cwd: string) {
    this.#record = new OpenRecord(home, { what, cwd })
    this.environment = { [VARIABLE]: this.#record.marker }
    this.#offspring = new Offspring({ marker: this.#record.marker, leader: null })
  }

  started(pid: number): void {
    const leader = this.#record.started(pid)
    if (leader !== null) this.#offspring = new Offspring({ marker: this.#record.marker, leader })
  }

  /** Also remembers what it has started until now; a process whose parents are gone is harder to find. */
  ask(pid: number): void {
    if (this.#record.isKept) this.#offspring.look()
    signalGroup(pid, 'SIGTERM')
  }

  kill(): void {
    if (this.#record.isKept) this.#offspring.kill()
  }

  async end(): Promise<void> {
    if (this.#record.isKept && (await this.#offspring.end())) this.#record.remove()
  }
}

/** A child that starts everything else in a PID namespace: all of it ends with the first process there. */
class NamespacedChild implements ForeignChild {
  readonly environment = {}
  readonly #record: OpenRecord
  readonly #namespace: PidNamespace

  constructor({ home, what }: ForeignCode, namespace: PidNamespace, cwd: string) {
    this.#record = new OpenRecord(home, { what, cwd })
    this.#namespace = namespace
  }

  started(pid: number): void {
    this.#record.started(pid)
  }

  /** The first process leads a session that the program is in too, and as the first one it is not ended by a request. */
  ask(pid: number): void {
    const { init } = this.#namespace
    if (init === null) signalGroup(pid, 'SIGKILL')
    else signalGroup(init.pid, 'SIGTERM')
  }

  kill(): void {
    const { init } = this.#namespace
    if (init !== null && this.#lives()) signalProcess(init.pid, 'SIGKILL')
  }

  async end(): Promise<void> {
    const until = performance.now() + END_WITHIN_MS
    while (this.#lives()) {
      this.kill()
      if (performance.now() > until) return
      await sleep(LOOK_AGAIN_MS)
    }
    this.#record.remove()
  }

  #lives(): boolean {
    const { init } = this.#namespace
    return init !== null && lives(init)
  }
}

/** The record of one child; where there is no /proc there is none. */
class OpenRecord {
  readonly marker = randomUUID()
  readonly #home: string
  #record: ChildRecord | null

  /** Written at once, before the start. */
  constructor(home: string, { what, cwd }: Pick<ChildRecord, 'what' | 'cwd'>) {
    const boot = bootId()
    const writer = lookAtProcess(process.pid)
    const { marker } = this
    this.#home = home
    this.#record =
      boot === null || writer === null
        ? null
        : { marker, what, cwd, bootId: boot, leader: null, writer: { pid: writer.pid, startTime: writer.startTime } }
    if (this.#record !== null) writeRecord(home, this.#record)
  }

  get isKept(): boolean {
    return this.#record !== null
  }

  /** @returns null when nothing is recorded */
  started(pid: number): ChildRecord['leader'] {
    const leader = lookAtProcess(pid)
    if (this.#record === null || leader === null) return null
    this.#record = { ...this.#record, leader: { pid, startTime: leader.startTime } }
    writeRecord(this.#home, this.#record)
    return this.#record.leader
  }

  remove(): void {
    if (this.#record === null) return
    this.#record = null
    removeRecord(this.#home, this.marker)
  }
}
