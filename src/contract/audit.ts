import { ShownActor } from './actor.ts'
import { knownOrOther, storedText } from './stored-text.ts'
import { WorkOrderParams } from './work-orders.ts'
import { z } from './zod.ts'

const MOST_ENTRIES = 1_000
const LONGEST_NAME = 200
const LONGEST_OBJECT = 400

/** A number of an entry: from 1, without gaps. */
const Seq = z.number().int().positive()
const Hash = z.string().regex(/^[0-9a-f]{64}$/)

/** Who did what to what, and when. */
export const AuditEntry = z
  .object({
    seq: Seq,
    at: z.iso.datetime(),
    actor: ShownActor,
    /** The user who was connected to the database, whatever `actor` says. */
    database_role: z.string(),
    /** `order.approve`, `pull_request.merge`, `budget.caps`, `project.edit`, …; a newer version may have others. */
    act: z.string().openapi({ example: 'order.approve' }),
    subject: z.object({ kind: z.string(), id: z.string() }),
    /** Null: the act is about no order. */
    work_order_id: z.guid().nullable(),
    /** What has changed. Texts, and what may hold a secret, are hashes. */
    details: z.record(z.string(), z.unknown()),
    /** Of this entry and, in it, of the one before. */
    hash: Hash,
  })
  .openapi('AuditEntry')
export type AuditEntry = z.infer<typeof AuditEntry>

export const AuditQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(MOST_ENTRIES).default(100),
  /** Only entries before this one: the `next_before` of the page that was read last. */
  before: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER).optional(),
  since: z.iso.datetime({ offset: true }).optional(),
  /** Only entries up to then. */
  until: z.iso.datetime({ offset: true }).optional(),
  /** The name of an actor, of a database user, or of who is signed in through Supabase. */
  by: storedText(LONGEST_NAME).min(1).optional(),
  /** Only this act. */
  act: storedText(LONGEST_NAME).min(1).optional().openapi({ example: 'order.approve' }),
  /** A kind of object, or one object as `kind:id`. */
  object: storedText(LONGEST_OBJECT).min(1).optional().openapi({ example: 'proposer:sonnet' }),
  /** Id of a work order, or a unique prefix of it. */
  order: WorkOrderParams.shape.id.optional(),
})
export type AuditQuery = z.infer<typeof AuditQuery>

export const AuditResponse = z
  .object({
    success: z.literal(true),
    /** Oldest first; of more than `limit`, the newest. */
    entries: z.array(AuditEntry),
    /** Pass it as `before` for the entries before these; null: there are none. */
    next_before: Seq.nullable(),
  })
  .openapi('AuditResponse')
export type AuditResponse = z.infer<typeof AuditResponse>

export const AUDIT_PROBLEMS = ['edited', 'missing', 'reordered', 'removed_tail', 'recomputed'] as const

/** What is wrong with the entries. */
export const AuditProblem = z
  .object({
    kind: knownOrOther(AUDIT_PROBLEMS),
    /** The first entry that is concerned. */
    seq: Seq,
    message: z.string(),
  })
  .openapi('AuditProblem')
export type AuditProblem = z.infer<typeof AuditProblem>

const Head = z.object({ seq: Seq, hash: Hash, at: z.iso.datetime() })

export const AuditVerification = z
  .object({
    intact: z.boolean(),
    /** How many entries were looked at. */
    entries: z.number().int(),
    /** The last entry there is; null: there is none. */
    head: Head.nullable(),
    /** The last entry this home has seen, and when it did; null: it has seen none of this database before. */
    known_head: Head.nullable(),
    /** At most 20, by entry. */
    problems: z.array(AuditProblem),
  })
  .openapi('AuditVerification')
export type AuditVerification = z.infer<typeof AuditVerification>

export const AuditVerificationResponse = z
  .object({ success: z.literal(true), verification: AuditVerification })
  .openapi('AuditVerificationResponse')
