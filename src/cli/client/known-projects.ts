import { ProjectsResponse } from '../../contract/projects.ts'
import { ordersInvalid } from '../input/order-problems.ts'
import type { ApiClient } from './api-client.ts'

/**
 * Makes sure that every project named exists, before anything is sent.
 *
 * @param named `at`: where it stands, e.g. `order.yaml:3:`
 * @throws {Fault} `work_order_invalid` naming every place
 */
export async function assertProjectsKnown(
  api: ApiClient,
  named: readonly { name: string; at: string }[],
): Promise<void> {
  if (named.length === 0) return
  const { projects } = await api.call({ method: 'GET', path: '/api/projects', answer: ProjectsResponse })
  const known = projects.map(({ name }) => name)
  const advice = known.length === 0 ? 'Add it with: moose init' : `There are: ${known.join(', ')}`
  const unknown = named.filter(({ name }) => !known.includes(name))
  if (unknown.length > 0)
    throw ordersInvalid(unknown.map(({ name, at }) => `${at} there is no project "${name}". ${advice}`))
}
