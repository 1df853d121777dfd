import { hostname } from 'node:os'
import { type Kysely, type SqlBool, sql } from 'kysely'
import type { AuditEntry, AuditQuery } from '../../contract/audit.ts'
import type { Database } from '../schema.ts'
import { findWorkOrder } from '../work-orders/work-orders.ts'

type Db = Kysely<Database>

/** What is no change of a row. Written in the transaction of the act, where there is one. */
export type Act = { act: string; subject: AuditEntry['subject']; details: Record<string, unknown> }

export async function recordAct(db: Db, { act, subject, details }: Act): Promise<void> {
  await db
    .insertInto('audit_entries')
    .values({
      act,
      subject_kind: subject.kind,
      subject_id: subject.id,
      work_order_id: null,
      details: JSON.stringify(details),
    })
    .execute()
}

/** That a process takes on orders or no longer does: that is in no table. */
export async function recordPolling(db: Db, polling: { intervalMs: number } | 'stopped'): Promise<void> {
  const subject = { kind: 'orchestrator', id: hostname() }
  if (polling === 'stopped') return await recordAct(db, { act: 'orchestrator.stop', subject, details: {} })
  await recordAct(db, { act: 'orchestrator.start', subject, details: { interval_ms: polling.intervalMs } })
}

/**
 * The newest entries that fit, oldest first.
 *
 * @throws {Fault} `work_order_not_found`
 */
export async function listAudit(
  db: Db,
  query: AuditQuery,
): Promise<{ entries: AuditEntry[]; next_before: number | null }> {
  const { limit, before, since, until, by, act, object, order } = query
  const orderId = order === undefined ? null : await orderOf(db, order)
  let select = db
    .selectFrom('audit_entries')
    .selectAll()
    .orderBy('seq', 'desc')
    .limit(limit + 1)
  if (before !== undefined) select = select.where('seq', '<', String(before))
  if (since !== undefined) select = select.where('at', '>=', new Date(since))
  // Times are shown to the millisecond, and kept to the microsecond.
  if (until !== undefined) select = select.where('at', '<', new Date(Date.parse(until) + 1))
  if (by !== undefined) select = select.where(isBy(by))
  if (act !== undefined) select = select.where('act', '=', act)
  if (object !== undefined) {
    const [kind = '', ...id] = object.split(':')
    select = select.where('subject_kind', '=', kind)
    if (id.length > 0) select = select.where('subject_id', '=', id.join(':'))
  }
  if (orderId !== null) select = select.where('work_order_id', '=', orderId)
  const rows = await select.execute()
  const page = rows.slice(0, limit)
  const oldest = page.at(-1)
  const entries = page.map((row) => ({
    seq: Number(row.seq),
    at: row.at.toISOString(),
    actor: { kind: row.actor_kind, name: row.actor_name },
    database_role: row.database_role,
    act: row.act,
    subject: { kind: row.subject_kind, id: row.subject_id },
    work_order_id: row.work_order_id,
    details: row.details,
    hash: row.hash.toString('hex'),
  }))
  return {
    entries: entries.toReversed(),
    next_before: rows.length > limit && oldest !== undefined ? Number(oldest.seq) : null,
  }
}

const WHOLE_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** An order that was deleted has entries still, under its whole id. */
async function orderOf(db: Db, idOrPrefix: string): Promise<string> {
  return WHOLE_ID.test(idOrPrefix) ? idOrPrefix : (await findWorkOrder(db, idOrPrefix)).id
}

function isBy(name: string) {
  return sql<SqlBool>`(actor_name = ${name} or database_role = ${name} or details ->> 'signed_in' = ${name})`
}

/** Who gave the approval that an order has, and when; null: it has none, or had it before acts were recorded. */
export async function approvalOf(db: Db, workOrderId: string): Promise<Pick<AuditEntry, 'actor' | 'at'> | null> {
  const row = await db
    .selectFrom('audit_entries')
    .select(['actor_kind', 'actor_name', 'at'])
    .where('work_order_id', '=', workOrderId)
    .where('act', '=', 'order.approve')
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? null : { actor: { kind: row.actor_kind, name: row.actor_name }, at: row.at.toISOString() }
}

const OF_PRICES = ['proposer.add', 'proposer.edit', 'proposer.price']

/** When each proposer's price was last stated, by its name; not of those that were there before acts were recorded. */
export async function pricesStatedAt(db: Db): Promise<ReadonlyMap<string, Date>> {
  const rows = await db
    .selectFrom('audit_entries')
    .select((eb) => ['subject_id', eb.fn.max('at').as('at')])
    .where('subject_kind', '=', 'proposer')
    .where('act', 'in', OF_PRICES)
    .where(sql<SqlBool>`details -> 'columns' ? 'cost_profile'`)
    .groupBy('subject_id')
    .execute()
  return new Map(rows.map(({ subject_id: name, at }) => [name, at]))
}
