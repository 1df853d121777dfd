import type { Executors } from '../attempt/choose-executor.ts'
import type { Config } from '../config.ts'
import { createAiderExecutor } from '../executors/aider/aider-executor.ts'
import { aiderFolder, createAiderFinder } from '../executors/aider/find-aider.ts'
import { createPatchExecutor } from '../executors/patch/patch-executor.ts'
import type { ModelGateway } from '../ports/model-access.ts'

export function createExecutors(config: Config, gateway: ModelGateway): Executors {
  const { home, executor: wanted, aiderBin: bin, aiderTimeoutMs: timeoutMs, contextMaxBytes, executablePath } = config
  const locate = createAiderFinder({ bin, folder: aiderFolder(config), executablePath })
  const aider = createAiderExecutor({ gateway, locate, timeoutMs, contextMaxBytes, executablePath, home })
  return { wanted, patch: createPatchExecutor(), aider }
}
