import { type Kysely, sql } from 'kysely'
import { PRICE_KEYS } from '../contract/stated-price.ts'
import { Fault } from '../faults/fault.ts'
import type { Database } from './schema.ts'

/**
 * Replaces what a proposer's row says about its price, and leaves what else is in the column.
 *
 * @param profile rates as decimals in USD per million tokens; empty: the price library's
 * @throws {Fault} `not_found`
 */
export async function setPriceOfProposer(
  db: Kysely<Database>,
  name: string,
  profile: { [Key in (typeof PRICE_KEYS)[number]]?: string | boolean },
): Promise<void> {
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
  if (numUpdatedRows > 0n) return
  const rows = await db.selectFrom('proposer_configs').select('name').orderBy('name').execute()
  const known = rows.map((row) => row.name).join(', ')
  const message = `There is no proposer "${name.slice(0, 80)}". There are: ${known === '' ? 'none' : known}.`
  throw new Fault('not_found', message, { proposer: name.slice(0, 80) })
}
