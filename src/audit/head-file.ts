import { open, readFile, rename, stat } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { isMissing } from '../faults/error-code.ts'
import { jsonOrNull } from '../json-or-null.ts'
import type { KnownHead } from './chain.ts'

const Line = z.object({
  /** What tells the database from every other (databaseIdentity). */
  database: z.string(),
  /** Hash of the first entry: what tells the chain from every other, also in a copy of the database. */
  chain: z.string(),
  seq: z.number().int().positive(),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** When it was seen. */
  at: z.iso.datetime(),
  /** An operator has said that the chain is as it should be: what was seen of it before does not count. */
  accepted: z.literal(true).optional(),
})
type Line = z.infer<typeof Line>

/** Which of the heads in the file are meant: those of this database, and those of this chain wherever it was. */
export type ChainIdentity = Pick<Line, 'database' | 'chain'>

/** More is shortened to the newest lines. */
const MOST_BYTES = 1_000_000
const KEPT_LINES = 1_000

/** The file of a home in which the heads are kept that it has seen. */
export function headFileOf(home: string): string {
  return path.join(home, 'audit-head')
}

/** What this home has seen of a chain, in the order of seeing it. A line that cannot be read, as a full disk leaves it, is passed over. */
export async function readHeads(home: string, identity: ChainIdentity): Promise<KnownHead[]> {
  let heads: KnownHead[] = []
  for (const line of linesOf(await textOf(home))) {
    if (line.database !== identity.database && line.chain !== identity.chain) continue
    if (line.accepted === true) heads = []
    heads.push({ seq: line.seq, hash: line.hash, at: line.at })
  }
  return heads
}

/** Appends one head; it is on the disk when this returns. */
export async function appendHead(home: string, line: Line): Promise<void> {
  const file = headFileOf(home)
  const appended = await open(file, 'a', 0o600)
  try {
    // A line that was cut off before is ended first.
    await appended.write(`\n${JSON.stringify(line)}\n`)
    await appended.sync()
  } finally {
    await appended.close()
  }
  if ((await stat(file)).size > MOST_BYTES) await shorten(home)
}

async function shorten(home: string): Promise<void> {
  const lines = linesOf(await textOf(home)).slice(-KEPT_LINES)
  const draft = `${headFileOf(home)}.${process.pid}`
  const file = await open(draft, 'w', 0o600)
  try {
    await file.write(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, headFileOf(home))
}

async function textOf(home: string): Promise<string> {
  try {
    return await readFile(headFileOf(home), 'utf8')
  } catch (error) {
    if (isMissing(error)) return ''
    throw error
  }
}

function linesOf(text: string): Line[] {
  return text.split('\n').flatMap((line) => {
    if (line === '') return []
    const parsed = Line.safeParse(jsonOrNull(line))
    return parsed.success ? [parsed.data] : []
  })
}
