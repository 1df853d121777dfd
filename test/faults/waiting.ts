import { setTimeout as delay } from 'node:timers/promises'

/** Looks often until it is so. @throws {Error} after a while, with `what` and what the last look found */
export async function until(
  what: string,
  look: () => Promise<boolean>,
  { withinMs = 60_000, say = async () => '' }: { withinMs?: number; say?: () => Promise<string> } = {},
): Promise<void> {
  for (const deadline = Date.now() + withinMs; !(await look()); await delay(20)) {
    if (Date.now() > deadline) throw new Error(`not within ${withinMs / 1000}s: ${what}. ${await say()}`)
  }
}

export async function pause(ms: number): Promise<void> {
  await delay(ms)
}
