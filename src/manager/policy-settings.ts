import type { Kysely } from 'kysely'
import { z } from 'zod'
import type { Database } from '../db/schema.ts'
import { Fault } from '../errors.ts'
import type { LearnedPolicySettings } from './learned-policy.ts'

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
  const row = await db
    .selectFrom('system_config')
    .select('value')
    .where('key', '=', 'routing_policy')
    .executeTakeFirst()
  const parsed = RoutingPolicy.safeParse(row === undefined ? {} : jsonOf(row.value))
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`.trim()).join('; ')
  throw malformed(problems)
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw malformed('it is not JSON', error)
  }
}

function malformed(problems: string, cause?: unknown): Fault {
  const message = `Bad row routing_policy in system_config: ${problems}. Correct or delete it.`
  return new Fault('config_invalid', message, { key: 'routing_policy', problems }, cause)
}
