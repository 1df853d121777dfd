import type { ColumnType, Generated, GeneratedAlways } from 'kysely'

/** JSON as Postgres gives it back; what it holds is for the reader to check. Written as text. */
export type Json<T = unknown> = ColumnType<T, string, string>
export type JsonDefault<T = unknown> = ColumnType<T, string | undefined, string>
export type Time = ColumnType<Date, Date | undefined, Date>
/** `numeric`, read as a decimal string so that no digit is lost. */
export type Decimal = ColumnType<string, string | number | undefined, string | number>
export type NullableDecimal = ColumnType<string | null, string | number | null | undefined, string | number | null>

/** What every entry of the ledger says of its reservation. */
type Reservation = {
  reservation_id: string
  amount_usd: Decimal
  work_order_id: string | null
  attempt: number | null
  project_id: string | null
  decision_id: string | null
  proposer: string
  provider: string
  model: string
  holder: string
  /** `YYYY-MM-DD`, in UTC. */
  day: ColumnType<string, string, never>
  month: ColumnType<string, string, never>
  at: Time
}

/** The tables of money: the calls of models, the ledger, and the pauses of providers. */
export type MoneyTables = {
  model_calls: {
    id: GeneratedAlways<string>
    work_order_id: string | null
    attempt: number | null
    proposer: string
    provider: string
    model: string
    input_tokens: number
    output_tokens: number
    cost_usd: NullableDecimal
    finish_reason: string | null
    error_code: string | null
    replayed: boolean
    duration_ms: number
    started_at: Date
    reservation_id: string | null
    price: ColumnType<unknown, string | null | undefined, string | null>
    cache_read_tokens: Generated<number>
    cache_write_tokens: Generated<number>
    reasoning_tokens: Generated<number>
    request_key: string | null
    /** A whole answer (models/remembered-answers.ts). */
    answer: Buffer | null
  }
  budget_entries: Reservation & {
    id: GeneratedAlways<string>
    kind: 'reserved' | 'unresolved' | 'settled' | 'released' | 'disputed' | 'void'
    cost_usd: NullableDecimal
  }
  /** A view: what a reservation says that has not ended. */
  budget_open_reservations: Reservation & {
    /** It is unknown whether it was charged. */
    unresolved: boolean
  }
  provider_pauses: {
    provider: string
    failures: number
    reason: string
    since: Time
    until: Date
    kind: ColumnType<'outage' | 'account', 'outage' | 'account' | undefined>
    key_mark: string | null
  }
}
