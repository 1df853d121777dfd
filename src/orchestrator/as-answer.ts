import type { Kysely } from 'kysely'
import type { Actor } from '../contract/actor.ts'
import type { EscalationOption } from '../contract/why/escalation.ts'
import { actingAs } from '../db/audit/acting-as.ts'
import { escalationOf, forgetAnswer, noteAnswer, openEscalation } from '../db/escalations/order-escalations.ts'
import type { Database } from '../db/schema.ts'
import { findWorkOrder } from '../db/work-orders/work-orders.ts'

/**
 * Does what a human wants done about an order, and keeps it as the answer to its open escalation, if it has one: it is learnt from
 * like one that was given there. Where the act is the carrying out of such an answer, that one stays.
 *
 * @param by left out: it is no answer of a human
 */
export async function asAnswer<Result>(
  db: Kysely<Database>,
  { idOrPrefix, option, by }: { idOrPrefix: string; option: EscalationOption; by: Actor | undefined },
  act: () => Promise<Result>,
): Promise<Result> {
  const id = by === undefined ? null : await noted(actingAs(db, by), idOrPrefix, { option, by })
  if (id === null) return await act()
  try {
    const result = await act()
    // Something still holds the order: it may be decided about again at once.
    if ((await escalationOf(db, id)).closed_at === null) await forgetAnswer(db, id)
    return result
  } catch (error) {
    await forgetAnswer(db, id)
    throw error
  }
}

/** @returns the id of the escalation it is the answer to; null: there is none, or it has an answer */
async function noted(
  db: Kysely<Database>,
  idOrPrefix: string,
  { option, by }: { option: EscalationOption; by: Actor },
): Promise<string | null> {
  const order = await findWorkOrder(db, idOrPrefix)
  const open = await openEscalation(db, order.id)
  if (open === null || open.answer !== null) return null
  const spentUsd = String(order.actual_cost === null ? 0 : order.actual_cost)
  return (await noteAnswer(db, open.id, { option, by, spentUsd })) ? open.id : null
}
