import { setTimeout as delay } from 'node:timers/promises'
import type { OwnServer } from './own-server.ts'

/** Restarts a server again and again until disposed, fast and immediate by turns. */
export function keepRestarting(server: OwnServer, everyMs: number): AsyncDisposable & { readonly count: number } {
  let count = 0
  let stopped = false
  const restarting = (async () => {
    for (;;) {
      for (let waited = 0; waited < everyMs && !stopped; waited += 50) await delay(50)
      if (stopped) return
      await server.restart(count % 2 === 0 ? 'immediate' : 'fast')
      count += 1
    }
  })()
  return {
    get count() {
      return count
    },
    async [Symbol.asyncDispose]() {
      stopped = true
      await restarting
    },
  }
}
