import { Fault } from '../errors.ts'

/** A repository as git is given it, and as a person may see it. */
export type RepositoryUrl = {
  url: string
  /** Without user name and password. */
  shown: string
}

const SCP_LIKE = /^[A-Za-z0-9._][A-Za-z0-9._-]*@[A-Za-z0-9][A-Za-z0-9.-]*:[^:-]/
const PROTOCOLS = new Set(['https:', 'http:', 'ssh:', 'file:'])

/**
 * Accepts what Moose opens: https, http, ssh and file URLs, `user@host:path`, absolute paths. Everything else is
 * refused, above all git's own ways to run a program (`ext::…`) and what could be taken for an option; also a URL
 * with a password, which would be seen in process lists, in the API and in the outputs of steps.
 *
 * @throws {Fault} `repository_refused`
 * @see https://git-scm.com/docs/git-fetch#_git_urls
 */
export function parseRepositoryUrl(text: string): RepositoryUrl {
  const reason = refusal(text)
  if (reason === null) return { url: text, shown: withoutCredentials(text) }
  const shown = withoutAnyUser(text)
    .replace(/\p{Cc}/gu, '?')
    .slice(0, 200)
  const message = `The repository "${shown}" ${reason}. ${advice(reason)}`
  throw new Fault('repository_refused', message)
}

/** What does not parse may hold a password in any place before an @. */
function withoutAnyUser(text: string): string {
  const from = text.indexOf('://') + 3
  const at = text.lastIndexOf('@')
  return from < 3 || at < from ? text : `${text.slice(0, from)}***${text.slice(at)}`
}

const HOLDS_PASSWORD = 'holds a password, which others would see in process lists and outputs'

function advice(reason: string): string {
  if (reason === HOLDS_PASSWORD) return 'Name it without it and let ssh keep the access: ssh://… or user@host:path.'
  return 'Use https://…, ssh://…, user@host:path, file:///… or an absolute path.'
}

function refusal(text: string): string | null {
  if (text === '') return 'is empty'
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text)) return 'contains a control character'
  if (text.startsWith('/')) return null
  if (SCP_LIKE.test(text)) return null
  if (!URL.canParse(text)) return 'is neither a URL nor an absolute path'
  const url = new URL(text)
  if (!PROTOCOLS.has(url.protocol) || !/^[a-z]+:\/\//i.test(text)) return 'uses a protocol Moose does not open'
  // Stricter than URL, which takes https:///x for https://x; git does not.
  if (url.protocol !== 'file:' && !/^[a-z]+:\/\/[^/\\]/i.test(text)) return 'names no host'
  if (decodeURIComponent(url.hostname).startsWith('-') || url.username.startsWith('-'))
    return 'names a host like an option'
  if (url.password !== '') return HOLDS_PASSWORD
  return null
}

/** A text with the user information of every URL in it blanked; `git@host:path` holds none and stays. */
export function withoutCredentials(text: string): string {
  return text.replace(/(?<=[a-z][a-z0-9+.-]*:\/\/)[^/\s]*@/gi, '***@')
}
