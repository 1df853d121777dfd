import { Fault } from '../faults/fault.ts'

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
 * refused, above all git's own ways to run a program (`ext::…`) and what could be taken for an option; also a URL that
 * may hold a secret, which would be seen in process lists, in the API and in the outputs of steps: anything before the
 * host of an http(s) URL, whose name alone can be a token, its query and its fragment, and a password for ssh.
 *
 * @throws {Fault} `repository_refused`
 * @see https://git-scm.com/docs/git-fetch#_git_urls
 */
export function parseRepositoryUrl(text: string): RepositoryUrl {
  const refused = refusal(text)
  if (refused === null) return { url: text, shown: withoutCredentials(text) }
  const shown = masked(text)
    .replace(/\p{Cc}/gu, '?')
    .slice(0, 200)
  const message = `The repository "${shown}" ${refused.reason}. ${refused.advice}`
  throw new Fault('repository_refused', message)
}

/** A repository as it may be shown: as it is where it is accepted, otherwise without what could be a secret. */
export function shownRepository(text: string): string {
  return refusal(text) === null ? text : masked(text)
}

/** An http(s) URL without the user name, password or token before its host; any other text as it is. */
export function withoutHttpUser(text: string): string {
  return text.replace(/^(https?:\/\/)[^/?#]*@/i, '$1')
}

/** The address of GitHub itself for that of its page, which leads on from `www`; any other text as it is. */
export function withoutWww(text: string): string {
  return text.replace(/^(https:\/\/)www\.(?=github\.com\/)/i, '$1')
}

type Refusal = { reason: string; advice: string }

const FORMS = 'Use https://…, ssh://…, user@host:path, file:///… or an absolute path.'
const SEEN = 'which others would see in process lists and outputs'
const HOLDS_PASSWORD: Refusal = {
  reason: `holds a password, ${SEEN}`,
  advice: 'Name it without it and let ssh keep the access: ssh://… or user@host:path.',
}
const HOLDS_USER: Refusal = {
  reason: `holds a user name, password or token before its host, ${SEEN}`,
  advice:
    'Name it without it, as https://HOST/…; Moose logs in to GitHub by itself (gh auth login, or GH_TOKEN), ' +
    'elsewhere use ssh.',
}
const HOLDS_QUERY: Refusal = {
  reason: `has a query or a fragment, where tokens stand, ${SEEN}`,
  advice: 'Name it without it, as https://HOST/OWNER/NAME.git.',
}

function refusal(text: string): Refusal | null {
  const badForm = misformed(text)
  if (badForm !== null) return { reason: badForm, advice: FORMS }
  if (/^https?:/i.test(text)) return secretInHttp(text)
  return /^ssh:/i.test(text) && hasPassword(userOf(text)) ? HOLDS_PASSWORD : null
}

function misformed(text: string): string | null {
  if (text === '') return 'is empty'
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text)) return 'contains a control character'
  if (text.startsWith('/')) return null
  if (SCP_LIKE.test(text)) return null
  if (/%(?![0-9a-f]{2})/i.test(text)) return 'has a % that begins no percent-encoded character'
  if (!URL.canParse(text)) return 'is neither a URL nor an absolute path'
  const url = new URL(text)
  if (!PROTOCOLS.has(url.protocol) || !/^[a-z]+:\/\//i.test(text)) return 'uses a protocol Moose does not open'
  // Stricter than URL, which takes https:///x for https://x; git does not.
  if (url.protocol !== 'file:' && !/^[a-z]+:\/\/[^/\\]/i.test(text)) return 'names no host'
  const decoded = percentDecoded(text)
  if (/[\0-\x1f\x7f]/.test(decoded)) return 'contains a control character'
  if (/^[a-z]+:\/\/(?:[^/]*@)?-/i.test(decoded) || percentDecoded(url.username).startsWith('-'))
    return 'names a host like an option'
  return url.protocol === 'ssh:' && SHELL_MARKS.test(authorityOf(decoded)) ? 'has a mark of a shell in its host' : null
}

/**
 * An ssh before 9.6 puts user and host as they are into the commands of the operator's `ProxyCommand` and `Match exec`.
 *
 * @see https://www.openssh.com/txt/release-9.6 (CVE-2023-51385)
 */
const SHELL_MARKS = /['"`$\\;&<>|(){}]/

function authorityOf(ssh: string): string {
  return String(/^ssh:\/\/([^/]*)/i.exec(ssh)?.[1])
}

/** Told from the text: URL takes a backslash for the end of the host, git and curl take it for a character. */
function secretInHttp(text: string): Refusal | null {
  if (/^https?:\/\/[^/?#]*[@\\]/i.test(text)) return HOLDS_USER
  return /[?#]/.test(text) ? HOLDS_QUERY : null
}

/** @param user with its `@`; a colon with nothing behind it is none */
function hasPassword(user: string): boolean {
  const colon = user.indexOf(':')
  return colon !== -1 && colon < user.length - 2
}

/** Of an ssh URL, as git reads it: it decodes the whole before it looks for the parts. */
function userOf(text: string): string {
  const found = /^ssh:\/\/([^/]*@)/i.exec(text)
  return found === null ? '' : percentDecoded(String(found[1]))
}

/** Byte by byte: what is encoded need not be UTF-8. */
function percentDecoded(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
}

/** What does not parse may hold a secret in any place before an @, or in its query. */
function masked(text: string): string {
  return text.replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/is, '$1***@').replace(/([?#]).+$/s, '$1***')
}

/** A text with the user information of every URL in it blanked; `git@host:path` holds none and stays. */
export function withoutCredentials(text: string): string {
  return text.replace(/(?<=[a-z][a-z0-9+.-]*:\/\/)[^/\s]*@/gi, '***@')
}

/** `host:path` of ssh, with or without a user; not `scheme://…`, and no path with a colon further behind. */
const SCP_ADDRESS = /^(?:([A-Za-z0-9._][A-Za-z0-9._-]*)@)?([A-Za-z0-9][A-Za-z0-9.-]*):(?!\/\/)\/?(.*)$/s

/** An address of ssh, in either form. */
export type SshAddress = { user: string | null; host: string; path: string }

/** The parts of an ssh address; null for everything else. */
export function sshAddressOf(repository: string): SshAddress | null {
  if (/^ssh:\/\//i.test(repository)) {
    if (!URL.canParse(repository)) return null
    const { username, hostname, pathname } = new URL(repository)
    return { user: username === '' ? null : username, host: hostname, path: pathname.replace(/^\//, '') }
  }
  const [, user, host, rest] = SCP_ADDRESS.exec(repository) ?? []
  if (host === undefined || rest === undefined) return null
  return { user: user === undefined ? null : user, host, path: rest }
}

/** Whether git takes a text for an address and not for a path on this disk. */
export function isRemoteAddress(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text) || sshAddressOf(text) !== null
}

/** GitHub takes ssh on this host too, for networks that let only port 443 through. */
const OTHER_NAMES: Readonly<Record<string, string>> = { 'ssh.github.com': 'github.com' }

/** The host the repositories of an ssh host belong to. */
export function forgeHostOf(sshHost: string): string {
  const host = sshHost.toLowerCase()
  const other = OTHER_NAMES[host]
  return other === undefined ? host : other
}

/**
 * The same text for every address of one repository: over ssh or https, with or without `.git`.
 *
 * @param named `forgeHost`: the host behind an alias of ssh; null: the host of the address
 */
export function repositoryKey({ repository, forgeHost }: { repository: string; forgeHost: string | null }): string {
  const ssh = sshAddressOf(repository)
  if (ssh !== null) return keyOf(forgeHost === null ? forgeHostOf(ssh.host) : forgeHost, ssh.path)
  if (/^https?:\/\//i.test(repository) && URL.canParse(repository)) {
    const { host, pathname } = new URL(repository)
    return keyOf(host, pathname)
  }
  return trimmed(repository.replace(/^file:\/\/(?=\/)/i, ''))
}

function keyOf(host: string, path: string): string {
  const key = `${host}/${trimmed(path.replace(/^\/+/, ''))}`
  // GitHub's names have no case.
  return host === 'github.com' ? key.toLowerCase() : key
}

function trimmed(path: string): string {
  return path.replace(/(?<!\/)\/+$/, '').replace(/(?:\/\.git|\.git)$/, '')
}
