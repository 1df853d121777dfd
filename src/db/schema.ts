import type { ColumnType, Generated, GeneratedAlways, RawBuilder } from 'kysely'
import type { Scope } from '../contract/api-token.ts'
import type { SeenConflict } from '../contract/evidence/seen-conflict.ts'
import type { FaultRecord } from '../faults/fault.ts'
import type { RiskLevel } from '../work-order/content.ts'
import type { MergePolicy } from '../work-order/project.ts'
import type { Allowance } from '../work-order/protection/held-change.ts'
import type { Phase, Status } from '../work-order/status.ts'
import type { SeenToMergeColumns } from './pull-requests/seen-to-merge-columns.ts'
import type { ClientTables } from './tables/client-tables.ts'
import type { FollowUpTables } from './tables/follow-up-tables.ts'
import type { Decimal, Json, JsonDefault, MoneyTables, NullableDecimal, Time } from './tables/money-tables.ts'

/** What an attempt has to show for its outcome, as far as it came; null: it did not come so far. */
export type OutcomeFacts = {
  model_used: string
  route_reason: string | null
  diff_size_lines: number | null
  test_duration_ms: number | null
  metadata: Record<string, unknown>
}

/** Rows as they are in the tables of `migrations/`; columns of the first Moose that we only keep are left out. */
export type Database = MoneyTables &
  FollowUpTables &
  ClientTables & {
    projects: {
      id: Generated<string>
      name: string
      repository: string | null
      forge: string
      default_branch: string
      /** Cap of a month in USD; null: that of `budget_limits`. */
      budget_usd: NullableDecimal
      created_at: Time
      /** Null: the usual one (work-order/naming.ts). */
      branch_pattern: ColumnType<string | null, string | null | undefined, string | null>
      /** `Name <mail>`; null: Moose. */
      author: ColumnType<string | null, string | null | undefined, string | null>
      committer: ColumnType<string | null, string | null | undefined, string | null>
      sign_off: ColumnType<boolean | null, boolean | null | undefined, boolean | null>
      /** Absolute path of an SSH key; null: commits are not signed. */
      signing_key: ColumnType<string | null, string | null | undefined, string | null>
      /** Null: the host of the repository's URL. */
      forge_host: ColumnType<string | null, string | null | undefined, string | null>
      /** Null: the project's id. */
      mirror_id: ColumnType<string | null, string | null | undefined, string | null>
      /** Of the engine of `MOOSE_SANDBOX`; null: none is set. */
      sandbox_image: ColumnType<string | null, string | null | undefined, string | null>
      /** Of a project that was removed; null: it was not. */
      removed_repository: ColumnType<string | null, string | null | undefined, string | null>
      removed_at: ColumnType<Date | null, Date | null | undefined, Date | null>
      /** Of `HostGrant`s. */
      allowed_hosts: JsonDefault
      /** Null: any number may be. */
      max_open_pull_requests: ColumnType<number | null, number | null | undefined, number | null>
      merge_policy: Generated<MergePolicy>
      /** The highest risk of orders that are approved by rule; null: none is. */
      auto_approve: ColumnType<RiskLevel | null, RiskLevel | null | undefined, RiskLevel | null>
      /** The highest risk of orders whose pull requests `auto` merges. */
      auto_merge: Generated<RiskLevel>
      /** Patterns of paths (work-order/protection/): what is held beyond what usually is, and what is not. */
      protect: JsonDefault
      unprotect: JsonDefault
    }
    work_orders: {
      id: Generated<string>
      title: string
      /** Null in rows of a first Moose. */
      description: string | null
      acceptance_criteria: JsonDefault
      files_in_scope: JsonDefault
      /** Files to be read beside the scope. */
      context: JsonDefault
      risk_level: string
      status: Generated<Status>
      phase: Phase | null
      metadata: JsonDefault<Record<string, unknown>>
      project_id: string | null
      attempts: Generated<number>
      /** Why the order is blocked or failed; null otherwise. */
      status_reason: ColumnType<FaultRecord | null, string | null, string | null>
      github_branch: string | null
      github_pr_url: string | null
      github_pr_number: number | null
      /** The proposer it was given to last; null where the first Moose or an older one gave it (PROPOSER_OF_ORDER). */
      proposer_name: string | null
      estimated_cost: NullableDecimal
      actual_cost: NullableDecimal
      complexity_score: NullableDecimal
      /** Cap in USD; null: that of `budget_limits`. */
      budget_usd: NullableDecimal
      created_at: Time
      /** Null in rows of a first Moose. */
      updated_at: ColumnType<Date | null, Date | undefined, Date>
      completed_at: Date | null
      /** The attempt whose commit the next one is to verify, or the one that runs does; null: it makes a change. */
      verifies: ColumnType<number | null, number | null | undefined, number | null>
      /** Whether a model may resolve what git cannot merge, where it verifies a pull request. */
      resolves: Generated<boolean>
      /** What the next attempt is a reaction to, or the one that runs is; null: it is none. */
      follows: ColumnType<string | null, never, string | null>
      /** As `kind:name`; null: before that was kept. */
      filed_by: ColumnType<string | null, string | undefined, never>
      /** Hash of the content an approval was given to; null: it is not approved, or was before that was kept. */
      approved_content: ColumnType<string | null, never, never>
      /** How a human had it retried; null: nobody did since its last claim. */
      retry_mode: ColumnType<'again' | 'fresh' | 'verify_only' | null, never, 'again' | 'fresh' | 'verify_only' | null>
      /** Of the attempts up to this one, nothing is told to a model, and no answer is taken again. */
      asked_anew_after: ColumnType<number | null, never, number | RawBuilder<number>>
      /** The proposer a human wants it given to; null: the Manager chooses. */
      wanted_proposer: ColumnType<string | null, never, string | null>
    }
    allowed_changes: {
      id: GeneratedAlways<string>
      work_order_id: string
      /** Hash of the content it counts for. */
      content: string
      head_sha: string | null
      kind: Allowance['kind']
      subject: string
      /** As `kind:name`. */
      allowed_by: ColumnType<string, never, never>
      allowed_at: Time
    }
    attempts: {
      work_order_id: string
      number: number
      project_id: string | null
      status: Generated<'running' | 'succeeded' | 'failed' | 'blocked' | 'cancelled'>
      content: Json
      executor_id: string
      base_sha: string | null
      head_sha: string | null
      branch: string | null
      cost_usd: Decimal
      error: ColumnType<FaultRecord | null, string | null, string | null>
      claimed_at: Time
      ended_at: Date | null
      decision_id: string | null
      /** How often it went on, after a suspension or a takeover. */
      resumed: Generated<number>
      /** The process that runs it; null: one that knew no fleet. */
      holder: string | null
      /** Of the pipeline that runs it; null as above. */
      revision: string | null
      /** Of one that is suspended, what its outcome is if it is never resumed; null: it was not suspended. */
      suspended_outcome: ColumnType<OutcomeFacts | null, string | null, string | null>
      /** How often it was resumed after the process that ran it had died. */
      takeovers: Generated<number>
      /** That process has died, and the attempt was not resumed since. */
      left_behind: Generated<boolean>
      /** The attempt whose commit it verifies; null: it makes a change of its own. */
      verifies: ColumnType<number | null, number | null | undefined, never>
      /** Whether a model may resolve what git cannot merge. */
      resolves: ColumnType<boolean, boolean | undefined, never>
      /** The ids of head and base that it was asked to resolve, with a space between; null: it was not asked. */
      resolving: ColumnType<string | null, never, string>
      /** What it is a reaction to; null: it is none. */
      follows: ColumnType<string | null, string | null | undefined, never>
    }
    attempt_steps: {
      work_order_id: string
      attempt: number
      name: string
      /** 1 for the first. */
      try: Generated<number>
      status: 'running' | 'succeeded' | 'failed'
      runs: Generated<number>
      input: ColumnType<unknown, string | null, string | null>
      output: ColumnType<unknown, string | null, string | null>
      error: ColumnType<FaultRecord | null, string | null, string | null>
      cost_usd: Decimal
      started_at: Time
      ended_at: Date | null
      /** Where it was made; null: by a process that knew no fleet. */
      executor_id: string | null
    }
    workers: {
      executor_id: string
      holder: string
      host: string
      pid: number
      version: string
      revision: string
      started_at: Time
      /** Until then others leave its attempts alone. */
      lease_until: Date
      /** It has ended properly. */
      has_left: Generated<boolean>
      /** Before this time the worker may not declare others dead. */
      judges_from: ColumnType<Date | null, Date | undefined, Date>
    }
    work_order_events: {
      id: GeneratedAlways<string>
      work_order_id: string
      attempt: number | null
      step: string | null
      type: string
      message: string
      data: JsonDefault<Record<string, unknown>>
      at: Time
    }
    pull_requests: SeenToMergeColumns & {
      project_id: string
      number: number
      work_order_id: string
      attempt: number
      title: string
      body: string
      base: string
      branch: string
      base_sha: string
      head_sha: string
      diff: string
      state: Generated<'open' | 'merged' | 'closed'>
      merge_sha: string | null
      created_at: Time
      ended_at: Date | null
      url: string | null
      node_id: string | null
      /** Looks in a row that did not find it where it is open. */
      lost_looks: ColumnType<number, never, number>
      /** What its forge calls the one comment of Moose; null: it is not known which one that is. */
      comment_id: ColumnType<string | null, never, string>
      seen_head_sha: string | null
      checks: string | null
      review: string | null
      seen_at: Date | null
      /** The attempt whose checks `head_sha` has passed, where that is not its own; null: its own. */
      verified_by: ColumnType<number | null, number | null | undefined, number | null>
      /** Reviews and check runs one by one, as JSON; of no form that the database would keep to. */
      seen: ColumnType<unknown, string | null | undefined, string | null>
      /** With what its head was last seen to conflict; null: with nothing. */
      conflict: ColumnType<SeenConflict | null, string | null | undefined, string | null>
      /** The commit of somebody else that Moose keeps its hands off; null: it follows the pull request. */
      hands_off: ColumnType<string | null, never, string | null>
      /** The commit that a human has given back. */
      adopted_sha: ColumnType<string | null, never, string>
      /** The commit for which a human has allowed one more reaction than the bounds do. */
      allowed_sha: ColumnType<string | null, never, string | null>
      /** A `FollowUpView`; null: it was not looked at. */
      follow_up: ColumnType<unknown, never, string | null>
      /** The commit with which it was last seen on its forge, since when, and when last. */
      followed_sha: ColumnType<string | null, never, string>
      followed_since: ColumnType<Date | null, never, Date>
      followed_at: ColumnType<Date | null, never, Date>
      /** Whether its forge merged it by itself then, once it may; null: it has no such thing, or it was not looked at. */
      seen_auto_merge: ColumnType<boolean | null, never, boolean | null>
      /** Threads of people with write access that were not resolved then. */
      seen_open_threads: ColumnType<number, never, number>
      /** A `MergeAsked`; null: it was not tried to merge it by rule, or that was taken back. */
      merge_asked: ColumnType<unknown, never, string | null>
    }
    github_deliveries: {
      id: string
      event: string
      received_at: Time
    }
    github_events: {
      id: Generated<string>
      event_type: string | null
      action: string | null
      pr_number: number | null
      branch_name: string | null
      status: string | null
      work_order_id: string | null
      metadata: JsonDefault
      created_at: Time
      /** How often the action had happened to the pull request, this time included; 1 where it happens once. */
      occurrence: Generated<number>
    }
    outcome_vectors: {
      id: Generated<string>
      work_order_id: string | null
      attempt: number | null
      agent_name: string | null
      operation_type: string | null
      success: boolean | null
      outcome: string | null
      cost: NullableDecimal
      execution_time_ms: number | null
      model_used: string | null
      route_reason: string | null
      diff_size_lines: number | null
      test_duration_ms: number | null
      failure_class: string | null
      error_context: ColumnType<unknown, string | null, string | null>
      metadata: JsonDefault
      /** False: it failed by the set-up of its project, and nothing is learnt of it. */
      counts: Generated<boolean>
      created_at: Time
      /** Of a merged change: when it was reverted on its base; null: it was not, as far as that was looked for. */
      reverted_at: Date | null
      /** The commit that did; null: none, or an earlier Moose did not keep it. */
      reverted_by: string | null
      /** When that was looked for last; null: not yet. */
      revert_looked_at: Date | null
      /** Where the base stood then. */
      revert_looked_sha: string | null
    }
    failure_rows: {
      kind: 'project' | 'proposer'
      /** A project's id, or a proposer's name. */
      subject: string
      code: string
      step: string
      message: string
      orders: string[]
      projects: string[]
      since: Time
      last_at: Time
    }
    base_checks: {
      project_id: string
      tree: string
      configuration: string
      checks: Json
      /** Null: every check can be run. */
      fault: ColumnType<FaultRecord | null, string | null, string | null>
      checked_at: Time
    }
    api_tokens: {
      id: Generated<string>
      name: string
      /** SHA-256 of the token. */
      hash: Buffer
      scopes: Scope[]
      created_at: Time
      created_by: string
      /** To the hour. */
      last_used_at: Date | null
      expires_at: Date | null
      revoked_at: Date | null
    }
    system_config: {
      key: string
      value: string
      description: string | null
      updated_at: Time
    }
    proposer_configs: {
      name: string
      provider: string | null
      model: string | null
      complexity_threshold: Decimal
      cost_profile: JsonDefault
      base_url: string | null
      active: Generated<boolean>
      key_variable: string | null
      context_tokens: number | null
      output_limit_parameter: string | null
      answer_form: Generated<string>
      extra_headers: JsonDefault
      extra_body: JsonDefault
    }
    audit_entries: {
      seq: ColumnType<string, never, never>
      at: ColumnType<Date, never, never>
      actor_kind: ColumnType<string, never, never>
      actor_name: ColumnType<string, never, never>
      /** Who was connected, whatever the actor says. */
      database_role: ColumnType<string, never, never>
      act: string
      subject_kind: string
      subject_id: string
      /** Null: the act is about no order. */
      work_order_id: string | null
      details: JsonDefault<Record<string, unknown>>
      previous: ColumnType<Buffer, never, never>
      hash: ColumnType<Buffer, never, never>
    }
  }
