import { readFileSync } from 'node:fs'
import path from 'node:path'

const LAUNCHER = path.join(import.meta.dirname, '../../moose')

/**
 * The options of Node the launcher `moose` starts it with, as `NODE_OPTIONS`: a service that is measured runs as a
 * user's does.
 */
export function asLaunched(): { NODE_OPTIONS: string } {
  const [, options] = /^exec "\$node" ((?:--\S+ )*)/m.exec(readFileSync(LAUNCHER, 'utf8')) ?? []
  if (options === undefined) throw new Error(`${LAUNCHER} does not start Node as it did`)
  return { NODE_OPTIONS: options.trim() }
}
