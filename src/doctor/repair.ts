import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../config.ts'
import { tryOwn } from '../db/lock.ts'
import { aiderFolder } from '../executors/aider/find-aider.ts'
import { installAider } from '../executors/aider/install.ts'
import type { Log } from '../log.ts'

const LOOK_AGAIN_MS = 500

/** How a repair reports its progress and is stopped. */
export type RepairWatch = {
  onProgress: (message: string) => void
  /** Ends it. */
  signal: AbortSignal
}

/**
 * Installs what Moose can install itself. Waits while another process is installing.
 *
 * @throws {Fault} `command_missing`, `command_failed`, `attempt_cancelled`
 */
export async function repair(
  config: Config,
  { databaseUrl, log }: { databaseUrl: string; log: Log },
  { onProgress, signal }: RepairWatch,
): Promise<void> {
  if (config.aiderBin !== null) {
    onProgress(`ORCHESTRATOR_AIDER_BIN names an Aider of your own (${config.aiderBin}); none is installed.`)
    return
  }
  const folder = aiderFolder(config)
  const onLost = () => log.warn('the database went away during an installation')
  const own = () => tryOwn({ url: databaseUrl, name: `installation:${folder}`, onLost, log })
  let owned = await own()
  if (owned === null) onProgress('Another process is installing Aider; waiting for it …')
  while (owned === null) {
    await sleep(LOOK_AGAIN_MS, undefined, { signal })
    owned = await own()
  }
  await using _alone = owned
  await installAider({ folder, environment: config.installEnvironment, onProgress, signal })
}
