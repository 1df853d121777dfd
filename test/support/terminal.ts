import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { until } from './until.ts'

const run = promisify(execFile)

/** A shell in a terminal of tmux, on a server of its own; disposing ends both. */
export type Terminal = AsyncDisposable & {
  /** What its screen shows, a line each; without blanks at the end of lines. */
  screen(): Promise<string>
  /** The same with the codes for colours. */
  painted(): Promise<string>
  /** Types a line and Enter. */
  type(line: string): Promise<void>
  /** Presses keys one after the other, by tmux's names: `j`, `Enter`, `C-c`. */
  press(...keys: string[]): Promise<void>
  /** Pastes a text, told to a program that asks for that (bracketed paste). */
  paste(text: string): Promise<void>
  resize(columns: number, rows: number): Promise<void>
  /** Waits until the screen shows this. @returns the screen */
  shows(what: RegExp): Promise<string>
  /** Whether a program has the other screen (`alternate_on`), and whether the cursor is seen (`cursor_flag`). */
  flag(name: 'alternate_on' | 'cursor_flag'): Promise<boolean>
}

/** @param environment all that its shell has beside TERM */
export async function openTerminal(
  environment: Record<string, string>,
  { columns = 80, rows = 24 }: { columns?: number; rows?: number } = {},
): Promise<Terminal> {
  const folder = await mkdtemp(path.join(tmpdir(), 'moose-terminal-'))
  const env = {
    PATH: String(process.env['PATH']),
    LANG: 'C.UTF-8',
    ENV: '',
    PS1: '$ ',
    ...environment,
    TMUX_TMPDIR: folder,
  }
  const tmux = async (...args: string[]) =>
    (await run('tmux', ['-L', 'moose', '-f', '/dev/null', ...args], { env })).stdout
  const size = ['-x', String(columns), '-y', String(rows)]
  await tmux('new-session', '-d', ...size, 'exec sh')
  await tmux('set-option', '-g', 'window-size', 'manual')
  const screen = async () => lines(await tmux('capture-pane', '-p'))
  return {
    screen,
    painted: () => tmux('capture-pane', '-p', '-e'),
    async type(line) {
      await tmux('send-keys', '-l', line)
      await tmux('send-keys', 'Enter')
    },
    async press(...keys) {
      for (const key of keys) await tmux('send-keys', key)
    },
    async paste(text) {
      await tmux('set-buffer', text)
      await tmux('paste-buffer', '-p')
    },
    resize: async (x, y) => void (await tmux('resize-window', '-x', String(x), '-y', String(y))),
    async shows(what) {
      await until(`the screen shows ${what}`, async () => what.test(await screen()), { everyMs: 100, say: screen })
      return await screen()
    },
    flag: async (name) => (await tmux('display-message', '-p', `#{${name}}`)).trim() === '1',
    async [Symbol.asyncDispose]() {
      // The server ends with its last session; a test may have ended that.
      await tmux('kill-server').catch(() => '')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function lines(captured: string): string {
  return captured
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
    .trimEnd()
}
