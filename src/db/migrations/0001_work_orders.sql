-- The seed's tables, the first Moose's columns (kept as nullable extras) and what Moose needs beside them.
-- Everything is "if not exists" and nothing is dropped or rewritten, so that an existing Moose database keeps its rows.

create table if not exists projects (id uuid primary key default gen_random_uuid());
alter table projects
  add column if not exists name text not null default 'project',
  add column if not exists repository text,
  add column if not exists forge text not null default 'local',
  add column if not exists local_path text,
  add column if not exists default_branch text not null default 'main',
  add column if not exists github_org text,
  add column if not exists github_repo_name text,
  add column if not exists github_repo_url text,
  add column if not exists status text not null default 'active',
  add column if not exists infrastructure_status text,
  add column if not exists setup_notes text,
  add column if not exists created_at timestamptz not null default now();
-- A first Moose may have named two alike; those have no repository yet.
create unique index if not exists projects_name_key on projects (name) where repository is not null;

create table if not exists work_orders (id uuid primary key default gen_random_uuid());
alter table work_orders
  add column if not exists title text not null default '',
  add column if not exists description text not null default '',
  add column if not exists acceptance_criteria jsonb not null default '[]',
  add column if not exists files_in_scope jsonb not null default '[]',
  add column if not exists risk_level text not null default 'medium',
  add column if not exists status text not null default 'pending',
  add column if not exists phase text,
  add column if not exists metadata jsonb not null default '{}',
  add column if not exists project_id uuid references projects (id),
  add column if not exists attempts integer not null default 0,
  add column if not exists status_reason jsonb,
  add column if not exists github_branch text,
  add column if not exists github_pr_url text,
  add column if not exists github_pr_number integer,
  add column if not exists proposer_id text,
  add column if not exists estimated_cost numeric,
  add column if not exists actual_cost numeric,
  add column if not exists pattern_confidence numeric,
  add column if not exists complexity_score numeric,
  add column if not exists technical_requirements jsonb,
  add column if not exists acceptance_result jsonb,
  add column if not exists context_budget_estimate integer,
  add column if not exists created_at timestamptz not null default clock_timestamp(),
  add column if not exists updated_at timestamptz not null default clock_timestamp(),
  add column if not exists completed_at timestamptz;

-- Not valid: rows an earlier Moose left in states of its own stay readable; every new write is held to the list.
alter table work_orders add constraint work_orders_status_check
  check (status in ('pending', 'in_progress', 'completed', 'failed', 'cancelled', 'blocked')) not valid;
alter table work_orders add constraint work_orders_phase_check
  check (
    -- "is not null" because a check that comes out as null counts as kept.
    (status = 'in_progress' and phase is not null
      and phase in ('routing', 'proposing', 'applying', 'verifying', 'publishing', 'in_review'))
    or (status <> 'in_progress' and phase is null)
  ) not valid;
alter table work_orders add constraint work_orders_metadata_check
  check (jsonb_typeof(metadata) = 'object') not valid;
alter table work_orders add constraint work_orders_times_check
  check (isfinite(created_at) and isfinite(updated_at)) not valid;
alter table work_orders add constraint work_orders_risk_level_check
  check (risk_level in ('low', 'medium', 'high')) not valid;

-- What the dispatcher reads; also what keeps a claim cheap with many pending orders.
create index work_orders_ready on work_orders (created_at, id)
  where status = 'pending' and metadata ->> 'approved_by_director' = 'true';
create index work_orders_by_status on work_orders (status, created_at);

-- One row per attempt. `content` is the order as it was approved when the attempt was claimed.
create table attempts (
  work_order_id uuid not null references work_orders (id) on delete cascade,
  number integer not null,
  project_id uuid references projects (id),
  status text not null default 'running' check (status in ('running', 'succeeded', 'failed', 'blocked', 'cancelled')),
  content jsonb not null,
  -- The process that runs it; a restarted process with the same id takes it up again.
  executor_id text not null,
  base_sha text,
  head_sha text,
  branch text,
  cost_usd numeric not null default 0,
  error jsonb,
  claimed_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  primary key (work_order_id, number)
);
create unique index attempts_one_running on attempts (work_order_id) where status = 'running';
create index attempts_running on attempts (project_id) where status = 'running';

