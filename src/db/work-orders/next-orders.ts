import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely'
import { LIMITS } from '../../work-order/content.ts'
import { scopesOverlap, sharedScope } from '../../work-order/scope.ts'
import { hasNoRunningAttempt } from '../attempts/attempts.ts'
import type { Database } from '../schema.ts'
import { HAS_ITS_DEPENDENCIES } from './dependencies.ts'
import { type FailureRow, listFailureRows } from './failure-rows.ts'
import { IS_APPROVED, verifiesOnly } from './order-conditions.ts'
import { texts } from './work-order-view.ts'

/** How many pending orders a claim compares at most. */
const LOOK_AHEAD = 1_000
/** Mostly the oldest few are enough, however many are pending; each further look takes four times as many. */
const FIRST_LOOK = 16

/** What an order may change, by its id. */
type Candidate = {
  id: string
  repository: string | null
  project?: string | null
  files: readonly string[]
  /** No model is told to do anything in it: however many fail alike, it is neither held nor does it hold another. */
  verifiesOnly?: boolean
  /** Its pull request is open already, so that it opens no further one. */
  isOpen?: boolean
}
type Db = Kysely<Database>

/** Another order that stands in the way of one. */
type Obstacle = Pick<Candidate, 'id'> & { isRunning: boolean }

/** Whether an order may start, and if not, what it waits for. */
export type Verdict = { id: string } & (
  | { waitsFor: null }
  /** Another order that runs, or is older and waits too, may change the same files; `shared` are entries of both scopes. */
  | { waitsFor: 'scope'; obstacle: Obstacle; shared: readonly string[] }
  /** As many attempts as there may be run in its repository, or are about to: these. */
  | { waitsFor: 'repository'; obstacles: readonly Obstacle[] }
  /** As many attempts as there may be run, or are about to: these. */
  | { waitsFor: 'place'; obstacles: readonly Obstacle[] }
  /** As many pull requests of its project are open, or are about to be, as may be. */
  | { waitsFor: 'pull_requests'; obstacles: readonly Obstacle[]; open: number; most: number }
  /** Orders of its project failed alike one after the other, or may: as many run, or are about to, as may then. */
  | { waitsFor: 'row'; obstacles: readonly Obstacle[]; row: FailureRow | null; most: number }
)

/** How many attempts more may run, and how many at all in one repository; null: as many as there are. */
export type Places = {
  free: number
  perRepository: number | null
  /** Missing: however many orders fail alike, as many run. */
  probation?: Probation
  /** By the id of a project that has a cap; missing: none has, or it is not looked at. */
  pullRequests?: ReadonlyMap<string, OpenPullRequests>
}

/** Pull requests of a project that are open, and how many may be. */
type OpenPullRequests = { open: number; most: number }

/**
 * What bounds the attempts of one project that may pay: those that run and those of the row together are never more than pause it. So no more
 * than that many are paid for before it is paused, however many run at once. Without a failure each success beside those that
 * run allows one more.
 */
export type Probation = {
  pauseAfter: number
  /** By a project's id. */
  rows: ReadonlyMap<string, FailureRow>
  /** Attempts that succeeded since the oldest of those that run was claimed, by a project's id. */
  successes: ReadonlyMap<string, number>
}

/**
 * What `pauseAfter` comes to, as of now; read after what runs, so that no failure is missed by both.
 *
 * @param running as `runningScopes` gave it
 */
export async function readProbation(
  db: Db,
  pauseAfter: number | undefined,
  running: readonly Candidate[],
): Promise<{ probation?: Probation }> {
  if (pauseAfter === undefined || pauseAfter === 0) return {}
  const rows = (await listFailureRows(db)).filter(({ kind }) => kind === 'project')
  const successes = await successesBeside(db, pauseAfter, running)
  return { probation: { pauseAfter, rows: new Map(rows.map((row) => [row.subject, row])), successes } }
}

