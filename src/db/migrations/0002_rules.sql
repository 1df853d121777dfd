-- The rules the database keeps itself, whoever writes: a Director with plain SQL, supabase-js, or Moose.

-- Legal changes of status; the same list as TRANSITIONS in src/work-order/status.ts.
create or replace function moose_status_may_move(was text, becomes text) returns boolean
language sql immutable as $$
  select (was, becomes) in (
    ('pending', 'in_progress'), ('pending', 'cancelled'), ('pending', 'blocked'), ('pending', 'failed'),
    ('in_progress', 'completed'), ('in_progress', 'failed'), ('in_progress', 'cancelled'), ('in_progress', 'blocked'),
    ('blocked', 'pending'), ('blocked', 'cancelled'),
    ('failed', 'pending'), ('failed', 'cancelled'),
    ('cancelled', 'pending')
  )
$$;

create or replace function moose_guard_status() returns trigger language plpgsql as $$
begin
  -- A status from before the first migration may move anywhere legal statuses begin.
  if old.status in ('pending', 'in_progress', 'completed', 'failed', 'cancelled', 'blocked')
     and not moose_status_may_move(old.status, new.status) then
    raise exception 'a work order cannot go from % to %', old.status, new.status
      using errcode = 'check_violation', constraint = 'work_orders_transition';
  end if;
  -- A phase belongs to in_progress only; whoever ends an order need not think of it.
  if new.status <> 'in_progress' then new.phase := null; end if;
  if new.status = 'completed' then new.completed_at := now(); end if;
  return new;
end $$;

create or replace trigger work_orders_guard_status before update on work_orders
  for each row when (old.status is distinct from new.status) execute function moose_guard_status();

-- A list as an attempt may carry it along: what is far too long, or nested, becomes a text that validation refuses.
create or replace function moose_bounded_list(list jsonb) returns jsonb language sql immutable as $$
  select case
    when octet_length(list::text) <= 2000 then list
    when jsonb_typeof(list) <> 'array' or octet_length(list::text) > 1000000
      or exists (select from jsonb_array_elements(list) as entry where jsonb_typeof(entry) <> 'string')
      then to_jsonb(left(list::text, 200))
    else list
  end
$$;

-- What an approval covers, as an attempt takes it along. Still the same at publishing: nothing was edited meanwhile,
-- not even edited and approved anew.
create or replace function moose_order_content(wo work_orders) returns jsonb language sql stable as $$
  select jsonb_build_object(
    'title', left(wo.title, 1000),
    'description', left(wo.description, 100000),
    'acceptance_criteria', moose_bounded_list(wo.acceptance_criteria),
    'files_in_scope', moose_bounded_list(wo.files_in_scope),
    'risk_level', wo.risk_level
  )
$$;

-- Approval covers content. Changing what was approved withdraws the approval, also when the same statement says
-- approved again: the flag was already there, so nobody looked at the new content.
create or replace function moose_withdraw_approval() returns trigger language plpgsql as $$
begin
  new.metadata := (new.metadata - 'approved_by_director')
    || jsonb_build_object('approval_withdrawn_at', clock_timestamp());
  return new;
end $$;

create or replace trigger work_orders_withdraw_approval before update on work_orders
  for each row when (
    old.metadata ->> 'approved_by_director' = 'true'
    and (old.title, old.description, old.acceptance_criteria, old.files_in_scope, old.risk_level, old.project_id,
         old.metadata -> 'dependencies')
      is distinct from
        (new.title, new.description, new.acceptance_criteria, new.files_in_scope, new.risk_level, new.project_id,
         new.metadata -> 'dependencies')
  ) execute function moose_withdraw_approval();

-- An order that names no project belongs to the only one there is, also after a second one is added.
create or replace function moose_default_project() returns trigger language plpgsql as $$
begin
  select (array_agg(id))[1] into new.project_id from projects where repository is not null having count(*) = 1;
  return new;
end $$;

create or replace trigger work_orders_default_project before insert on work_orders
  for each row when (new.project_id is null) execute function moose_default_project();

create or replace function moose_touch() returns trigger language plpgsql as $$
begin
  new.updated_at := clock_timestamp();
  return new;
end $$;

create or replace trigger work_orders_touch before update on work_orders
  for each row execute function moose_touch();

-- Wakes the dispatchers. Row level with a condition: a statement-level trigger would fire on updates of no row.
create or replace function moose_notify_ready() returns trigger language plpgsql as $$
begin
  perform pg_notify('moose_ready', new.id::text);
  return null;
end $$;

create or replace trigger work_orders_notify_insert after insert on work_orders
  for each row when (new.status = 'pending' and new.metadata ->> 'approved_by_director' = 'true')
  execute function moose_notify_ready();
create or replace trigger work_orders_notify_update after update on work_orders
  for each row when (
    new.status = 'pending' and new.metadata ->> 'approved_by_director' = 'true'
    and (old.status <> 'pending' or old.metadata ->> 'approved_by_director' is distinct from 'true')
  ) execute function moose_notify_ready();

-- A setting changed at run time counts at once.
create or replace function moose_notify_config() returns trigger language plpgsql as $$
begin
  perform pg_notify('moose_config', '');
  return null;
end $$;
create or replace trigger system_config_notify after insert or update or delete on system_config
  for each row execute function moose_notify_config();

-- Feeds the live logs.
create or replace function moose_notify_event() returns trigger language plpgsql as $$
begin
  perform pg_notify('moose_event', new.work_order_id::text);
  return null;
end $$;
create or replace trigger work_order_events_notify after insert on work_order_events
  for each row execute function moose_notify_event();

-- A cancellation by plain SQL reaches the process that runs the attempt.
create or replace function moose_notify_cancelled() returns trigger language plpgsql as $$
begin
  perform pg_notify('moose_cancelled', new.id::text);
  return null;
end $$;
create or replace trigger work_orders_notify_cancelled after update on work_orders
  for each row when (old.status = 'in_progress' and new.status = 'cancelled')
  execute function moose_notify_cancelled();
