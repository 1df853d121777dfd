import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely'
import { LIMITS } from '../../work-order/content.ts'
import { scopesOverlap } from '../../work-order/scope.ts'
import { hasNoRunningAttempt } from '../attempts/attempts.ts'
import type { Database } from '../schema.ts'
import { IS_APPROVED } from './order-conditions.ts'
import { texts } from './work-order-view.ts'

/** How many pending orders a claim compares at most. */
const LOOK_AHEAD = 1_000
/** Mostly the oldest few are enough, however many are pending; each further look takes four times as many. */
const FIRST_LOOK = 16

type Scope = { repository: string | null; files: readonly string[] }
type Candidate = Scope & { id: string }

/** How many attempts more may run, and how many at all in one repository; null: as many as there are. */
export type Places = { free: number; perRepository: number | null }

/**
 * The approved orders that may start now, oldest first. Orders of a repository that has all it may have are passed over,
 * so that many of them hide no others.
 *
 * @param only this order; null: whatever is next
 */
export async function nextOrders(
  transaction: Transaction<Database>,
  { running, places, only }: { running: readonly Scope[]; places: Places; only: string | null },
): Promise<string[]> {
  const candidates: Candidate[] = []
  let chosen: string[] = []
  for (let look = FIRST_LOOK; candidates.length < LOOK_AHEAD; look *= 4) {
    const limit = Math.min(look, LOOK_AHEAD - candidates.length)
    const busy = [...running, ...candidates.filter(({ id }) => chosen.includes(id))]
    const full = fullRepositories(busy, places)
    const more = await approvedOrders(transaction, only, { behind: candidates.at(-1), full, limit })
    candidates.push(...more)
    chosen = choose(candidates, running, places)
    if (chosen.length === places.free || more.length < limit) break
  }
  return chosen
}

function fullRepositories(busy: readonly Scope[], { perRepository }: Places): string[] {
  const taken = new Map<string | null, number>()
  for (const { repository } of busy) take(taken, repository)
  return [...taken].flatMap(([repository, count]) =>
    repository !== null && isFull(count, perRepository) ? [repository] : [],
  )
}

/**
 * The first candidates there are places for and whose scope is free. One that has to wait holds its scope against
 * younger ones, so that a busy file cannot starve it.
 */
export function choose(
  candidates: readonly Candidate[],
  running: readonly Scope[],
  { free, perRepository }: Places,
): string[] {
  const held = [...running]
  const chosen: string[] = []
  const taken = new Map<string | null, number>()
  for (const { repository } of running) take(taken, repository)
  for (const candidate of candidates) {
    if (chosen.length === free) break
    const { repository } = candidate
    const waits =
      isFull(taken.get(repository), perRepository) ||
      held.some((other) => other.repository === repository && scopesOverlap(other.files, candidate.files))
    if (!waits) {
      chosen.push(candidate.id)
      take(taken, repository)
    }
    held.push(candidate)
  }
  return chosen
}

function take(taken: Map<string | null, number>, repository: string | null): void {
  const before = taken.get(repository)
  taken.set(repository, before === undefined ? 1 : before + 1)
}

function isFull(taken: number | undefined, perRepository: number | null): boolean {
  return perRepository !== null && taken !== undefined && taken >= perRepository
}

/**
 * Where an order changes files; two projects may name one repository. An order without a project belongs to the only
 * one; with several it will fail, and does not wait.
 */
const repositoryOf = () => sql<string | null>`coalesce(
  (select repository from projects where projects.id = project_id),
  (select (array_agg(repository))[1] from projects where repository is not null having count(*) = 1)
)`

const hasNoRemovedProject = sql<boolean>`not exists (
  select from projects where projects.id = work_orders.project_id and removed_at is not null
)`

/** A longer list than an order may have is refused when it is run; comparing it here could take for ever. */
function comparableScope(files: RawBuilder<unknown>) {
  const isComparable = sql`jsonb_typeof(${files}) = 'array' and jsonb_array_length(${files}) <= ${LIMITS.files}`
  return sql<unknown>`case when ${isComparable} then ${files} else '[]' end`
}

/** What the attempts of all processes hold. */
export async function runningScopes(transaction: Transaction<Database>): Promise<Scope[]> {
  const rows = await transaction
    .selectFrom('attempts')
    .select([repositoryOf().as('repository'), comparableScope(sql`content -> 'files_in_scope'`).as('files')])
    .where('status', '=', 'running')
    .execute()
  return rows.map((row) => ({ repository: row.repository, files: texts(row.files) }))
}

/** Whether anything at all may start; what is approved afterwards is announced. */
export async function hasApprovedOrders(db: Kysely<Database>): Promise<boolean> {
  const row = await db
    .selectFrom('work_orders')
    .select('id')
    .where('status', '=', 'pending')
    .where(IS_APPROVED)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

async function approvedOrders(
  transaction: Transaction<Database>,
  only: string | null,
  { behind, full, limit }: { behind: Candidate | undefined; full: readonly string[]; limit: number },
): Promise<Candidate[]> {
  let select = transaction
    .selectFrom('work_orders')
    .select(['id', comparableScope(sql`files_in_scope`).as('files'), repositoryOf().as('repository')])
    .where('status', '=', 'pending')
    .where(IS_APPROVED)
    // A cancelled and retried order waits until its last attempt has really ended.
    .where(hasNoRunningAttempt)
  // One that is asked for by its id is claimed all the same, and is told what is wrong.
  if (only === null) select = select.where(hasNoRemovedProject)
  else select = select.where('id', '=', only)
  if (full.length > 0) select = select.where(sql<boolean>`coalesce(${repositoryOf()} <> all(${full}), true)`)
  if (behind !== undefined) {
    const last = sql`(select last.created_at, last.id from work_orders as last where last.id = ${behind.id})`
    select = select.where(sql<boolean>`(work_orders.created_at, work_orders.id) > ${last}`)
  }
  const rows = await select.orderBy('created_at').orderBy('id').limit(limit).execute()
  return rows.map((row) => ({ id: row.id, repository: row.repository, files: texts(row.files) }))
}
