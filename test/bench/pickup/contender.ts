import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'

/** A queue that is measured beside Moose. */
export type ContenderName = 'graphile-worker' | 'pg-boss'

/** The queue both of them use. */
export const QUEUE = 'bench'

/** Where a worker notes, as the first thing its job does, that it has begun. */
export const STARTS = `create table bench_starts (job text, at timestamptz not null default clock_timestamp())`

/** A worker of a contender in a process of its own, as Moose has one; disposing ends it. */
export async function startContender(name: ContenderName, url: string): Promise<AsyncDisposable> {
  const script = path.join(import.meta.dirname, 'contender-worker.ts')
  const child: ChildProcess = spawn(process.execPath, [script, name, url], { stdio: ['pipe', 'pipe', 'inherit'] })
  const closed = once(child, 'close')
  if (child.stdout === null) throw new Error('the worker has no output')
  const died = closed.then(() => Promise.reject(new Error(`${name} ended before it was ready`)))
  await Promise.race([once(createInterface({ input: child.stdout }), 'line'), died])
  return {
    async [Symbol.asyncDispose]() {
      child.stdin?.end()
      await closed
    },
  }
}
