import type { Kysely } from 'kysely'
import { z } from 'zod'
import type { Database } from '../db/schema.ts'
import { readJsonSetting } from '../db/system-config.ts'
import type { LearnedPolicySettings } from './learned/learned-policy.ts'

/** The row `routing_policy` of `system_config`: what may be changed about the learned policy while Moose runs. */
const RoutingPolicy = z
  .strictObject({
    mode: z.enum(['auto', 'static', 'learned'], 'is none of auto, static, learned').default('auto'),
    min_outcomes: z.int().min(1).max(100_000).default(50),
    success_floor: z.number().min(0).max(1).nullable().default(null),
    explore: z.boolean().default(true),
    seed: z.int().min(0).default(1),
  })
  .transform(
    ({ min_outcomes: minOutcomes, success_floor: successFloor, ...rest }): LearnedPolicySettings => ({
      ...rest,
      minOutcomes,
      successFloor,
    }),
  )

/** @throws {Fault} `config_invalid` */
export async function readPolicySettings(db: Kysely<Database>): Promise<LearnedPolicySettings> {
  return readJsonSetting(db, 'routing_policy', { schema: RoutingPolicy, consequence: 'Correct or delete it.' })
}
