import { setTimeout as delay } from 'node:timers/promises'

/**
 * Looks again and again until it is so. Every test that waits for something waits here, so that a machine that is busy
 * makes a test slow and nothing else.
 *
 * @param what is waited for, for the message
 * @throws {Error} when it is not so in time, with `what` and what `say` has to say by then
 */
export async function until(
  what: string,
  look: () => boolean | Promise<boolean>,
  {
    withinMs = 60_000,
    everyMs = 20,
    say = () => '',
  }: { withinMs?: number; everyMs?: number; say?: () => string | Promise<string> } = {},
): Promise<void> {
  for (const deadline = Date.now() + withinMs; !(await look()); await delay(everyMs)) {
    if (Date.now() > deadline) throw new Error(`not within ${withinMs / 1000}s: ${what}. ${await say()}`)
  }
}
