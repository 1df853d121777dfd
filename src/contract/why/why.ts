import { BudgetPause } from '../budget.ts'
import { knownOrOther } from '../stored-text.ts'
import { z } from '../zod.ts'

const Time = z.iso.datetime()

/**
 * What an order waits for, or why it stands where it stands. An order that waits has the kind of what the orchestrator looks
 * at: the first thing that keeps it from being taken on.
 */
export const WHY_KINDS = [
  /** Nobody approved it as it stands now. */
  'unapproved',
  /** Its last attempt still has to end. */
  'ending',
  /** Its project was removed. */
  'project',
  /** Its project is paused: so many of its orders in a row failed alike. */
  'paused_project',
  /** Orders of its project failed alike: fewer run at once until one succeeds. */
  'probation',
  /** Every call to a model is stopped. */
  'emergency_stop',
  /** A row of `system_config` says that nothing is taken on, or cannot be read. */
  'settings',
  'disk',
  /** No process takes orders on. */
  'service',
  /** An order it depends on is not merged: `orders`. */
  'dependency',
  /** Another order may change the same files: `orders`. */
  'scope',
  /** As many pull requests of its project are open as may be. */
  'pull_requests',
  /** As many attempts run as may, in all or in its repository: those of `orders`. */
  'place',
  /** Nothing: it is taken on, or its attempt goes on, at the next look. */
  'next',
  'cap',
  'ledger',
  'price',
  'provider',
  /** A human has to allow a change of what is protected. */
  'held_change',
  /** The project cannot be set up or checked as it is. */
  'set_up',
  /** A human is needed: `code` says what for. */
  'blocked',
  'running',
  'review',
  'failed',
  'completed',
  'cancelled',
] as const

/** The same for a list, in short. */
export const ShortWhy = z
  .object({
    kind: knownOrOther(WHY_KINDS),
    /** Without the beginning of a sentence: `waits for 1a2b3c4d, which may change src/a.ts too`. */
    short: z.string(),
    /** Of the fault it is blocked by or failed with; null: none. */
    code: z.string().nullable(),
    /** Other orders it waits for. */
    orders: z.array(z.guid()),
    /** When that ends by itself, at the latest; null: it is not known, or it does not. */
    until: Time.nullable(),
  })
  .openapi('ShortWhy')
export type ShortWhy = z.infer<typeof ShortWhy>

/** Why an order stands where it stands: derived from what is stored at the moment it is asked, and stored nowhere. */
export const Why = ShortWhy.extend({
  /** One or two sentences. */
  sentence: z.string(),
  /** What it is concluded from. */
  evidence: z.array(z.object({ name: z.string(), text: z.string() })),
  /** Commands to type, the most likely first; empty: there is nothing to do. */
  next: z.array(z.string()),
}).openapi('Why')
export type Why = z.infer<typeof Why>

/** A project, or a proposer, that is given no order: so many in a row failed with one code at one step. */
export const FailurePause = z
  .object({
    kind: z.enum(['project', 'proposer']),
    /** Of the project, or of the proposer. */
    name: z.string(),
    code: z.string(),
    step: z.string(),
    /** Of the last failure. */
    message: z.string(),
    /** The orders, the earliest first. */
    orders: z.array(z.guid()),
    /** When the first of them failed. */
    since: Time,
    /** When the last of them failed, which has paused it; left out: an earlier Moose did not say. */
    paused_at: Time.optional(),
  })
  .openapi('FailurePause')
export type FailurePause = z.infer<typeof FailurePause>

/** A provider that is left alone, with the proposers that call it. */
export const PausedProvider = BudgetPause.extend({ proposers: z.array(z.string()) }).openapi('PausedProvider')
export type PausedProvider = z.infer<typeof PausedProvider>
