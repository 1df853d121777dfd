import path from 'node:path'
import type { Config } from '../../config.ts'
import { namesIn } from '../../files/names-in.ts'
import { removeTree } from '../remove-tree.ts'
import { isLeft, namesOfHome } from './container-name.ts'
import { Engine, engineOf, quoted } from './engine.ts'

/** Where a running container's own files are, one folder each. @param home absolute path */
export const placesIn = (home: string): string => path.join(home, 'containers')

/** A container of a process of this home that is gone, or the files of one. */
export type LeftContainer = {
  name: string
  /** @returns whether neither is there any more */
  remove(): Promise<boolean>
}

/**
 * Containers that killed processes of this home have left, and their files. Empty where the sandbox is none of containers:
 * those of an engine that was set before are found when it is set again.
 *
 * @throws {Fault} `sandbox_unavailable` when the engine cannot be asked
 */
export async function leftContainers(config: EngineConfig): Promise<LeftContainer[]> {
  const engine = engineOf(config)
  if (engine === null) return []
  const prefix = namesOfHome(config.home)
  const folder = placesIn(config.home)
  const names = new Set([...(await runningNames(engine, prefix)), ...(await namesIn(folder))])
  return [...names]
    .filter((name) => name.startsWith(prefix) && isLeft(name))
    .map((name) => ({
      name,
      async remove() {
        if (!(await engine.remove(name))) return false
        await removeTree(path.join(folder, name))
        return true
      },
    }))
}

type EngineConfig = Pick<Config, 'home' | 'sandbox' | 'engineArguments' | 'engineEnvironment'>

/** Also those that have ended or never started. */
async function runningNames(engine: Engine, prefix: string): Promise<string[]> {
  const args = ['ps', '--all', '--filter', `name=^${prefix}`, '--format', '{{.Names}}']
  const { exitCode, stdout, stderr } = await engine.call(args)
  if (exitCode === 0)
    return stdout
      .text()
      .split('\n')
      .filter((name) => name !== '')
  throw engine.fault(`its containers cannot be listed: ${quoted(stderr.text())}`, 'engine_broken')
}
