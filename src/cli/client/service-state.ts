import { OrchestratorStatusResponse } from '../../contract/orchestrator.ts'
import type { ApiClient } from './api-client.ts'
import type { Connection } from './connect.ts'

/** Who would carry out an approved order now: `none` is up, one is up and does not poll, or one takes orders on. */
export type ServiceState = 'none' | 'idle' | 'polling'

export async function serviceStateOf(api: ApiClient, service: Connection['service']): Promise<ServiceState> {
  if (service === null) return 'none'
  const { status } = await api.call({ method: 'GET', path: '/api/orchestrator', answer: OrchestratorStatusResponse })
  return status.polling ? 'polling' : 'idle'
}
