import { Fault } from '../../faults/fault.ts'
import { forgeHostOf, parseRepositoryUrl } from '../../git/repository-url.ts'
import type { Project } from '../../work-order/project.ts'

/** A repository as GitHub calls it. */
export type GitHubRepository = {
  /** Lower case; with a port where the URL has one: `github.com`, `ghe.example:8443`. */
  host: string
  owner: string
  name: string
}

/** @see https://docs.github.com/en/rest/repos/repos (names), and the rules for user names */
const OWNER = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/
const NAME = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}$/
const HOST = /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?$/

/**
 * Which repository of GitHub a project's URL names: https, ssh or `git@host:owner/name`. Any host is taken for a GitHub
 * (Enterprise) server, because the project says so; the token that is used belongs to exactly that host. Where the URL
 * names an alias of ssh, the host is the one the project keeps beside it.
 *
 * @throws {Fault} `repository_refused` for a path, another protocol, or a URL that carries a password
 */
export function githubRepositoryOf({
  name: project,
  repository,
  forgeHost,
}: Pick<Project, 'name' | 'repository' | 'forgeHost'>): GitHubRepository {
  const { shown } = parseRepositoryUrl(repository)
  const named = parts(repository)
  const found = named === null || forgeHost === null ? named : { ...named, host: forgeHost }
  if (found !== null && HOST.test(found.host) && OWNER.test(found.owner) && NAME.test(found.name)) return found
  const message =
    `The repository "${shown}" of project "${project}" is none on GitHub. ` +
    'Use https://github.com/OWNER/NAME or git@github.com:OWNER/NAME, without a password or token in it.'
  throw new Fault('repository_refused', message, { project })
}

/** The server a repository would be on, if that is a GitHub; null for what is no address of that form. */
export function githubHostOf(repository: string): string | null {
  const found = parts(repository)
  return found === null ? null : found.host
}

/** `owner/name`. */
export function slug({ owner, name }: GitHubRepository): string {
  return `${owner}/${name}`
}

function parts(repository: string): GitHubRepository | null {
  const scp = /^[\w.-]+@([\w.-]+):\/?([^/:]+)\/([^/:]+?)(?:\.git)?\/?$/.exec(repository)
  if (scp !== null) return { host: forgeHostOf(String(scp[1])), owner: String(scp[2]), name: String(scp[3]) }
  if (!URL.canParse(repository)) return null
  const { protocol, host, hostname, pathname, username, password, search, hash } = new URL(repository)
  if (protocol !== 'https:' && protocol !== 'ssh:') return null
  if (password !== '' || (protocol === 'https:' && username !== '') || search !== '' || hash !== '') return null
  const path = /^\/([^/]+)\/([^/]+?)(?:\.git)?\/?$/.exec(pathname)
  if (path === null) return null
  // The port of ssh says nothing about where the API is.
  return {
    host: protocol === 'ssh:' ? forgeHostOf(hostname) : host.toLowerCase(),
    owner: String(path[1]),
    name: String(path[2]),
  }
}
