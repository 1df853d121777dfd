import type { Project } from '../work-order/project.ts'

/** How git reaches the repositories of this machine's operator. */
export type GitAccess = {
  /** Proxy and certificate variables, e.g. `HTTPS_PROXY`. */
  network: Readonly<Record<string, string>>
  /** The token for an https host; null: none is known. */
  tokenFor: (host: string) => Promise<string | null>
}

/** Which repository, and whether it is one of a forge that Moose holds a token for. */
export type RemoteRepository = Pick<Project, 'repository' | 'forge'>

/**
 * A helper that hands over what it finds in an environment variable: neither the arguments nor any file hold the token.
 * @see https://git-scm.com/docs/gitcredentials#_custom_helpers
 */
const HELPER = `!f() { if test "$1" = get; then printf 'username=x-access-token\\npassword=%s\\n' "$MOOSE_GIT_TOKEN"; fi; }; f`

/**
 * Arguments and variables for a git that talks to this repository. A token goes only to a repository of the forge
 * `github`, only over https, and the helper is named after the exact host: no redirect or rewrite can take it elsewhere.
 */
export async function accessTo(
  { repository, forge }: RemoteRepository,
  access: GitAccess | null,
): Promise<{ args: readonly string[]; env: Readonly<Record<string, string>> }> {
  if (access === null) return { args: [], env: {} }
  const env = networkEnvironment(access.network)
  const host = forge === 'github' ? httpsHost(repository) : null
  const token = host === null ? null : await access.tokenFor(host)
  if (token === null) return { args: [], env }
  const args = [`--config-env=credential.https://${host}.helper=MOOSE_GIT_HELPER`]
  return { args, env: { ...env, MOOSE_GIT_HELPER: HELPER, MOOSE_GIT_TOKEN: token } }
}

function httpsHost(repository: string): string | null {
  if (!/^https:\/\//i.test(repository) || !URL.canParse(repository)) return null
  return new URL(repository).host
}

/** git's libcurl reads the proxy variables itself; the certificates have a name of git's own. */
function networkEnvironment(network: Readonly<Record<string, string>>): Record<string, string> {
  const { SSL_CERT_FILE: certificates, ...proxies } = network
  return certificates === undefined ? proxies : { ...proxies, GIT_SSL_CAINFO: certificates }
}
