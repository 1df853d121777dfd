import { Fault } from '../../faults/fault.ts'
import { patientFetch } from '../../remote/patient-fetch.ts'
import type { Cli } from '../cli.ts'
import { type ApiClient, createApiClient } from './api-client.ts'
import { findService } from './connect.ts'

/**
 * For commands that mean the running service and nothing else.
 *
 * @throws {Fault} `not_running`
 */
export async function withService(cli: Cli, work: (api: ApiClient) => Promise<void>): Promise<void> {
  const { home } = cli.config()
  const service = await findService(home)
  if (service === null) {
    throw new Fault('not_running', `No moose up serves ${home}. Start one with: moose up --start`, { home })
  }
  await work(createApiClient(service.url, patientFetch))
}
