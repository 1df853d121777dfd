import { knownOrOther, storedText } from './stored-text.ts'
import { z } from './zod.ts'

/** As many characters of a name as are kept. */
const LONGEST_NAME = 200

/**
 * How an actor is known: by an API token, as the user of the operating system who runs the command, by the header of a
 * trusted reverse proxy, by the role that is connected to the database, by the login on the forge, or as Moose itself.
 */
export const ACTOR_KINDS = ['token', 'os_user', 'proxy_user', 'database_role', 'forge_login', 'moose'] as const

/** Who acts. */
export const Actor = z
  .strictObject({ kind: z.enum(ACTOR_KINDS), name: storedText(LONGEST_NAME).min(1, 'is empty') })
  .openapi('Actor')
export type Actor = z.infer<typeof Actor>

/** The same as it is shown; a newer version may know other kinds. */
export const ShownActor = z.object({ kind: knownOrOther(ACTOR_KINDS), name: z.string() }).openapi('ShownActor')

/** Moose itself, where its own act is recorded. */
export const MOOSE: Actor = { kind: 'moose', name: 'orchestrator' }

/** `kind:name`, as the database is told (`moose.actor`) and as it is stored where one column holds it. A name may contain colons. */
export function actorText({ kind, name }: Actor): string {
  return `${kind}:${name.slice(0, LONGEST_NAME).toWellFormed()}`
}
