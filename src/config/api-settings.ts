import { BlockList, isIP } from 'node:net'
import { z } from 'zod'
import { isToken } from '../redaction/token-form.ts'
import { SCOPES } from './scopes.ts'
import { absolutePath, pageUrl, wholeNumber } from './setting-forms.ts'

type ScopeName = (typeof SCOPES)[number]

/** Hosts of this machine alone, as they stand in a URL without brackets. */
const LOOPBACK = ['127.0.0.1', '::1', 'localhost']

const list = (text: string) => text.split(',').map((part) => part.trim())

const hostName = /^(?:[a-z0-9](?:[a-z0-9-]{0,62}\.)*[a-z0-9-]{0,62}|\[[0-9a-f:.]{2,45}\])$/i

const hostNames = z
  .string()
  .refine(
    (text) => list(text).every((name) => name.length <= 253 && hostName.test(name)),
    'is not a list of host names',
  )
  .transform((text) => list(text).map((name) => name.toLowerCase()))
  .meta({ form: 'host names without ports, with commas between them' })

const listenHost = z
  .string()
  .refine((host) => isIP(host) !== 0 || host === 'localhost', 'is neither an IP address nor localhost')
  .meta({ form: 'IP address, or `localhost`' })

/** Headers that mean something else already. */
const TAKEN_HEADERS = ['authorization', 'cookie', 'host', 'origin', 'forwarded']

/** Proxies are a few machines: what holds this much of the net would let anybody say who he is. */
const FEWEST_BITS = { 4: 8, 6: 7 }

export type Subnet = {
  /** As it was written, for messages. */
  text: string
  holds(address: string): boolean
}

function subnetOf(text: string): Subnet | null {
  const [address = '', bits = '', ...more] = text.split('/')
  const family = isIP(address)
  const longest = family === 4 ? 32 : 128
  const prefix = Number(bits)
  if (family === 0 || more.length > 0 || !/^\d{1,3}$/.test(bits) || prefix > longest) return null
  if (prefix < (family === 4 ? FEWEST_BITS[4] : FEWEST_BITS[6])) return null
  const block = new BlockList()
  block.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6')
  const familyOf = (peer: string) => (isIP(peer) === 4 ? 'ipv4' : 'ipv6')
  return { text, holds: (peer) => isIP(peer) !== 0 && block.check(peer, familyOf(peer)) }
}

const trustedProxy = z
  .string()
  .transform((text, context) => {
    const [subnetText = '', header = '', ...more] = list(text)
    const subnet = subnetOf(subnetText)
    const isHeader = /^[a-z][a-z0-9-]{0,63}$/i.test(header) && !TAKEN_HEADERS.includes(header.toLowerCase())
    if (subnet !== null && isHeader && more.length === 0) return { subnet, header: header.toLowerCase() }
    context.addIssue('is not a subnet, of /8 or smaller, and the name of a header, such as 10.0.0.0/8,X-Forwarded-User')
    return z.NEVER
  })
  .meta({ form: '`subnet,header`, such as `10.0.0.0/8,X-Forwarded-User`' })

const scopes = z
  .string()
  .refine((text) => list(text).every(isScope), `is not a list of ${SCOPES.join(', ')}`)
  .transform((text) => [...new Set(list(text).filter(isScope))])
  .meta({ form: SCOPES.map((scope) => `\`${scope}\``).join(', ') })

function isScope(text: string): text is ScopeName {
  return SCOPES.some((name) => name === text)
}

/** Who may reach the API, and how; part of `Environment`. */
export const API_SETTINGS = {
  MOOSE_API_AUTH: z.enum(['on', 'off'], 'is neither on nor off').default('on').meta({
    description:
      'Whether the API asks for a [token](tokens.md). `off` lets every program of this machine do everything, and is refused where others can reach it',
  }),
  MOOSE_API_TOKEN: z.string().refine(isToken, 'is no token of Moose, or not a whole one').optional().meta({
    description: 'The [token](tokens.md) that commands send to a service',
    unset: 'that of the home, in `api-token`',
    form: 'token',
  }),
  MOOSE_HOST: listenHost.default('127.0.0.1').meta({
    description: 'Where `moose up` listens. What is not this machine alone takes TLS or `MOOSE_TRUSTED_PROXY`',
  }),
  MOOSE_ALLOWED_HOSTS: hostNames.optional().meta({
    description: 'Names under which the API may be asked for, beside those of this machine',
    unset: 'none',
  }),
  MOOSE_PUBLIC_URL: pageUrl.optional().meta({
    description:
      'Where people reach [Mission Control](page.md#links); its host counts as one of `MOOSE_ALLOWED_HOSTS`. Pull requests link to their order there',
    unset: 'no links to the page',
  }),
  MOOSE_TLS_CERT: absolutePath.optional().meta({
    description: 'Certificate chain for `MOOSE_HOST`, in PEM; read at the start',
    unset: 'no TLS',
  }),
  MOOSE_TLS_KEY: absolutePath.optional().meta({ description: 'Its private key, in PEM', unset: 'no TLS' }),
  MOOSE_TRUSTED_PROXY: trustedProxy.optional().meta({
    description: 'Reverse proxies that say in a header who is [logged in](tokens.md#a-reverse-proxy)',
    unset: 'no such header counts',
  }),
  MOOSE_TRUSTED_PROXY_SCOPES: scopes.prefault('read').meta({
    description: 'What the users of that proxy may do',
    unset: '`read`',
  }),
  MOOSE_API_RATE: wholeNumber(1, 10_000)
    .default(100)
    .meta({ description: 'Requests a second that one caller of the API may make for long; ten times as many at once' }),
} as const

