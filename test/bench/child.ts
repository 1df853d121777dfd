import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/**
 * Starts a script of a bench in a process of its own and waits for its first line. `ask` writes a line to it and waits for
 * the next of its own. Disposing closes its input, which tells it to end, and waits until it has.
 *
 * @param script absolute path
 */
export async function startChild(
  script: string,
  { args = [], env }: { args?: readonly string[]; env: Readonly<Record<string, string | undefined>> },
): Promise<AsyncDisposable & { pid: number; ask(line: string): Promise<string> }> {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['pipe', 'pipe', 'inherit'], env })
  const closed = once(child, 'close')
  const lines = createInterface({ input: child.stdout })
  const died = closed.then(() => Promise.reject(new Error(`${script} ended before it was ready`)))
  await Promise.race([once(lines, 'line'), died])
  return {
    pid: Number(child.pid),
    async ask(line) {
      const answered = once(lines, 'line')
      child.stdin.write(`${line}\n`)
      return String((await Promise.race([answered, died]))[0])
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      await closed
    },
  }
}
