import { Fault, toFault } from '../../faults/fault.ts'

/** Why a child was ended that was over a limit; which one is said by the groups and the disk afterwards. */
export const OVER = new Fault('child_limit', 'It was ended by a limit.')

/**
 * Runs a child and looks at it again and again, one look at a time.
 *
 * @param run told by the signal to end it
 * @throws {Fault} `OVER` where `run` ends with what the signal says, which it is once a look found the child over a limit; what
 *   a look threw
 */
export async function lookedAfter<Result>(
  { everyMs, isOver }: { everyMs: number; isOver: () => Promise<boolean> },
  run: (over: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const over = new AbortController()
  let isLooking = false
  const look = async () => {
    if (isLooking || over.signal.aborted) return
    isLooking = true
    if (await isOver()) over.abort(OVER)
    isLooking = false
  }
  const giveUp = (error: unknown) => over.abort(toFault(error))
  const looking = setInterval(() => void look().catch(giveUp), everyMs)
  try {
    return await run(over.signal)
  } finally {
    clearInterval(looking)
  }
}
