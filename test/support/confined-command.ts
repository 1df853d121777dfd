import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import type { ConfinedCommand } from '../../src/sandbox/sandbox.ts'

/** A command as a check runs it, in the tree of a new folder of an attempt. @param home absolute path */
export async function commandIn(
  home: string,
  [command = '', ...args]: readonly string[],
  searchPath = String(process.env['PATH']),
): Promise<ConfinedCommand> {
  const folder = path.join(home, 'workspaces', 'one')
  await mkdir(path.join(folder, 'tree'), { recursive: true })
  const env = { PATH: searchPath, HOME: folder }
  const limits = { timeoutMs: 60_000, maxOutputBytes: 10_000, signal: null }
  return {
    what: 'check',
    folder,
    writable: [folder],
    readable: [],
    reach: [],
    image: null,
    command,
    args,
    env,
    ...limits,
  }
}
