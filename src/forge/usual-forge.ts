import type { Project } from '../work-order/project.ts'
import { githubHostOf } from './github/github-repository.ts'

/** The forge of a repository whose project names none. @param enterpriseHost null: github.com alone */
export function usualForge(repository: string, enterpriseHost: string | null): Project['forge'] {
  const host = githubHostOf(repository)
  return host === 'github.com' || (host !== null && host === enterpriseHost) ? 'github' : 'local'
}
