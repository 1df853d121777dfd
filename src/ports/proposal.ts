import { z } from 'zod'
import { storedText } from '../contract/stored-text.ts'
import type { ConflictedFile } from '../edits/conflicted-files.ts'
import { LIMITS } from '../work-order/content.ts'

/** Of a longer list a schema says only that, and not what is wrong with each of its entries. */
export const MOST_PATHS = 10_000
const MOST_ATTEMPTS = 1_000_000
const MOST_REJECTIONS = 1_000
const MOST_SAID = 1_000

/** The specification's ProposerRequest (4.4), the body of `POST /api/proposer-enhanced`; ours adds `metadata`. */
export const ProposerRequest = z.object({
  task_description: z.string().min(1),
  /** Paths of the scope, from the repository's root. */
  context: z.array(z.string()).max(MOST_PATHS).default([]),
  security_context: z.enum(['low', 'medium', 'high']).default('low'),
  expected_output_type: z.enum(['code', 'analysis', 'planning', 'refactoring']),
  priority: z.enum(['low', 'medium', 'high']).default('medium'),
  metadata: z
    .object({
      work_order_id: z.guid('must be the id of a work order').optional(),
      attempt: z.number().int().min(1).max(MOST_ATTEMPTS).optional(),
      /** A name of `proposer_configs`: the Manager's decision, carried through. */
      proposer: storedText(LIMITS.title).optional(),
      /** Name or id of a project; its base commit is where the files of `context` are read. */
      project: storedText(LIMITS.title).optional(),
      base_sha: z
        .string()
        .regex(/^[0-9a-f]{40}$/, 'must be a full commit id')
        .optional(),
    })
    .default({}),
})
export type ProposerRequest = z.infer<typeof ProposerRequest>

export const TokenUsage = z.object({
  input: z.number().int().nonnegative(),
  output: z.number().int().nonnegative(),
  total: z.number().int().nonnegative(),
  /** Of the input, what the provider read from its cache. */
  cache_read: z.number().int().nonnegative().optional(),
  /** Of the input, what the provider wrote to its cache. */
  cache_write: z.number().int().nonnegative().optional(),
})
export type TokenUsage = z.infer<typeof TokenUsage>

/** Of more, the first are told. */
export const MOST_SHOWN = 1_000

/** A file whose text a model was shown. */
export const ShownFile = z.object({
  path: z.string(),
  /**
   * `scope`: it may be changed; `guidance`: it says how the repository's code is written, such as `AGENTS.md`; `context`:
   * `moose.yaml` or the order names it; `import`: a file in scope imports it.
   */
  why: z.enum(['scope', 'guidance', 'context', 'import']),
  /** Of the text that was shown. */
  bytes: z.number().int().nonnegative(),
  /** Only its beginning was shown. */
  part: z.literal('beginning').optional(),
})
export type ShownFile = z.infer<typeof ShownFile>
const Said = z.object({ role: z.enum(['user', 'assistant']), content: z.string() })
/** Something said to a model, or by it, after the first prompt. */
export type Said = z.infer<typeof Said>

/** A foreign Proposer says it in its own way, the first Moose's with `refinement_count`; what it says is passed on. */
const RefinementMetadata = z.looseObject({
  /** Answers, the first included. */
  cycles: z.number().int().positive().optional(),
  /** Why answers do not apply, oldest first; the last one's only where it is passed on as text all the same. */
  rejections: z.array(z.string()).max(MOST_REJECTIONS).optional(),
  /** Answers behind the first. */
  refinement_count: z.unknown().optional(),
})

/** The specification's EnhancedProposerResponse. A foreign Proposer must give the first three fields. */
export const ProposerResponse = z.looseObject({
  /** The answer as it came: edits in Moose's format, or free text from a foreign Proposer. */
  content: z.string().min(1),
  /** USD for all calls of this proposal; a lower bound when `cost_unknown`. */
  cost: z.number().nonnegative().lt(1e9),
  /** True when a model without a known price was called; it counts as 0 in `cost`. */
  cost_unknown: z.boolean().optional(),
  proposer_used: z.string(),
  token_usage: TokenUsage.optional(),
  execution_time_ms: z.number().nonnegative().optional(),
  refinement_metadata: RefinementMetadata.nullish(),
  /** `edits` when the content was applied to the tree in memory without complaint; `text` when it could not be checked. */
  format: z.enum(['edits', 'text']).optional(),
  /** What was said between the first prompt and `content`, oldest first; missing: nothing was, or it is not known. */
  said_before: z.array(Said).max(MOST_SAID).optional(),
  /** True when the answer came from a recording and no model was called. */
  replayed: z.boolean().optional(),
  /** The files whose text the model was shown, in that order. */
  shown: z.array(ShownFile).max(MOST_SHOWN).optional(),
})
export type ProposerResponse = z.infer<typeof ProposerResponse>

