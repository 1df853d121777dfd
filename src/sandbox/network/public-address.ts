import { BlockList, isIPv6 } from 'node:net'

/**
 * Addresses that are not the public net's: this machine, its neighbours, and the services a cloud answers its machines with
 * (169.254.169.254, 100.100.100.200, fd00:ec2::254). Ranges for documentation are left out: nothing is there, and some
 * networks put their own mirrors at them.
 *
 * @see https://www.iana.org/assignments/iana-ipv4-special-registry
 * @see https://www.iana.org/assignments/iana-ipv6-special-registry
 */
const INNER = new BlockList()
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const)
  INNER.addSubnet(network, prefix, 'ipv4')
/** Only these are given out as public; of them, those that stand for an address of another kind (Teredo, 6to4). */
const GLOBAL = new BlockList()
GLOBAL.addSubnet('2000::', 3, 'ipv6')
const TRANSLATED = new BlockList()
TRANSLATED.addSubnet('2001::', 32, 'ipv6')
TRANSLATED.addSubnet('2002::', 16, 'ipv6')
/** A network without IPv4 reaches it at these; the last 32 bits are the address. @see https://www.rfc-editor.org/rfc/rfc6052 */
const NAT64 = new BlockList()
NAT64.addSubnet('64:ff9b::', 96, 'ipv6')

/** Whether an address, as a resolver gives it, is one of the public net. IPv4 written as IPv6 (`::ffff:…`) is none. */
export function isPublicAddress(address: string): boolean {
  if (!isIPv6(address)) return !INNER.check(address, 'ipv4')
  if (NAT64.check(address, 'ipv6')) return isPublicAddress(lastFour(address))
  return GLOBAL.check(address, 'ipv6') && !TRANSLATED.check(address, 'ipv6')
}

function lastFour(address: string): string {
  const groups = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const last = String(groups.at(-1)).split(':')
  const [high = '0', low = '0'] = last.length < 2 ? ['0', ...last] : last.slice(-2)
  const bits = [high, low].map((group) => Number.parseInt(group === '' ? '0' : group, 16))
  return bits.flatMap((group) => [group >> 8, group & 0xff]).join('.')
}
