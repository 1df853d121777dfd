import { realpath, stat } from 'node:fs/promises'
import { isOfSystem } from '../bubblewrap/system-mounts.ts'
import { givenPlace } from '../cache-places.ts'
import { createProgramPlaces, holds } from '../program-places.ts'
import type { ConfinedCommand } from '../sandbox.ts'
import { REPORT_FOLDER } from './inside.ts'
import type { Bind } from './run-arguments.ts'

/** What programs of this machine need of its system. */
const SYSTEM = [
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/lib32',
  '/lib64',
  '/libx32',
  '/opt',
  '/nix/store',
  '/gnu/store',
  '/etc/alternatives',
  '/etc/ld.so.cache',
]

/** Programs of this machine, for what is installed here and not in an image. */
export type MachinePrograms = { neededBy(command: Pick<ConfinedCommand, 'command' | 'env'>): Promise<(Bind | null)[]> }

/** @param kept absolute paths of private folders, of which nothing is given as a whole: the operator's HOME and Moose's */
export function createMachinePrograms(kept: readonly string[]): MachinePrograms {
  const places = createProgramPlaces({ kept, isOfSystem })
  return {
    async neededBy({ command, env }) {
      const programs = await places.of(String(env['PATH']), command)
      const others = programs.filter((place) => !kept.some((own) => holds(place, own)))
      return await Promise.all([...SYSTEM, ...others].map(ofMachine))
    },
  }
}

/**
 * What of this machine a container is given, each folder before what lies in it. A place that is both is read-only.
 *
 * @param report absolute path of the folder that `wrapped` is told of
 */
export async function bindsOf(
  command: ConfinedCommand,
  { report, machine }: { report: string; machine: MachinePrograms },
): Promise<Bind[]> {
  const { what, folder, writable, readable } = command
  const wanted = [
    ...(what === 'aider' ? await machine.neededBy(command) : []),
    ...(await Promise.all(writable.map((place) => given(folder, place, true)))),
    ...(await Promise.all(readable.map((place) => given(folder, place, false)))),
    { source: report, target: REPORT_FOLDER, writable: true },
  ]
  const byTarget = new Map(wanted.flatMap((bind) => (bind === null ? [] : [[bind.target, bind]])))
  return [...byTarget.values()].sort((one, other) => depth(one) - depth(other))
}

/** At the path it has here: what is a link to another folder of the system here may be a folder in the image. */
async function ofMachine(place: string): Promise<Bind | null> {
  const found = await stat(place).catch(() => null)
  return found === null ? null : { source: await realpath(place), target: place, writable: false }
}

async function given(folder: string, place: string, writable: boolean): Promise<Bind | null> {
  const found = await givenPlace(folder, place)
  if (found === null || (await stat(found).catch(() => null)) === null) return null
  return { source: found, target: place, writable }
}

function depth({ target }: Bind): number {
  return target.split('/').length
}
