import type { Config } from '../config.ts'
import { TOKEN_PATTERN } from './token-form.ts'

/** A secret the configuration holds. */
export type KnownSecret = {
  /** What a person knows it by, such as the variable it stands in. */
  name: string
  value: string
  /** As it stands where it is set: percent-encoded in a URL. */
  written: string
}

export type SecretSettings = Pick<
  Config,
  'secrets' | 'githubSecrets' | 'databaseUrl' | 'managerUrl' | 'proposerUrl' | 'tracing' | 'networkEnvironment'
>

/** Shorter ones are not looked for: too much else would look like them. */
const SHORTEST_SECRET = 8

/** From here on a value of letters alone is no word that a text has by chance. */
const LONGER_THAN_WORDS = 16

/** Every secret the configuration holds; those too short to be looked for too. */
export function knownSecrets(config: SecretSettings): KnownSecret[] {
  const { secrets, githubSecrets, tracing } = config
  const named: Record<string, string | null> = {
    ...secrets,
    'GH_TOKEN (or GITHUB_TOKEN)': githubSecrets.token,
    'GH_ENTERPRISE_TOKEN (or GITHUB_ENTERPRISE_TOKEN)': githubSecrets.enterpriseToken,
    MOOSE_GITHUB_WEBHOOK_SECRET: githubSecrets.webhook,
  }
  const urls: Record<string, string | null> = {
    DATABASE_URL: config.databaseUrl,
    MOOSE_MANAGER_URL: config.managerUrl,
    MOOSE_PROPOSER_URL: config.proposerUrl,
    OTEL_EXPORTER_OTLP_ENDPOINT: tracing === null ? null : tracing.url,
    ...config.networkEnvironment,
  }
  return [
    ...Object.entries(named).flatMap(([name, value]) => (value === null ? [] : [plain(name, value)])),
    ...Object.entries(urls).flatMap(([name, url]) => {
      if (url === null) return []
      return (name === 'DATABASE_URL' ? passwordsIn : loginsIn)(url, `the password of ${name}`)
    }),
    ...(tracing === null ? [] : Object.entries(tracing.headers).map(headerSecret)),
  ]
}

function plain(name: string, value: string): KnownSecret {
  return { name, value, written: value }
}

/** Of a header such as `Authorization: Basic …` the part after the scheme: that is what is secret. */
function headerSecret([header, value]: [string, string]): KnownSecret {
  const name = `the header "${header}" of OTEL_EXPORTER_OTLP_HEADERS (or …_TRACES_HEADERS)`
  return plain(name, value.replace(/^(?:basic|bearer|token|api-?key) +(?=\S)/i, ''))
}

/** As the user's part, and as a parameter, which a driver of Postgres takes too. */
export function passwordsIn(url: string, name: string): KnownSecret[] {
  if (!URL.canParse(url)) return []
  const { password: written, searchParams } = new URL(url)
  const parameter = searchParams.get('password')
  const user = written === '' ? [] : [{ name, value: decoded(written), written }]
  return parameter === null ? user : [...user, plain(name, parameter)]
}

/** The same for an address of http, with what both become in the header of basic authentication. */
export function loginsIn(url: string, name: string): KnownSecret[] {
  if (!URL.canParse(url)) return []
  const { username, password } = new URL(url)
  const pair = `${decoded(username)}:${decoded(password)}`
  const basic = username === '' && password === '' ? [] : [plain(name, Buffer.from(pair).toString('base64'))]
  return [...passwordsIn(url, name), ...basic]
}

function decoded(written: string): string {
  try {
    return decodeURIComponent(written)
  } catch {
    // A lone % is taken as it stands by readers of the URL.
    return written
  }
}

/**
 * How a secret may turn up: as it is, in a JSON text, also within another one, percent-encoded as the usual programs do it,
 * in hexadecimal, and in base64 wherever in the encoded bytes it stands. The longest first.
 */
