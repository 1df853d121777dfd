import { closeSync, readdirSync, readFileSync } from 'node:fs'
import type { Config } from '../config.ts'
import { isMissing } from '../faults/error-code.ts'
import { createBubblewrap } from './bubblewrap/bubblewrap.ts'
import { ContainerSandbox } from './container/container-sandbox.ts'
import { Engine } from './container/engine.ts'
import { createLimitedRun } from './limits/limited-run.ts'
import { createNoSandbox } from './none.ts'
import { privateFolders } from './program-places.ts'
import type { Sandbox } from './sandbox.ts'
import { createSeatbelt } from './seatbelt/seatbelt.ts'

type Settings = Pick<
  Config,
  | 'sandbox'
  | 'home'
  | 'executablePath'
  | 'toolchainEnvironment'
  | 'childLimits'
  | 'engineArguments'
  | 'engineEnvironment'
>

/**
 * The sandbox that `MOOSE_SANDBOX` names. One that cannot be had refuses to run anything; there is no other in its place. What
 * this process was given open by who started it is closed, for every child would have it.
 */
export function createSandbox(config: Settings): Sandbox {
  closeInherited()
  const parts = { ...config, kept: privateFolders(config), runLimited: createLimitedRun(config) }
  switch (config.sandbox) {
    case 'none':
      return createNoSandbox(parts)
    case 'bubblewrap':
      return createBubblewrap(parts)
    case 'seatbelt':
      return createSeatbelt(parts)
    case 'podman':
    case 'docker':
      return new ContainerSandbox({ ...parts, engine: new Engine({ ...config, kind: config.sandbox }) })
  }
}

const O_CLOEXEC = 0o2000000
let isClosed = false

/**
 * Descriptors that a child would inherit, and through which it would reach past any sandbox: Node marks the first ones alone to
 * be closed, up to the first gap behind 15. Whatever it opens itself is marked. Once, for nothing makes more of them. Where
 * there is no /proc (macOS), children are started without any.
 *
 * @see https://github.com/libuv/libuv/blob/v1.x/src/unix/core.c (uv_disable_stdio_inheritance, POSIX_SPAWN_CLOEXEC_DEFAULT)
 */
function closeInherited(): void {
  if (isClosed || process.platform !== 'linux') return
  isClosed = true
  const others = readdirSync('/proc/self/fd')
    .map(Number)
    .filter((descriptor) => descriptor > 2)
  for (const descriptor of others.filter(isInherited)) closeSync(descriptor)
}

/** False of one that is closed by now, as that of the list itself. */
function isInherited(descriptor: number): boolean {
  try {
    const [, flags] = /^flags:\s+([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8')) ?? []
    return flags !== undefined && (Number.parseInt(flags, 8) & O_CLOEXEC) === 0
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}
