import type { ColumnType, Generated, RawBuilder } from 'kysely'
import type { NotificationFormat } from '../../contract/notifications/endpoints.ts'
import type { EscalationOption } from '../../contract/why/escalation.ts'
import type { Json, Time } from './money-tables.ts'

/** What humans are asked, and what they are told. */
export type ClientTables = {
  order_escalations: {
    id: Generated<string>
    work_order_id: string
    attempt: number
    cause: string
    opened_at: Time
    closed_at: ColumnType<Date | null, never, never>
    closed_as: ColumnType<'decided' | 'went_on' | null, never, never>
    /** Of an open one: what is being carried out. */
    option: ColumnType<EscalationOption | null, never, EscalationOption | null>
    /** As `kind:name`. */
    decided_by: ColumnType<string | null, never, string | null>
    decided_at: ColumnType<Date | null, never, RawBuilder<Date> | null>
    /** Until when the process that carries it out holds it. */
    held_until: ColumnType<Date | null, never, RawBuilder<Date> | null>
    /** USD the order had cost until then. */
    spent_usd: ColumnType<string | null, never, string | null>
  }
  notification_endpoints: {
    id: Generated<string>
    name: string
    format: NotificationFormat
    /** Null: of the format `github`. */
    url: string | null
    /** Null: nothing is signed. */
    secret: string | null
    /** Empty: all. */
    kinds: string[]
    /** Empty: all. */
    projects: Generated<string[]>
    created_at: Time
    created_by: string
  }
  notification_outbox: {
    id: Generated<string>
    endpoint_id: string
    kind: string
    event_key: string
    work_order_id: string | null
    data: Json
    created_at: Time
    tries: Generated<number>
    next_try_at: ColumnType<Date, never, RawBuilder<Date>>
    delivered_at: ColumnType<Date | null, never, RawBuilder<Date>>
    dead_at: ColumnType<Date | null, never, RawBuilder<Date>>
    last_error: string | null
    /** Of the last try that failed. */
    failed_at: ColumnType<Date | null, never, RawBuilder<Date>>
  }
}
