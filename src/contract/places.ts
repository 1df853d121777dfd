import { OrchestratorStatus } from './orchestrator.ts'
import { z } from './zod.ts'

/** As the settings of these names take them. */
export const MOST_AT_ONCE = 100
export const MOST_IN_ONE = 1_000

/** How many attempts may run at once; it counts for every process of the database. */
export const PlacesBody = z
  .strictObject({
    /** Over the whole fleet; null: as `ORCHESTRATOR_MAX_CONCURRENT_EXECUTIONS` of each process says. */
    max_concurrent: z.number().int().min(1).max(MOST_AT_ONCE).nullable().optional(),
    /** Of these, in one repository; null: as `ORCHESTRATOR_MAX_PER_REPOSITORY` says, any number where it says nothing. */
    max_per_repository: z.number().int().min(1).max(MOST_IN_ONE).nullable().optional(),
  })
  .refine((body) => Object.keys(body).length > 0, 'names nothing to change')
  .openapi('PlacesChange', { minProperties: 1 })
export type PlacesBody = z.infer<typeof PlacesBody>

export const PlacesResponse = z.object({
  success: z.literal(true),
  /** In force now, in the process that answers. */
  places: OrchestratorStatus.pick({ max_concurrent: true, max_per_repository: true }),
})
export type Places = z.infer<typeof PlacesResponse>['places']
