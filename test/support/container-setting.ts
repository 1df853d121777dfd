import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type Config, readConfig } from '../../src/config.ts'
import { ContainerSandbox } from '../../src/sandbox/container/container-sandbox.ts'
import { createSandbox } from '../../src/sandbox/create-sandbox.ts'
import type { ConfinedCommand, Sandbox } from '../../src/sandbox/sandbox.ts'
import type { ContainerEngine } from './container-engine.ts'

export type Ended = { exitCode: number | null; output: string }
type Changes = Partial<Omit<ConfinedCommand, 'command' | 'args'>>

/** A home and the folder of an attempt in it, and shells that run there with a sandbox and without. */
export type ContainerSetting = AsyncDisposable & {
  config: Config
  home: string
  /** Of the attempt: `tree`, `home` and `tmp` in it. */
  folder: string
  sandbox: ContainerSandbox
  /** A script in a container. */
  inside: (script: string, changes?: Changes) => Promise<Ended>
  /** The same with `MOOSE_SANDBOX=none`. */
  without: (script: string, changes?: Changes) => Promise<Ended>
}

export async function containerSetting(
  engine: ContainerEngine,
  settings: Readonly<Record<string, string>> = {},
): Promise<ContainerSetting> {
  const root = await mkdtemp(path.join(tmpdir(), 'moose-container-'))
  const config = readConfig({ ...engine.environment, MOOSE_HOME: path.join(root, 'ho,m"e:1'), ...settings })
  const { home } = config
  const folder = path.join(home, 'workspaces', 'one')
  for (const part of ['tree', 'home', 'tmp']) await mkdir(path.join(folder, part), { recursive: true, mode: 0o700 })
  await writeFile(path.join(home, 'secret'), 'canary\n', { mode: 0o600 })
  const sandbox = createSandbox(config)
  if (!(sandbox instanceof ContainerSandbox)) throw new Error('these settings name no engine')
  const shell =
    (of: Sandbox, path: string) =>
    async (script: string, changes: Changes = {}) => {
      const pieces: string[] = []
      const { exitCode } = await of.run({
        what: 'check',
        folder,
        writable: [folder],
        readable: [],
        reach: [],
        image: engine.image,
        command: '/bin/sh',
        args: ['-c', `exec 2>&1; ${script}`],
        env: { HOME: `${folder}/home`, TMPDIR: `${folder}/tmp`, PATH: path },
        timeoutMs: 120_000,
        maxOutputBytes: 0,
        signal: null,
        onOutput: (text) => void pieces.push(text),
        ...changes,
      })
      return { exitCode, output: pieces.join('') }
    }
  return {
    config,
    home,
    folder,
    sandbox,
    inside: shell(sandbox, ''),
    without: shell(createSandbox({ ...config, sandbox: 'none' }), '/usr/bin:/bin'),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }),
  }
}
