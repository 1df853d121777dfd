import { type Kysely, sql } from 'kysely'
import type { NewProposer, ProposerChange } from '../contract/proposers.ts'
import { PRICE_KEYS } from '../contract/stated-price.ts'
import { Fault } from '../faults/fault.ts'
import { noSuchProposer } from './proposer-configs.ts'
import type { Database } from './schema.ts'
import { PROPOSER_OF_ORDER } from './work-orders/order-conditions.ts'

type Db = Kysely<Database>

/** What is kept of a price: rates as decimals in USD per million tokens; empty: the price library's. */
export type CostProfile = { [Key in (typeof PRICE_KEYS)[number]]?: string | boolean }

/** @throws {Fault} `request_invalid`: there is one of this name */
export async function addProposer(db: Db, given: Omit<NewProposer, 'price'>, profile: CostProfile): Promise<void> {
  const { name, kind, extra_headers, extra_body, ...columns } = given
  const row = await db
    .insertInto('proposer_configs')
    .values({
      ...columns,
      name,
      provider: kind,
      cost_profile: JSON.stringify(profile),
      ...(extra_headers === undefined ? {} : { extra_headers: JSON.stringify(extra_headers) }),
      ...(extra_body === undefined ? {} : { extra_body: JSON.stringify(extra_body) }),
    })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .returning('name')
    .executeTakeFirst()
  if (row !== undefined) return
  const message = `There is a proposer "${name}" already. Choose another name, or change that one with: moose proposer edit ${name}`
  throw new Fault('request_invalid', message, { proposer: name })
}

/**
 * Changes the columns that are named, in the transaction of the caller; what two edits at once name besides that stays as
 * each of them leaves it.
 *
 * @throws {Fault} `not_found`
 */
export async function changeProposer(db: Db, name: string, change: Omit<ProposerChange, 'price'>): Promise<void> {
  const { kind, extra_headers, extra_body, ...columns } = change
  const row = await db
    .selectFrom('proposer_configs')
    .select(['extra_headers', 'extra_body'])
    .where('name', '=', name)
    .forUpdate()
    .executeTakeFirst()
  if (row === undefined) throw await noSuchProposer(db, name)
  await db
    .updateTable('proposer_configs')
    .set({
      ...columns,
      name,
      ...(kind === undefined ? {} : { provider: kind }),
      ...(extra_headers === undefined ? {} : { extra_headers: merged(row.extra_headers, extra_headers, lowerCase) }),
      ...(extra_body === undefined ? {} : { extra_body: merged(row.extra_body, extra_body, asItIs) }),
    })
    .where('name', '=', name)
    .execute()
}

const lowerCase = (name: string) => name.toLowerCase()
const asItIs = (name: string) => name

/** @param keyOf what two names of the same entry have in common */
function merged(
  stored: unknown,
  change: Readonly<Record<string, unknown>> | null,
  keyOf: (name: string) => string,
): string {
  if (change === null) return '{}'
  const changed = new Set(Object.keys(change).map(keyOf))
  const isObject = typeof stored === 'object' && stored !== null && !Array.isArray(stored)
  const kept = isObject ? Object.entries(stored).filter(([name]) => !changed.has(keyOf(name))) : []
  const set = Object.entries(change).filter(([, value]) => value !== null)
  return JSON.stringify(Object.fromEntries([...kept, ...set]))
}

/**
 * Replaces what a proposer's row says about its price, and leaves what else is in the column.
 *
 * @throws {Fault} `not_found`
 */
export async function setPriceOfProposer(db: Db, name: string, profile: CostProfile): Promise<void> {
  const keys = sql.join([...PRICE_KEYS])
  const { numUpdatedRows } = await db
    .updateTable('proposer_configs')
    .set({
      // A row of a first Moose may hold any JSON.
      cost_profile: sql<string>`(case when jsonb_typeof(cost_profile) = 'object' then cost_profile else '{}' end
        - array[${keys}]::text[]) || ${JSON.stringify(profile)}::jsonb`,
    })
    .where('name', '=', name)
    .executeTakeFirstOrThrow()
  if (numUpdatedRows === 0n) throw await noSuchProposer(db, name)
}

/**
 * Takes a proposer away. What it has done keeps its name.
 *
 * @throws {Fault} `not_found`; `work_order_busy` while an attempt runs with it
 */
export async function removeProposer(db: Db, name: string): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    const row = await transaction
      .selectFrom('proposer_configs')
      .select('name')
      .where('name', '=', name)
      .forUpdate()
      .executeTakeFirst()
    if (row === undefined) throw await noSuchProposer(transaction, name)
    const running = await transaction
      .selectFrom('attempts')
      .innerJoin('work_orders', 'work_orders.id', 'attempts.work_order_id')
      .select('work_orders.id')
      .where('attempts.status', '=', 'running')
      .where(sql<boolean>`${PROPOSER_OF_ORDER} = ${name}`)
      .orderBy('work_orders.id')
      .limit(1)
      .executeTakeFirst()
    if (running !== undefined) throw stillUsed(name, running.id)
    await transaction.deleteFrom('proposer_configs').where('name', '=', name).execute()
  })
}

function stillUsed(name: string, workOrderId: string): Fault {
  const id = workOrderId.slice(0, 8)
  const message =
    `The proposer ${name} is at work on the order ${id}. Give it no further order with: moose proposer pause ${name}   ` +
    `and remove it when that one has ended, or has been cancelled with: moose cancel ${id}`
  return new Fault('work_order_busy', message, { proposer: name, work_order_id: workOrderId })
}
