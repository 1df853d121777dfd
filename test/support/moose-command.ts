import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { text } from 'node:stream/consumers'

const MAIN = path.join(import.meta.dirname, '../../src/cli/main.ts')
const SAID_WITHIN_MS = 20_000

export type Ended = { exitCode: number | null; stdout: string; stderr: string }

export type MooseCommand = AsyncDisposable & {
  child: ChildProcess
  /** How it ended and everything it printed. */
  ended: Promise<Ended>
  /** Resolves when stdout and stderr together have said this. */
  said(what: RegExp): Promise<RegExpExecArray>
}

export type CommandSurroundings = { environment: Record<string, string>; cwd?: string; stdin?: string }

/** Starts `moose` with these words in a process of its own; disposing kills it if it still runs. */
export function startMoose(words: readonly string[], surroundings: CommandSurroundings): MooseCommand {
  const { environment, cwd = '/', stdin = '' } = surroundings
  const env = { PATH: process.env['PATH'], HOME: '/nonexistent', MOOSE_INVOKED: 'moose', ...environment }
  const child = spawn(process.execPath, [MAIN, ...words], { cwd, env, stdio: 'pipe' })
  // A command that does not read its input may be gone before it is written.
  child.stdin.on('error', () => undefined)
  child.stdin.end(stdin)
  const closed = once(child, 'close')
  let heard = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (piece: Buffer) => {
      heard += piece.toString()
      child.emit('heard')
    })
  }
  return {
    child,
    ended: Promise.all([text(child.stdout), text(child.stderr), closed]).then(([stdout, stderr]) => ({
      exitCode: child.exitCode,
      stdout,
      stderr,
    })),
    async said(what) {
      const patience = AbortSignal.timeout(SAID_WITHIN_MS)
      for (;;) {
        const match = what.exec(heard)
        if (match !== null) return match
        if (child.exitCode !== null) throw new Error(`moose ended without saying ${what}: ${heard}`)
        await Promise.race([once(child, 'heard', { signal: patience }), closed])
      }
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await closed
    },
  }
}

/** Runs `moose` with these words to its end. */
export async function moose(words: readonly string[], surroundings: CommandSurroundings): Promise<Ended> {
  await using command = startMoose(words, surroundings)
  return await command.ended
}
