import { type Kysely, type Selectable, sql } from 'kysely'
import { Fault } from '../../faults/fault.ts'
import { lastOrders } from '../../work-order/words.ts'
import { recordAct } from '../audit/audit-entries.ts'
import { asWord } from '../proposer-configs.ts'
import type { Database } from '../schema.ts'

type Db = Kysely<Database>
type Kind = Selectable<Database['failure_rows']>['kind']

/** Orders whose last attempts failed one after the other with one code at one step, of one project or one proposer. */
export type FailureRow = Pick<
  Selectable<Database['failure_rows']>,
  'kind' | 'subject' | 'code' | 'step' | 'message' | 'orders' | 'projects' | 'since' | 'last_at'
>

/** So many are named; more than these are one row too. */
const MOST_NAMED = 1_000
const MOST_OF_MESSAGE = 2_000

/** Every row there is, by kind and subject. */
export async function listFailureRows(db: Db): Promise<FailureRow[]> {
  return db.selectFrom('failure_rows').selectAll().orderBy('kind').orderBy('subject').execute()
}

/** What pauses: the rows that are as long as a setting says. `pauseAfter` 0: none is. */
export async function readPausing(db: Db, pauseAfter: number): Promise<Pausing> {
  return pausingAmong(pauseAfter === 0 ? [] : await listFailureRows(db), pauseAfter)
}

export type Pausing = {
  /** By a project's id. */
  projects: ReadonlyMap<string, FailureRow>
  /** By name. */
  proposers: ReadonlyMap<string, FailureRow>
}

/**
 * Projects whose row is so long, and proposers whose row is and whose orders are not all of one project that is paused for
 * them already.
 */
export function pausingAmong(rows: readonly FailureRow[], pauseAfter: number): Pausing {
  const long = rows.filter(({ orders }) => pauseAfter > 0 && orders.length >= pauseAfter)
  const of = (kind: Kind) => new Map(long.filter((row) => row.kind === kind).map((row) => [row.subject, row]))
  const projects = of('project')
  const isCovered = ({ projects: own }: FailureRow) => own.length > 0 && own.every((id) => projects.has(id))
  return { projects, proposers: new Map([...of('proposer')].filter(([, row]) => !isCovered(row))) }
}

/** What keeps a model from being asked: failures in a row have paused the project, or the proposer. */
export type Paused = { by: { kind: Kind; name: string }; fault: Fault }

/**
 * What pauses a call to a proposer; null: nothing.
 *
 * @param project null: whether it is paused does not matter
 */
export function pausedAmong(
  { projects, proposers }: Pausing,
  { project, proposer }: { project: { id: string; name: string } | null; proposer: string },
): Paused | null {
  const ofProject = project === null ? undefined : projects.get(project.id)
  if (project !== null && ofProject !== undefined) {
    const by = { kind: 'project', name: project.name } as const
    return { by, fault: projectPaused(ofProject, by.name, proposer) }
  }
  const row = proposers.get(proposer)
  return row === undefined ? null : { by: { kind: 'proposer', name: proposer }, fault: proposerPaused(row) }
}

/** What begins the row of a project or a proposer anew. */
export function resumeCommand({ kind, name }: Paused['by']): string {
  return `moose ${kind} resume ${asWord(name)}`
}

function projectPaused(row: FailureRow, name: string, proposer: string): Fault {
  const message =
    `Project ${name} is paused: its ${failedAlike(row)}. ` +
    `Take its orders on again with: ${resumeCommand({ kind: 'project', name })}`
  return new Fault('provider_paused', message, { project: row.subject, proposer, ...countOf(row) })
}

export function proposerPaused(row: FailureRow): Fault {
  const { subject: proposer } = row
  const message =
    `${proposer} is paused: the ${failedAlike(row, ' given to it')}. ` +
    `Give it orders again with: ${resumeCommand({ kind: 'proposer', name: proposer })}`
  return new Fault('provider_paused', message, { proposer, ...countOf(row) })
}

