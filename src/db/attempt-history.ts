import type { Kysely, Selectable } from 'kysely'
import { z } from 'zod'
import { isoTime } from '../clock.ts'
import { type AttemptView, type StepView, shownFault } from '../contract/work-orders.ts'
import { shownRepository } from '../git/repository-url.ts'
import type { AttemptRow } from './attempts.ts'
import type { Database } from './schema.ts'
import { decimal } from './work-order-view.ts'

type Db = Kysely<Database>

/** Every attempt of an order with its steps, oldest first. */
export async function attemptHistory(db: Db, workOrderId: string): Promise<AttemptView[]> {
  const attempts = await db
    .selectFrom('attempts')
    .selectAll()
    .where('work_order_id', '=', workOrderId)
    .orderBy('number')
    .execute()
  const steps = await db
    .selectFrom('attempt_steps')
    .selectAll()
    .where('work_order_id', '=', workOrderId)
    .orderBy('started_at')
    .execute()
  return attempts.map((attempt) =>
    toAttemptView(
      attempt,
      steps.filter((step) => step.attempt === attempt.number),
    ),
  )
}

const NamesProject = z.looseObject({ project: z.looseObject({ repository: z.string() }) })

/** What `route` has found names the repository as its row had it, which may be one that is refused now. */
function shownOutput(output: unknown): unknown {
  const { data } = NamesProject.safeParse(output)
  if (data === undefined) return output
  return { ...data, project: { ...data.project, repository: shownRepository(data.project.repository) } }
}

function toAttemptView(row: AttemptRow, steps: Selectable<Database['attempt_steps']>[]): AttemptView {
  return {
    number: row.number,
    status: row.status,
    branch: row.branch,
    base_sha: row.base_sha,
    head_sha: row.head_sha,
    cost_usd: costOf(row.cost_usd),
    error: shownFault(row.error),
    claimed_at: isoTime(row.claimed_at),
    ended_at: row.ended_at === null ? null : isoTime(row.ended_at),
    steps: steps.map(toStepView),
  }
}

/** What is no amount has cost nothing that anybody knows of. */
function costOf(cost: string): number {
  const usd = decimal(cost)
  return usd === null ? 0 : usd
}

function toStepView(row: Selectable<Database['attempt_steps']>): StepView {
  return {
    name: row.name,
    try: row.try,
    status: row.status,
    runs: row.runs,
    input: row.input,
    output: shownOutput(row.output),
    error: shownFault(row.error),
    cost_usd: costOf(row.cost_usd),
    started_at: isoTime(row.started_at),
    ended_at: row.ended_at === null ? null : isoTime(row.ended_at),
  }
}
