import { ShownActor } from './actor.ts'
import { Scope } from './api-token.ts'
import { WorkOrderParams } from './work-orders.ts'
import { z } from './zod.ts'

const Time = z.iso.datetime()
const LONGEST_CODE = 100

/** What a link leads to once it has logged the browser in; nothing: the inbox. */
export const NewLoginLink = z
  .strictObject({
    /** An order by its id, or by a unique prefix of it. */
    order: WorkOrderParams.shape.id.optional(),
  })
  .openapi('NewLoginLink')

/** A link that logs one browser in, once. */
export const LoginLinkResponse = z.object({
  success: z.literal(true),
  /** Path of the page with the code in its fragment, which no server and no log is told. */
  path: z.string(),
  /** Where people reach the page, as `MOOSE_PUBLIC_URL` of the service says; null: it does not say. */
  page_url: z.url().nullable(),
  /** Null: there is nothing to log in to, because the API asks for no token. */
  expires_at: Time.nullable(),
})

/** The code of a link, which counts once. */
export const OpenSession = z
  .strictObject({ code: z.string().min(1, 'is empty').max(LONGEST_CODE) })
  .openapi('OpenSession')

export const SessionView = z
  .object({
    actor: ShownActor,
    scopes: z.array(Scope),
    /** When a browser has to log in again; null: whoever asks has shown a token, or needs none. */
    expires_at: Time.nullable(),
  })
  .openapi('Session')

export const SessionResponse = z.object({ success: z.literal(true), session: SessionView })
