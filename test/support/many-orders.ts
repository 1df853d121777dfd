import { type Kysely, sql } from 'kysely'
import type { Database } from '../../src/db/schema.ts'
import { Usd } from '../../src/money.ts'
import type { ReceivedCall } from './model-server.ts'

/** Edits of the file the question is about, e.g. `f07.txt`. */
export function editsFor({ body }: ReceivedCall): string {
  const [file] = /f\d+\.txt/.exec(JSON.stringify(body)) ?? []
  return `### write ${file}\n\`\`\`\nchanged\n\`\`\`\n`
}

/** Names of files for so many orders. */
export function filesOf(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `f${String(index).padStart(2, '0')}.txt`)
}

/** What the ledger knows: reserved and spent together, and what is spent. */
export async function amounts(db: Kysely<Database>): Promise<{ committed: Usd; spent: Usd }> {
  const { rows } = await sql<{ committed: string; spent: string }>`
    select coalesce(sum(amount_usd), 0) as committed, coalesce(sum(cost_usd), 0) as spent from budget_entries
  `.execute(db)
  return { committed: new Usd(String(rows[0]?.committed)), spent: new Usd(String(rows[0]?.spent)) }
}

/** How many orders stand where: by phase, else by the code of their reason, else by status. */
export async function countBy(db: Kysely<Database>): Promise<Record<string, number>> {
  const rows = await db
    .selectFrom('work_orders')
    .select([
      sql<string>`coalesce(phase, status_reason ->> 'code', status)`.as('state'),
      sql<string>`count(*)`.as('count'),
    ])
    .groupBy('state')
    .execute()
  return Object.fromEntries(rows.map(({ state, count }) => [state, Number(count)]))
}
