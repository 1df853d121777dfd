import type { Project } from '../work-order/project.ts'
import { githubHostOf } from './github/github-repository.ts'

/** Where the pull requests of a repository live when nobody says so. @param enterpriseHost null: github.com alone */
export function usualForge(repository: string, enterpriseHost: string | null): Project['forge'] {
  const host = githubHostOf(repository)
  return host === 'github.com' || (host !== null && host === enterpriseHost) ? 'github' : 'local'
}
