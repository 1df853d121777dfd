import type { Insertable, Kysely } from 'kysely'
import { announceEmergency } from '../budget/emergency.ts'
import { leaveUnresolved, release, settle } from '../budget/ledger.ts'
import type { Clock } from '../clock.ts'
import { recordModelCall } from '../db/model-calls.ts'
import type { Database } from '../db/schema.ts'
import { untilDatabaseAnswers } from '../db/until-database-answers.ts'
import { toFault } from '../faults/fault.ts'
import { faultPoint } from '../faults/fault-point.ts'
import type { Log } from '../log.ts'
import type { Usd } from '../money.ts'
import { noteModelCall } from '../telemetry/observe-model-call.ts'

export type BookDeps = { db: Kysely<Database>; clock: Clock; log: Log }

/** How the reservation of a call ends; `unresolved`: nobody knows whether it was charged. */
export type Charge = { cost: Usd } | 'released' | 'unresolved'

type CallRow = Insertable<Database['model_calls']> & { reservation_id: string }

/**
 * Books a call that has ended: its row and the end of its reservation, in one transaction. The answer is paid and in hand:
 * as long as this process lives, it waits for a database to book it in. A repetition changes nothing.
 *
 * @throws whatever is wrong with the row, when the reservation has been ended all the same
 */
export async function bookCall(deps: BookDeps, row: CallRow, charge: Charge): Promise<void> {
  const { db, clock, log } = deps
  const onPause = (reason: string) => log.warn({ reason }, 'a model call is booked again')
  const book = () =>
    db.transaction().execute(async (transaction) => {
      await recordModelCall(transaction, row)
      await endReservation(transaction, row.reservation_id, charge).catch((error: unknown) => keepBooked(error, log))
    })
  await untilDatabaseAnswers({ clock, onPause }, () => faultPoint('book_call', book)).catch(async (error: unknown) => {
    // A row nobody foresaw must not take the money with it.
    await endReservation(db, row.reservation_id, charge)
    throw error
  })
  noteModelCall(row)
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
