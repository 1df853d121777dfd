import { useQuery } from '@tanstack/react-query'
import { createContext, type ReactNode, useContext, useEffect, useState } from 'react'
import { followEvents, type LiveState } from './follow-events.ts'
import { queryClient, sessionQuery, statusQuery } from './queries.ts'

const Live = createContext<LiveState>('connecting')

export function useLiveState(): LiveState {
  return useContext(Live)
}

/** What is said of one order, and of all, is old once something has happened. */
const OF_ORDERS = new Set(['inbox', 'orders', 'order', 'why', 'route', 'tries', 'changes', 'status', 'budget', 'audit'])
/** What is set and switched, and what depends on it. */
const OF_SETTINGS = new Set(
  ['inbox', 'orders', 'order', 'why', 'status', 'budget', 'audit'].concat(['projects', 'proposers', 'tokens']),
)
const OF_NUMBERS = new Set(['numbers'])
/** What happens at once is asked for once. */
const GATHER_MS = 100
/** Sums over many days are dear, and what one event adds to them is little. */
const GATHER_NUMBERS_MS = 1_000
/** Lines of a check change nothing that is shown elsewhere. */
const QUIET_TYPES = new Set(['output', 'progress'])

/** Follows the events of all orders, and has what they make old asked for again. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const [state, setState] = useState<LiveState>('connecting')
  const { data: status } = useQuery(statusQuery)
  const isKnown = status !== undefined
  useEffect(() => {
    if (status === undefined) return undefined
    const left = new AbortController()
    const refreshOrders = refreshing(OF_ORDERS, GATHER_MS)
    const refreshNumbers = refreshing(OF_NUMBERS, GATHER_NUMBERS_MS)
    const refreshSettings = refreshing(OF_SETTINGS, GATHER_MS)
    const refresh = () => {
      refreshOrders()
      refreshNumbers()
    }
    let wasLive = false
    void followEvents({
      path: '/api/events',
      after: status.last_event_id,
      signal: left.signal,
      onEvent: ({ type }) => {
        if (!QUIET_TYPES.has(type)) refresh()
      },
      onSettings: () => {
        refreshSettings()
        // They are shown against the caps.
        refreshNumbers()
      },
      onState: (next) => {
        setState(next)
        // Settings that were changed meanwhile are told by no event.
        if (next === 'live' && wasLive) {
          refreshSettings()
          refreshNumbers()
        }
        if (next === 'live') wasLive = true
        if (next === 'over') void queryClient.invalidateQueries({ queryKey: sessionQuery.queryKey })
      },
    })
    return () => left.abort()
    // Only where to begin is taken from the status.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [isKnown])
  return <Live value={state}>{children}</Live>
}

/** Has what is named asked for again where it is shown. */
function refreshing(names: ReadonlySet<string>, withinMs: number): () => void {
  return gathered(withinMs, () =>
    queryClient.invalidateQueries({ predicate: ({ queryKey: [name] }) => names.has(String(name)) }),
  )
}

/** A question that is not answered for so long no longer keeps others from being asked. */
const LONGEST_RUN_MS = 10_000
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Runs soon, with all that was wanted meanwhile, and not again before it has ended: another run would break it off. */
function gathered(withinMs: number, run: () => Promise<void>): () => void {
  let isWanted = false
  let isUnderWay = false
  const begin = async () => {
    isUnderWay = true
    while (isWanted) {
      await pause(withinMs)
      isWanted = false
      await Promise.race([run(), pause(LONGEST_RUN_MS)])
    }
    isUnderWay = false
  }
  return () => {
    isWanted = true
    if (!isUnderWay) void begin()
  }
}
