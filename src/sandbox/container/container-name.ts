import { createHash, randomUUID } from 'node:crypto'
import { isAlive } from '../../process/is-alive.ts'
import { bootId, lives, lookAtProcess } from '../../process/process-table.ts'

/** Of hashes and ids in a name: enough to tell some from each other. */
const SHORT = 12
const NAME = /^moose-[0-9a-f]{12}-([0-9a-f]{12})-(\d{1,10})-(\d{1,20})-[0-9a-f]{12}$/
/** Where there is no /proc. */
const NO_BOOT = '0'.repeat(SHORT)

/** How the names of all containers of a home begin. @param home absolute path */
export function namesOfHome(home: string): string {
  return `moose-${hashed(home)}-`
}

/** A new name, which says which process of which home made the container. */
export function newName(home: string): string {
  const startTime = lookAtProcess(process.pid)?.startTime
  return `${namesOfHome(home)}${shortBoot()}-${process.pid}-${startTime === undefined ? 0 : startTime}-${hashed(randomUUID())}`
}

/**
 * Whether the process that made a container is gone, so that nothing waits for it any more. The start time and the boot
 * rule out a pid that was given to another process since; where there is no /proc, only the pid is looked at.
 */
export function isLeft(name: string): boolean {
  const [, boot, pid, startTime] = NAME.exec(name) ?? []
  if (boot === undefined) return false
  if (boot !== shortBoot()) return true
  if (boot === NO_BOOT) return !isAlive(Number(pid))
  return !lives({ pid: Number(pid), startTime: Number(startTime) })
}

function shortBoot(): string {
  const boot = bootId()
  return boot === null ? NO_BOOT : hashed(boot)
}

function hashed(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, SHORT)
}