const failedAlike = ({ orders, code, step }: FailureRow, given = '') =>
  `${lastOrders(orders.length)}${given} failed with ${code} at ${step}`
const countOf = ({ orders, code, step }: FailureRow) => ({ failures: orders.length, reason: `${code} at ${step}` })

type Subject = { kind: Kind; subject: string }

/** A failed order: it lengthens the row that it continues, and begins a new one where it does not. @returns how long it is now */
export async function lengthenRow(
  db: Db,
  { kind, subject }: Subject,
  failure: { workOrderId: string; projectId: string | null; code: string; step: string; message: string },
): Promise<number> {
  const { workOrderId, projectId, code, step } = failure
  const message = failure.message.slice(0, MOST_OF_MESSAGE).toWellFormed().replaceAll('\0', '')
  const continues = sql`(failure_rows.code = excluded.code and failure_rows.step = excluded.step)`
  const put = (column: 'orders' | 'projects') => sql`
    case when not ${continues} then excluded.${sql.ref(column)}
      when failure_rows.${sql.ref(column)} @> excluded.${sql.ref(column)}
        or cardinality(failure_rows.${sql.ref(column)}) >= ${MOST_NAMED} then failure_rows.${sql.ref(column)}
      else failure_rows.${sql.ref(column)} || excluded.${sql.ref(column)} end`
  const { rows } = await sql<{ orders: number }>`
    insert into failure_rows (kind, subject, code, step, message, orders, projects)
    values (${kind}, ${subject}, ${code}, ${step}, ${message}, ${[workOrderId]}::uuid[],
      ${projectId === null ? [] : [projectId]}::uuid[])
    on conflict (kind, subject) do update set
      orders = ${put('orders')}, projects = ${put('projects')},
      since = case when ${continues} then failure_rows.since else excluded.since end,
      code = excluded.code, step = excluded.step, message = excluded.message, last_at = excluded.last_at
    returning cardinality(orders) as orders
  `.execute(db)
  return rows.reduce((sum, { orders }) => sum + orders, 0)
}

/** Ends a row. @returns whether there was one */
export async function endRow(db: Db, { kind, subject }: Subject): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('failure_rows')
    .where('kind', '=', kind)
    .where('subject', '=', subject)
    .executeTakeFirst()
  return numDeletedRows > 0n
}

/** Takes orders of a project on again: its row, and those of proposers that are of it alone, begin anew. @returns whether it had one */
export async function resumeProject(db: Db, { id, name }: { id: string; name: string }): Promise<boolean> {
  return db.transaction().execute(async (transaction) => {
    const ended = await endRow(transaction, { kind: 'project', subject: id })
    await endRowsWithin(transaction, id)
    const subject = { kind: 'project', id: name }
    if (ended) await recordAct(transaction, { act: 'project.resume', subject, details: {} })
    return ended
  })
}

/** Gives a proposer orders again. To be called in a transaction. */
export async function resumeProposer(db: Db, name: string): Promise<void> {
  const ended = await endRow(db, { kind: 'proposer', subject: name })
  const subject = { kind: 'proposer', id: name }
  if (ended) await recordAct(db, { act: 'proposer.resume', subject, details: {} })
}

async function endRowsWithin(db: Db, projectId: string): Promise<void> {
  await db
    .deleteFrom('failure_rows')
    .where('kind', '=', 'proposer')
    .where(sql<boolean>`projects = ${[projectId]}::uuid[]`)
    .execute()
}

/** The project an attempt is of: its own, or else the only one. Null: there is none, or several. */
export async function projectOfAttempt(db: Db, workOrderId: string, attempt: number): Promise<string | null> {
  const row = await db
    .selectFrom('attempts')
    .select(
      sql<string | null>`coalesce(project_id, (
        select (array_agg(id))[1] from projects where repository is not null having count(*) = 1
      ))`.as('id'),
    )
    .where('work_order_id', '=', workOrderId)
    .where('number', '=', attempt)
    .executeTakeFirst()
  return row === undefined ? null : row.id
}
