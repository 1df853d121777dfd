import path from 'node:path'
import type { Reached } from '../sandbox.ts'

/** Where a sandbox keeps what is its own, as seen from inside. */
export const OWN_FOLDER = '/run/moose'
export const inside = (name: string): string => `${OWN_FOLDER}/${name}`

const FORWARDER = path.join(import.meta.dirname, `../../process/forward${path.extname(import.meta.filename)}`)
const FORWARDER_INSIDE = inside('forward.mjs')
const socketInside = (index: number) => inside(`${index}.sock`)
/** Moose's own Node, as seen from inside. */
export const NODE_INSIDE = inside('node')

/** What a sandbox is given so that sockets can be reached from inside: files of this machine, by their path there. */
export function placedFor(reach: readonly Reached[]): Record<string, string> {
  const sockets = reach.map(({ socket }, index) => [socketInside(index), socket])
  return { [NODE_INSIDE]: process.execPath, [FORWARDER_INSIDE]: FORWARDER, ...Object.fromEntries(sockets) }
}

/** The arguments of Node with which a command is started behind what forwards its connections. */
export function forwarded(reach: readonly Reached[], command: readonly string[]): string[] {
  const ports = reach.map(({ port }, index) => `${port}=${socketInside(index)}`)
  return [FORWARDER_INSIDE, ...ports, '--', ...command]
}
