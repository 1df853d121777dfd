import assert from 'node:assert/strict'
import { Fault } from '../../src/faults/fault.ts'

const SMALLEST = 2_000
/** Less than this is too short to be compared. */
const MEASURABLE_MS = 60
/** Of an input four times as long: 4 is linear, 16 quadratic. */
const MOST_GROWTH = 8
const RUNS = 3

/**
 * Fails where the time of a function grows faster than its input. The input is doubled until it takes long enough to be
 * measured, then compared with the time of a quarter of it. What counts is the processor's time of this thread, the
 * least of several runs, so that a busy machine makes no difference.
 *
 * @param most characters of the longest input; a function that is not measurable there is quick enough
 */
export async function assertLinear<Input>(
  make: (size: number) => Input,
  run: (input: Input) => unknown,
  most: number,
): Promise<void> {
  for (let size = SMALLEST; size <= most; size *= 2) {
    const input = make(size)
    const tookMs = await leastMs(() => run(input))
    if (tookMs < MEASURABLE_MS) continue
    const quarter = make(size / 4)
    const quarterMs = await leastMs(() => run(quarter))
    // A busy machine has been seen to make all runs of one size slow.
    const again = tookMs > quarterMs * MOST_GROWTH ? await leastMs(() => run(input)) : tookMs
    const leastTookMs = Math.min(tookMs, again)
    const told = `${size / 4} characters took ${quarterMs.toFixed(0)} ms, ${size} took ${leastTookMs.toFixed(0)} ms`
    assert.ok(leastTookMs <= quarterMs * MOST_GROWTH, `not linear: ${told}`)
    return
  }
}

async function leastMs(run: () => unknown): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < RUNS; round += 1) {
    const before = process.threadCpuUsage()
    await run()
    const { user, system } = process.threadCpuUsage(before)
    least = Math.min(least, (user + system) / 1_000)
  }
  return least
}

/** A text of about so many characters that is one part again and again. */
export const repeated = (part: string) => (size: number) => part.repeat(Math.ceil(size / part.length))

/** What a function gives, or refuses by a fault: a refusal is an answer too. */
export function orFault(run: () => unknown): unknown {
  try {
    return run()
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
}
