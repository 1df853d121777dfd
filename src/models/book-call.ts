import type { Insertable, Kysely } from 'kysely'
import { announceEmergency } from '../budget/emergency.ts'
import { leaveUnresolved, release, settle } from '../budget/ledger.ts'
import { type Clock, NEVER_ABORTED } from '../clock.ts'
import { isConnectionLoss, reasonOf } from '../db/database-fault.ts'
import { recordModelCall } from '../db/model-calls.ts'
import type { Database } from '../db/schema.ts'
import { Fault, toFault } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Usd } from '../money.ts'
import { withRetries } from './retry.ts'

export type BookDeps = { db: Kysely<Database>; clock: Clock; log: Log }

/** How the reservation of a call ends; `unresolved`: nobody knows whether it was charged. */
export type Charge = { cost: Usd } | 'released' | 'unresolved'

type CallRow = Insertable<Database['model_calls']> & { reservation_id: string }

/**
 * Books a call that has ended: its row and the end of its reservation, in one transaction. When the database is away it
 * is waited for a little; after that the reservation stays. A repetition changes nothing.
 *
 * @throws {Fault} `database_unreachable`
 */
export async function bookCall({ db, clock, log }: BookDeps, row: CallRow, charge: Charge): Promise<void> {
  const book = () =>
    db.transaction().execute(async (transaction) => {
      await recordModelCall(transaction, row)
      await endReservation(transaction, row.reservation_id, charge).catch((error: unknown) => keepBooked(error, log))
    })
  const onRetry = ({ message }: Fault) => log.warn({ reason: message }, 'a model call is booked again')
  await withRetries({ clock, random: () => 0, signal: NEVER_ABORTED, onRetry }, () => book().catch(throwNamed))
  // What is booked stays booked, whoever has to hear of it; every process looks for itself now and then.
  await announceEmergency(db).catch((error: unknown) =>
    log.warn({ reason: toFault(error).message }, 'nobody could be told whether everything has to stop'),
  )
}

function endReservation(db: Kysely<Database>, reservationId: string, charge: Charge): Promise<void> {
  if (charge === 'released') return release(db, reservationId)
  if (charge === 'unresolved') return leaveUnresolved(db, reservationId)
  return settle(db, reservationId, charge.cost)
}

/** Somebody has reconciled the call while it was still being made: his word stands, and the answer counts all the same. */
function keepBooked(error: unknown, log: Log): void {
  const fault = toFault(error)
  if (fault.code !== 'reservation_conflict') throw error
  log.warn(fault.details, 'a call had been booked before it ended')
}

function throwNamed(error: unknown): never {
  if (!isConnectionLoss(error)) throw error
  throw new Fault('database_unreachable', `The database went away: ${reasonOf(error)}.`, {}, error)
}
