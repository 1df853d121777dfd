-- What the checks of a project do on a base commit before any change, by everything that decides it: the commit's tree, and
-- `configuration`, a hash of the commands of moose.yaml, of what its setup leaves and of the home they ran in.
create table base_checks (
  project_id uuid not null references projects (id) on delete cascade,
  tree text not null,
  configuration text not null,
  -- One entry for each check, in their order: outcome, exit code, time, failures, the end of what it printed.
  checks jsonb not null,
  -- Why something cannot be run at all: the fault of an order. Such a row is shown and never relied on. Null: all can.
  fault jsonb,
  checked_at timestamptz not null default clock_timestamp(),
  primary key (project_id, tree, configuration)
);
create index base_checks_latest on base_checks (project_id, checked_at desc);

-- False: the attempt failed by the set-up of its project, of which nothing is learnt. Told of earlier ones by a check whose
-- program could not be found or executed (POSIX: 127, 126).
alter table outcome_vectors add column if not exists counts boolean not null default true;
update outcome_vectors set counts = false
where operation_type = 'work_order_execution'
  and error_context ->> 'code' = 'check_failed'
  and error_context -> 'details' ->> 'outcome' = 'crashed'
  and error_context -> 'details' ->> 'exit_code' in ('126', '127');

create or replace function moose_tables() returns setof regclass language sql stable as $$
  select to_regclass(name) from unnest(array[
    'projects', 'work_orders', 'attempts', 'attempt_steps', 'model_calls', 'work_order_events', 'pull_requests',
    'github_events', 'github_deliveries', 'outcome_vectors', 'system_config', 'proposer_configs', 'budget_entries',
    'provider_pauses', 'workers', 'base_checks', 'moose_migrations'
  ]) as name
  where to_regclass(name) is not null
$$;

select moose_secure();
