import { realpath } from 'node:fs/promises'
import { Fault, toFault } from '../../faults/fault.ts'
import { runCommand } from '../../process/run-command.ts'
import { treeIn } from '../cache-places.ts'
import type { LimitedRun } from '../limits/limited-run.ts'
import { createProgramPlaces, holds, type PlacesOptions } from '../program-places.ts'
import type { ConfinedCommand, Sandbox } from '../sandbox.ts'
import { seatbeltProfile } from './profile.ts'

const PROGRAM = '/usr/bin/sandbox-exec'
const PROBE_TIMEOUT_MS = 30_000

export type SeatbeltOptions = {
  /** Absolute path of Moose's home. */
  home: string
  /** Absolute paths of private folders, as `privateFolders` gives them. */
  kept: readonly string[]
  runLimited: LimitedRun
}

/**
 * Foreign code on macOS, confined by the system's own Seatbelt: files and network as for bubblewrap. There is no namespace of
 * processes: what is started is found by its marker and ended, as without a sandbox.
 *
 * @see https://keith.github.io/xcode-man-pages/sandbox-exec.1.html
 */
export function createSeatbelt({ home, kept, runLimited }: SeatbeltOptions): Sandbox {
  const isOfSystem: PlacesOptions['isOfSystem'] = (place) => /^\/(?:usr|bin|sbin|System|Library)(?:\/|$)/.test(place)
  const places = createProgramPlaces({ kept, isOfSystem })
  return {
    kind: 'seatbelt',
    assertReady,
    async run({ what, folder, writable, readable, reach, ...command }: ConfinedCommand) {
      const programs = await places.of(String(command.env['PATH']), command.command)
      const given = [...readable, ...programs].filter((place) => !kept.some((own) => holds(place, own)))
      const ports = reach.map(({ port }) => port)
      const profile = seatbeltProfile({ writable: await real(writable), readable: await real(given), ports })
      const args = ['-p', profile, command.command, ...command.args]
      const child = { ...command, command: PROGRAM, args, cwd: treeIn(folder), foreign: { home, what } }
      return await runLimited(child, { what, folder })
    },
  }
}

/** Rules are about the paths that links lead to: `/tmp` is `/private/tmp`. What is not there is left out. */
async function real(places: readonly string[]): Promise<string[]> {
  const found = await Promise.all(places.map((place) => realpath(place).catch(() => null)))
  return found.filter((place) => place !== null)
}

/** @throws {Fault} `sandbox_unavailable` */
async function assertReady(): Promise<void> {
  const profile = seatbeltProfile({ writable: [], readable: [], ports: [] })
  const limits = { timeoutMs: PROBE_TIMEOUT_MS, maxOutputBytes: 1_000, signal: null }
  const probe = { command: PROGRAM, args: ['-p', profile, '/usr/bin/true'], cwd: '/', env: {} }
  const problem = await runCommand({ ...probe, ...limits }).then(
    ({ exitCode, stderr }) => (exitCode === 0 ? null : stderr.text().trim()),
    (error: unknown) => toFault(error).message,
  )
  if (problem === null) return
  const message =
    `The sandbox of macOS cannot be used (${problem}). It is there on macOS alone; elsewhere unset MOOSE_SANDBOX, ` +
    'or set MOOSE_SANDBOX=none to run set-ups, checks and Aider without any sandbox.'
  throw new Fault('sandbox_unavailable', message, { sandbox: 'seatbelt' })
}
