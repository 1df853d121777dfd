import path from 'node:path'
import type { Config } from '../config.ts'
import { createAiderExecutor } from '../executors/aider/aider-executor.ts'
import { AIDER_VERSION } from '../executors/aider/aider-version.ts'
import { createAiderFinder } from '../executors/aider/find-aider.ts'
import { createPatchExecutor } from '../executors/patch/patch-executor.ts'
import type { Executors } from '../pipeline/choose-executor.ts'
import type { ModelGateway } from '../pipeline/ports/model-access.ts'

/** Where `moose doctor --fix` puts Aider. */
export function aiderFolder({ home }: Pick<Config, 'home'>): string {
  return path.join(home, 'aider', AIDER_VERSION)
}

export function createExecutors(config: Config, gateway: ModelGateway): Executors {
  const { home, executor: wanted, aiderBin: bin, aiderTimeoutMs: timeoutMs, contextMaxBytes, executablePath } = config
  const locate = createAiderFinder({ bin, folder: aiderFolder(config), executablePath })
  const aider = createAiderExecutor({ gateway, locate, timeoutMs, contextMaxBytes, executablePath, home })
  return { wanted, patch: createPatchExecutor(), aider }
}
