import { type Kysely, sql } from 'kysely'
import { type FollowUpKind, FollowUpTask } from '../../contract/evidence/follow-up.ts'
import type { LastReaction } from '../../contract/evidence/last-reaction.ts'
import { z } from '../../contract/zod.ts'
import { spelt } from '../../work-order/hidden-text.ts'
import { firstCharacters } from '../../work-order/words.ts'
import type { Database } from '../schema.ts'

/** Characters of a text that others have written. */
const MOST_OF_TEXT = 300
/** Comments that are told. */
const MOST_TOLD = 5

type Row = {
  id: string
  kind: FollowUpKind
  attempt: number | null
  because: string
  outcome: string | null
  cost: string | null
  said: string | null
  line: string | null
  threads: unknown
  not_done: unknown
  /** How the open pull request stands; null: there is none, or it was not followed yet. */
  state: string | null
}

/**
 * What Moose last did about the pull requests of these orders, by the orders' ids; one it has done nothing about is not there. Of an open one what was
 * done about one before it is left out.
 */
export async function lastReactions(
  db: Kysely<Database>,
  ids: readonly string[],
): Promise<ReadonlyMap<string, LastReaction>> {
  if (ids.length === 0) return new Map()
  const { rows } = await sql<Row & { order_id: string }>`
    select distinct on (begun.work_order_id, begun.kind) begun.work_order_id as order_id, begun.id, begun.kind,
      left(begun.because, 2000) as because, left(begun.outcome, 100) as outcome, made.number as attempt,
      case when begun.outcome is not null then made.cost_usd end as cost,
      left(coalesce(made.error -> 'details' ->> 'unresolved', made.error ->> 'message'), 2000) as said,
      left(made.error -> 'details' ->> 'said', 2000) as line,
      begun.task -> 'threads' as threads, begun.task -> 'came' -> 'not_done' as not_done,
      pull.follow_up ->> 'state' as state
    from follow_ups as begun
    left join attempts as made on made.work_order_id = begun.work_order_id and made.follows = begun.id
    left join lateral (
      select follow_up, attempt from pull_requests
      where pull_requests.work_order_id = begun.work_order_id and state = 'open' order by created_at desc limit 1
    ) as pull on true
    where begun.work_order_id = any (${ids}::uuid[])
      and (pull.attempt is null or begun.attempt is null or begun.attempt > pull.attempt)
    order by begun.work_order_id, begun.kind, begun.id desc, made.number desc
  `.execute(db)
  const byOrder = Map.groupBy(rows, ({ order_id }) => order_id)
  return new Map([...byOrder].flatMap(([id, all]) => reactionIn(all).map((last) => [id, last] as const)))
}

/**
 * Checks that are run again are told where they stand.
 *
 * @param all of one order the last of each kind
 */
function reactionIn(all: readonly Row[]): LastReaction[] {
  const own = all.filter(({ kind }) => kind !== 'rerun')
  const [last] = own.toSorted((one, other) => Number(BigInt(other.id) - BigInt(one.id)))
  if (last === undefined) return []
  const { kind, attempt, because, outcome, cost, state } = last
  const review = all.find((one) => one.kind === 'review')
  const reaction = {
    kind,
    attempt,
    because: spelt(because),
    outcome,
    said: outcome === 'succeeded' ? null : saidIn(last),
    cost_usd: cost === null ? null : Number(cost),
    not_done: state === 'reviewed' && review !== undefined ? notDoneIn(review) : [],
  }
  return [reaction]
}

const NotDone = z.array(z.object({ comment: z.number().int(), reason: z.string() }))

function notDoneIn({ not_done: stored, threads: asked }: Row): LastReaction['not_done'] {
  const left = NotDone.safeParse(stored)
  const threads = FollowUpTask.shape.threads.safeParse(asked)
  if (!left.success) return []
  return left.data.slice(0, MOST_TOLD).map(({ comment, reason }) => {
    const thread = threads.success ? threads.data.find(({ comments = [] }) => comments.includes(comment)) : undefined
    const path = typeof thread?.path === 'string' ? inOneLine(thread.path) : null
    return { comment, path, reason: inOneLine(reason) }
  })
}

/** What a message says first, and one line of what a check printed, or why no model was asked: what there is to type is told elsewhere. */
function saidIn({ said, line }: Row): string | null {
  if (said === null) return null
  return line === null || line === '' ? sentenceOf(said) : `${sentenceOf(said).replace(/\.$/, '')}: ${inOneLine(line)}`
}

function sentenceOf(message: string): string {
  const [line = ''] = message.split('\n')
  const [sentence = line] = /^.*?[.!?](?=\s|$)/u.exec(line) ?? []
  return inOneLine(sentence)
}

function inOneLine(text: string): string {
  return firstCharacters(spelt(text.replaceAll(/\s+/g, ' ').trim()), MOST_OF_TEXT)
}
