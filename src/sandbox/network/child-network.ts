import { lookup } from 'node:dns/promises'
import {
  type ChildNetwork,
  grantOptions,
  type HostGrant,
  type NetworkUse,
  plainRule,
  type RefusedHost,
} from '../../contract/hosts/host-rule.ts'
import type { Log } from '../../log.ts'
import { createNetwork, type NetworkEnvironment } from '../../remote/network-route.ts'
import type { Reached, SandboxKind } from '../sandbox.ts'
import { openProxy } from './proxy.ts'

/** Where a child that has a loopback of its own finds the proxy. */
const INNER_PORT = 3128
/** Those whose children share this machine's loopback. */
const SHARES_LOOPBACK: ReadonlySet<SandboxKind> = new Set(['none', 'seatbelt'])

export type ChildNetworksOptions = {
  /** Absolute path of Moose's home. */
  home: string
  kind: SandboxKind
  /** How this machine reaches the net; may hold a password. */
  environment: NetworkEnvironment
  /** What the operator has granted to a project, as it is now. */
  grantsOf: (projectId: string) => Promise<readonly HostGrant[]>
  log: Log
}

export type ChildNetworkRequest = {
  project: { id: string; name: string }
  use: NetworkUse
  /** Of `moose.yaml`. */
  asked: Readonly<Record<NetworkUse, readonly string[]>>
  /** Told of every place that is refused, once, with what to type. */
  onOutput: (text: string) => void
}

/** The way to the net of one child; disposing it ends its connections. */
export type OpenChildNetwork = AsyncDisposable & {
  /** The port of the proxy as the child sees it, on `127.0.0.1`. */
  port: number
  reach: readonly Reached[]
  /** So far. */
  told(): ChildNetwork
}

/** The ways to the net of children that run foreign code: each has a proxy of its own, which leads to granted hosts alone. */
export type ChildNetworks = {
  /** What decides what a child can reach, in an order that is always the same. */
  grantedTo(projectId: string, use: NetworkUse): Promise<readonly string[]>
  open(request: ChildNetworkRequest): Promise<OpenChildNetwork>
}

export function createChildNetworks(options: ChildNetworksOptions): ChildNetworks {
  const { grantsOf, kind } = options
  const network = createNetwork(options.environment)
  const grantedTo = async (projectId: string, use: NetworkUse) => {
    const grants = await grantsOf(projectId)
    const hosts = grants.filter((grant) => grant.for === use).map(({ host }) => plainRule(host))
    return [...new Set(hosts)].toSorted()
  }
  return {
    grantedTo,
    async open(request) {
      const granted = await grantedTo(request.project.id, request.use)
      const onRefused = (refused: RefusedHost) => tell(options.log, request, refused)
      const home = SHARES_LOOPBACK.has(kind) ? null : options.home
      const proxy = await openProxy({ home, granted, network, resolve: addressesOf, onRefused })
      const { at } = proxy
      return {
        port: 'port' in at ? at.port : INNER_PORT,
        // A sandbox that shares loopback opens the port alone.
        reach: 'port' in at ? [{ socket: '', port: at.port }] : [{ socket: at.socket, port: INNER_PORT }],
        told: () => ({ asked: [...request.asked[request.use]], granted: [...granted], refused: proxy.refused() }),
        [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
      }
    },
  }
}

async function addressesOf(name: string): Promise<string[]> {
  const found = await lookup(name, { all: true, order: 'verbatim' })
  return found.map(({ address }) => address)
}

function tell(log: Log, { project, use, onOutput }: ChildNetworkRequest, refused: RefusedHost): void {
  const { host, port, why } = refused
  log.warn({ project: project.name, use, host, port, why }, 'a child was refused a way to the net')
  onOutput(`\nmoose: ${refusedPlace(refused)} was refused: ${WORDS[why]}\n`)
}

const WORDS: Readonly<Record<RefusedHost['why'], string>> = {
  not_granted: 'it is not granted to the project',
  no_public_address: 'it stands at an address that is not of the public net, and that address is not granted',
  malformed: 'it is no place on the net in a form that is taken',
  too_much: 'that is more than one child may have',
}

function refusedPlace({ host, port }: RefusedHost): string {
  return port === null ? host : `${host}:${port}`
}

/** What to type for what was refused, as the end of a sentence; null: nothing was that could be granted. */
export function remedyFor(project: string, use: NetworkUse, { refused }: Pick<ChildNetwork, 'refused'>): string | null {
  const places = refused.filter(({ why, port }) => why === 'not_granted' && port !== null)
  if (places.length === 0) return null
  const shown = places.slice(0, MOST_SHOWN)
  const more = places.length > shown.length ? ` and ${places.length - shown.length} more` : ''
  const hosts = new Set(shown.map(({ host, port }) => (port === 443 || port === 80 ? host : `${host}:${port}`)))
  const options = grantOptions([...hosts], use)
  const which = `${shown.map(refusedPlace).join(', ')}${more}`
  return `it was refused ${which}, not granted to the project (to grant: moose project edit ${project} ${options})`
}

const MOST_SHOWN = 5
