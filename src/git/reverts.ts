import { containsCommit } from './merge.ts'
import type { Mirror } from './mirror.ts'
import { fullSha } from './ref-names.ts'

const TIMEOUT_MS = 60_000
/** Commits of a base that are read at once; of more, the latest. */
const MOST_COMMITS = 5_000
/** Of a longer message the rest is not read. */
const LONGEST_MESSAGE = 20_000

/** A change that was merged. */
export type Merged = { number: number; title: string; mergeSha: string; headSha: string }

/** A commit of the base that takes a change back, and what says so. */
export type Revert<Change> = { change: Change; sha: string; subject: string; at: string; by: 'sha' | 'title' }

/**
 * The commits up to a tip that revert changes, one for each change. git writes `This reverts commit SHA`; GitHub's button makes
 * a pull request `Revert "TITLE"` whose text is `Reverts OWNER/NAME#NUMBER`. The revert of a revert is none.
 *
 * @param since what was looked at before; null, or no ancestor of the tip any more: since each change was merged
 */
export async function revertsUpTo<Change extends Merged>(
  mirror: Mirror,
  { tip, since }: { tip: string; since: string | null },
  changes: readonly Change[],
): Promise<Revert<Change>[]> {
  if (since !== null && (await containsCommit(mirror, tip, since))) {
    return revertsAmong(await messagesBetween(mirror, tip, since), changes)
  }
  const found: Revert<Change>[] = []
  for (const change of changes) {
    if (!(await containsCommit(mirror, tip, change.mergeSha))) continue
    found.push(...revertsAmong(await messagesBetween(mirror, tip, change.mergeSha), [change]))
  }
  return found
}

type Message = { sha: string; at: string; subject: string; text: string }

async function messagesBetween(mirror: Mirror, tip: string, after: string): Promise<Message[]> {
  const args = [
    'log',
    '-z',
    `--max-count=${MOST_COMMITS}`,
    '--regexp-ignore-case',
    '--grep=revert',
    '--format=%H%n%cI%n%B',
  ]
  const range = [fullSha(tip), `^${fullSha(after)}`]
  const { stdout } = await mirror.succeed([...args, ...range], { signal: null, timeoutMs: TIMEOUT_MS })
  const entries = stdout
    .text()
    .split('\0')
    .filter((entry) => entry !== '')
  return entries.map((entry) => {
    const [sha = '', at = '', ...lines] = entry.slice(0, LONGEST_MESSAGE).split('\n')
    return { sha: fullSha(sha), at, subject: lines[0] === undefined ? '' : lines[0], text: lines.join('\n') }
  })
}

function revertsAmong<Change extends Merged>(
  messages: readonly Message[],
  changes: readonly Change[],
): Revert<Change>[] {
  return changes.flatMap((change) => {
    const [found] = [
      ...messages
        .filter((message) => namesCommit(message, change))
        .map((message) => ({ ...message, by: 'sha' as const })),
      ...messages
        .filter((message) => namesTitle(message, change))
        .map((message) => ({ ...message, by: 'title' as const })),
    ]
    if (found === undefined) return []
    const { sha, at, subject, by } = found
    return [{ change, sha, at, subject, by }]
  })
}

/** git writes the whole id; people shorten it. */
const BY_COMMIT = /\bThis reverts commit ([0-9a-f]{7,40})\b/gi

function namesCommit({ text }: Message, { mergeSha, headSha }: Merged): boolean {
  const named = Array.from(text.matchAll(BY_COMMIT), ([, sha]) => String(sha).toLowerCase())
  return named.some((sha) => mergeSha.startsWith(sha) || headSha.startsWith(sha))
}

function namesTitle({ subject, text }: Message, { number, title }: Merged): boolean {
  // A merge of GitHub's button has the title in its second paragraph.
  const line = [subject, ...text.split('\n', 4)].find((one) => one.startsWith(`Revert "${title}`))
  if (line === undefined) return false
  const rest = line.slice(`Revert "${title}`.length)
  return rest.startsWith(` (#${number})"`) || (rest.startsWith('"') && namesNumber(text, number))
}

function namesNumber(text: string, number: number): boolean {
  const named = text.matchAll(/^Reverts (?:[\w.-]{1,100}\/[\w.-]{1,100})?#(\d{1,10})\b/gm)
  return Array.from(named, ([, told]) => Number(told)).includes(number)
}
