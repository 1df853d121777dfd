import { setTimeout as delay } from 'node:timers/promises'
import type { ArmedFault } from '../config/environment.ts'
import { setFault } from '../faults/fault-point.ts'
import type { Log } from '../log.ts'

/** After a signal to itself a process runs on for a moment. */
const MOMENT_MS = 60_000
/** Several leases of a fault test. */
const BLOCK_MS = 10_000

/**
 * Has one fault happen around one effect of this process, once: how Moose survives it is what the fault tests try.
 *
 * `kill` ends the process as `kill -9` does, `stop` pauses it until it is sent SIGCONT, `block` keeps its main
 * thread busy for ten seconds, `fail` throws; after the effect, that is one that happened and is reported as failed.
 */
export function armFault({ effect, moment, how, time }: ArmedFault, log: Log): void {
  let times = 0
  setFault(async (met, when) => {
    if (met !== effect || when !== moment) return
    times += 1
    if (times !== time) return
    log.error({ effect, moment, how }, 'the fault that MOOSE_FAULT asks for happens now')
    if (how === 'fail') throw new Error(`MOOSE_FAULT: ${effect} ${moment}`)
    if (how === 'block') return spin()
    process.kill(process.pid, how === 'kill' ? 'SIGKILL' : 'SIGSTOP')
    // What comes next must not happen before the signal has.
    if (how === 'kill') await delay(MOMENT_MS)
    else await delay(50)
  })
}

/** As a parser does that is given too much: nothing else of this thread runs meanwhile. */
function spin(): void {
  const until = performance.now() + BLOCK_MS
  while (performance.now() < until);
}
