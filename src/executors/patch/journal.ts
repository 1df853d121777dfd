import { Fault, toFault } from '../../faults/fault.ts'

/** What was done to a work tree, as the steps that take it back. */
export class Journal {
  readonly #steps: (() => Promise<void>)[] = []

  /** To be called once the change is made, with what undoes it. */
  record(undo: () => Promise<void>): void {
    this.#steps.push(undo)
  }

  /**
   * Takes everything back, latest first. A step that fails does not keep the others from being taken.
   *
   * @param reason why; returned as the fault to throw
   * @returns a Fault as it was; anything else, or a tree that could not be put back, as `internal`
   */
  async putBack(path: string, reason: unknown): Promise<Fault> {
    const failures: unknown[] = []
    for (const undo of this.#steps.splice(0).toReversed())
      await undo().catch((failure: unknown) => failures.push(failure))
    const why = toFault(reason).message
    if (failures.length > 0) {
      const causes = new AggregateError([reason, ...failures])
      const message = `"${path}" could not be written (${why}), and ${failures.length} changes before it could not be taken back. Discard this work tree.`
      return new Fault('internal', message, { path }, causes)
    }
    if (reason instanceof Fault) return reason
    return new Fault(
      'internal',
      `"${path}" could not be written (${why}). The work tree is as it was.`,
      { path },
      reason,
    )
  }
}
