/**
 * Passes on what a source yields, and null whenever it was silent for `everyMs`. It asks the source only when it is
 * asked itself, so that a slow reader holds back the source and nothing piles up.
 *
 * @param open the source; its signal aborts when `signal` does or when the reader stops
 * @param nudge yields one null at once when it aborts
 */
export async function* withHeartbeats<Item>(
  open: (signal: AbortSignal) => AsyncIterable<Item>,
  everyMs: number,
  signal: AbortSignal,
  nudge: AbortSignal,
): AsyncGenerator<Item | null, void, undefined> {
  const left = new AbortController()
  const either = AbortSignal.any([signal, nudge])
  const source = open(AbortSignal.any([signal, left.signal]))[Symbol.asyncIterator]()
  let next = source.next()
  try {
    for (;;) {
      const turn = await firstOf(next, everyMs, nudge.aborted ? signal : either)
      if (signal.aborted || turn?.done === true) return
      if (turn === null) yield null
      else {
        yield turn.value
        next = source.next()
      }
    }
  } finally {
    left.abort()
    // Nothing reads an abandoned source: what it still yields, or throws, is dropped.
    await Promise.allSettled([next, source.return?.()])
  }
}

/** The promise's value; null when the time is over or the signal aborts first. Rejects as the promise does. */
function firstOf<Value>(promise: Promise<Value>, waitMs: number, signal: AbortSignal): Promise<Value | null> {
  return new Promise((resolve, reject) => {
    const giveUp = () => settle(() => resolve(null))
    const timer = setTimeout(giveUp, waitMs)
    signal.addEventListener('abort', giveUp, { once: true })
    const settle = (end: () => void) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', giveUp)
      end()
    }
    promise.then(
      (value) => settle(() => resolve(value)),
      (error) => settle(() => reject(error)),
    )
  })
}