const settings = z.object(API_SETTINGS)

/** What is said wherever it shows that the API asks for no token. */
export const NO_AUTH = 'MOOSE_API_AUTH is off: every program of this machine may approve, run and change everything'

export type ApiAccess = {
  /** False: every program of this machine may do everything. */
  auth: boolean
  /** Names beside those of this machine, in lower case, without ports. */
  allowedHosts: readonly string[]
  /** Null: no header counts. `header` in lower case. */
  proxy: { subnet: Subnet; header: string; scopes: readonly ScopeName[] } | null
  /** Requests a second, for long. */
  ratePerSecond: number
  /** Where others than this machine, or with TLS, are listened to; null: nowhere. */
  public: { host: string; tls: { certFile: string; keyFile: string } | null } | null
  /** Address of this machine's own listener. */
  loopback: string
}

/** What is wrong with the settings together, each with the variable to be corrected. */
export function accessProblems(env: z.infer<typeof settings>): { variable: string; message: string }[] {
  const isPublic = !LOOPBACK.includes(env.MOOSE_HOST)
  const [cert, key] = [env.MOOSE_TLS_CERT, env.MOOSE_TLS_KEY]
  const problems = []
  if ((cert === undefined) !== (key === undefined)) {
    const variable = cert === undefined ? 'MOOSE_TLS_CERT' : 'MOOSE_TLS_KEY'
    problems.push({ variable, message: 'is not set, but TLS takes both a certificate and its key' })
  }
  if (isPublic && env.MOOSE_API_AUTH === 'off') {
    const message = `is off, but MOOSE_HOST ${env.MOOSE_HOST} lets others than this machine in; turn it on`
    problems.push({ variable: 'MOOSE_API_AUTH', message })
  }
  if (env.MOOSE_API_AUTH === 'off' && env.MOOSE_TRUSTED_PROXY !== undefined) {
    const message =
      'is off, but MOOSE_TRUSTED_PROXY lets others than this machine in, who would all be its user; turn it on'
    problems.push({ variable: 'MOOSE_API_AUTH', message })
  }
  if (isPublic && cert === undefined && key === undefined && env.MOOSE_TRUSTED_PROXY === undefined) {
    const message = `is ${env.MOOSE_HOST}, where tokens would pass in clear text; set MOOSE_TLS_CERT and MOOSE_TLS_KEY, or MOOSE_TRUSTED_PROXY`
    problems.push({ variable: 'MOOSE_HOST', message })
  }
  return problems
}

export function toAccess(env: z.infer<typeof settings>): ApiAccess {
  const { MOOSE_HOST: host, MOOSE_TLS_CERT: certFile, MOOSE_TLS_KEY: keyFile, MOOSE_TRUSTED_PROXY: proxy } = env
  const isLoopback = LOOPBACK.includes(host)
  const tls = certFile === undefined || keyFile === undefined ? null : { certFile, keyFile }
  return {
    auth: env.MOOSE_API_AUTH === 'on',
    allowedHosts: allowedHosts(env),
    proxy: proxy === undefined ? null : { ...proxy, scopes: env.MOOSE_TRUSTED_PROXY_SCOPES },
    ratePerSecond: env.MOOSE_API_RATE,
    public: isLoopback && tls === null ? null : { host, tls },
    loopback: isLoopback && tls === null ? host : '127.0.0.1',
  }
}

function allowedHosts(env: z.infer<typeof settings>): string[] {
  const { MOOSE_ALLOWED_HOSTS: named = [], MOOSE_PUBLIC_URL: page, MOOSE_HOST: host } = env
  const ofPage = page === undefined ? [] : [new URL(page).hostname]
  return [...new Set([...named, ...ofPage, ...ownName(host)])]
}

/** An address that stands for every one of the machine is the name of none. */
function ownName(host: string): string[] {
  if (LOOPBACK.includes(host) || host === '0.0.0.0' || host === '::') return []
  return [isIP(host) === 6 ? `[${host.toLowerCase()}]` : host]
}
