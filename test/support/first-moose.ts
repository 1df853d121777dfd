/** The tables of the first Moose as it left them on Supabase, with rows, and open to everybody as such projects often are. */
export const FIRST_MOOSE = `
  create table projects (id uuid primary key default gen_random_uuid(), name text not null unique,
    local_path text not null, default_branch text default 'main', github_org text, github_repo_name text,
    github_repo_url text, status text default 'active', infrastructure_status text, setup_notes text,
    created_at timestamptz default now(), updated_at timestamptz default now());
  create table work_orders (id uuid primary key default gen_random_uuid(), title text not null, description text not null,
    risk_level text, proposer_id text, status text default 'pending', estimated_cost numeric(10,4), actual_cost numeric(10,4),
    pattern_confidence numeric, complexity_score numeric, acceptance_criteria jsonb default '[]', files_in_scope jsonb,
    technical_requirements jsonb, acceptance_result jsonb, metadata jsonb, context_budget_estimate integer default 2000,
    github_branch text, github_pr_url text, github_pr_number integer, project_id uuid references projects (id),
    created_at timestamptz default now(), updated_at timestamptz default now(), completed_at timestamptz);
  create table github_events (id uuid primary key default gen_random_uuid(), event_type text not null, workflow_name text,
    status text, work_order_id uuid references work_orders (id), payload jsonb, created_at timestamptz default now());
  create table outcome_vectors (id uuid primary key default gen_random_uuid(), work_order_id uuid references work_orders (id),
    model_used text, cost numeric, execution_time_ms integer, success boolean, route_reason text, diff_size_lines integer,
    test_duration_ms integer, failure_class text, error_context jsonb, metadata jsonb, created_at timestamptz default now());
  create table cost_tracking (id uuid primary key default gen_random_uuid(), service_name text, cost numeric, metadata jsonb);
  create table proposer_configs (id uuid primary key default gen_random_uuid(), name text not null unique, model text,
    provider text, complexity_threshold numeric, cost_profile jsonb, active boolean default true);
  create table system_config (key text primary key, value text, updated_at timestamptz default now());
  create table escalations (id uuid primary key default gen_random_uuid(), work_order_id uuid references work_orders (id),
    trigger_type text, status text, context jsonb, failure_class text, resolution_notes text);

  insert into projects (name, local_path, github_org) values ('shop', '/srv/shop', 'acme'), ('site', '/srv/site', null);
  insert into work_orders (title, description, status, metadata, project_id, estimated_cost, files_in_scope)
    select 'order ' || coalesce(old.status, '-'), 'as it was', old.status, old.metadata::jsonb, projects.id, 1.2345, '["src/a.ts"]'
    from projects, (values ('pending', null), ('approved', '{"approved_by_director": true}'), ('in_progress', '{}'),
      ('completed', '[]'), ('failed', '{"x": [1, "ü"]}'), ('needs_review', '{}'), ('pending_review', '{}'), ('blocked', '{}'),
      ('blocked_by_conflicts', '{}'), ('needs_human_review', '{}'), ('merged', '{}'), (null, '{}')) as old (status, metadata)
    where projects.name = 'shop';
  insert into github_events (event_type, status, work_order_id, payload)
    select 'workflow_run', 'success', id, '{"run": 7}' from work_orders;
  insert into outcome_vectors (work_order_id, model_used, cost, success, failure_class)
    select id, 'gpt-4o-mini', 0.01, false, 'compile_error' from work_orders;
  insert into cost_tracking (service_name, cost) values ('manager', 2.5), ('proposer', 0.1);
  insert into proposer_configs (name, model, provider, complexity_threshold, active)
    values ('gpt-4o-mini', 'gpt-4o-mini', 'openai', 0.3, false);
  insert into system_config values ('budget_limits', '{"daily_soft_cap": 50}'), ('daily_budget', null);
  insert into escalations (work_order_id, trigger_type, status) select id, 'budget', 'open' from work_orders limit 1;

  alter table work_orders enable row level security;
  create policy "Enable all for all" on work_orders using (true) with check (true);
  grant all on work_orders to public, anon, authenticated;
`
