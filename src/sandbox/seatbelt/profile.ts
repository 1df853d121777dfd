/** What a child on macOS may do beside running programs; absolute paths without links. */
export type SeatbeltRights = {
  writable: readonly string[]
  readable: readonly string[]
  /** Ports of 127.0.0.1 that it may connect to. */
  ports: readonly number[]
}

/** What programs need of the system. */
const SYSTEM = [
  '/usr /bin /sbin /System /Library /opt/homebrew /opt/local /nix/store /dev',
  '/private/etc/ssl /private/etc/hosts /private/etc/localtime /private/etc/shells /private/etc/paths',
  '/private/etc/paths.d /private/var/db/timezone /private/var/db/dyld /private/var/select',
].flatMap((places) => places.split(' '))
const DEVICES = ['/dev/null', '/dev/zero', '/dev/tty', '/dev/dtracehelper', '/dev/stdout', '/dev/stderr']

/**
 * A profile for `sandbox-exec`: nothing is allowed but what stands in it. Later rules win over earlier ones, so that of what
 * may be written a part can be read-only; where both name the same folder it may be written.
 *
 * @see https://reverse.put.as/wp-content/uploads/2011/09/Apple-Sandbox-Guide-v1.0.pdf
 */
export function seatbeltProfile({ writable, readable, ports }: SeatbeltRights): string {
  const rules = [
    ...readable.map((place) => ({ place, rule: 'deny' })),
    ...writable.map((place) => ({ place, rule: 'allow' })),
  ]
  const deeperLater = rules.sort((one, other) => depth(one.place) - depth(other.place))
  return [
    '(version 1)',
    '(deny default)',
    '(allow process-exec* process-fork)',
    '(allow signal process-info* (target same-sandbox))',
    '(allow sysctl-read)',
    '(allow file-read-metadata)',
    `(allow file-read* (literal "/") ${subpaths([...SYSTEM, ...readable, ...writable])})`,
    `(allow file-write* ${DEVICES.map((place) => `(literal ${quoted(place)})`).join(' ')})`,
    ...deeperLater.map(({ place, rule }) => `(${rule} file-write* (subpath ${quoted(place)}))`),
    '(allow mach-lookup (global-name "com.apple.system.opendirectoryd.libinfo"))',
    ...ports.map((port) => `(allow network-outbound (remote ip "localhost:${port}"))`),
    '',
  ].join('\n')
}

function subpaths(places: readonly string[]): string {
  return places.map((place) => `(subpath ${quoted(place)})`).join(' ')
}

/** As a string of Scheme, in which a backslash and a quotation mark are escaped. */
function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`
}

function depth(place: string): number {
  return place.split('/').length
}
