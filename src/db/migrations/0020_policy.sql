-- What a human has to allow before a change is published. The usual rules are in src/work-order/protection/; a project adds
-- patterns of paths to them, and excepts some.
alter table projects
  add column if not exists protect jsonb not null default '[]'
    check (jsonb_typeof(protect) = 'array' and char_length(protect::text) <= 50000),
  add column if not exists unprotect jsonb not null default '[]'
    check (jsonb_typeof(unprotect) = 'array' and char_length(unprotect::text) <= 50000);

-- The content an approval was given to; null: it is not approved, or was before this column. What is carried out has it still.
alter table work_orders add column if not exists approved_content text;
create or replace function moose_keep_approved_content() returns trigger language plpgsql as $$
begin
  if new.metadata ->> 'approved_by_director' is distinct from 'true' then
    new.approved_content := null;
  elsif tg_op = 'INSERT' or old.metadata ->> 'approved_by_director' is distinct from 'true' then
    new.approved_content := moose_content_hash(new);
  else
    new.approved_content := old.approved_content;
  end if;
  return new;
end $$;
-- Triggers run in the order of their names: after work_orders_withdraw_approval.
create or replace trigger work_orders_z_approved_content before insert or update on work_orders
  for each row execute function moose_keep_approved_content();

-- What a human allowed of the changes of an order, with its content of that time: an edit leaves nothing allowed.
-- Nothing here is ever changed or removed but with the order.
create table allowed_changes (
  id bigint generated always as identity primary key,
  work_order_id uuid not null references work_orders (id) on delete cascade,
  content text not null,
  -- The commit it was said of; null: whatever the content leads to.
  head_sha text check (head_sha ~ '^[0-9a-f]{40,64}$'),
  kind text not null check (kind in ('path', 'all', 'secret')),
  subject text not null check (char_length(subject) <= 1000),
  -- As `kind:name`; the transaction says who acts.
  allowed_by text not null default coalesce(
    nullif(current_setting('moose.actor', true), ''), 'database_role:' || current_user
  ),
  allowed_at timestamptz not null default clock_timestamp()
);
create index allowed_changes_by_order on allowed_changes (work_order_id);

create or replace function moose_audit_allowance() returns trigger language plpgsql security definer as $$
begin
  perform moose_record_act(
    'order.allow', 'order', new.work_order_id::text, new.work_order_id,
    jsonb_build_object('kind', new.kind, 'subject', new.subject, 'head_sha', new.head_sha)
  );
  return null;
end $$;
do $$ begin
  execute format('alter function moose_audit_allowance() set search_path = %I, pg_temp', current_schema());
end $$;
create constraint trigger allowed_changes_audit after insert on allowed_changes
  deferrable initially deferred for each row execute function moose_audit_allowance();
create trigger allowed_changes_allowed_by before insert on allowed_changes
  for each row execute function moose_name_author();
-- One that was changed would allow something else, without an entry.
create trigger allowed_changes_stay before update on allowed_changes
  for each statement execute function moose_refuse_change();

create or replace function moose_tables() returns setof regclass language sql stable as $$
  select to_regclass(name) from unnest(array[
    'projects', 'work_orders', 'attempts', 'attempt_steps', 'model_calls', 'work_order_events', 'pull_requests',
    'github_events', 'github_deliveries', 'outcome_vectors', 'system_config', 'proposer_configs', 'budget_entries',
    'provider_pauses', 'workers', 'base_checks', 'audit_entries', 'allowed_changes', 'moose_migrations'
  ]) as name
  where to_regclass(name) is not null
$$;

select moose_secure();
