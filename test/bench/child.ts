import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/**
 * Starts a script of a bench in a process of its own and waits for its first line. Disposing closes its input, which
 * tells it to end, and waits until it has.
 *
 * @param script absolute path
 */
export async function startChild(
  script: string,
  { args = [], env }: { args?: readonly string[]; env: Readonly<Record<string, string | undefined>> },
): Promise<AsyncDisposable & { pid: number }> {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['pipe', 'pipe', 'inherit'], env })
  const closed = once(child, 'close')
  const lines = createInterface({ input: child.stdout })
  const died = closed.then(() => Promise.reject(new Error(`${script} ended before it was ready`)))
  await Promise.race([once(lines, 'line'), died])
  return {
    pid: Number(child.pid),
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      await closed
    },
  }
}
