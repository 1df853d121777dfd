/** Runs tasks one after the other, in the order they were given; a failed task does not hold up the next. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve()

  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task)
    // The caller sees the failure; the queue only waits for it to be over.
    this.#last = result.catch(() => {})
    return result
  }
}
