import type { DoctorFinding } from '../../ports/doctor-finding.ts'
import { isAlive } from '../../process/is-alive.ts'
import { readServiceFile, removeServiceFile } from './service-file.ts'

/**
 * What a killed `moose up` has left in its home. Other commands are not misled by it: who answers there is asked.
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