/** Of the projects alone that have as many attempts as they may have without a success. */
async function successesBeside(
  db: Db,
  pauseAfter: number,
  running: readonly Candidate[],
): Promise<ReadonlyMap<string, number>> {
  const paying = running.filter(({ verifiesOnly }) => verifiesOnly !== true)
  const full = [...Map.groupBy(paying, ({ project }) => project)].flatMap(([project, orders]) =>
    typeof project === 'string' && orders.length >= pauseAfter ? [project] : [],
  )
  if (full.length === 0) return new Map()
  const { rows } = await sql<{ project: string; successes: number }>`
    with oldest as (
      select project, min(claimed_at) as claimed_at from unnest(${full}::uuid[]) as project
      join attempts on attempts.status = 'running' and not ${verifiesOnly('attempts')}
        and coalesce(attempts.project_id, project) = project
      group by project
    )
    select project, count(*)::integer as successes from oldest
    join attempts as ended on ended.project_id = project and ended.ended_at >= oldest.claimed_at
    where ended.status = 'succeeded' and not ${verifiesOnly('ended')}
    group by project
  `.execute(db)
  return new Map(rows.map(({ project, successes }) => [project, successes]))
}

/** How many attempts of a project may run at once; null: any number. */
function mostOf({ probation }: Places, project: string | null | undefined): number | null {
  if (probation === undefined || project === null || project === undefined) return null
  const { rows, successes, pauseAfter } = probation
  const [row, succeeded] = [rows.get(project), successes.get(project)]
  if (row === undefined) return pauseAfter + (succeeded === undefined ? 0 : succeeded)
  return Math.max(0, pauseAfter - row.orders.length)
}

function rowOf({ probation }: Places, project: string | null | undefined): FailureRow | null {
  const row = probation?.rows.get(String(project))
  return row === undefined ? null : row
}

/**
 * The approved orders that may start now, oldest first. Orders of a repository that has all it may have are passed over,
 * so that many of them hide no others.
 *
 * @param only this order; null: whatever is next
 */
export async function nextOrders(
  transaction: Transaction<Database>,
  { running, places, only }: { running: readonly Candidate[]; places: Places; only: string | null },
): Promise<string[]> {
  const candidates: Candidate[] = []
  let chosen: string[] = []
  for (let look = FIRST_LOOK; candidates.length < LOOK_AHEAD; look *= 4) {
    const limit = Math.min(look, LOOK_AHEAD - candidates.length)
    const busy = [...running, ...candidates.filter(({ id }) => chosen.includes(id))]
    const full = {
      repositories: fullRepositories(busy, places),
      projects: fullProjects(busy, places),
      capped: cappedProjects(busy, places),
    }
    const more = await approvedOrders(transaction, only, { behind: candidates.at(-1), full, limit })
    candidates.push(...more)
    chosen = choose(candidates, running, places)
    if (chosen.length === places.free || more.length < limit) break
  }
  return chosen
}

function fullRepositories(busy: readonly Candidate[], { perRepository }: Places): string[] {
  if (perRepository === null) return []
  const byRepository = Map.groupBy(busy, ({ repository }) => repository)
  return [...byRepository].flatMap(([repository, orders]) =>
    repository !== null && orders.length >= perRepository ? [repository] : [],
  )
}

/** Those that have all they may have, and those that are paused. */
function fullProjects(busy: readonly Candidate[], places: Places): string[] {
  const paying = busy.filter(({ verifiesOnly }) => verifiesOnly !== true)
  const byProject = Map.groupBy(paying, ({ project }) => project)
  const rows = places.probation === undefined ? [] : [...places.probation.rows.keys()]
  const known = new Set([...byProject.keys(), ...rows])
  return [...known].flatMap((project) => {
    const most = mostOf(places, project)
    const beside = byProject.get(project)
    return typeof project === 'string' && most !== null && (beside === undefined ? 0 : beside.length) >= most
      ? [project]
      : []
  })
}

/** Of how many more its project may open; null: of any number. */
function roomOf<Order extends Candidate>(
  { pullRequests }: Places,
  busy: readonly Order[],
  project: string | null | undefined,
) {
  const known = pullRequests?.get(String(project))
  if (known === undefined) return null
  const coming = busy.filter((other) => other.project === project && other.isOpen !== true)
  return { ...known, coming, left: known.most - known.open - coming.length }
}

