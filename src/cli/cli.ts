import type { Config } from '../config.ts'
import { Fault } from '../faults/fault.ts'
import type { ApiClient } from './client/api-client.ts'
import { apiOf, type Connection, connect, serviceOf } from './client/connect.ts'
import type { Output } from './pages/output.ts'

/** What every command is given. */
export type Cli = {
  readonly output: Output
  /** Absolute path of the folder the user is in. */
  readonly cwd: string
  /** Of this process: what says which terminal and which desktop it has. Settings are in `config`. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The environment with `--home` on top. @throws {Fault} `config_invalid` */
  config(): Config
  readStdin(): Promise<string>
}

/** Runs a command's work against the API and closes the connection whatever happens. */
export async function withApi(
  cli: Cli,
  work: (api: ApiClient, service: Connection['service']) => Promise<void>,
): Promise<void> {
  await using connection = await openConnection(cli)
  await work(connection.api, connection.service)
}

async function openConnection(cli: Cli): Promise<Connection> {
  using _waiting = cli.output.spinner('opening the database')
  return await connect(cli.config())
}

/** For commands that mean the running service and nothing else. @throws {Fault} as `serviceApi` */
export async function withService(cli: Cli, work: (api: ApiClient) => Promise<void>): Promise<void> {
  await work(await serviceApi(cli))
}

/**
 * The API of the running service.
 *
 * @throws {Fault} `not_running`, `config_invalid` as `connect`
 */
export async function serviceApi(cli: Cli): Promise<ApiClient> {
  const config = cli.config()
  const { home } = config
  const service = await serviceOf(config)
  if (service === null) {
    throw new Fault('not_running', `No service is up for ${home}. Start one with: moose up --start`, { home })
  }
  return await apiOf(service, config)
}
