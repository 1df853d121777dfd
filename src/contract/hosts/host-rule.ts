import { isIPv6 } from 'node:net'
import { textOfForm } from '../stored-text.ts'
import { z } from '../zod.ts'

/** What a rule without a port is for. */
const USUAL_PORTS = [443, 80]
export const LONGEST_RULE = 270

const OCTET = '(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])'
const IPV4 = String.raw`(?:${OCTET}\.){3}${OCTET}`
const PORT = '(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])'
const LABEL = '[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?'
/** What many programs take for a number, and so the whole for an address: `127.1`, `2130706433`, `0x7f.1`, `0177.0.0.1`. */
const NO_NUMBER = String.raw`(?!(?:[^:]{0,253}\.)?(?:[0-9]+|0[xX][0-9A-Fa-f]*)(?::|$))`
const NAME = String.raw`(?=[^:]{1,253}(?::|$))${NO_NUMBER}${LABEL}(?:\.${LABEL})*`
const BELOW = String.raw`\*\.(?=[^:]{0,253}\.)${NAME}`
const IPV6 = String.raw`\[(?:${z.core.regexes.ipv6.source.slice(1, -1)})\]`

/** `registry.example`, `registry.example:8443`, `*.example.org`, `10.1.2.3:8080`, `[fd00::1]`. */
export const HOST_RULE = new RegExp(`^(?:${IPV4}|${IPV6}|${BELOW}|${NAME})(?::${PORT})?$`)
/** Where a request wants to go: an authority with its port. */
const AUTHORITY = new RegExp(`^(?<host>${IPV4}|${IPV6}|${NAME})(?::(?<port>${PORT}))?$`)

export const UNFIT_RULE =
  'is not a host: registry.example, registry.example:8443, *.example.org, or an address such as 10.1.2.3:8080 or [fd00::1]; ' +
  'names beyond ASCII are written as xn--…'

/** A host as the operator grants it and `moose.yaml` asks for it; upper and lower case are the same. */
export const HostRule = textOfForm(LONGEST_RULE, HOST_RULE, UNFIT_RULE)

/** What runs outside code with a way to the net: `setup` of a project, or its checks. */
export const NetworkUse = z.enum(['setup', 'checks'])
export type NetworkUse = z.infer<typeof NetworkUse>

/** A host that is granted, and to what. */
export const HostGrant = z.strictObject({ host: HostRule, for: NetworkUse }).openapi('HostGrant')
export type HostGrant = z.infer<typeof HostGrant>

/** A place on the net: a name in lower case, or an address in its shortest form, IPv6 in brackets. */
export type NetworkPlace = { host: string; port: number }

/**
 * The place an authority (`host:port`) names; null: it names none, or in a form that another program might read as another
 * place (a user, a dot at the end, a number that stands for an address).
 *
 * @param usualPort of an authority without a port; null: it has to have one
 */
export function placeOf(authority: string, usualPort: number | null): NetworkPlace | null {
  if (authority.length > LONGEST_RULE) return null
  const { host, port } = AUTHORITY.exec(authority)?.groups ?? {}
  if (host === undefined) return null
  if (port === undefined) return usualPort === null ? null : { host: plainHost(host), port: usualPort }
  return { host: plainHost(host), port: Number(port) }
}

/** Whether a rule is for a place. `*.example.org` is for every name below `example.org`, and not for that itself. */
export function allows(rule: string, place: NetworkPlace): boolean {
  if (!HOST_RULE.test(rule)) return false
  const { host, port } = partsOf(rule)
  if (port === undefined ? !USUAL_PORTS.includes(place.port) : Number(port) !== place.port) return false
  if (!host.startsWith('*.')) return plainHost(host) === place.host
  return isName(place.host) && place.host.endsWith(host.slice(1).toLowerCase())
}

/** One way of writing a rule, by which two are the same. */
export function plainRule(rule: string): string {
  const { host, port } = partsOf(rule)
  return port === undefined ? plainHost(host) : `${plainHost(host)}:${port}`
}

/** The options of `moose project edit` that grant rules, as they are typed in a shell. */
export function grantOptions(rules: readonly string[], use: NetworkUse): string {
  const hosts = rules.map((rule) => `--allow-host ${/[*[]/.test(rule) ? `'${rule}'` : rule}`)
  return [...hosts, ...(use === 'setup' ? [] : [`--for ${use}`])].join(' ')
}

function partsOf(rule: string): { host: string; port: string | undefined } {
  const port = /:(\d{1,5})$/.exec(rule)?.[1]
  return { host: port === undefined ? rule : rule.slice(0, -port.length - 1), port }
}

const IS_IPV4 = new RegExp(`^${IPV4}$`)

export function isName(host: string): boolean {
  return !host.startsWith('[') && !IS_IPV4.test(host)
}

/** Addresses have many forms and names two cases. */
function plainHost(host: string): string {
  const address = host.startsWith('[') ? host.slice(1, -1) : null
  return address !== null && isIPv6(address) ? new URL(`http://[${address}]`).hostname : host.toLowerCase()
}

/** What a child asked for and did not get. */
export const RefusedHost = z
  .object({
    /** As it was asked for, with what is no letter of a host as `?`. */
    host: z.string(),
    /** Null: it could not be told. */
    port: z.number().int().nullable(),
    times: z.number().int(),
    /** `not_granted`; `no_public_address`: it is granted, and stands at an address that is not; `malformed`; `too_much`. */
    why: z.enum(['not_granted', 'no_public_address', 'malformed', 'too_much']),
  })
  .openapi('RefusedHost')
export type RefusedHost = z.infer<typeof RefusedHost>

/** The way to the net that a child had. */
export const ChildNetwork = z
  .object({
    /** Hosts that `network` of `moose.yaml` asks for. */
    asked: z.array(z.string()),
    /** Hosts the operator has granted: these and no others could be reached. */
    granted: z.array(z.string()),
    refused: z.array(RefusedHost),
  })
  .openapi('ChildNetwork')
export type ChildNetwork = z.infer<typeof ChildNetwork>
