import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import type { DoctorFinding } from '../../contract/doctor.ts'
import { errorCode, isMissing } from '../../faults/error-code.ts'
import { Fault } from '../../faults/fault.ts'
import { isAlive } from '../../process/is-alive.ts'

const ServiceFile = z.object({
  /** Where the API listens. */
  url: z.url(),
  pid: z.number().int().positive(),
  started_at: z.iso.datetime(),
  /** The database it works on. `url` without its password; `identity` tells it from every other (databaseIdentity). */
  database: z.object({ url: z.string(), identity: z.string() }).optional(),
})

/** What a running `moose up` leaves in its home for the other commands to find it. */
export type ServiceFile = z.infer<typeof ServiceFile>

/** The file, whether or not what it names is still alive; null when there is none or it cannot be understood. */
export async function readServiceFile(home: string): Promise<ServiceFile | null> {
  try {
    const parsed = ServiceFile.safeParse(JSON.parse(await readFile(fileIn(home), 'utf8')))
    return parsed.success ? parsed.data : null
  } catch (error) {
    if (error instanceof SyntaxError || isMissing(error) || errorCode(error) === 'ENOTDIR') return null
    throw new Fault('internal', `Cannot read ${fileIn(home)}: ${String(error)}`, {}, error)
  }
}

/** Written aside and moved into place: a reader never sees half of it. */
export async function writeServiceFile(home: string, service: ServiceFile): Promise<void> {
  await mkdir(home, { recursive: true, mode: 0o700 })
  const draft = `${fileIn(home)}.${service.pid}`
  await writeFile(draft, `${JSON.stringify(service)}\n`, { mode: 0o600 })
  await rename(draft, fileIn(home))
}

export async function removeServiceFile(home: string): Promise<void> {
  await rm(fileIn(home), { force: true })
}

function fileIn(home: string): string {
  return path.join(home, 'service.json')
}

/**
 * The file a killed `moose up` has left in its home. Other commands check that a service answers before they use it.
 *
 * @param fix removes it
 * @returns nothing where it is in order
 */
export async function staleService(home: string, fix: boolean): Promise<DoctorFinding[]> {
  const service = await readServiceFile(home)
  if (service === null || isAlive(service.pid)) return []
  if (fix) {
    await removeServiceFile(home)
    return []
  }
  const detail = `service.json names process ${service.pid}, which is gone`
  return [{ name: 'service', state: 'warning', detail, remedy: 'moose doctor --fix' }]
}
