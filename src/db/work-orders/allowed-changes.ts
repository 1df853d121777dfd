import { type Kysely, sql } from 'kysely'
import type { ApproveWorkOrder } from '../../contract/why/approve.ts'
import { Fault } from '../../faults/fault.ts'
import type { Allowance } from '../../work-order/protection/held-change.ts'
import { heldFrom, isAllAllowed } from '../../work-order/protection/held-change.ts'
import type { Database } from '../schema.ts'
import { recordEvent } from '../work-order-events.ts'
import { CONTENT_HASH } from './order-conditions.ts'

type Db = Kysely<Database>

export type AllowChanges = Omit<ApproveWorkOrder, 'content_sha256'>

/** Of the order as it is now: an edit leaves nothing allowed. */
const OF_THIS_CONTENT = sql<boolean>`allowed_changes.content = ${CONTENT_HASH}`

/** What humans allowed of the changes of an order as it is now, the earliest first. */
export async function allowancesOf(db: Db, workOrderId: string): Promise<Allowance[]> {
  const found = await allowancesOfAll(db, [workOrderId])
  const own = found.get(workOrderId)
  return own === undefined ? [] : own
}

/** The same for several orders, by their ids; an order of which nothing is allowed is not there. */
export async function allowancesOfAll(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, Allowance[]>> {
  if (ids.length === 0) return new Map()
  const rows = await db
    .selectFrom('allowed_changes')
    .innerJoin('work_orders', 'work_orders.id', 'allowed_changes.work_order_id')
    .select(['work_order_id', 'allowed_changes.kind', 'subject', 'head_sha', 'allowed_by', 'allowed_at'])
    .where('work_order_id', 'in', ids)
    .where(OF_THIS_CONTENT)
    .orderBy('allowed_changes.id')
    .execute()
  return Map.groupBy(
    rows.map((row) => ({ ...row, headSha: row.head_sha, by: row.allowed_by, at: row.allowed_at })),
    ({ work_order_id }) => work_order_id,
  )
}

/**
 * Allows changes of an order: of the commit that is held, or, where none is, of whatever its content leads to.
 *
 * @param db a transaction in which the order is locked
 * @returns whether everything that is held is allowed now; false also where nothing is held
 * @throws {Fault} `work_order_conflict` when the commit that was looked at is not held by now
 */
export async function allowChanges(db: Db, workOrderId: string, allow: AllowChanges): Promise<boolean> {
  const { status_reason: reason } = await db
    .selectFrom('work_orders')
    .select('status_reason')
    .where('id', '=', workOrderId)
    .executeTakeFirstOrThrow()
  const held = reason?.code === 'protected_change' ? heldFrom(reason.details) : null
  if (allow.head_sha !== undefined && held?.headSha !== allow.head_sha) throw notHeld(workOrderId, allow.head_sha)
  const subjects = subjectsOf(allow)
  await db
    .insertInto('allowed_changes')
    .columns(['work_order_id', 'content', 'head_sha', 'kind', 'subject'])
    .expression((eb) =>
      eb
        .selectFrom('work_orders')
        .innerJoin(
          sql<{
            kind: Allowance['kind']
            subject: string
          }>`jsonb_to_recordset(${JSON.stringify(subjects)}::jsonb)`.as<'asked'>(sql`asked (kind text, subject text)`),
          (join) => join.onTrue(),
        )
        .select([
          'work_orders.id',
          CONTENT_HASH.as('content'),
          sql<string | null>`${held === null ? null : held.headSha}::text`.as('head_sha'),
          'asked.kind',
          'asked.subject',
        ])
        .where('work_orders.id', '=', workOrderId),
    )
    .execute()
  const said = subjects.map(({ kind, subject }) => (kind === 'all' ? 'all that is protected' : `${kind} ${subject}`))
  const message = `allowed: ${said.slice(0, MOST_SAID).join(', ')}${said.length > MOST_SAID ? ', …' : ''}`
  const data = { commit: held === null ? null : held.headSha, allowed: subjects }
  await recordEvent(db, { workOrderId, type: 'approved', message, data })
  return held !== null && isAllAllowed(held, await allowancesOf(db, workOrderId))
}

function notHeld(id: string, headSha: string): Fault {
  const message =
    `What was looked at of work order ${id} is of the commit ${headSha.slice(0, 12)}, which is not held by now, so nothing is ` +
    `allowed. See what has to be decided now with: moose decide ${id.slice(0, 8)}`
  return new Fault('work_order_conflict', message, { id, head_sha: headSha })
}

const MOST_SAID = 20

function subjectsOf({
  allow,
  allow_secrets,
  allow_all_protected,
}: AllowChanges): Pick<Allowance, 'kind' | 'subject'>[] {
  return [
    ...(allow_all_protected ? [{ kind: 'all' as const, subject: '' }] : []),
    ...allow.map((subject) => ({ kind: 'path' as const, subject })),
    ...allow_secrets.map((subject) => ({ kind: 'secret' as const, subject })),
  ]
}
