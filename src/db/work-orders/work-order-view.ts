import type { Selectable } from 'kysely'
import { isoTime } from '../../clock.ts'
import { type HiddenTextView, shownFault, type WorkOrderView } from '../../contract/work-orders.ts'
import { hiddenIn } from '../../work-order/hidden-text.ts'
import type { Database } from '../schema.ts'
import { isApproved } from './order-conditions.ts'

/** A row of `work_orders` with the name of its project. */
export type WorkOrderRow = Selectable<Database['work_orders']> & {
  project_name: string | null
  /** PROPOSER_OF_ORDER. */
  proposer: string | null
  content_sha256?: string
  /** DEPENDS_ON. */
  depends_on: string[]
}

/** The same where metadata may have been left out. */
type ShownRow = Omit<WorkOrderRow, 'metadata'> & { metadata: Record<string, unknown> | null }

/**
 * The row as the API shows it. A Director may have written anything into the JSON columns; what is no list of texts
 * shows as an empty list here and is refused by name when the order is run.
 */
export function toWorkOrderView(row: ShownRow): WorkOrderView {
  return {
    id: row.id,
    title: row.title,
    description: row.description === null ? '' : row.description,
    acceptance_criteria: texts(row.acceptance_criteria),
    files_in_scope: texts(row.files_in_scope),
    context: texts(row.context),
    depends_on: row.depends_on,
    risk_level: row.risk_level,
    status: row.status,
    phase: row.phase,
    approved: isApproved(row.metadata),
    ...(row.content_sha256 === undefined ? {} : { content_sha256: row.content_sha256 }),
    hidden_text: hiddenTexts(row),
    project: row.project_name,
    status_reason: shownFault(row.status_reason),
    attempts: row.attempts,
    github_branch: row.github_branch,
    github_pr_url: row.github_pr_url,
    github_pr_number: row.github_pr_number,
    proposer: row.proposer,
    estimated_cost: decimal(row.estimated_cost),
    actual_cost: decimal(row.actual_cost),
    budget_usd: decimal(row.budget_usd),
    metadata: row.metadata !== null && isRecord(row.metadata) ? row.metadata : {},
    filed_by: row.filed_by,
    created_at: isoTime(row.created_at),
    updated_at: isoTime(row.updated_at === null ? row.created_at : row.updated_at),
    completed_at: row.completed_at === null ? null : isoTime(row.completed_at),
  }
}

/** What of its texts a reader does not see. */
export function hiddenTexts(
  row: Pick<ShownRow, 'title' | 'description' | 'acceptance_criteria' | 'files_in_scope'>,
): HiddenTextView[] {
  const fields = {
    title: row.title,
    description: row.description === null ? '' : row.description,
    acceptance_criteria: texts(row.acceptance_criteria).join('\n'),
    files_in_scope: texts(row.files_in_scope).join('\n'),
  }
  return Object.entries(fields).flatMap(([field, text]) => hiddenIn(text).map((hidden) => ({ field, ...hidden })))
}

/** Rows from before the check on the column, and columns without one, may hold any JSON. */
export function isRecord(json: unknown): boolean {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

/** The texts of a JSON list; empty for anything that is no list. */
export function texts(json: unknown): string[] {
  return Array.isArray(json) ? json.filter((entry) => typeof entry === 'string') : []
}

/** USD for showing; sums are made in the database. Null also for what is no amount: a row from before the rules. */
export function decimal(value: string | null): number | null {
  const usd = value === null ? Number.NaN : Number(value)
  return usd >= 0 && usd < Number.POSITIVE_INFINITY ? usd : null
}
