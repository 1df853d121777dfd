import { createHash } from 'node:crypto'
import type { AuditProblem } from '../contract/audit.ts'
import type { ChainRow } from '../db/audit/audit-chain.ts'

/** An entry that was seen before, and when. */
export type KnownHead = { seq: number; hash: string; at: string }

/** Before the first entry. */
const NOTHING = Buffer.alloc(32)
const MOST_PROBLEMS = 20

/**
 * What the hash of an entry has to be: SHA-256 over its fields, each as its length in bytes, a colon and its bytes in UTF-8,
 * null as `-`. The same as `moose_audit_hash` in migration 0018, which is not asked: who may change the entries may change
 * it too.
 */
export function hashOf(entry: Omit<ChainRow, 'hash'>): Buffer {
  const hash = createHash('sha256')
  const fields = [
    'moose-audit-1',
    entry.previous.toString('hex'),
    String(entry.seq),
    entry.at,
    entry.actor_kind,
    entry.actor_name,
    entry.database_role,
    entry.act,
    entry.subject_kind,
    entry.subject_id,
    entry.work_order_id,
    entry.details,
  ]
  for (const field of fields) hash.update(field === null ? '-' : `${Buffer.byteLength(field)}:${field}`)
  return hash.digest()
}

/** Looks at entries one after the other; what it keeps of them is bounded. */
export type ChainCheck = {
  /** In their order. */
  add(entry: ChainRow): void
  /** After the last one. */
  end(): { entries: number; head: ChainRow | null; problems: AuditProblem[] }
}

/**
 * @param from the number of the entry it begins at; what is before is not looked at
 * @param heads what was seen of this chain before, in any order
 */
export function createChainCheck(from: number, heads: readonly KnownHead[]): ChainCheck {
  const known = new Map(heads.map((head) => [head.seq, head]))
  const problems: AuditProblem[] = []
  /** Whose hash is another than its fields have. */
  const unsound: ChainRow[] = []
  let last: ChainRow | null = null
  let isLastUnsound = false
  let entries = 0
  let isRecomputed = false

  function add(entry: ChainRow): void {
    const expected: number = last === null ? from : last.seq + 1
    const isFollowing = entry.seq === expected
    if (!isFollowing) problems.push(missing(expected, entry.seq - 1))
    const isUnsound = !hashOf(entry).equals(entry.hash)
    if (isUnsound) unsound.push(entry)
    else if (isFollowing && !isLastUnsound && !follows(entry, last, from)) problems.push(relinked(entry, last))
    const head = known.get(entry.seq)
    if (!isRecomputed && head !== undefined && head.hash !== entry.hash.toString('hex')) {
      problems.push(recomputed(head))
      isRecomputed = true
    }
    last = entry
    isLastUnsound = isUnsound
    entries += 1
    if (unsound.length > MOST_PROBLEMS) unsound.pop()
    if (problems.length > MOST_PROBLEMS) problems.pop()
  }

  return {
    add,
    end() {
      const tail = removedTail(heads, last)
      const found = [
        ...problems,
        ...unsound.map((entry) => unsoundProblem(entry, unsound)),
        ...(tail === null ? [] : [tail]),
      ]
      return { entries, head: last, problems: found.toSorted((a, b) => a.seq - b.seq).slice(0, MOST_PROBLEMS) }
    },
  }
}

function follows(entry: ChainRow, last: ChainRow | null, from: number): boolean {
  // Where the look begins in the middle, nothing is known of what was before.
  if (last === null) return from > 1 || entry.previous.equals(NOTHING)
  return entry.previous.equals(last.hash)
}

function missing(from: number, to: number): AuditProblem {
  const what = from === to ? `Entry ${from} is` : `Entries ${from} to ${to} are`
  return { kind: 'missing', seq: from, message: `${what} missing: entry ${to + 1} comes next.` }
}

/** An entry that is sound and not chained to the one before: that one is not what it was. */
function relinked({ seq }: ChainRow, last: ChainRow | null): AuditProblem {
  if (last === null) return { kind: 'edited', seq, message: `Entry ${seq} is not the one the chain began with.` }
  const message = `Entry ${last.seq} was changed, and its hash with it: entry ${seq} was chained to another one.`
  return { kind: 'edited', seq: last.seq, message }
}

/** Edited, unless it is sound in the place of another entry that is not. */
function unsoundProblem(entry: ChainRow, unsound: readonly ChainRow[]): AuditProblem {
  const { seq } = entry
  const place = unsound.find((other) => other !== entry && wasAt(entry, other))
  if (place === undefined) {
    return { kind: 'edited', seq, message: `Entry ${seq} was changed: its hash is not that of what it says.` }
  }
  return { kind: 'reordered', seq, message: `Entry ${seq} stood elsewhere: it was written as entry ${place.seq}.` }
}

/** Whether an entry was moved with its hashes, or without them. */
function wasAt(entry: ChainRow, other: ChainRow): boolean {
  const moved = hashOf({ ...entry, seq: other.seq })
  if (moved.equals(entry.hash)) return true
  return hashOf({ ...entry, seq: other.seq, previous: other.previous }).equals(other.hash)
}

function recomputed({ seq, at }: KnownHead): AuditProblem {
  const message =
    `Entry ${seq} is another one than this home saw on ${at}: the chain was recomputed, or its end was removed and other ` +
    'entries were written since.'
  return { kind: 'recomputed', seq, message }
}

/** The one with the highest number, of several the last; null: there is none. */
export function newestOf(heads: readonly KnownHead[]): KnownHead | null {
  return heads.reduce<KnownHead | null>((high, head) => (high === null || head.seq >= high.seq ? head : high), null)
}

function removedTail(heads: readonly KnownHead[], last: ChainRow | null): AuditProblem | null {
  const newest = newestOf(heads)
  const end = last === null ? 0 : last.seq
  if (newest === null || newest.seq <= end) return null
  const stops = end === 0 ? 'there are no entries' : `the entries end at ${end}`
  const message = `This home saw entry ${newest.seq} on ${newest.at}, and ${stops}: what came after was removed.`
  return { kind: 'removed_tail', seq: end + 1, message }
}
