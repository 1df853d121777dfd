import { LIMITS, RISK_LEVELS, WorkOrderContent } from '../work-order/content.ts'
import { HIDDEN_KINDS } from '../work-order/hidden-text.ts'
import { ORDER_STATES } from '../work-order/order-state.ts'
import { Verification } from '../work-order/proves.ts'
import { Risk } from '../work-order/risk.ts'
import { PHASES, STATUSES } from '../work-order/status.ts'
import { ID_OR_PREFIX } from '../work-order/uuid.ts'
import { ShownActor } from './actor.ts'
import { ShownUsd, UsdAmount } from './amounts.ts'
import { OrderBudget } from './budget.ts'
import { OrderEvidence, ShownEvidence } from './evidence/evidence.ts'
import { AtPullRequest } from './evidence/follow-up.ts'
import { PullRequestView } from './evidence/pull-request-view.ts'
import { knownOrOther, storedText } from './stored-text.ts'
import { ShortWhy } from './why/why.ts'
import { z } from './zod.ts'

const Time = z.iso.datetime().openapi({ example: '2026-01-31T12:00:00.000Z' })

/** Why an order or an attempt ended as it did. */
export const FaultView = z
  .object({ code: z.string(), message: z.string(), details: z.record(z.string(), z.unknown()).optional() })
  .openapi('FaultView')
type FaultView = z.infer<typeof FaultView>

const MOST_SHOWN = 1_000

/** A reason as a row has it; one that is none of ours is shown as it is, under the code `unknown`. */
export function shownFault(json: unknown): FaultView | null {
  if (json === null) return null
  const parsed = FaultView.safeParse(json)
  if (parsed.success) return parsed.data
  const code = z.object({ code: z.string() }).safeParse(json)
  const shown = JSON.stringify(json).slice(0, MOST_SHOWN)
  return { code: code.success ? code.data.code : 'unknown', message: shown }
}

/** A new work order. Unknown fields are refused: a misspelt `files_in_scop` must not pass silently. */
export const NewWorkOrder = z
  .strictObject({
    title: WorkOrderContent.shape.title.describe(
      'One line that says what is to be done: the subject of the commit and the title of the pull request',
    ),
    description: WorkOrderContent.shape.description
      .default('')
      .describe('What is to be done, and why: all that who does it has to know beside the files'),
    acceptance_criteria: WorkOrderContent.shape.acceptance_criteria
      .default([])
      .describe('What holds when it is done, one line each. A check of the project proves those that it names'),
    files_in_scope: WorkOrderContent.shape.files_in_scope
      .default([])
      .describe(
        'The files that may change, from the root of the repository, and new ones; a folder with a / at its end is all ' +
          'that is in it. A change of any other file is refused',
      ),
    context: WorkOrderContent.shape.context.describe(
      'Files of the repository that are to be read and not changed, from its root; a folder with a / at its end is all ' +
        'that is in it. The model is shown them beside those in scope, as far as there is room',
    ),
    risk_level: WorkOrderContent.shape.risk_level
      .default('medium')
      .describe(
        'How much care it needs: who proposes the change is told. The rules may find more; who reviews the pull request is told what they find, by its label',
      ),
    depends_on: z
      .array(storedText(LIMITS.title).min(1, 'is empty'))
      .max(LIMITS.dependencies, `has more than ${LIMITS.dependencies} entries`)
      .optional()
      .describe(
        'Work orders that have to be merged before this one is started: titles of orders filed with it, or ids of others, or at ' +
          'least their first 4 characters',
      ),
    project: storedText(LIMITS.title)
      .min(1, 'is empty')
      .optional()
      .describe('Name of the project whose repository it is for; may be left out when there is exactly one'),
    budget_usd: UsdAmount.nullable()
      .optional()
      .describe(
        'The most all its attempts together may cost, in USD; left out or null: as much as any order. More than that is for who may approve',
      ),
    approved: z.boolean().default(false).describe('Approve it at once, as it is filed'),
  })
  .openapi('NewWorkOrder')
export type NewWorkOrder = z.infer<typeof NewWorkOrder>

export const ContentHash = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 of 64 digits, as content_sha256 of the order')

/** Fields of an order with their new values; a list replaces the one before. What is left out stays as it is. */
export const EditWorkOrder = z
  .strictObject({
    ...WorkOrderContent.shape,
    project: NewWorkOrder.shape.project.unwrap(),
    /** Ids, or at least their first 4 characters. */
    depends_on: NewWorkOrder.shape.depends_on.unwrap(),
    /** Not part of what is approved; it can be changed at any time. */
    budget_usd: UsdAmount.nullable(),
    content_sha256: ContentHash.openapi({
      description: 'Of the order as it was looked at. Where its content is another one by now, nothing is changed.',
    }),
  })
  .partial()
  .refine((edit) => Object.keys(edit).length > 0, 'names no field to change')
  .openapi('EditWorkOrder', { minProperties: 1 })
