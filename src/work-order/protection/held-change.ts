import { createHash } from 'node:crypto'
import { z } from 'zod'
import { jsonOrNull } from '../../json-or-null.ts'
import { isInScope } from '../scope.ts'

/** What of a change a human has to allow before it is published. */
export const HeldChange = z.object({
  /** Of the file; null: it stands in no file, but in the text of the pull request. */
  path: z.string().nullable(),
  /** Completes "PATH is …" or "PATH holds …". */
  why: z.string(),
  /** By which a text that looks like a key is told from others, without telling it; null: it is none. */
  fingerprint: z.string().nullable(),
})
export type HeldChange = z.infer<typeof HeldChange>

/** What a human allowed of the changes of an order. */
export type Allowance = {
  /** `path`: a path, or a folder with a slash at its end. `all`: whatever is protected. `secret`: one text that looks like a key. */
  kind: 'path' | 'all' | 'secret'
  /** The path or the fingerprint; empty for `all`. */
  subject: string
  /** The commit it was said of; null: of whatever the order's content leads to. */
  headSha: string | null
  /** Who said so, as the database knows them. */
  by: string
  at: Date
}

/** The first allowance that covers a change of a commit; undefined: none does. A text like a key is allowed by its own name alone. */
export function allowanceFor(
  { path, fingerprint }: HeldChange,
  headSha: string,
  allowances: readonly Allowance[],
): Allowance | undefined {
  return allowances
    .filter((allowance) => allowance.headSha === null || allowance.headSha === headSha)
    .find(({ kind, subject }) => {
      if (fingerprint !== null) return kind === 'secret' && subject === fingerprint
      return kind === 'all' || (kind === 'path' && path !== null && isInScope(path, [subject]))
    })
}

/**
 * The first allowance of an earlier commit that covers a change of what that commit became by merges of the base alone: the file is
 * the same since. Undefined: none does.
 *
 * @param merged the earlier commits, each with the paths that are not the same since
 */
export function allowanceBefore(
  change: HeldChange,
  merged: ReadonlyMap<string, ReadonlySet<string>>,
  allowances: readonly Allowance[],
): Allowance | undefined {
  return allowances.find((allowance) => {
    const { headSha } = allowance
    const changed = headSha === null ? undefined : merged.get(headSha)
    if (headSha === null || changed === undefined) return false
    const isSame = change.path === null || !changed.has(change.path)
    return isSame && allowanceFor(change, headSha, [allowance]) !== undefined
  })
}

/** Named in the message of a fault. */
const MOST_NAMED = 10
/** Characters of a detail; `Fault` cuts longer ones. */
const MOST_OF_DETAIL = 9_000
const MOST_OF_PATH = 300

/** What is held of a commit, of which as many are listed as details of a fault have room for. */
export function heldCommit(held: readonly HeldChange[], headSha: string): HeldCommit {
  const listed: HeldChange[] = []
  let length = 0
  for (const change of held) {
    length += JSON.stringify(change).length + 1
    if (length > MOST_OF_DETAIL) break
    listed.push(change)
  }
  return { headSha, held: listed, count: held.length }
}

/** As details of a fault: flat, and bounded. */
export function heldDetails(held: readonly HeldChange[], headSha: string): Record<string, string | number> {
  const { held: listed, count } = heldCommit(held, headSha)
  return { head_sha: headSha, held: JSON.stringify(listed), held_count: count }
}

const Details = z.object({ head_sha: z.string(), held: z.string(), held_count: z.number() })
const Listed = z.array(HeldChange)

export type HeldCommit = { headSha: string; held: HeldChange[]; count: number }

/** What the details of a fault say of held changes, as far as they list them; null: they say nothing of any. */
export function heldFrom(details: unknown): HeldCommit | null {
  const parsed = Details.safeParse(details)
  if (!parsed.success) return null
  const listed = Listed.safeParse(jsonOrNull(parsed.data.held))
  if (!listed.success) return null
  return { headSha: parsed.data.head_sha, held: listed.data, count: parsed.data.held_count }
}

/** Names a held commit and what is held of it: another commit, or other changes, have another key. */
export function heldKey({ headSha, held, count }: HeldCommit): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([headSha, held, count]))
    .digest('hex')
  return `${headSha.slice(0, 12)}.${digest.slice(0, 12)}`
}

/** Whether everything that is held of a commit is allowed. What was too long to be listed is allowed with all the rest alone. */
export function isAllAllowed({ headSha, held, count }: HeldCommit, allowances: readonly Allowance[]): boolean {
  const isListed = held.length === count
  const rest: HeldChange = { path: null, why: '', fingerprint: null }
  return [...held, ...(isListed ? [] : [rest])].every(
    (change) => allowanceFor(change, headSha, allowances) !== undefined,
  )
}

/** One held change in words: `.github/workflows/ci.yml is what continuous integration runs`. */
export function inWords({ path, why, fingerprint }: HeldChange): string {
  const where = path === null ? "the pull request's text" : path.slice(0, MOST_OF_PATH)
  return fingerprint === null ? `${where} is ${why}` : `${where} holds ${why} (${fingerprint})`
}

/** The message of the fault: what is held, why, and what to type next; what is typed first allows it of this commit alone. */
export function heldMessage(commit: HeldCommit, shortId: string): string {
  const { held, count } = commit
  const named = held.slice(0, MOST_NAMED).map(inWords)
  const more = count > named.length ? `; and ${count - named.length} more` : ''
  const keys = held.flatMap(({ fingerprint }) => (fingerprint === null ? [] : [fingerprint]))
  const options = [
    ...(keys.length < count ? ['--allow PATH'] : []),
    ...[...new Set(keys)].slice(0, MOST_NAMED).map((fingerprint) => `--allow-secret ${fingerprint}`),
  ].join(' ')
  return (
    `The change is verified and waits for a human, because ${named.join('; ')}${more}. Nothing was pushed. ` +
    `Look at it with: moose show ${shortId} --diff   Allow it with: ${allowCommand(commit, shortId)}` +
    `   or one by one: moose approve ${shortId} ${options}`
  )
}

/** What to type to allow all that is held of a commit: where something else is held by then, nothing is allowed. */
export function allowCommand(commit: HeldCommit, shortId: string): string {
  return `moose decide ${shortId} allow --held ${heldKey(commit)}`
}
