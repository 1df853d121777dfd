import { whenOver } from '../async/deadline.ts'
import type { Clock } from '../clock.ts'
import type { DoctorEvent, DoctorFinding } from '../contract/doctor.ts'
import { toFault } from '../faults/fault.ts'
import type { Look } from './examine.ts'

/** A look asks programs, remotes and GitHub; each has a limit of its own, but they add up. */
const LONGEST_MS = 60_000

type UnderWay = { events: DoctorEvent[]; more: PromiseWithResolvers<void> }

/**
 * Looks around once at a time: who asks meanwhile is told what that look has found so far, and the rest as it comes. Every
 * reader's events end with `result`. What still hangs after `longestMs` is a finding, and no other look begins before it is over.
 */
export function createExaminer(
  looks: () => readonly Look[],
  clock: Pick<Clock, 'now'>,
  longestMs = LONGEST_MS,
): (signal: AbortSignal) => AsyncGenerator<DoctorEvent, void, undefined> {
  let underWay: UnderWay | null = null
  const begin = (): UnderWay => {
    const run: UnderWay = { events: [], more: Promise.withResolvers() }
    void lookAround(looks(), { run, clock, longestMs }).finally(() => {
      underWay = null
    })
    return run
  }
  return async function* (signal) {
    underWay ??= begin()
    const run = underWay
    const left = Promise.withResolvers<void>()
    signal.addEventListener('abort', () => left.resolve(), { once: true })
    for (let at = 0; !signal.aborted; ) {
      const event = run.events[at]
      if (event === undefined) await Promise.race([run.more.promise, left.promise])
      else {
        at += 1
        yield event
        if (event.type === 'result') return
      }
    }
  }
}

type Looking = { run: UnderWay; clock: Pick<Clock, 'now'>; longestMs: number }

/** Never rejects: what a look throws is a finding. */
async function lookAround(looks: readonly Look[], { run, clock, longestMs }: Looking): Promise<void> {
  const beganAt = clock.now()
  let now = 'nothing'
  let isOver = false
  const put = (event: DoctorEvent) => {
    if (isOver) return
    run.events.push(event)
    run.more.resolve()
    run.more = Promise.withResolvers()
  }
  const end = (complete: boolean) => {
    const sound = run.events.every((event) => event.type !== 'finding' || !isBad(event.finding))
    const duration_ms = Math.max(0, clock.now().getTime() - beganAt.getTime())
    put({ type: 'result', sound, complete, began_at: beganAt.toISOString(), duration_ms })
    isOver = true
  }
  const inTime = whenOver(longestMs, () => {
    put({ type: 'finding', finding: tooLong(now, longestMs) })
    end(false)
  })
  for (const { at, find } of looks) {
    now = at
    put({ type: 'looking', at })
    for (const finding of await foundBy(find, at)) put({ type: 'finding', finding })
    if (isOver) return
  }
  inTime()
  end(true)
}

function isBad({ state }: DoctorFinding): boolean {
  return state === 'missing' || state === 'broken'
}

async function foundBy(find: Look['find'], at: string): Promise<DoctorFinding[]> {
  try {
    return await find()
  } catch (thrown) {
    return [{ name: at, state: 'broken', detail: toFault(thrown).message, remedy: null }]
  }
}

function tooLong(at: string, longestMs: number): DoctorFinding {
  const detail = `looking at ${at} takes longer than ${longestMs / 1_000} s; what comes after it was not looked at`
  return { name: 'doctor', state: 'warning', detail, remedy: 'look again later, or in a terminal: moose doctor' }
}
