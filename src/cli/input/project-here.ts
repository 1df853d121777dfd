import { ProjectsResponse, type ProjectView } from '../../contract/projects.ts'
import type { ApiClient } from '../client/api-client.ts'
import { checkoutAround } from './locate-repository.ts'

/** The projects of the repository that a folder is a checkout of; none outside of a checkout. */
export async function projectsHere(api: ApiClient, cwd: string): Promise<ProjectView[]> {
  const checkout = checkoutAround(cwd)
  if (checkout === null) return []
  const query = new URLSearchParams({ checkout })
  const path = `/api/projects?${query.toString()}`
  const { projects } = await api.call({ method: 'GET', path, answer: ProjectsResponse })
  return projects
}

/** The one project of the repository that a folder is a checkout of; null: there is none, or there are several. */
export async function projectHere(api: ApiClient, cwd: string): Promise<string | null> {
  const projects = await projectsHere(api, cwd)
  const [only] = projects
  return only !== undefined && projects.length === 1 ? only.name : null
}
