import type { Kysely } from 'kysely'
import { type Clock, isoTime } from '../clock.ts'
import { shownDatabaseUrl } from '../config.ts'
import type { AuditVerification } from '../contract/audit.ts'
import { chainPoints, readChain } from '../db/audit/audit-chain.ts'
import { recordAct } from '../db/audit/audit-entries.ts'
import { databaseIdentity } from '../db/database-identity.ts'
import type { Database } from '../db/schema.ts'
import { Fault } from '../faults/fault.ts'
import type { Log } from '../log.ts'
import { createChainCheck, type KnownHead, newestOf } from './chain.ts'
import { appendHead, type ChainIdentity, readHeads } from './head-file.ts'

export type AuditDeps = {
  db: Kysely<Database>
  databaseUrl: string
  /** Where the heads are kept that were seen. */
  home: string
  clock: Clock
  log: Log
}

/** The audit of a database as a home sees it, which keeps the heads of the chain that it has seen. */
export type Audit = {
  /**
   * Recomputes the chain, and compares it with every head this home has seen. Where all of it is well, the head of now is kept.
   *
   * @param newest how many entries are looked at, the newest; null: all
   */
  verify(newest: number | null): Promise<AuditVerification>
  /**
   * From now on the chain counts as it is, and what was seen of it before does not: a backup was restored. That is an entry
   * of its own.
   *
   * @param db as who accepts it
   * @throws {Fault} `audit_broken` where the chain is not sound in itself
   */
  accept(db: Kysely<Database>): Promise<AuditVerification>
  /** Keeps the head, unless the chain does not hold what was seen before. */
  keep(): Promise<void>
}

export function createAudit(deps: AuditDeps): Audit {
  return {
    verify: (newest) => verify(deps, newest),
    accept: (db) => accept(deps, db),
    keep: () => keep(deps),
  }
}

async function verify(deps: AuditDeps, newest: number | null): Promise<AuditVerification> {
  const identity = await identityOf(deps)
  const heads = await readHeads(deps.home, identity)
  const verification = await examine(deps, { heads, newest })
  if (verification.intact && newest === null) await keepHead(deps, identity, { heads, head: verification.head })
  return verification
}

type Look = { heads: readonly KnownHead[]; newest: number | null }

async function examine({ db }: AuditDeps, { heads, newest }: Look): Promise<AuditVerification> {
  const { last } = await chainPoints(db, null)
  const from = newest === null || last === null ? 1 : Math.max(1, last.seq - newest + 1)
  const check = createChainCheck(from, heads)
  for await (const page of readChain(db, from)) for (const entry of page) check.add(entry)
  const { entries, head, problems } = check.end()
  return {
    intact: problems.length === 0,
    entries,
    head: head === null ? null : { seq: head.seq, hash: head.hash.toString('hex'), at: inMilliseconds(head.at) },
    known_head: newestOf(heads),
    problems,
  }
}

async function accept(deps: AuditDeps, db: Kysely<Database>): Promise<AuditVerification> {
  const identity = await identityOf(deps)
  const heads = await readHeads(deps.home, identity)
  const alone = await examine(deps, { heads: [], newest: null })
  if (!alone.intact) throw broken(alone)
  const known = newestOf(heads)
  const details = known === null ? {} : { was_seq: known.seq, was_hash: known.hash, was_seen_at: known.at }
  await recordAct(db, { act: 'audit.accept', subject: { kind: 'audit', id: identity.chain }, details })
  const { last } = await chainPoints(deps.db, null)
  if (last !== null)
    await appendHead(deps.home, { ...identity, ...last, at: isoTime(deps.clock.now()), accepted: true })
  return await verify(deps, null)
}

async function keep(deps: AuditDeps): Promise<void> {
  const identity = await identityOf(deps)
  const heads = await readHeads(deps.home, identity)
  const known = newestOf(heads)
  const { last, there } = await chainPoints(deps.db, known === null ? null : known.seq)
  if (known !== null && there?.hash !== known.hash) {
    const message = 'the entries of the audit are not those that were seen before; see: moose audit --verify'
    deps.log.error({ seq: known.seq, seen_at: known.at }, message)
    return
  }
  await keepHead(deps, identity, { heads, head: last })
}

/** One that was seen already is not kept twice. */
async function keepHead(
  deps: AuditDeps,
  identity: ChainIdentity,
  { heads, head }: { heads: readonly KnownHead[]; head: { seq: number; hash: string } | null },
): Promise<void> {
  const known = newestOf(heads)
  if (head === null || (known !== null && known.seq >= head.seq)) return
  await appendHead(deps.home, { ...identity, seq: head.seq, hash: head.hash, at: isoTime(deps.clock.now()) })
}

/**
 * A server that does not say who it is, is known by its address. Asked each time: behind the same address another server may
 * stand by now, a restored one for example, and a head must not be kept under the name of the one before.
 */
async function identityOf({ db, databaseUrl }: AuditDeps): Promise<ChainIdentity> {
  const [{ first }, identity] = [await chainPoints(db, null), await databaseIdentity(db)]
  const database = identity.startsWith('0-') ? `${identity} ${shownDatabaseUrl(databaseUrl)}` : identity
  return { database, chain: first === null ? '' : first.hash }
}

function inMilliseconds(at: string): string {
  return at.replace(/(\.\d{3})\d*Z$/, '$1Z')
}

function broken({ problems }: AuditVerification): Fault {
  const said = problems.map(({ message }) => message).join(' ')
  const message = `The entries of the audit are not sound in themselves, so they cannot be accepted: ${said}`
  return new Fault('audit_broken', message, { problems: problems.length })
}
