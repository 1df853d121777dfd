/** Exit codes a shell expects of a command that a signal ended: 128 and the signal's number. */
const EXIT_CODE = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
type Signal = (typeof SIGNALS)[number]

export type Interruption = Disposable & {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal
  /** The exit code of that signal; null while there was none. */
  exitCode(): number | null
}

/** How each command that listens is interrupted; one that was already stays as it is. */
const listening = new Set<() => void>()

/** Interrupts what listens, as SIGTERM does, where no signal has. */
export function interruptAll(): void {
  for (const interrupt of listening) interrupt()
}

/**
 * Lets a command end in order when it is interrupted: the first SIGINT, SIGTERM or SIGHUP aborts the signal; the
 * second ends the process at once.
 *
 * @param onFirst told of the first one
 */
export function listenForInterruption(onFirst: () => void = () => {}): Interruption {
  const controller = new AbortController()
  let first: Signal | null = null
  const hear = (signal: Signal) => {
    if (first !== null) process.exit(EXIT_CODE[signal])
    first = signal
    onFirst()
    controller.abort()
  }
  const interrupt = () => {
    if (first === null) hear('SIGTERM')
  }
  listening.add(interrupt)
  for (const name of SIGNALS) process.on(name, hear)
  return {
    signal: controller.signal,
    exitCode: () => (first === null ? null : EXIT_CODE[first]),
    [Symbol.dispose]: () => {
      listening.delete(interrupt)
      for (const name of SIGNALS) process.off(name, hear)
    },
  }
}