export type EditWorkOrder = z.infer<typeof EditWorkOrder>

/** Orders that are filed, or looked at, at once. */
export const MOST_ORDERS_AT_ONCE = 1000

export const NewWorkOrders = z.strictObject({
  /** Stored all or none. */
  work_orders: z.array(NewWorkOrder).min(1).max(MOST_ORDERS_AT_ONCE),
})

/** Body of `POST /api/work-orders`: one order, or many. */
export const AddWorkOrders = z.union([NewWorkOrder, NewWorkOrders])

export const HiddenTextView = z
  .object({
    field: knownOrOther(['title', 'description', 'acceptance_criteria', 'files_in_scope']),
    /**
     * `direction`: controls that turn the direction of text; `invisible`: characters without width, tags and the like;
     * `comment`: HTML comments; `look_alike`: words of letters of two scripts that look the same.
     */
    kind: knownOrOther(HIDDEN_KINDS),
    count: z.number().int(),
  })
  .openapi('HiddenText')
export type HiddenTextView = z.infer<typeof HiddenTextView>

export const WorkOrderView = z
  .object({
    id: z.guid(),
    title: z.string(),
    description: z.string(),
    acceptance_criteria: z.array(z.string()),
    files_in_scope: z.array(z.string()),
    /** Files to be read beside those. */
    context: z.array(z.string()),
    /** The work orders that have to be merged before it is started, by their ids. */
    depends_on: z.array(z.guid()),
    /** As its writer says: what is decided by rule goes by `risk`. */
    risk_level: z.string(),
    status: z.enum(STATUSES),
    /** Where an `in_progress` order stands; null in every other status. */
    phase: knownOrOther(PHASES).nullable(),
    approved: z.boolean(),
    content_sha256: ContentHash.optional().openapi({
      description:
        'Of title, description, criteria, files, files to read and risk level, as the database has them: what an approval covers. Told ' +
        'with approve, it approves this content and no other. Left out of the list.',
    }),
    hidden_text: z.array(HiddenTextView).openapi({
      description: 'What its texts hold that a reader does not see or takes for something else; no model is told it.',
    }),
    /** Name of the project; null when the order names none. */
    project: z.string().nullable(),
    /** Why the order is blocked or failed; null otherwise. */
    status_reason: FaultView.or(z.null()),
    /** Of a blocked one, in lists, in the inbox and where one order is shown: whether a retry resumes its last attempt; false: it begins a new one. */
    resumes: z.boolean().optional(),
    /**
     * What the checks of the project will say of it, by what is known of its base; null: that is not known yet. In answers
     * that add, approve or show a pending order; left out elsewhere.
     */
    verification: Verification.nullish(),
    /**
     * What of its scope is protected in its project, so that a human has to allow its change beside the order; in the same
     * answers as `verification`.
     */
    protected_scope: z.array(z.object({ path: z.string(), why: z.string(), allowed: z.boolean() })).optional(),
    /**
     * Its risk by the Director's rules, as they judge it now, and which of them fit: in the same answers, and wherever one order is
     * shown. What it was filed as is `risk_level`.
     */
    risk: Risk.optional(),
    /** Of an order that is pending, in the same answers as `verification`: the highest risk that its project has approved by rule; null: it has a human approve each. */
    auto_approve: z.enum(RISK_LEVELS).nullish(),
    /** And the most that approving it allows to be spent, in USD; null: no cap keeps it, or the caps cannot be read. */
    worst_case_usd: z.number().nonnegative().nullish(),
    missing_context: z
      .array(z.string())
      .optional()
      .openapi({
        description:
          'What of `context` the base commit does not have, so that no model is shown it; in the same answers as `verification`, and ' +
          'wherever one order is shown. Empty also where the base is not known.',
      }),
    /** Attempts made so far. */
    attempts: z.number().int(),
    github_branch: z.string().nullable(),
    github_pr_url: z.string().nullable(),
    github_pr_number: z.number().int().nullable(),
    at_pull_request: AtPullRequest.optional().openapi({
      description:
        'Of an order that is pending or in progress for its open pull request, in lists and where one order is shown: its number, and ' +
        'what is being done about it. It is in review again when that has ended.',
    }),
    proposer: z.string().nullable(),
    /** Expected USD of one attempt; null before routing or when the price is unknown. */
    estimated_cost: ShownUsd.nullable(),
    /** USD of all attempts so far; null before the first. */
    actual_cost: ShownUsd.nullable(),
    /** Its own cap of all attempts together; null: the usual one. */
    budget_usd: ShownUsd.nullable(),
    metadata: z.record(z.string(), z.unknown()),
    /** Who filed it, as `kind:name`; null: it was filed before that was kept. */
    filed_by: z.string().nullish(),
    created_at: Time,
    updated_at: Time,
    completed_at: Time.nullable(),
  })
  .openapi('WorkOrder')
export type WorkOrderView = z.infer<typeof WorkOrderView>

