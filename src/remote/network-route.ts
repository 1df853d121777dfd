import { X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { BlockList, isIP } from 'node:net'
import path from 'node:path'
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import { Fault } from '../faults/fault.ts'

/** The variables of `NETWORK_VARIABLES` that are set. */
export type NetworkEnvironment = Readonly<Record<string, string>>

/** How a server is reached. */
export type Route = {
  /** As in the variable, without user and password: `http://proxy.example:3128`; null: directly. */
  proxy: string | null
  /** The variable that decided; null: none is set for it. */
  variable: string | null
  /** Why no call can go there, with what to do; null: nothing speaks against it. */
  problem: string | null
}

/** The lower-case form wins, as it does for curl. */
const PROXY_VARIABLES = {
  'https:': ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'],
  'http:': ['http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY'],
} as const
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

/**
 * Whether a server is reached through a proxy. This machine itself never is; `NO_PROXY` names hosts and domains, with or
 * without a port, addresses and networks (`10.0.0.0/8`), or `*`.
 *
 * @see https://everything.curl.dev/usingcurl/proxies/env.html
 */
export function routeTo(url: URL, environment: NetworkEnvironment): Route {
  const direct = { proxy: null, variable: null, problem: null }
  const variables = url.protocol === 'https:' ? PROXY_VARIABLES['https:'] : PROXY_VARIABLES['http:']
  const variable = variables.find((name) => environment[name] !== undefined)
  if (variable === undefined || LOOPBACK.test(url.hostname)) return direct
  const exempt = ['no_proxy', 'NO_PROXY'].find((name) => environment[name] !== undefined)
  if (exempt !== undefined && isExempt(url, String(environment[exempt]))) return { ...direct, variable: exempt }
  const written = proxyUrl(String(environment[variable]))
  if (written === null) {
    const problem = `${variable} is not the URL of an http or https proxy, and no other kind is spoken. Correct or unset it.`
    return { proxy: null, variable, problem }
  }
  return { proxy: `${written.protocol}//${written.host}`, variable, problem: null }
}

/** Null: it is no proxy Node speaks to. */
function proxyUrl(text: string): URL | null {
  const written = /^[a-z][a-z0-9+.-]{0,20}:\/\//i.test(text) ? text : `http://${text}`
  if (!URL.canParse(written)) return null
  const url = new URL(written)
  return url.protocol === 'http:' || url.protocol === 'https:' ? url : null
}

function isExempt({ hostname, port, protocol }: URL, list: string): boolean {
  const usual = protocol === 'https:' ? '443' : '80'
  const host = hostname.toLowerCase().replace(/\.$/, '')
  const address = host.replace(/^\[|\]$/g, '')
  return list.split(/[\s,]/).some((written) => {
    if (isIP(address) !== 0 && isAddressOf(address, written)) return true
    const wantedPort = /:(\d{1,5})$/.exec(written)?.[1]
    const name = wantedPort === undefined ? written : written.slice(0, -wantedPort.length - 1)
    if (name === '*') return true
    const domain = name.toLowerCase().replace(/^\*?\./, '')
    if (domain === '' || (wantedPort !== undefined && wantedPort !== (port === '' ? usual : port))) return false
    return host === domain || host.endsWith(`.${domain}`)
  })
}

/** Whether an address is the one written, with or without brackets, or in the network written as `10.0.0.0/8`. */
function isAddressOf(address: string, written: string): boolean {
  const [network = '', prefix] = written.replace(/^\[|\](?=$|\/)/g, '').split('/')
  const family = isIP(network) === 6 ? 'ipv6' : 'ipv4'
  const widest = family === 'ipv6' ? 128 : 32
  if (isIP(network) === 0 || (prefix !== undefined && !/^\d{1,3}$/.test(prefix))) return false
  const bits = prefix === undefined ? widest : Number(prefix)
  if (bits > widest) return false
  const list = new BlockList()
  list.addSubnet(network, bits, family)
  return list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

const AUTHORITY_VARIABLES = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR'] as const
const MOST_FILES = 1_000
const MOST_BYTES = 4 * 1024 * 1024

/** Certificates of authorities that count beside those Node knows. */
export type Authorities = {
  /** PEM. */
  certificates: string[]
  /** The variables they are from. */
  variables: string[]
  /** A sentence for each variable that names what cannot be read. */
  problems: string[]
}

/** Reads the operator's own certificates: files, and every certificate in the folders of `SSL_CERT_DIR`. */
export function readAuthorities(environment: NetworkEnvironment): Authorities {
  const found: Authorities = { certificates: [], variables: [], problems: [] }
  for (const variable of AUTHORITY_VARIABLES) {
    const value = environment[variable]
    if (value === undefined) continue
    try {
      const files = variable === 'SSL_CERT_DIR' ? value.split(path.delimiter).flatMap(filesIn) : [value]
      const certificates = files.flatMap(certificatesIn)
      found.certificates.push(...certificates)
      if (certificates.length > 0) found.variables.push(variable)
      else found.problems.push(`${variable} names no certificate in PEM. Correct or unset it.`)
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'no reason is known'
      found.problems.push(`What ${variable} names cannot be read (${code}). Correct or unset it.`)
    }
  }
  return found
}

function filesIn(folder: string): string[] {
  // As OpenSSL does: one of several folders may not be there.
  if (folder === '' || statSync(folder, { throwIfNoEntry: false }) === undefined) return []
  const files = readdirSync(folder).slice(0, MOST_FILES)
  return files.map((name) => path.join(folder, name)).filter((file) => isCertificateSized(file))
}

function isCertificateSized(file: string): boolean {
  const found = statSync(file, { throwIfNoEntry: false })
  return found?.isFile() === true && found.size <= MOST_BYTES
}

const END = '-----END CERTIFICATE-----'

function certificatesIn(file: string): string[] {
  const pieces = readFileSync(file, 'latin1').slice(0, MOST_BYTES).split(END).slice(0, -1)
  return pieces.flatMap((piece) => {
    const begin = piece.lastIndexOf('-----BEGIN CERTIFICATE-----')
    const pem = begin === -1 ? '' : `${piece.slice(begin)}${END}\n`
    return isCertificate(pem) ? [pem] : []
  })
}

function isCertificate(pem: string): boolean {
  if (pem === '') return false
  try {
    return new X509Certificate(pem).fingerprint256 !== ''
  } catch {
    // A folder of certificates holds other things too; one that is none must not take the others with it.
    return false
  }
}

/** How calls leave this machine. */
export type Network = {
  /**
   * What a request to a server is made with; undefined: Node's own.
   *
   * @throws {Fault} `config_invalid` for a proxy that cannot be spoken to
   */
  agentFor(url: URL): HttpAgent | undefined
  /**
   * The proxy a server is reached through, with the login of the variable, which is a secret; null: directly.
   *
   * @throws {Fault} as `agentFor`
   */
  proxyFor(url: URL): { url: URL; secureContext: SecureContext | undefined } | null
}

/** The network as the variables describe it; the certificates are read with the first call that needs them. */
export function createNetwork(environment: NetworkEnvironment): Network {
  const agents = new Map<string, HttpAgent>()
  let trusted: { context: SecureContext | undefined } | null = null
  const context = () => {
    trusted ??= { context: contextOf(readAuthorities(environment)) }
    return trusted.context
  }
  const spokenRoute = (url: URL): { proxy: string | null; written: URL | null } => {
    const { proxy, variable, problem } = routeTo(url, environment)
    if (problem !== null) throw new Fault('config_invalid', problem, { variable })
    return { proxy, written: variable === null || proxy === null ? null : proxyUrl(String(environment[variable])) }
  }
  return {
    proxyFor(url) {
      const { written } = spokenRoute(url)
      if (written === null) return null
      return { url: written, secureContext: written.protocol === 'https:' ? context() : undefined }
    },
    agentFor(url) {
      const { proxy, written } = spokenRoute(url)
      const secureContext = url.protocol === 'https:' || proxy?.startsWith('https:') === true ? context() : undefined
      if (proxy === null && secureContext === undefined) return undefined
      const key = `${url.protocol} ${proxy}`
      const known = agents.get(key)
      if (known !== undefined) return known
      const options = {
        keepAlive: true,
        ...(secureContext === undefined ? {} : { secureContext }),
        ...(written === null ? {} : { proxyEnv: { HTTP_PROXY: written.href, HTTPS_PROXY: written.href } }),
      }
      const agent = url.protocol === 'https:' ? new HttpsAgent(options) : new HttpAgent(options)
      agents.set(key, agent)
      return agent
    },
  }
}

function contextOf({ certificates }: Authorities): SecureContext | undefined {
  if (certificates.length === 0) return undefined
  return createSecureContext({ ca: [...getCACertificates('default'), ...certificates] })
}
