import type { Config } from '../../config.ts'
import { Fault } from '../../faults/fault.ts'
import { runGhCommand, type TokenFor } from './gh.ts'

const TIMEOUT_MS = 10_000

export type TokenSource = Pick<
  Config,
  'github' | 'githubSecrets' | 'executablePath' | 'loginEnvironment' | 'networkEnvironment'
>

/** How long an answer of the operator's gh counts; a login made meanwhile is seen then. */
const REMEMBERED_MS = 60_000

/**
 * Tokens by host: those of the configuration first, each for its own host only; else the login of the operator's gh,
 * asked with the operator's environment. Nothing of that login is copied.
 */
export function createTokens(source: TokenSource, now: () => Date): TokenFor {
  const asked = new Map<string, { at: number; token: Promise<string | null> }>()
  return async (host) => {
    const configured = configuredToken(source, host)
    if (configured !== null) return configured
    const known = asked.get(host)
    if (known !== undefined && now().getTime() - known.at < REMEMBERED_MS) return await known.token
    const token = tokenOfLogin(source, host)
    asked.set(host, { at: now().getTime(), token })
    // What went wrong may be mended by the next time.
    token.catch(() => asked.delete(host))
    return await token
  }
}

function configuredToken({ github, githubSecrets }: TokenSource, host: string): string | null {
  if (host === 'github.com') return githubSecrets.token
  return host === github.enterpriseHost ? githubSecrets.enterpriseToken : null
}

/** A gh that is not logged in has no token; the call that needs one says so. */
async function tokenOfLogin(source: TokenSource, host: string): Promise<string | null> {
  try {
    const { exitCode, stdout } = await runGhCommand({
      args: ['auth', 'token', '--hostname', host],
      cwd: '/',
      env: { ...source.loginEnvironment, ...source.networkEnvironment, PATH: source.executablePath },
      timeoutMs: TIMEOUT_MS,
      maxOutputBytes: 4_096,
      signal: null,
    })
    const token = stdout.text().trim()
    return exitCode === 0 && /^[\x21-\x7e]+$/.test(token) ? token : null
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'command_timed_out') throw error
    const message =
      `gh did not tell its token for ${host} within ${TIMEOUT_MS / 1000} s; a locked keyring may be asking. ` +
      'Unlock it, or set GH_TOKEN (for another host: GH_HOST and GH_ENTERPRISE_TOKEN).'
    throw new Fault('github_unauthorized', message, { host }, error)
  }
}