/** Answers that a proposal took, the first included, as far as it says. */
export function answersOfProposal({
  refinement_metadata: refined,
}: Pick<ProposerResponse, 'refinement_metadata'>): number {
  if (refined?.cycles !== undefined) return refined.cycles
  const refinements = refined?.refinement_count
  return 1 + (Number.isInteger(refinements) ? Math.max(0, Number(refinements)) : 0)
}

/** Why answers of a proposal do not apply, oldest first, as far as it says. */
export function rejectionsOf({
  refinement_metadata: refined,
}: Pick<ProposerResponse, 'refinement_metadata'>): string[] {
  return refined?.rejections === undefined ? [] : refined.rejections
}

/** What `POST /api/proposer-enhanced` answers. */
export const ProposerEnvelope = z.object({ success: z.literal(true), data: ProposerResponse })

/** The files a proposal is made against: reads of one pinned commit. */
export interface BaseTree {
  /** The commit. */
  readonly sha: string
  /**
   * Content of a file; null when there is none at this path.
   * @throws {Fault} `scope_unreadable` for a symlink or a submodule
   */
  read(path: string): Promise<Buffer | null>
  /** Whether a file that `read` gives is executable. */
  isExecutable(path: string): Promise<boolean>
  /** Every file path of the tree, sorted. */
  list(): Promise<readonly string[]>
}

/**
 * What may come of a proposal. `edits`: an answer counts when it applies to the base commit. `text`: any answer counts,
 * because an executor that calls a model makes edits of it (specification 4.4, 4.5). `edits_or_text`: edits are asked for, and
 * what is none in the end is passed on as text.
 */
export type WantedAnswer = 'edits' | 'text' | 'edits_or_text'

/** A change that failed a check, as what is to mend it is told of it. */
export type FailedChange = {
  /** What failed, or what a review asks for, without secrets. */
  failure: string
  /** How many comments of a review ask for it, numbered from 1 in `failure`; left out: a check has failed. */
  comments?: number
  /** What was changed since the last account, or since the base, as git has it; bounded, without secrets. */
  diff: string
}

/** What a model is told, after what was said before, to have it mend its own change. */
export type RepairRequest = FailedChange & {
  /** 1 for the first of an attempt. */
  number: number
  /** The answer that made the change, and what was said before it. */
  answered: Pick<ProposerResponse, 'content' | 'said_before'>
  /** The files as the change left them; an answer counts when it applies to them. */
  changed: BaseTree
}

/** What a model is told to have it resolve what git could not merge. */
export type ConflictRequest = {
  /** Each is in scope, and marked in `changed`. */
  conflict: readonly ConflictedFile[]
  /** The files as git has merged them, with its markers; an answer counts when it applies to them and leaves no marker. */
  changed: BaseTree
}

export type ProposeInput = {
  /** The order and attempt that pay; both null for a caller without an attempt. */
  workOrderId: string | null
  attempt: number | null
  /** The order's title; the key of its recordings. */
  title: string
  request: ProposerRequest
  /** The Manager's choice. */
  proposer: string
  base: BaseTree
  /** What is to be read beside the scope, as the project's `moose.yaml` and the order have it; a folder ends with `/`. */
  contextFiles: readonly string[]
  wanted: WantedAnswer
  /** What went wrong in the try before this one, or in the order's attempt before; null: nothing has. */
  previousFailure: string | null
  /** How many answers it may ask for, the refinements included: at least 1. */
  mostCalls: number
  /** A change that an earlier answer made, and that failed a check or does not merge with the base; null: there is none. */
  repair: RepairRequest | ConflictRequest | null
  signal: AbortSignal
  /** Told of each model call as it starts and ends, for the live log. */
  onProgress: (message: string) => Promise<void>
  /** Called with the files whose text a model is about to be shown, before it is asked; a foreign Proposer does not say. */
  onShown: (files: readonly ShownFile[]) => Promise<void>
}

export interface Proposer {
  /**
   * Has the change generated.
   *
   * @throws {Fault} `scope_too_large`, `scope_unreadable`, `proposal_rejected` (after the last refinement, with every
   *   reason), `change_out_of_scope` (when that was the last reason), `model_*`, `recording_missing`; a foreign Proposer
   *   `proposer_unreachable`, `proposer_refused`. `answers` in the details is how many answers had come by then.
   */
  propose(input: ProposeInput): Promise<ProposerResponse>
}
