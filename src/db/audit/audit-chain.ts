import { type Kysely, sql } from 'kysely'
import type { Database } from '../schema.ts'

type Db = Kysely<Database>

/** An entry as it is hashed: everything as the text that goes into the hash. */
export type ChainRow = {
  seq: number
  at: string
  actor_kind: string
  actor_name: string
  database_role: string
  act: string
  subject_kind: string
  subject_id: string
  work_order_id: string | null
  details: string
  previous: Buffer
  hash: Buffer
}

/** Of entries that were written past the triggers, longer fields are read no further: their hash does not fit then. */
const LONGEST_FIELD = 20_000
const AT_ONCE = 500

/** The entries from one on, in pages and in their order; no page is empty. */
export async function* readChain(db: Db, from: number): AsyncGenerator<ChainRow[]> {
  for (let next = from; ; ) {
    const rows = await readPage(db, next)
    const last = rows.at(-1)
    if (last === undefined) return
    yield rows
    next = last.seq + 1
  }
}

async function readPage(db: Db, from: number): Promise<ChainRow[]> {
  const text = (column: string) => sql`left(${sql.ref(column)}::text, ${sql.lit(LONGEST_FIELD)}) as ${sql.ref(column)}`
  const texts = [
    'actor_kind',
    'actor_name',
    'database_role',
    'act',
    'subject_kind',
    'subject_id',
    'work_order_id',
    'details',
  ]
  const { rows } = await sql<Omit<ChainRow, 'seq'> & { seq: string }>`
    select seq, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at, ${sql.join(texts.map(text))}, previous, hash
    from audit_entries where seq >= ${from} order by seq limit ${sql.lit(AT_ONCE)}
  `.execute(db)
  return rows.map((row) => ({ ...row, seq: Number(row.seq) }))
}

/** An entry by its number and its hash, in hexadecimal. */
export type ChainPoint = { seq: number; hash: string }

/** The first and the last entry there are, and the one of a number. A missing one is null. */
export async function chainPoints(
  db: Db,
  at: number | null,
): Promise<{ first: ChainPoint | null; last: ChainPoint | null; there: ChainPoint | null }> {
  const { rows } = await sql<{ which: 'first' | 'last' | 'there'; seq: string; hash: string }>`
    (select 'first' as which, seq, encode(hash, 'hex') as hash from audit_entries order by seq limit 1)
    union all (select 'last', seq, encode(hash, 'hex') from audit_entries order by seq desc limit 1)
    union all (select 'there', seq, encode(hash, 'hex') from audit_entries where seq = ${at}::bigint)
  `.execute(db)
  const point = (wanted: string) => {
    const row = rows.find(({ which }) => which === wanted)
    return row === undefined ? null : { seq: Number(row.seq), hash: row.hash }
  }
  return { first: point('first'), last: point('last'), there: point('there') }
}
