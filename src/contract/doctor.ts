import { z } from './zod.ts'

/** One thing Moose needs or could use. */
export const DoctorFinding = z
  .object({
    name: z.string(),
    /** `optional`: not there and not needed for what is set up now; `warning`: it works, but not all of it may. */
    state: z.enum(['ok', 'missing', 'broken', 'warning', 'optional']),
    detail: z.string(),
    /** What to type or do; null when there is nothing to do. */
    remedy: z.string().nullable(),
  })
  .openapi('DoctorFinding')
export type DoctorFinding = z.infer<typeof DoctorFinding>

const Looked = {
  /** Nothing is missing or broken. */
  sound: z.boolean(),
  /** False: it took too long, and the last finding says at what. */
  complete: z.boolean(),
  began_at: z.iso.datetime(),
  duration_ms: z.number().int(),
}

/** What is looked at next, what was found, and at last the result. */
export const DoctorEvent = z
  .discriminatedUnion('type', [
    z.object({ type: z.literal('looking'), at: z.string() }),
    z.object({ type: z.literal('finding'), finding: DoctorFinding }),
    z.object({ type: z.literal('result'), ...Looked }),
  ])
  .openapi('DoctorEvent')
export type DoctorEvent = z.infer<typeof DoctorEvent>

export const DoctorResponse = z
  .object({ success: z.literal(true), ...Looked, findings: z.array(DoctorFinding) })
  .openapi('DoctorResponse')
