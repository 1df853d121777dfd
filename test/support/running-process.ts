import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { errorCode } from '../../src/faults/error-code.ts'

const ENDS_WITHIN_MS = 5_000
const LOOK_AGAIN_MS = 20

/**
 * Whether a process runs. A zombie, which has ended and which its parent (often PID 1, in containers a slow one) has
 * not yet collected, does not.
 */
export async function isRunning(pid: number): Promise<boolean> {
  // An empty pid file reads as 0, which would mean our own process group.
  assert.ok(Number.isInteger(pid) && pid > 1, `${pid} is not the pid of a child`)
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return false
  }
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null)
  if (stat === null) return process.platform !== 'linux'
  return !/\) [ZX] /.test(stat)
}

/** Whether a process that should end does so soon: it was asked to, or killed, a moment ago. */
export async function endsSoon(pid: number): Promise<boolean> {
  const patience = AbortSignal.timeout(ENDS_WITHIN_MS)
  while (await isRunning(pid)) {
    if (patience.aborted) return false
    await sleep(LOOK_AGAIN_MS)
  }
  return true
}

/** Whether a process of this machine was started with these words one after the other. Linux only. */
export async function isRunningWith(...words: readonly string[]): Promise<boolean> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')))
  return lines.some((line) => `\0${line}`.includes(`\0${words.join('\0')}\0`))
}
