import type { Kysely } from 'kysely'
import type { Actor } from '../contract/actor.ts'
import type { EscalationOption } from '../contract/why/escalation.ts'
import type { Retried, RetryMode } from '../contract/why/retry.ts'
import { actingAs } from '../db/audit/acting-as.ts'
import {
  escalationOf,
  forgetAnswer,
  noteAnswer,
  openEscalation,
  wantedProposer,
  wantProposer,
} from '../db/escalations/order-escalations.ts'
import type { Database } from '../db/schema.ts'
import { findWorkOrder } from '../db/work-orders/work-orders.ts'
import { assertNotHeldBack } from '../orchestrator/settle-dependents.ts'
import { type ClientManagerDeps, isPlainRetry } from './client-manager.ts'
import { holding } from './holding.ts'
import { retryRefusedByCap } from './retry-room.ts'

/**
 * Does what a human wants done about an order, and keeps it as the answer to its open escalation, if it has one: it is learnt from
 * like one that was given there. While another answer is being carried out, that one stays.
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
    const result = await holding(db, id, act)
    // Something still holds the order: it may be decided about again at once.
    if ((await escalationOf(db, id)).closed_at === null) await forgetAnswer(db, id)
    return result
  } catch (error) {
    await forgetAnswer(db, id)
    throw error
  }
}

/**
 * Retries an order by the command for it. Where the option `retry` does the same, that is the answer; where it would raise the cap of
 * the order, or is not offered, nothing was decided. As after the option, the Manager chooses the proposer again.
 *
 * @throws {Fault} those of `Orchestrator.retry`; `budget_exceeded` where a cap has no room for the first call of it
 */
export async function retryAsAnswer(
  deps: ClientManagerDeps,
  idOrPrefix: string,
  { by, mode }: { by: Actor; mode: Exclude<RetryMode, 'verify_only'> },
): Promise<Retried> {
  const { db, orchestrator } = deps
  const order = await findWorkOrder(db, idOrPrefix)
  const { id } = order
  await assertNotHeldBack(db, order)
  const refusal = await retryRefusedByCap(deps, { order, mode, wanted: null })
  if (refusal !== null) throw refusal
  const wish = { idOrPrefix: id, option: 'retry', by: (await isPlainRetry(deps, id)) ? by : undefined } as const
  return await asAnswer(db, wish, async () => {
    const wanted = await wantedProposer(db, id)
    await wantProposer(db, id, null)
    return await orchestrator.retry(id, by, mode).catch(async (error: unknown) => {
      await wantProposer(db, id, wanted)
      throw error
    })
  })
}

/** @returns the id of the escalation it is the answer to; null: there is none, or another answer is being carried out */
async function noted(
  db: Kysely<Database>,
  idOrPrefix: string,
  { option, by }: { option: EscalationOption; by: Actor },
): Promise<string | null> {
  const order = await findWorkOrder(db, idOrPrefix)
  const open = await openEscalation(db, order.id)
  if (open === null) return null
  const spentUsd = String(order.actual_cost === null ? 0 : order.actual_cost)
  return (await noteAnswer(db, open.id, { option, by, spentUsd })) ? open.id : null
}
