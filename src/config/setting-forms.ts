import path from 'node:path'
import { z } from 'zod'

/** A setting that is a whole number within these bounds, both included. */
export const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, 'is not a whole number')
    .transform(Number)
    .refine((value) => value >= min && value <= max, `is not between ${min} and ${max}`)
    .meta({ form: `whole number from ${min} to ${max}` })

export const flag = z
  .enum(['true', 'false'], 'is neither true nor false')
  .transform((value) => value === 'true')
  .meta({ form: '`true` or `false`' })
const BAD_PERCENT = 'has a % that begins no percent-encoded character; write % itself as %25'

/** A name and password in it become basic authentication, and are decoded for that. */
export const httpUrl = z
  .url({ protocol: /^https?$/, error: 'is not an http(s) URL' })
  .refine((url) => isDecodable(url, ({ username, password }) => [username, password]), BAD_PERCENT)
  .meta({ form: 'http(s) URL' })

/** Where people reach a page that is served at the root: nothing but scheme, host and port. Without the slash at its end. */
export const pageUrl = z
  .url({ protocol: /^https?$/, error: 'is not an http(s) URL' })
  .refine(isOrigin, 'has more than scheme, host and port: the page is served at the root')
  .transform((url) => new URL(url).origin)
  .meta({ form: 'http(s) URL of scheme, host and port' })

const BAD_PASSWORD =
  'has a #, / or ? where its name or password stands; write # as %23, / as %2F, ? as %3F and @ as %40 there'

/** What the driver decodes has to decode, and the port it takes from the query has to be one. */
export const databaseUrl = z
  .url({
    protocol: /^postgres(ql)?$/,
    error: ({ input }) => (isUnencodedUrl(String(input)) ? BAD_PASSWORD : 'is not a postgresql:// URL'),
  })
  .refine((url) => !URL.canParse(url) || !isUnencodedUrl(url), BAD_PASSWORD)
  .refine(
    (url) => isDecodable(url, ({ username, password, host, pathname }) => [username, password, host, pathname]),
    BAD_PERCENT,
  )
  .refine((url) => !URL.canParse(url) || isPort(new URL(url).searchParams.get('port')), 'names a port that is none')
  .meta({ form: '`postgresql://` URL' })

/** As OpenTelemetry writes them: `key=value,key=value`, the values percent-encoded. */
export const keyValues = z
  .string()
  .regex(/^\s*[^\s=,]+\s*=[^,]*(,\s*[^\s=,]+\s*=[^,]*)*$/, 'is not key=value,key=value')
  .refine(isPercentEncoded, 'has a % that begins no percent-encoded character')
  .transform((text) => Object.fromEntries(text.split(',').map(keyValue)))
  .meta({ form: '`key=value,key=value`, the values percent-encoded' })

/** `host`, `host:port`, `*.domain`, and with `http://` before it what may be spoken to in clear text. */
export const modelHosts = z
  .string()
  .transform((text) => text.split(/[\s,]+/).filter((entry) => entry !== ''))
  .refine(
    (entries) =>
      entries.every((entry) =>
        /^(?:http:\/\/)?(?:\*\.)?(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::\d{1,5})?$/.test(entry),
      ),
    'is not a list of hosts such as models.example.com,http://gpu.lan:11434',
  )
  .meta({ form: 'hosts, with commas between them' })

/** Handed to the engine as they are: no shell reads them, and quotes are part of a word. */
export const engineArguments = z
  .string()
  .regex(/^ *-[^\p{Cc}]*$/u, 'is not options of an engine, such as --runtime runc')
  .transform((text): string[] => text.split(' ').filter((word) => word !== ''))

export const absolutePath = z
  .string()
  .refine(path.isAbsolute, 'is not an absolute path')
  .meta({ form: 'absolute path' })

/**
 * Whether a URL of Postgres ends its host too early, as a password does that is not percent-encoded: the rest then holds an `@`
 * or begins a fragment, which no such URL has.
 */
function isUnencodedUrl(url: string): boolean {
  const [, rest = ''] = /^postgres(?:ql)?:\/\/[^/?#]*([/?#].*)$/is.exec(url) ?? []
  if (rest.includes('#') || !rest.includes('@')) return rest.includes('#')
  const at = rest.indexOf('?')
  const [path, query] = at === -1 ? [rest, ''] : [rest.slice(0, at), rest.slice(at + 1)]
  const names = query.split('&').map((parameter) => String(parameter.split('=', 1)[0]))
  return !URL.canParse(url) || [path, ...names].some((part) => part.includes('@'))
}

/** Whether a URL has nothing behind its host and port; what is no URL is refused for that. */
function isOrigin(url: string): boolean {
  if (!URL.canParse(url)) return true
  const { username, password, pathname, search, hash } = new URL(url)
  return pathname === '/' && [username, password, search, hash].every((part) => part === '') && !/[?#@]/.test(url)
}

/** Whether these parts of a URL can be decoded; what is no URL is refused for that. */
function isDecodable(url: string, partsOf: (url: URL) => readonly string[]): boolean {
  return !URL.canParse(url) || partsOf(new URL(url)).every(isPercentEncoded)
}

/** Whether it decodes to text; a NUL is none. */
function isPercentEncoded(text: string): boolean {
  try {
    return !decodeURIComponent(text).includes('\0')
  } catch {
    return false
  }
}

/** @param port of a query; null: the usual one */
function isPort(port: string | null): boolean {
  return port === null || (/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535)
}

function keyValue(pair: string): [string, string] {
  const [key, ...value] = pair.split('=')
  return [String(key).trim(), decodeURIComponent(value.join('=').trim())]
}