export const StepView = z
  .object({
    name: z.string(),
    /** Which try of this step within the attempt, from 1; another follows where one failed in a way that may end better. */
    try: z.number().int(),
    status: knownOrOther(['running', 'succeeded', 'failed']),
    /** How often the step was begun; more than one after a crash or an outside failure that passed. */
    runs: z.number().int(),
    input: z.unknown(),
    output: z.unknown(),
    left_out: z
      .boolean()
      .optional()
      .openapi({
        description:
          'True: input and output are null here because there is too much of them: more than 1,000,000 characters of ' +
          'JSON, or 4,000,000 in newer steps of the order.',
      }),
    /** What it has done and why so, in one line: the reason of the choice, the executor, how many checks passed; null: nothing is known. */
    summary: z.string().nullish(),
    error: FaultView.or(z.null()),
    cost_usd: ShownUsd,
    started_at: Time,
    ended_at: Time.nullable(),
  })
  .openapi('Step')
export type StepView = z.infer<typeof StepView>

export const AttemptView = z
  .object({
    number: z.number().int(),
    status: knownOrOther(['running', 'succeeded', 'failed', 'blocked', 'cancelled']),
    branch: z.string().nullable(),
    base_sha: z.string().nullable(),
    head_sha: z.string().nullable(),
    cost_usd: ShownUsd,
    error: FaultView.or(z.null()),
    claimed_at: Time,
    ended_at: Time.nullable(),
    verifies: z.number().int().nullish().openapi({
      description:
        'The attempt whose change it verifies, as its commit or its pull request holds it; null: it makes a change of its own.',
    }),
    shown: z
      .array(ShownEvidence)
      .optional()
      .openapi({
        description:
          'What it showed a model, however it ended, as in `evidence`; empty: it asked none, it was not kept, or a foreign Proposer ' +
          'does not say.',
      }),
    /** In the order they ran. */
    steps: z.array(StepView),
  })
  .openapi('Attempt')
export type AttemptView = z.infer<typeof AttemptView>

export const WorkOrderDetail = WorkOrderView.extend({
  /** What the ledger says about all its attempts together. */
  budget: OrderBudget,
  /** What it depends on, as `depends_on`, with where that stands; of one that is gone title and status are null. */
  dependencies: z
    .array(z.object({ id: z.guid(), title: z.string().nullable(), status: knownOrOther(STATUSES).nullable() }))
    .optional(),
  /** Oldest first. */
  attempt_history: z.array(AttemptView),
  pull_request: PullRequestView.or(z.null()),
  /** Who gave the approval it has, and when; null: it has none, or was approved before acts were recorded. */
  approval: z.object({ actor: ShownActor, at: Time }).nullish(),
  /** What was verified, and which check proves which criterion; null: nothing was verified yet. */
  evidence: OrderEvidence.or(z.null()).optional(),
  /** Of one that failed or is blocked: whether a human has to decide about it, as `GET …/escalation` says. */
  escalated: z.boolean().optional(),
  /** Its address in the page, for people; null: `MOOSE_PUBLIC_URL` of the service does not say where that is. */
  page_url: z.url().nullish(),
}).openapi('WorkOrderDetail')
export type WorkOrderDetail = z.infer<typeof WorkOrderDetail>

export const WorkOrderResponse = z.object({ success: z.literal(true), work_order: WorkOrderView })
export const WorkOrderDetailResponse = z.object({ success: z.literal(true), work_order: WorkOrderDetail })
export const WorkOrdersResponse = z.object({ success: z.literal(true), work_orders: z.array(WorkOrderView) })

/** An entry of the list, which is bounded: `GET /api/work-orders/{id}` has the whole order. */
export const ListedWorkOrder = WorkOrderView.extend({
  shortened: z.array(z.string()).openapi({
    description:
      'Fields that are not whole in the list: of a title of more than 200 characters and a description of more than 500 ' +
      'the beginning, of criteria, files, context or metadata of more than 4,000 characters of JSON nothing. ' +
      'GET /api/work-orders/{id} has the whole order.',
  }),
  /** Whether its pull request was closed unmerged; left out: an earlier Moose did not say. */
  pull_request_closed: z.boolean().optional(),
  /** Whether its last attempt was answered by a recording: no model was called. */
  replayed: z.boolean(),
  /** Derived from status, phase and approval. */
  state: z.enum(ORDER_STATES),
  /** What it waits for, or why it stands where it stands; `GET /api/work-orders/{id}/why` says it with the evidence. */
  why: ShortWhy,
  /** When the attempt that runs was begun; null: none runs. */
  running_since: Time.nullable(),
}).openapi('ListedWorkOrder')
export type ListedWorkOrder = z.infer<typeof ListedWorkOrder>

const IdOrPrefix = z.string().regex(ID_OR_PREFIX, 'must be the id of a work order, or at least its first 4 characters')

/** An order by its id, or by a unique prefix of it. */
export const WorkOrderParams = z.object({ id: IdOrPrefix.openapi({ example: '3f2a9c1e' }) })