export function formsOf({ value, written }: Pick<KnownSecret, 'value' | 'written'>): string[] {
  const text = value.toWellFormed()
  const encoded = percentEncoded(text)
  const inJson = JSON.stringify(text).slice(1, -1)
  const lowerCase = encoded.map((form) => form.replace(/%[0-9A-F]{2}/g, (byte) => byte.toLowerCase()))
  const twice = JSON.stringify(inJson).slice(1, -1)
  const bytes = Buffer.from(text)
  const hex = bytes.toString('hex')
  const inCode = [hex, hex.toUpperCase(), ...base64Forms(bytes)]
  const forms = new Set([text, written, inJson, twice, ...encoded, ...lowerCase, ...inCode])
  return [...forms].filter((form) => form.length >= SHORTEST_SECRET).sort((one, other) => other.length - one.length)
}

function percentEncoded(text: string): string[] {
  const component = encodeURIComponent(text)
  const strict = component.replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
  const form = new URLSearchParams({ '': text }).toString().slice(1)
  const url = new URL('http://user@host')
  url.password = text
  return [component, strict, form, url.password]
}

/** Whatever stands before them, bytes come out in one of three ways, but for the characters they share with others. */
function base64Forms(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes])
    const first = Math.ceil((before * 8) / 6)
    const last = Math.floor((whole.length * 8) / 6)
    return [whole.toString('base64').slice(first, last), whole.toString('base64url').slice(first, last)]
  })
}

/**
 * Whether a change that holds this value must not be pushed. A value that any text may have by chance is not: one of
 * fewer than 16 characters that is a word or words (`postgres`, `my-password`) or a number.
 */
export function isWorthStopping(value: string): boolean {
  if (value.length < SHORTEST_SECRET) return false
  return value.length >= LONGER_THAN_WORDS || !/^(?:[\p{L}\p{M}\s_./:-]+|\d+)$/u.test(value)
}

/** A copy of a text without every secret that is long enough, in any of its forms, and without tokens of the API; for showing, never for use. */
export type Redaction = (text: string) => string

const REDACTED = '[redacted]'

export function createRedaction(secrets: readonly Pick<KnownSecret, 'value' | 'written'>[]): Redaction {
  const long = secrets.filter(({ value }) => value.length >= SHORTEST_SECRET)
  const pattern = long.length === 0 ? null : patternOf(long.flatMap(formsOf))
  return (text) => (pattern === null ? text : text.replace(pattern, REDACTED)).replace(API_TOKEN, REDACTED)
}

/** Also of those that another home, or a program, has: only their hashes are known here. */
const API_TOKEN = new RegExp(TOKEN_PATTERN, 'g')

/** Finds any of the texts, where two begin at one place the longer. One pass over what is searched. */
export function patternOf(texts: readonly string[]): RegExp {
  const longestFirst = [...new Set(texts)].sort((one, other) => other.length - one.length)
  return new RegExp(longestFirst.map((text) => RegExp.escape(text)).join('|'), 'g')
}

/**
 * A JSON text with every string value replaced, and every other byte as it was: names, numbers, spaces. Linear. What is
 * no JSON is replaced from where it stops being so.
 */
export function withStringsReplaced(json: string, replace: (text: string) => string): string {
  const parts: string[] = []
  let done = 0
  for (let start = json.indexOf('"'); start !== -1; ) {
    const end = endOfString(json, start)
    if (end === -1) return parts.join('') + replace(json.slice(done))
    COLON.lastIndex = end
    if (!COLON.test(json)) {
      const text: string = JSON.parse(json.slice(start, end))
      const replaced = replace(text)
      parts.push(json.slice(done, start), replaced === text ? json.slice(start, end) : JSON.stringify(replaced))
      done = end
    }
    start = json.indexOf('"', end)
  }
  return parts.join('') + json.slice(done)
}

/** After a name. */
const COLON = /\s*:/y

/** Where the string that begins at `start` ends; -1: it does not. */
function endOfString(json: string, start: number): number {
  for (let at = start + 1; at < json.length; at += 1) {
    const character = json.charAt(at)
    if (character === '"') return at + 1
    if (character === '\\') at += 1
  }
  return -1
}
