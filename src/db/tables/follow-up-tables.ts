import type { ColumnType, Generated, GeneratedAlways } from 'kysely'
import type { FollowUpKind } from '../../contract/evidence/follow-up.ts'
import type { Time } from './money-tables.ts'

/** What Moose does about pull requests after they were opened. */
export type FollowUpTables = {
  follow_ups: {
    id: GeneratedAlways<string>
    work_order_id: string
    kind: FollowUpKind
    head_sha: string
    base_sha: string | null
    fingerprint: string
    because: string
    /** A `FollowUpTask`; null: git and the checks alone. */
    task: ColumnType<unknown, string | null, string>
    attempt: number | null
    outcome: ColumnType<string | null, string | null | undefined, string>
    answered: Generated<boolean>
    /** The answers of it that stand on the forge. */
    posted: Generated<number>
    /** Which process answers it, and until when, unless it says so again; null: none does. */
    answering_by: ColumnType<string | null, never, string | null>
    answering_until: ColumnType<Date | null, never, Date | null>
    /** The escalation whose answer it is made by, beyond the bounds; null: it is within them. */
    allowed_by: string | null
    at: Time
  }
}