function cappedProjects(busy: readonly Candidate[], places: Places): string[] {
  const capped = places.pullRequests === undefined ? [] : [...places.pullRequests.keys()]
  return capped.filter((project) => Number(roomOf(places, busy, project)?.left) <= 0)
}

/** The first candidates there are places for and whose scope is free. */
export function choose(candidates: readonly Candidate[], running: readonly Candidate[], places: Places): string[] {
  const chosen: string[] = []
  for (const { id, waitsFor } of verdicts(candidates, running, places)) {
    if (waitsFor === 'place') break
    if (waitsFor === null) chosen.push(id)
    if (chosen.length === places.free) break
  }
  return chosen
}

/**
 * What becomes of each candidate, in their order. One that has to wait holds its scope against younger ones, so that a busy
 * file cannot starve it.
 */
export function* verdicts(
  candidates: readonly Candidate[],
  running: readonly Candidate[],
  places: Places,
): Generator<Verdict, void, undefined> {
  const { free, perRepository } = places
  const busy = running.map((one) => ({ ...one, isRunning: true }))
  const held = [...busy]
  let left = free
  for (const candidate of candidates) {
    const { id, repository, project, files, verifiesOnly } = candidate
    const beside = busy.filter((other) => other.repository === repository)
    const ofProject = busy.filter((other) => other.project === project && other.verifiesOnly !== true)
    const most = verifiesOnly === true ? null : mostOf(places, project)
    const room = candidate.isOpen === true ? null : roomOf(places, busy, project)
    const obstacle = held.find((other) => other.repository === repository && scopesOverlap(other.files, files))
    if (most === 0) {
      yield { id, waitsFor: 'row', obstacles: [], row: rowOf(places, project), most }
    } else if (obstacle !== undefined) {
      yield { id, waitsFor: 'scope', obstacle, shared: sharedScope(obstacle.files, files) }
    } else if (room !== null && room.left <= 0) {
      yield { id, waitsFor: 'pull_requests', obstacles: room.coming, open: room.open, most: room.most }
    } else if (perRepository !== null && beside.length >= perRepository) {
      yield { id, waitsFor: 'repository', obstacles: beside }
    } else if (most !== null && ofProject.length >= most) {
      yield { id, waitsFor: 'row', obstacles: ofProject, row: rowOf(places, project), most }
    } else if (left <= 0) {
      yield { id, waitsFor: 'place', obstacles: busy }
    } else {
      yield { id, waitsFor: null }
      busy.push({ ...candidate, isRunning: false })
      left -= 1
    }
    held.push({ ...candidate, isRunning: false })
  }
}

/**
 * What the next claim will do with every approved order that waits, as far as a claim looks: with the oldest. An order that
 * is not among them is behind so many.
 */
export async function verdictsOfNextClaim(
  db: Db,
  {
    maxConcurrent,
    perRepository,
    pauseAfter,
  }: { maxConcurrent: number; perRepository: number | null; pauseAfter: number },
): Promise<{ running: number; verdicts: Map<string, Verdict> }> {
  const running = await runningScopes(db)
  const full = { repositories: [], projects: [], capped: [] }
  const pullRequests = await openPullRequests(db)
  const candidates = await approvedOrders(db, null, { behind: undefined, full, limit: LOOK_AHEAD })
  const bound = await readProbation(db, pauseAfter, running)
  const all = verdicts(candidates, running, {
    free: maxConcurrent - running.length,
    perRepository,
    pullRequests,
    ...bound,
  })
  return { running: running.length, verdicts: new Map([...all].map((verdict) => [verdict.id, verdict])) }
}

/**
 * Where an order changes files; two projects may name one repository. An order without a project belongs to the only
 * one; with several it will fail, and does not wait.
 */
const repositoryOf = () => sql<string | null>`coalesce(
  (select repository from projects where projects.id = project_id),
  (select (array_agg(repository))[1] from projects where repository is not null having count(*) = 1)
)`

/** Its own project, or else the only one. */
const projectOf = () => sql<string | null>`coalesce(
  project_id, (select (array_agg(id))[1] from projects where repository is not null having count(*) = 1)
)`

const hasNoRemovedProject = sql<boolean>`not exists (
  select from projects where projects.id = work_orders.project_id and removed_at is not null
)`

