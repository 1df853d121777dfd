import type { z } from 'zod'
import { Fault } from '../faults/fault.ts'
import { describeIssues } from '../faults/schema-problems.ts'

/**
 * A row of `system_config` whose value is JSON.
 *
 * @param text null: there is no such row, which is an empty object
 * @param consequence what follows from a row nobody can read, as a sentence
 * @throws {Fault} `config_invalid` naming the row and every field that is wrong
 */
export function parseJsonSetting<T>(
  key: string,
  text: string | null,
  { schema, consequence }: { schema: z.ZodType<T>; consequence: string },
): T {
  const refuse = (problems: string, cause?: unknown) =>
    new Fault(
      'config_invalid',
      `Bad row ${key} in system_config: ${problems}. ${consequence}`,
      { key, problems },
      cause,
    )
  const parsed = schema.safeParse(text === null ? {} : jsonOf(text, refuse))
  if (parsed.success) return parsed.data
  throw refuse(describeIssues(parsed.error))
}

function jsonOf(text: string, refuse: (problems: string, cause: unknown) => Fault): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw refuse('it is not JSON', error)
  }
}
