-- What Moose does about a pull request after it was opened: one row for each reaction, from which the bounds are counted.

create table follow_ups (
  id bigint generated always as identity primary key,
  work_order_id uuid not null references work_orders (id) on delete cascade,
  kind text not null check (kind in ('base', 'rerun', 'checks', 'review')),
  -- Where branch and base stood.
  head_sha text not null check (char_length(head_sha) <= 64),
  base_sha text check (char_length(base_sha) <= 64),
  -- Equal for the same inputs, which are reacted to once.
  fingerprint text not null check (char_length(fingerprint) <= 64),
  because text not null check (char_length(because) <= 2000),
  -- What an attempt does about it, and is told; null: git and the checks alone.
  task jsonb check (pg_column_size(task) <= 400000),
  -- Null: none is made for it.
  attempt integer,
  -- `succeeded`, or the code of what ended it; of a rerun `asked`, `flaky`, `red`, `refused`. Null: it is under way.
  outcome text check (char_length(outcome) <= 100),
  -- What it answers on the forge has been answered there.
  answered boolean not null default false,
  at timestamptz not null default clock_timestamp(),
  unique (work_order_id, kind, fingerprint)
);

-- What an attempt is a reaction to, and what the next attempt of an order is to be one to; null: it is none.
alter table attempts add column if not exists follows bigint;
alter table work_orders add column if not exists follows bigint;
-- The commit of somebody else that Moose keeps its hands off; null: it follows the pull request.
alter table pull_requests add column if not exists hands_off text;
-- The commit that a human has given back to Moose.
alter table pull_requests add column if not exists adopted_sha text;
-- The commit for which a human has allowed one more reaction than the bounds do.
alter table pull_requests add column if not exists allowed_sha text;
-- `{"state", "why", "code", "at"}`: how it was last seen to stand; `code`: of the fault that keeps Moose from going on, or null.
alter table pull_requests add column if not exists follow_up jsonb;

create or replace function moose_tables() returns setof regclass language sql stable as $$
  select to_regclass(name) from unnest(array[
    'projects', 'work_orders', 'attempts', 'attempt_steps', 'model_calls', 'work_order_events', 'pull_requests',
    'github_events', 'github_deliveries', 'outcome_vectors', 'system_config', 'proposer_configs', 'budget_entries',
    'provider_pauses', 'workers', 'base_checks', 'audit_entries', 'allowed_changes', 'failure_rows', 'follow_ups',
    'moose_migrations'
  ]) as name
  where to_regclass(name) is not null
$$;
select moose_secure();
