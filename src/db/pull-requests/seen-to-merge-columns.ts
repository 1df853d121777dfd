import type { ColumnType } from 'kysely'

/** Columns of `pull_requests` that the rules of merging go by. */
export type SeenToMergeColumns = {
  /** Since when a person has given it up in Moose, and has not taken it up again; null: it is not given up. */
  given_up_at: ColumnType<Date | null, never, Date | null>
  /** Another one whenever something may have changed; of the last look, and of the one when its facts were read. */
  seen_mark: ColumnType<string | null, never, string>
  followed_mark: ColumnType<string | null, never, string>
  /** The numbers of the looks that kept the two, as decimal text; null: they have none. */
  seen_look: ColumnType<string | null, never, string>
  followed_look: ColumnType<string | null, never, string>
  /** Since when the two differ, by when a look saw that; null: they are the same, or it is not known. */
  unread_since: ColumnType<Date | null, never, Date | null>
  /** Its base on its forge; null: it was not looked at. */
  seen_base: ColumnType<string | null, never, string>
  seen_draft: ColumnType<boolean, never, boolean>
  /** Logins of people with write access whose latest review asks for changes, and of those who ask for what was not done. */
  seen_changes_requested: ColumnType<string[], never, readonly string[]>
  seen_unanswered: ColumnType<string[], never, readonly string[]>
  /** A `SeenApproval`; null: it was not looked at. */
  seen_approval: ColumnType<unknown, never, string>
  /** Names of checks that ran on its base and not on its commit. */
  seen_absent_checks: ColumnType<string[], never, readonly string[]>
}