/** A longer list than an order may have is refused when it is run; comparing it here could take for ever. */
function comparableScope(files: RawBuilder<unknown>) {
  const isComparable = sql`jsonb_typeof(${files}) = 'array' and jsonb_array_length(${files}) <= ${LIMITS.files}`
  return sql<unknown>`case when ${isComparable} then ${files} else '[]' end`
}

/** An order in review whose branch is worked on again opens no other pull request. */
const hasOpenPullRequest = (order: 'work_orders.id' | 'attempts.work_order_id') => sql<boolean>`exists (
  select from pull_requests where pull_requests.work_order_id = ${sql.ref(order)} and pull_requests.state = 'open'
)`

/** Of the projects that have a cap, by their ids; one that is lost is not open, as far as is known. */
export async function openPullRequests(db: Db): Promise<ReadonlyMap<string, OpenPullRequests>> {
  const { rows } = await sql<{ id: string } & OpenPullRequests>`
    select projects.id, max_open_pull_requests as most,
      (select count(*)::integer from pull_requests where project_id = projects.id and state = 'open'
        and follow_up ->> 'code' is distinct from 'pull_request_lost') as open
    from projects where max_open_pull_requests is not null and repository is not null
  `.execute(db)
  return new Map(rows.map(({ id, open, most }) => [id, { open, most }]))
}

/** What the attempts of all processes hold. */
export async function runningScopes(db: Db): Promise<Candidate[]> {
  const rows = await db
    .selectFrom('attempts')
    .select([
      'work_order_id as id',
      repositoryOf().as('repository'),
      projectOf().as('project'),
      comparableScope(sql`content -> 'files_in_scope'`).as('files'),
      verifiesOnly('attempts').as('verifiesOnly'),
      hasOpenPullRequest('attempts.work_order_id').as('isOpen'),
    ])
    .where('status', '=', 'running')
    .execute()
  return rows.map(({ files, ...row }) => ({ ...row, files: texts(files) }))
}

/** Whether anything at all may start; what is approved afterwards is announced. */
export async function hasApprovedOrders(db: Db): Promise<boolean> {
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
  db: Db,
  only: string | null,
  {
    behind,
    full,
    limit,
  }: {
    behind: Candidate | undefined
    full: { repositories: readonly string[]; projects: readonly string[]; capped: readonly string[] }
    limit: number
  },
): Promise<Candidate[]> {
  let select = db
    .selectFrom('work_orders')
    .select(['id', comparableScope(sql`files_in_scope`).as('files'), repositoryOf().as('repository')])
    .select([projectOf().as('project'), verifiesOnly('work_orders').as('verifiesOnly')])
    .select(hasOpenPullRequest('work_orders.id').as('isOpen'))
    .where('status', '=', 'pending')
    .where(IS_APPROVED)
    // One that waits for another holds no scope either: what it waits for may need the same files.
    .where(HAS_ITS_DEPENDENCIES)
    // A cancelled and retried order waits until its last attempt has really ended.
    .where(hasNoRunningAttempt)
  // One that is asked for by its id is claimed all the same, and is told what is wrong.
  if (only === null) select = select.where(hasNoRemovedProject)
  else select = select.where('id', '=', only)
  const { repositories, projects, capped } = full
  if (capped.length > 0)
    select = select.where(
      sql<boolean>`(${hasOpenPullRequest('work_orders.id')} or coalesce(${projectOf()} <> all(${capped}::uuid[]), true))`,
    )
  if (repositories.length > 0)
    select = select.where(sql<boolean>`coalesce(${repositoryOf()} <> all(${repositories}), true)`)
  if (projects.length > 0)
    select = select.where(
      sql<boolean>`(${verifiesOnly('work_orders')} or coalesce(${projectOf()} <> all(${projects}::uuid[]), true))`,
    )
  if (behind !== undefined) {
    const last = sql`(select last.created_at, last.id from work_orders as last where last.id = ${behind.id})`
    select = select.where(sql<boolean>`(work_orders.created_at, work_orders.id) > ${last}`)
  }
  const rows = await select.orderBy('created_at').orderBy('id').limit(limit).execute()
  return rows.map(({ files, ...row }) => ({ ...row, files: texts(files) }))
}
