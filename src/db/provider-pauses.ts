import { type Kysely, type Selectable, sql } from 'kysely'
import { isoTime } from '../clock.ts'
import { Fault } from '../faults/fault.ts'
import type { Database } from './schema.ts'

/** What is wrong: the provider does not answer, or does not accept the calls of this account. */
export type PauseKind = Selectable<Database['provider_pauses']>['kind']

/** An account is mended by a person, and asking it again costs nothing but may be held against it. */
const PAUSES_S = { outage: { first: 60, longest: 15 * 60 }, account: { first: 5 * 60, longest: 60 * 60 } } as const
/** Of the pause, added by chance: so that several providers, or several homes, do not come back in step. */
const MOST_JITTER = 0.25
/** The first pause doubled four times is past the longest one; a greater power would only overflow. */
const MOST_DOUBLINGS = 10
/** Characters of it that are shown. */
const LONGEST_REASON = 2_000

type Db = Kysely<Database>

export type ProviderPause = {
  /** What `providerKey` gives. */
  provider: string
  kind: PauseKind
  /** Outages, or refusals of the account, in a row. */
  failures: number
  /** What the provider said last. */
  reason: string
  since: Date
  /** When it may be called again; while a test call runs, when that is given up. */
  until: Date
  /** False: the time is over, and the next call finds out whether the provider is back. */
  running: boolean
}

/** Every provider that is left alone or has not answered since, by name. */
export async function listPauses(db: Db): Promise<ProviderPause[]> {
  return pauses(db).orderBy('provider').execute()
}

/** Null: nothing is known against the provider. */
export async function findPause(db: Db, provider: string): Promise<ProviderPause | null> {
  const row = await pauses(db).where('provider', '=', provider).executeTakeFirst()
  return row === undefined ? null : row
}

function pauses(db: Db) {
  return db
    .selectFrom('provider_pauses')
    .select([
      'provider',
      'kind',
      'failures',
      'since',
      'until',
      sql<string>`left(reason, ${LONGEST_REASON})`.as('reason'),
    ])
    .select(sql<boolean>`until > moose_now()`.as('running'))
}

/**
 * Takes the one call by which a pause that has run out is tested. No other caller gets it until its time is over.
 *
 * @param leaseMs longer than the call may take
 * @returns false: the pause runs, is being tested by another call, or is over
 */
export async function takeProbe(db: Db, provider: string, leaseMs: number): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('provider_pauses')
    .set({ until: inMs(sql`${leaseMs}::double precision`) })
    .where('provider', '=', provider)
    .where(sql<boolean>`until <= moose_now()`)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/**
 * Counts an outage and pauses the provider for a minute, doubled for every further one in a row up to a quarter of an
 * hour, and a bit more by chance; longer where the provider asks for it. Where the account is what is wrong, the first
 * pause is five minutes and the longest an hour.
 *
 * @param tested false: the call was under way before the pause began, or there was none; then an outage that others
 *   have seen before it counts only for the longer pause it may ask for
 * @param askedMs how long the provider wants to be left alone; 0 where it did not say
 * @param chance 0 up to 1
 */
export async function countOutage(
  db: Db,
  outage: {
    provider: string
    kind: PauseKind
    /** Of the key the call was made with; null: it had none. */
    keyMark: string | null
    reason: string
    tested: boolean
    askedMs: number
    chance: number
  },
): Promise<void> {
  const { provider, kind, keyMark, reason, tested, askedMs, chance } = outage
  const { first, longest } = PAUSES_S[kind]
  const asked = inMs(sql`${askedMs}::double precision`)
  const pause = (failures: ReturnType<typeof sql>) =>
    sql<Date>`greatest(${asked}, ${inMs(sql`${(1 + MOST_JITTER * chance) * 1_000}::double precision
      * least(${longest}::integer, ${first}::integer * power(2, least(${failures}, ${MOST_DOUBLINGS})::double precision))`)})`
  const counts = sql`(${tested}::boolean or provider_pauses.until <= moose_now())`
  await db
    .insertInto('provider_pauses')
    .values({
      provider,
      kind,
      key_mark: keyMark,
      reason,
      failures: 1,
      since: sql<Date>`moose_now()`,
      until: pause(sql`0`),
    })
    .onConflict((conflict) =>
      conflict.column('provider').doUpdateSet({
        reason: sql<string>`case when ${counts} then excluded.reason else provider_pauses.reason end`,
        kind: sql<'outage' | 'account'>`case when ${counts} then excluded.kind else provider_pauses.kind end`,
        key_mark: sql<string | null>`case when ${counts} then excluded.key_mark else provider_pauses.key_mark end`,
        failures: sql<number>`provider_pauses.failures + ${counts}::integer`,
        until: sql<Date>`case when ${counts} then ${pause(sql`provider_pauses.failures`)}
          else greatest(provider_pauses.until, ${asked}) end`,
      }),
    )
    .execute()
}

function inMs(ms: ReturnType<typeof sql>) {
  return sql<Date>`moose_now() + ${ms} * interval '1 millisecond'`
}

/** Ends the pause: every order may call the provider again, and a notification tells the orders that waited for it. */
export async function endPause(db: Db, provider: string): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    const { numDeletedRows } = await transaction
      .deleteFrom('provider_pauses')
      .where('provider', '=', provider)
      .executeTakeFirst()
    if (numDeletedRows > 0n) await sql`select pg_notify('moose_config', '')`.execute(transaction)
  })
}

/** A test came to no result: the next call may make it. */
export async function giveProbeBack(db: Db, provider: string): Promise<void> {
  await db
    .updateTable('provider_pauses')
    .set({ until: sql<Date>`moose_now()` })
    .where('provider', '=', provider)
    .execute()
}

/**
 * Ends the waiting for accounts that were refused with another key than this process has; the next call tests each.
 *
 * @param marks what the key of each provider shows of itself, by the provider's name; null: this process has none
 */
export async function testOtherKeys(db: Db, marks: ReadonlyMap<string, string | null>): Promise<void> {
  const refused = await db
    .selectFrom('provider_pauses')
    .select(['provider', 'key_mark'])
    .where('kind', '=', 'account')
    .execute()
  for (const { provider, key_mark } of refused) {
    const mark = marks.get(provider)
    if (mark !== undefined && mark !== null && mark !== key_mark) await giveProbeBack(db, provider)
  }
}

/** Why a proposer has to wait for its provider. */
export function pauseFault({ provider, kind, failures, reason, until }: ProviderPause, proposer: string): Fault {
  const often = failures === 1 ? 'it had an outage' : `it had ${failures} outages in a row`
  const why = kind === 'outage' ? often : 'it does not accept the calls of this account'
  const end =
    kind === 'outage'
      ? 'when it is back; see: moose budget'
      : `after that; at once with: moose proposer test ${proposer}`
  const message =
    `The provider of ${proposer} (${provider}) is paused until ${isoTime(until)} at the latest, because ` +
    `${why}: ${reason.replace(/\.$/, '')}. The order is resumed ${end}`
  return new Fault('provider_paused', message, { provider, proposer, until: isoTime(until), reason, failures })
}
