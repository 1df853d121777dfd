import type { Project } from '../work-order/project.ts'

/** How git reaches the repositories of this machine's operator. */
export type GitAccess = {
  /** Proxy and certificate variables, e.g. `HTTPS_PROXY`. */
  network: Readonly<Record<string, string>>
  /** The socket of the operator's ssh agent, for ssh and for signatures; null: there is none. */
  agent: string | null
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
): Promise<{ args: readonly string[]; env: Readonly<Record<string, string>>; token: string | null }> {
  if (access === null) return { args: [], env: {}, token: null }
  const env = networkEnvironment(access.network)
  const host = forge === 'github' ? httpsHost(repository) : null
  const token = host === null ? null : await access.tokenFor(host)
  if (token === null) return { args: [], env, token }
  const args = [`--config-env=credential.https://${host}.helper=MOOSE_GIT_HELPER`]
  return { args, env: { ...env, MOOSE_GIT_HELPER: HELPER, MOOSE_GIT_TOKEN: token }, token }
}

/** What is shorter is no token of GitHub's, and cutting it out would garble the text. */
const SHORTEST_TOKEN = 8

/** A text without the token that a server or a proxy repeats: as it is, in a URL, and as git sends it. */
export function withoutToken(text: string, token: string): string {
  if (token.length < SHORTEST_TOKEN) return text
  const sentByGit = Buffer.from(`x-access-token:${token}`).toString('base64')
  return [token, encodeURIComponent(token), sentByGit].reduce((left, secret) => left.replaceAll(secret, '***'), text)
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