-- Every step of every attempt: what went in, what came out, when, and what it cost.
create table attempt_steps (
  work_order_id uuid not null,
  attempt integer not null,
  position integer not null,
  name text not null,
  status text not null check (status in ('running', 'succeeded', 'failed')),
  -- How often the step was begun; more than one after a crash or a repeated outside failure.
  runs integer not null default 1,
  input jsonb,
  output jsonb,
  error jsonb,
  cost_usd numeric not null default 0,
  started_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  primary key (work_order_id, attempt, name),
  foreign key (work_order_id, attempt) references attempts (work_order_id, number) on delete cascade
);

-- Every call to a model, also those that failed.
create table model_calls (
  id bigint generated always as identity primary key,
  work_order_id uuid references work_orders (id) on delete set null,
  attempt integer,
  proposer text not null,
  provider text not null,
  model text not null,
  input_tokens integer not null default 0,
  output_tokens integer not null default 0,
  -- Null: the price of this model is unknown.
  cost_usd numeric,
  finish_reason text,
  error_code text,
  replayed boolean not null default false,
  duration_ms integer not null,
  started_at timestamptz not null
);
create index model_calls_by_order on model_calls (work_order_id, attempt);

-- What happened, in order; the source of live logs.
create table work_order_events (
  id bigint generated always as identity primary key,
  work_order_id uuid not null references work_orders (id) on delete cascade,
  attempt integer,
  step text,
  type text not null,
  message text not null,
  data jsonb not null default '{}',
  at timestamptz not null default clock_timestamp()
);
create index work_order_events_by_order on work_order_events (work_order_id, id);

-- Pull requests of the forge `local`.
create table pull_requests (
  project_id uuid not null references projects (id) on delete cascade,
  number integer not null,
  work_order_id uuid not null references work_orders (id) on delete cascade,
  attempt integer not null,
  title text not null,
  body text not null,
  base text not null,
  branch text not null,
  base_sha text not null,
  head_sha text not null,
  diff text not null,
  state text not null default 'open' check (state in ('open', 'merged', 'closed')),
  merge_sha text,
  created_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  primary key (project_id, number),
  unique (work_order_id, attempt)
);

create table if not exists github_events (id uuid primary key default gen_random_uuid());
alter table github_events
  add column if not exists event_type text,
  add column if not exists action text,
  add column if not exists pr_number integer,
  add column if not exists branch_name text,
  add column if not exists workflow_name text,
  add column if not exists status text,
  add column if not exists work_order_id uuid,
  add column if not exists payload jsonb,
  add column if not exists metadata jsonb not null default '{}',
  add column if not exists created_at timestamptz not null default now();

create table if not exists outcome_vectors (id uuid primary key default gen_random_uuid());
alter table outcome_vectors
  add column if not exists work_order_id uuid,
  add column if not exists attempt integer,
  add column if not exists agent_name text,
  add column if not exists operation_type text,
  add column if not exists success boolean,
  add column if not exists outcome text,
  add column if not exists cost numeric,
  add column if not exists execution_time_ms integer,
  add column if not exists model_used text,
  add column if not exists route_reason text,
  add column if not exists diff_size_lines integer,
  add column if not exists test_duration_ms integer,
  add column if not exists failure_class text,
  add column if not exists error_context jsonb,
  add column if not exists metadata jsonb not null default '{}',
  add column if not exists created_at timestamptz not null default now();
-- One outcome per end of an attempt: a repeated record step changes nothing.
create unique index outcome_vectors_once on outcome_vectors (work_order_id, attempt, operation_type)
  where attempt is not null;
create unique index github_events_once on github_events (work_order_id, event_type, action, pr_number)
  where action is not null;

create table if not exists system_config (key text primary key);
alter table system_config
  add column if not exists value text not null default '',
  add column if not exists description text,
  add column if not exists updated_at timestamptz not null default now();

create table if not exists proposer_configs (name text primary key);
alter table proposer_configs
  add column if not exists model text,
  add column if not exists provider text,
  add column if not exists complexity_threshold numeric not null default 1,
  add column if not exists cost_profile jsonb not null default '{}',
  add column if not exists base_url text,
  add column if not exists active boolean not null default true;

insert into proposer_configs (name, provider, model, complexity_threshold) values
  ('gpt-4o-mini', 'openai', 'gpt-4o-mini', 0.30),
  ('claude-sonnet-4-5', 'anthropic', 'claude-sonnet-4-5-20250929', 1.00)
on conflict (name) do nothing;
