import { Fault } from '../faults/fault.ts'
import type { Git } from '../git/git.ts'
import { forgeHostOf, sshAddressOf } from '../git/repository-url.ts'
import { sshTargetOf } from '../git/ssh-host.ts'
import type { Project } from '../work-order/project.ts'
import { githubHostOf } from './github/github-repository.ts'

export type ForgeOfRepository = Pick<Project, 'forge' | 'forgeHost'>

type Asked = {
  /** Null: the usual one. */
  forge: Project['forge'] | null
  /** The host of `GH_HOST`; null: github.com alone. */
  enterpriseHost: string | null
  /** Options of ssh, such as another configuration. */
  sshOptions?: readonly string[]
}

/**
 * The forge of a repository, and where its API is when the address says something else. A host of an ssh address may be an
 * alias of the operator's: ssh is asked.
 *
 * @throws {Fault} `request_invalid` when no forge is asked for and ssh cannot tell
 */
export async function forgeOf(
  git: Git,
  repository: string,
  { forge, enterpriseHost, sshOptions }: Asked,
): Promise<ForgeOfRepository> {
  const isGitHub = (host: string | null) => host === 'github.com' || (host !== null && host === enterpriseHost)
  const named = githubHostOf(repository)
  if (forge === 'local') return { forge, forgeHost: null }
  if (isGitHub(named)) return { forge: 'github', forgeHost: null }
  const address = sshAddressOf(repository)
  if (address === null || named === null) return { forge: forge === null ? 'local' : forge, forgeHost: null }
  const target = await sshTargetOf(git, address, sshOptions)
  if (target === null) {
    if (forge !== null) return { forge, forgeHost: null }
    const message =
      `ssh cannot tell where the host "${address.host}" of ${repository} leads, so it may be GitHub or not. ` +
      'Say where its pull requests live: --forge github or --forge local'
    throw new Fault('request_invalid', message, { host: address.host })
  }
  const host = forgeHostOf(target.host)
  if (isGitHub(host)) return { forge: 'github', forgeHost: host }
  return forge === null ? { forge: 'local', forgeHost: null } : { forge, forgeHost: host === named ? null : host }
}
