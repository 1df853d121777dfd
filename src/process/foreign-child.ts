import { randomUUID } from 'node:crypto'
import { type ChildRecord, removeRecord, writeRecord } from './child-record.ts'
import { Offspring } from './offspring.ts'
import { bootId, lookAtProcess } from './process-table.ts'

/** In the environment of every child that runs foreign code, and so of what it starts; no secret. */
const VARIABLE = 'MOOSE_CHILD'

export type ForeignCode = {
  /** Absolute path of the home that keeps the record of the running child. */
  home: string
  /** For people. */
  what: 'check' | 'setup' | 'aider'
}

/**
 * A child that runs foreign code, on a lead: it is on record while it runs, so that the next Moose finds it should this
 * one be killed, and what it starts is found by a marker, so that leaving the process group is no way out. Where there is
 * no /proc (macOS) there is neither a record nor a search; the process group is what can be ended there.
 */
export class ForeignChild {
  readonly environment: Readonly<Record<string, string>>
  readonly #home: string
  #record: ChildRecord | null
  #offspring: Offspring

  /** Before the start; so a child that carries the marker is always on record. */
  constructor({ home, what }: ForeignCode, cwd: string) {
    const marker = randomUUID()
    const boot = bootId()
    const writer = lookAtProcess(process.pid)
    this.environment = { [VARIABLE]: marker }
    this.#home = home
    this.#record =
      boot === null || writer === null
        ? null
        : { marker, what, cwd, bootId: boot, leader: null, writer: { pid: writer.pid, startTime: writer.startTime } }
    this.#offspring = new Offspring({ marker, leader: null })
    if (this.#record !== null) writeRecord(home, this.#record)
  }

  /** At once after the start, while even a child that has ended is still to be seen. */
  started(pid: number): void {
    const leader = lookAtProcess(pid)
    if (this.#record === null || leader === null) return
    this.#record = { ...this.#record, leader: { pid, startTime: leader.startTime } }
    this.#offspring = new Offspring(this.#record)
    writeRecord(this.#home, this.#record)
  }

  /** Remembers what it has started until now; a process whose parents are gone is harder to find. */
  look(): void {
    if (this.#record !== null) this.#offspring.look()
  }

  /** Kills it and all that came from it, without waiting. */
  kill(): void {
    if (this.#record !== null) this.#offspring.kill()
  }

  /** Ends what is left. What cannot be ended stays on record, and the next Moose tries again. */
  async end(): Promise<void> {
    const record = this.#record
    if (record === null || !(await this.#offspring.end())) return
    this.#record = null
    removeRecord(this.#home, record.marker)
  }
}
