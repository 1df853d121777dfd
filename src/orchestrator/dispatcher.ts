import type { Settings } from '../db/system-config.ts'

export type DispatcherDeps = {
  readSettings: () => Promise<Settings>
  /** Whether an emergency stop is in force; asking also aborts what runs here. */
  isStopped: () => Promise<boolean>
  claimAndStart: (settings: Settings) => Promise<void>
  onError: (error: unknown) => void
  now: () => Date
}

/** Claims what may start: when woken, and at the interval in case a notification was lost. */
export type Dispatcher = {
  start(intervalMs: number | null): Promise<number>
  stop(): void
  /** Looks now; while a look is under way, once more after it. */
  wake(): void
  readonly polling: boolean
  readonly lastPoll: Date | null
  /** Null before the first start. */
  readonly intervalMs: number | null
}

export function createDispatcher(deps: DispatcherDeps): Dispatcher {
  let timer: NodeJS.Timeout | null = null
  let polling = false
  let asked: number | null = null
  let intervalMs: number | null = null
  let lastPoll: Date | null = null
  let looking = false
  let again = false

  function wake(): void {
    again = true
    if (polling && !looking) void look()
  }

  async function look(): Promise<void> {
    looking = true
    while (polling && again) {
      again = false
      lastPoll = deps.now()
      await claimOnce().catch(deps.onError)
    }
    looking = false
    schedule()
  }

  async function claimOnce(): Promise<void> {
    const [isStopped, settings] = await Promise.all([deps.isStopped(), deps.readSettings()])
    intervalMs = asked === null ? settings.pollingIntervalMs : asked
    // Stopped meanwhile: what is claimed now would only be left to others.
    if (isStopped || !settings.enabled || !polling) return
    await deps.claimAndStart(settings)
  }

  function schedule(): void {
    if (timer !== null) clearTimeout(timer)
    timer = polling && intervalMs !== null ? setTimeout(wake, intervalMs) : null
  }

  return {
    async start(wanted) {
      const settings = await deps.readSettings()
      asked = wanted
      intervalMs = wanted === null ? settings.pollingIntervalMs : wanted
      polling = true
      wake()
      return intervalMs
    },
    stop() {
      polling = false
      schedule()
    },
    wake,
    get polling() {
      return polling
    },
    get lastPoll() {
      return lastPoll
    },
    get intervalMs() {
      return intervalMs
    },
  }
}
