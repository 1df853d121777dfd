import { ORDER_STATES } from '../work-order/order-state.ts'
import { PHASES, STATUSES } from '../work-order/status.ts'
import { BudgetLine } from './budget.ts'
import { knownOrOther } from './stored-text.ts'
import { FailurePause, PausedProvider } from './why/why.ts'
import { z } from './zod.ts'

/** The specification's 5.1, with the owner and the counts beside it. */
export const OrchestratorStatus = z
  .object({
    polling: z.boolean(),
    interval_ms: z.number().int(),
    /** Attempts at once, over the whole fleet. */
    max_concurrent: z.number().int(),
    /** Of these, in one repository; null: any number. */
    max_per_repository: z.number().int().nullable(),
    executing_count: z.number().int(),
    executing_work_orders: z.array(z.string()),
    /** Null before the first poll. */
    last_poll: z.iso.datetime().nullable(),
    /** Attempts this process has ended since it started, and how many of them failed. */
    total_executed: z.number().int(),
    total_failed: z.number().int(),
    /** The last 50, newest last. */
    errors: z.array(z.object({ message: z.string(), timestamp: z.iso.datetime() })),
    /** Orders by status. */
    work_orders: z.record(z.enum(STATUSES), z.number().int()),
    /** Orders by where they stand: `running` and `review` apart, and `pending` as `unapproved` or `waiting`. */
    states: z.record(z.enum(ORDER_STATES), z.number().int()),
    /** Providers that are left alone until then. */
    paused_providers: z.array(PausedProvider),
    /** Projects and proposers that are given no order, because so many in a row failed alike. */
    failure_pauses: z.array(FailurePause).optional(),
    github: z.object({
      /** Open pull requests on GitHub whose end Moose waits for. */
      tracked_pull_requests: z.number().int(),
      /** Requests this process made to the API of GitHub. */
      api_calls_last_hour: z.number().int(),
      /** Null before the first look. */
      last_look: z.iso.datetime().nullable(),
    }),
    /** Null: the row `budget_limits` cannot be read; `errors` say why. */
    budget: BudgetLine.or(z.null()),
    /** The processes that run attempts in this database, oldest first; those that are gone while one of theirs stands. */
    workers: z.array(
      z.object({
        /** What its home is called. */
        id: z.string(),
        host: z.string(),
        pid: z.number().int(),
        version: z.string(),
        started_at: z.iso.datetime(),
        /** False: its lease has run out; a worker that takes on orders takes its attempts over. */
        alive: z.boolean(),
        running: z.number().int(),
        /** The attempts it runs, the oldest first. */
        holds: z
          .array(
            z.object({
              work_order_id: z.guid(),
              title: z.string(),
              attempt: z.number().int(),
              started_at: z.iso.datetime(),
            }),
          )
          .optional(),
        /** Whether it is the process that answers. */
        is_this: z.boolean(),
      }),
    ),
    /** Id of the newest event; follow the stream from here to hear only of what comes. */
    last_event_id: z.string(),
    /** Process id and home of the service. */
    pid: z.number().int(),
    home: z.string(),
    version: z.string(),
    /** What confines set-ups, checks and Aider of this process; `none`: nothing does. */
    sandbox: z.string(),
    /** For psql and other clients; without a password. */
    database_url: z.string(),
    /** Whether the API asks for a token; false: every program of this machine may do everything. */
    auth: z.boolean().optional(),
  })
  .openapi('OrchestratorStatus')
export type OrchestratorStatus = z.infer<typeof OrchestratorStatus>

export const OrchestratorStatusResponse = z.object({ success: z.literal(true), status: OrchestratorStatus })

export const StartBody = z.strictObject({ interval_ms: z.number().int().min(100).max(3_600_000).optional() })
export const StartResponse = z.object({ success: z.literal(true), message: z.string(), interval_ms: z.number().int() })
export const StopResponse = z.object({
  success: z.literal(true),
  message: z.string(),
  /** Pull requests that their forge may still merge by itself: that could not be taken back yet, and is tried again. Left out: none. */
  may_still_merge: z
    .array(z.object({ work_order_id: z.guid(), number: z.number().int(), url: z.url().nullable() }))
    .optional(),
})

/** Start or stop in one route, as the first Moose has it (specification 2). */
export const ControlBody = StartBody.extend({ action: z.enum(['start', 'stop']) })
export const ControlResponse = StopResponse.extend({ interval_ms: z.number().int().optional() })

export const ExecuteBody = z.strictObject({ work_order_id: z.string().min(1) })

/** How a manual execution ended with an open pull request (specification 5.4). */
export const ExecutionResult = z
  .object({
    work_order_id: z.guid(),
    attempt: z.number().int(),
    status: z.enum(STATUSES),
    phase: knownOrOther(PHASES).nullable(),
    pr_url: z.string(),
    pr_number: z.number().int(),
    branch_name: z.string(),
    execution_time_ms: z.number().int(),
    cost_usd: z.number(),
  })
  .openapi('ExecutionResult')
export type ExecutionResult = z.infer<typeof ExecutionResult>

export const ExecuteResponse = z.object({ success: z.literal(true), result: ExecutionResult })
