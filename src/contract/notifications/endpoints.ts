import { LIMITS } from '../../work-order/content.ts'
import { isLoopback, ORIGIN_PATTERN } from '../proposer-rules.ts'
import { knownOrOther, storedText } from '../stored-text.ts'
import { z } from '../zod.ts'

/** Events that are sent out. */
export const NOTIFICATION_KINDS = [
  'approval.waiting',
  'order.completed',
  'order.failed',
  'order.blocked',
  'order.cancelled',
  'pull_request.opened',
  'pull_request.reverted',
  'pull_request.merged_unverified',
  'follow_up.started',
  'follow_up.repaired',
  'follow_up.answered',
  'follow_up.failed',
  'escalation.opened',
  'escalation.closed',
  'provider.paused',
  'project.paused',
  'proposer.paused',
  /** What `moose notify test` sends, to one endpoint, whichever kinds it takes. */
  'test',
] as const
export type NotificationKind = (typeof NOTIFICATION_KINDS)[number]

/**
 * `standard`: signed JSON, as Standard Webhooks writes it. `slack`: a message in the form that Slack and its likes take. `github`: a
 * comment on the pull request, edited in place; there is one endpoint of it at most.
 */
export const NOTIFICATION_FORMATS = ['standard', 'slack', 'github'] as const
export type NotificationFormat = (typeof NOTIFICATION_FORMATS)[number]

const LONGEST_URL = 2_000
const MOST_PROJECTS = 100
const Time = z.iso.datetime()
const Count = z.number().int().nonnegative()

const EndpointName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9._-]{0,62}$/,
    'is not 1 to 63 of a-z, 0-9, dot, hyphen and underscore, the first a letter or digit',
  )

const EndpointUrl = storedText(LONGEST_URL)
  .refine(isReachable, 'is not an https URL without user and password, nor an http URL of this machine')
  .meta({ pattern: String.raw`${ORIGIN_PATTERN}(?![^/?]*@)[!"$-~]*$` })
  .openapi({ example: 'https://example.com/hooks/moose' })

/** In clear text only to this machine. */
function isReachable(text: string): boolean {
  if (!URL.canParse(text) || !/^[\x21-\x7e]+$/.test(text)) return false
  const { protocol, hostname, username, password, hash } = new URL(text)
  if (username !== '' || password !== '' || hash !== '') return false
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))
}

export const NewEndpoint = z
  .strictObject({
    name: EndpointName,
    /** Left out with the format `github` alone. */
    url: EndpointUrl.optional(),
    format: z.enum(NOTIFICATION_FORMATS).default('standard'),
    /** Left out or empty: all. */
    kinds: z.array(z.enum(NOTIFICATION_KINDS)).max(NOTIFICATION_KINDS.length).default([]),
    /** By name. Left out or empty: all, and what is of no project. */
    projects: z.array(storedText(LIMITS.title).min(1, 'is empty')).max(MOST_PROJECTS).default([]),
  })
  .superRefine(({ url, format }, context) => {
    const refuse = (message: string) => context.addIssue({ code: 'custom', path: ['url'], message })
    if (format === 'github' && url !== undefined) refuse('goes not with the format github')
    if (format !== 'github' && url === undefined) refuse('is missing')
  })
  .openapi('NewNotificationEndpoint', {
    anyOf: [
      { required: ['url'], properties: { format: { enum: ['standard', 'slack'] } } },
      { required: ['format'], properties: { format: { const: 'github' } }, not: { required: ['url'] } },
    ],
  })
export type NewEndpoint = z.infer<typeof NewEndpoint>

export const EndpointView = z
  .object({
    name: z.string(),
    /** Without what may be secret of it: with the format `slack` the whole path is. Null: with the format `github`. */
    url: z.string().nullable(),
    format: knownOrOther(NOTIFICATION_FORMATS),
    /** Empty: all. */
    kinds: z.array(z.string()),
    /** By name. Empty: all, and what is of no project. */
    projects: z.array(z.string()),
    created_at: Time,
    created_by: z.string(),
    delivered: Count,
    /** To be sent, or to be tried again. */
    waiting: Count,
    /** Given up after the last try. */
    dead: Count,
    /** Of the last try that failed; null: none has, or it is kept no more. */
    last_error: z.string().nullable(),
    /** Its last tries, where all of them failed: of events that wait, since the last one that was taken; left out: an earlier Moose did not say. */
    failed_tries: Count.optional(),
    /** When the next of these is made; null: none of them failed. */
    next_try_at: Time.nullish(),
  })
  .openapi('NotificationEndpoint')
export type EndpointView = z.infer<typeof EndpointView>

export const EndpointParams = z.object({ name: EndpointName })
export const EndpointsResponse = z.object({ success: z.literal(true), endpoints: z.array(EndpointView) })
export const EndpointResponse = z.object({ success: z.literal(true), endpoint: EndpointView })
/** `secret` is shown this once; null: only the format `standard` is signed. */
export const NewEndpointResponse = EndpointResponse.extend({ secret: z.string().nullable() })
/** The status it answered with; null: with the format `github` nothing is sent. */
export const TestedEndpointResponse = z.object({ success: z.literal(true), status: z.number().int().nullable() })
