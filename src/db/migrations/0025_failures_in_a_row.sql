-- How a human had an order retried; null: nobody did since its last claim.
alter table work_orders
  add column if not exists retry_mode text check (retry_mode in ('again', 'fresh', 'verify_only')),
  -- What models answered in attempts up to this one, and what these failed with, is not used any more; null: all of it is.
  add column if not exists asked_anew_after integer check (asked_anew_after >= 0);

-- As in 0018, but that a retry says how.
create or replace function moose_audit_order() returns trigger language plpgsql security definer as $$
declare
  was_approved constant boolean := coalesce(old.metadata ->> 'approved_by_director' = 'true', false);
  is_approved constant boolean := coalesce(new.metadata ->> 'approved_by_director' = 'true', false);
  changed text[];
  did text;
begin
  if tg_op = 'DELETE' then
    perform moose_record_act('order.delete', 'order', old.id::text, old.id,
      jsonb_build_object('status', old.status, 'content_sha256', moose_content_hash(old)));
    return null;
  end if;
  if tg_op = 'INSERT' then
    perform moose_record_act('order.file', 'order', new.id::text, new.id,
      jsonb_build_object('content_sha256', moose_content_hash(new), 'status', new.status));
  else
    select array_agg(name) into changed
    from (values
      ('title', old.title is distinct from new.title),
      ('description', old.description is distinct from new.description),
      ('acceptance_criteria', old.acceptance_criteria is distinct from new.acceptance_criteria),
      ('files_in_scope', old.files_in_scope is distinct from new.files_in_scope),
      ('risk_level', old.risk_level is distinct from new.risk_level),
      ('project_id', old.project_id is distinct from new.project_id),
      ('dependencies', old.metadata -> 'dependencies' is distinct from new.metadata -> 'dependencies'),
      ('budget_usd', old.budget_usd is distinct from new.budget_usd)
    ) as columns (name, is_new)
    where is_new;
    did := moose_status_act(old, new);
  end if;
  if changed = array['budget_usd'] then
    perform moose_record_act('order.budget', 'order', new.id::text, new.id,
      jsonb_build_object('was', old.budget_usd, 'is', new.budget_usd));
  elsif changed is not null then
    perform moose_record_act('order.edit', 'order', new.id::text, new.id, jsonb_build_object('columns', to_jsonb(changed),
      'was_content_sha256', moose_content_hash(old), 'content_sha256', moose_content_hash(new),
      'approval_withdrawn', was_approved and not is_approved));
  end if;
  if is_approved and not was_approved then
    perform moose_record_act('order.approve', 'order', new.id::text, new.id,
      jsonb_build_object('content_sha256', moose_content_hash(new)));
  elsif was_approved and not is_approved and changed is null and did is distinct from 'order.reject' then
    perform moose_record_act('order.unapprove', 'order', new.id::text, new.id, '{}');
  end if;
  if did is not null then
    perform moose_record_act(did, 'order', new.id::text, new.id,
      jsonb_strip_nulls(jsonb_build_object('was', old.status, 'is', new.status, 'attempt', new.attempts,
        'mode', case did when 'order.retry' then new.retry_mode end)));
  end if;
  return null;
end $$;
do $$ begin
  execute format('alter function moose_audit_order() set search_path = %I, pg_temp', current_schema());
end $$;

-- Orders of one project, or given to one proposer, whose last attempts failed one after the other with one code at one step. A
-- success removes the row, another failure begins it anew. As many as a setting says pause the project or the proposer.
create table failure_rows (
  kind text not null check (kind in ('project', 'proposer')),
  -- A project's id, or a proposer's name.
  subject text not null check (char_length(subject) <= 1000),
  code text not null check (char_length(code) <= 100),
  step text not null check (char_length(step) <= 60),
  -- Of the last failure.
  message text not null check (char_length(message) <= 2000),
  -- Each once, the earliest first.
  orders uuid[] not null check (cardinality(orders) between 1 and 1000),
  -- The projects of these orders.
  projects uuid[] not null check (cardinality(projects) <= 1000),
  since timestamptz not null default clock_timestamp(),
  -- Of the last failure.
  last_at timestamptz not null default clock_timestamp(),
  primary key (kind, subject)
);
create trigger failure_rows_notify_settings after insert or update or delete on failure_rows
  for each row execute function moose_notify_settings('pause');
-- What was paused may be taken on again.
create trigger failure_rows_notify_config after delete on failure_rows
  for each row execute function moose_notify_config();

create or replace function moose_tables() returns setof regclass language sql stable as $$
  select to_regclass(name) from unnest(array[
    'projects', 'work_orders', 'attempts', 'attempt_steps', 'model_calls', 'work_order_events', 'pull_requests',
    'github_events', 'github_deliveries', 'outcome_vectors', 'system_config', 'proposer_configs', 'budget_entries',
    'provider_pauses', 'workers', 'base_checks', 'audit_entries', 'allowed_changes', 'failure_rows', 'moose_migrations'
  ]) as name
  where to_regclass(name) is not null
$$;
select moose_secure();
