import type { Settings } from '../db/system-config.ts'

export type DispatcherDeps = {
  readSettings: () => Promise<Settings>
  /** Whether an emergency stop is in force; asking also aborts what runs here. */
  isStopped: () => Promise<boolean>
  /** @returns whether to look again soon: an order that may start was held up, and no notification follows when its row is free */
  claimAndStart: (settings: Settings) => Promise<boolean>
  onError: (error: unknown) => void
  now: () => Date
}

/**
 * Claims what may start: when woken, and at the interval in case a notification was lost. Once it is disposed, no look
 * is under way.
 */
export type Dispatcher = AsyncDisposable & {
  start(intervalMs: number | null): Promise<number>
  stop(): void
  /** Looks now; while a look is under way, once more after it. */
  wake(): void
  readonly polling: boolean
  readonly lastPoll: Date | null
  /** Null before the first start. */
  readonly intervalMs: number | null
}

/** The shortest pause to the next look where an order was held up. */
const SOON_MS = 500

export function createDispatcher(deps: DispatcherDeps): Dispatcher {
  let timer: NodeJS.Timeout | null = null
  let polling = false
  const heldUp = createHeldUp(deps.now)
  let asked: number | null = null
  let intervalMs: number | null = null
  let lastPoll: Date | null = null

  async function look(): Promise<void> {
    lastPoll = deps.now()
    const isHeldUp = await claimOnce().catch((error: unknown) => {
      deps.onError(error)
      return false
    })
    heldUp.saw(isHeldUp)
  }

  async function claimOnce(): Promise<boolean> {
    const [isStopped, settings] = await Promise.all([deps.isStopped(), deps.readSettings()])
    intervalMs = asked === null ? settings.pollingIntervalMs : asked
    // Stopped meanwhile: what is claimed now would only be left to others.
    if (isStopped || !settings.enabled || !polling) return false
    return await deps.claimAndStart(settings)
  }

  function schedule(): void {
    if (timer !== null) clearTimeout(timer)
    if (!polling || intervalMs === null) timer = null
    else timer = setTimeout(looks.ask, Math.min(heldUp.pauseMs(), intervalMs))
  }

  const looks = oneByOne(look, { wanted: () => polling, atRest: schedule })

  function stop(): void {
    polling = false
    schedule()
  }

  return {
    async start(wanted) {
      const settings = await deps.readSettings()
      asked = wanted
      intervalMs = wanted === null ? settings.pollingIntervalMs : wanted
      polling = true
      looks.ask()
      return intervalMs
    },
    stop,
    wake: looks.ask,
    get polling() {
      return polling
    },
    get lastPoll() {
      return lastPoll
    },
    get intervalMs() {
      return intervalMs
    },
    async [Symbol.asyncDispose]() {
      stop()
      await looks.ended()
    },
  }
}

/**
 * The pause where looks find an order held up: as long as that has been so, which doubles it about each time. A row that is held for
 * long is not looked at often.
 */
function createHeldUp(now: () => Date) {
  let since: Date | null = null
  return {
    saw(isHeldUp: boolean): void {
      if (!isHeldUp) since = null
      else since ??= now()
    },
    /** Infinite where none is held up. */
    pauseMs: () => (since === null ? Number.POSITIVE_INFINITY : Math.max(SOON_MS, now().getTime() - since.getTime())),
  }
}

/**
 * @param look never rejects
 * @param wanted whether a look that was asked for is made; one that is not wanted now is made at the next asking
 * @param atRest what follows the last look that was asked for
 * @returns `ask` for a look now, or one more after the look under way; `ended` once none is under way
 */
function oneByOne(look: () => Promise<void>, { wanted, atRest }: { wanted: () => boolean; atRest: () => void }) {
  let looking: Promise<void> | null = null
  let again = false

  async function whileAsked(): Promise<void> {
    while (wanted() && again) {
      again = false
      await look()
    }
    looking = null
    atRest()
  }

  return {
    ask(): void {
      again = true
      if (wanted()) looking ??= whileAsked()
    },
    ended: async (): Promise<void> => {
      await looking
    },
  }
}
