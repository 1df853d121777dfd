import { type Config, shownDatabaseUrl } from '../../config.ts'
import { z } from '../../contract/zod.ts'
import { Fault } from '../../faults/fault.ts'
import { readTokenFile } from '../../files/api-token-file.ts'
import { isAlive } from '../../process/is-alive.ts'
import { patientFetch } from '../../remote/patient-fetch.ts'
import { type ApiClient, createApiClient } from './api-client.ts'
import { readServiceFile, type ServiceFile } from './service-file.ts'

/** The host of requests that never leave the process. */
export const IN_PROCESS_URL = 'http://127.0.0.1'
const GREETING_TIMEOUT_MS = 2_000

export type Connection = AsyncDisposable & {
  readonly api: ApiClient
  /** The `moose up` that answers; null when the app was opened in this process for this one command. */
  readonly service: ServiceFile | null
}

/**
 * The way to the API of a home: the service that serves it, or else the app itself, opened in this process and closed
 * when the connection is disposed.
 *
 * @throws {Fault} `config_invalid` when `DATABASE_URL` names another database than the service's; whatever opening the app
 *   throws
 */
export async function connect(config: Config): Promise<Connection> {
  const service = await serviceOf(config)
  if (service !== null) {
    return { api: await apiOf(service, config), service, [Symbol.asyncDispose]: async () => {} }
  }
  // Loaded only now: a command that talks to a running service starts without the database driver, the engine and the log.
  const [{ openMoose }, { createLogFor }] = await Promise.all([import('../../app.ts'), import('../../log.ts')])
  const moose = await openMoose(config, { log: createLogFor(config), role: 'client' })
  // A request that was given up still books what it has cost.
  const underWay = new Set<Promise<unknown>>()
  const fetchHere = async (request: Request) => {
    const answer = Promise.resolve(moose.http.fetch(request))
    underWay.add(answer)
    return await answer.finally(() => underWay.delete(answer))
  }
  return {
    api: createApiClient(IN_PROCESS_URL, fetchHere),
    service: null,
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(underWay)
      await moose[Symbol.asyncDispose]()
    },
  }
}

/**
 * The API of a running service, with the token that it takes: `MOOSE_API_TOKEN`, or that of the home, which is made where there
 * is none.
 *
 * @throws {Fault} `config_invalid` when the file may not be read; `database_*` when one has to be made and cannot
 */
export async function apiOf({ url }: Pick<ServiceFile, 'url'>, config: Config): Promise<ApiClient> {
  const token = config.apiToken === null ? await homeToken(config) : config.apiToken
  return createApiClient(url, (request) => {
    request.headers.set('authorization', `Bearer ${token}`)
    return patientFetch(request)
  })
}

async function homeToken(config: Config): Promise<string> {
  const token = await readTokenFile(config.home)
  if (token !== null) return token
  const [{ makeHomeToken }, { createLogFor }] = await Promise.all([import('../../app.ts'), import('../../log.ts')])
  return await makeHomeToken(config, createLogFor(config))
}

/**
 * The service of a home, if it works on the database the configuration names; null when there is none.
 *
 * @throws {Fault} `config_invalid` when it is another database: orders would be filed where the caller does not look
 */
export async function serviceOf(config: Config): Promise<ServiceFile | null> {
  const service = await findService(config.home)
  const { databaseUrl: named } = config
  if (service?.database === undefined || named === null) return service
  const shown = shownDatabaseUrl(named)
  if (shown === service.database.url) return service
  // Two addresses may lead to one database; only then it is worth to ask.
  if ((await identityOf(config, named)) === service.database.identity) return service
  const message =
    `DATABASE_URL names ${shown}, but the service of ${config.home} works on ${service.database.url}. ` +
    `Unset DATABASE_URL to use the service; for the other database choose another home with --home, or stop the service with: kill ${service.pid}`
  const details = { database_url: shown, service_database_url: service.database.url, home: config.home }
  throw new Fault('config_invalid', message, { variables: 'DATABASE_URL', ...details })
}

/** Null: the database does not answer, and so is not the one the service works on. */
async function identityOf(config: Config, databaseUrl: string): Promise<string | null> {
  const [{ identityOfDatabase }, { createLogFor }] = await Promise.all([import('../../app.ts'), import('../../log.ts')])
  try {
    return await identityOfDatabase({ ...config, databaseUrl }, createLogFor(config))
  } catch (error) {
    if (error instanceof Fault && error.code.startsWith('database_')) return null
    throw error
  }
}

/** The service that serves this home and answers; null when there is none. */
export async function findService(home: string): Promise<ServiceFile | null> {
  const service = await readServiceFile(home)
  return service !== null && (await answers(service)) ? service : null
}

const Health = z.object({ pid: z.number() })

/**
 * A file that a killed service left names a port that is free by now, or that another program has: the one that answers must be
 * the process that wrote the file, and alive. Only then it is sent a token.
 */
async function answers({ url, pid }: ServiceFile): Promise<boolean> {
  if (!isAlive(pid)) return false
  try {
    const signal = AbortSignal.timeout(GREETING_TIMEOUT_MS)
    const health = await createApiClient(url, patientFetch).call({
      method: 'GET',
      path: '/healthz',
      answer: Health,
      signal,
    })
    return health.pid === pid
  } catch {
    // Whatever the reason, it is not there: the caller opens the home itself, which fails if another process has it.
    return false
  }
}
