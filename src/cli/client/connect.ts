import type { Config } from '../../config.ts'
import { OrchestratorStatusResponse } from '../../contract/orchestrator.ts'
import { Fault, type FaultCode } from '../../faults/fault.ts'
import { createLogFor } from '../../log.ts'
import { isAlive } from '../../process/is-alive.ts'
import { patientFetch } from '../../remote/patient-fetch.ts'
import { type ApiClient, createApiClient } from './api-client.ts'
import { readServiceFile, type ServiceFile } from './service-file.ts'

/** The host of requests that never leave the process. */
export const IN_PROCESS_URL = 'http://127.0.0.1'
const GREETING_TIMEOUT_MS = 2_000
const SAYS_WHY: readonly FaultCode[] = ['config_invalid', 'database_refused', 'database_unreachable']

export type Connection = AsyncDisposable & {
  readonly api: ApiClient
  /** The `moose up` that answers; null when the app was opened in this process for this one command. */
  readonly service: ServiceFile | null
}

/**
 * The way to the API of a home: the service that serves it, or else the app itself, opened in this process and closed
 * when the connection is disposed.
 *
 * @throws {Fault} whatever opening the app throws
 */
export async function connect(config: Config): Promise<Connection> {
  const service = await findService(config.home)
  if (service !== null) {
    return { api: createApiClient(service.url, patientFetch), service, [Symbol.asyncDispose]: async () => {} }
  }
  // Loaded only now: a command that talks to a running service starts without the database driver and the engine.
  const { openMoose } = await import('../../app.ts')
  const moose = await openMoose(config, { log: createLogFor(config), role: 'client' })
  return {
    api: createApiClient(IN_PROCESS_URL, (request) => moose.http.fetch(request)),
    service: null,
    [Symbol.asyncDispose]: () => moose[Symbol.asyncDispose](),
  }
}

/** The service that serves this home and answers; null when there is none. */
export async function findService(home: string): Promise<ServiceFile | null> {
  const service = await readServiceFile(home)
  return service !== null && (await answers(service)) ? service : null
}

/**
 * A file that a killed service left names a port that is free by now, or that another home's service has: the one that
 * answers must be the process that wrote the file.
 */
async function answers({ url, pid }: ServiceFile): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(GREETING_TIMEOUT_MS)
    const { status } = await createApiClient(url, patientFetch).call({
      method: 'GET',
      path: '/api/orchestrator',
      answer: OrchestratorStatusResponse,
      signal,
    })
    return status.pid === pid
  } catch (error) {
    // It answers that it cannot say how it stands (its database is away): it is there, and tells the caller why.
    if (error instanceof Fault && SAYS_WHY.includes(error.code)) return isAlive(pid)
    // Whatever else the reason, it is not there: the caller opens the home itself, which fails if another process has it.
    return false
  }
}
