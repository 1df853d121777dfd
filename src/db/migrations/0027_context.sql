-- Files of the repository that are to be read for an order and not changed: a list of paths. A part of what is approved.
set constraints all immediate;
alter table work_orders
  add column if not exists context jsonb not null default '[]'
    constraint work_orders_context check (jsonb_typeof(context) = 'array' and char_length(context::text) <= 100000);

-- An order without one has the content it had before this migration, so that its approval and its answers stand.
create or replace function moose_order_content(wo work_orders) returns jsonb language sql stable as $$
  select jsonb_build_object(
    'title', left(wo.title, 1000),
    'description', left(wo.description, 100000),
    'acceptance_criteria', moose_bounded_list(wo.acceptance_criteria),
    'files_in_scope', moose_bounded_list(wo.files_in_scope),
    'risk_level', wo.risk_level
  ) || case wo.context when '[]' then '{}' else jsonb_build_object('context', moose_bounded_list(wo.context)) end
$$;

-- As in 0002, 0018 and 0025, with the new column.
create or replace trigger work_orders_withdraw_approval before update on work_orders
  for each row when (
    old.metadata ->> 'approved_by_director' = 'true'
    and (old.context, old.title, old.description, old.acceptance_criteria, old.files_in_scope, old.risk_level, old.project_id,
         old.metadata -> 'dependencies')
      is distinct from
        (new.context, new.title, new.description, new.acceptance_criteria, new.files_in_scope, new.risk_level, new.project_id,
         new.metadata -> 'dependencies')
  ) execute function moose_withdraw_approval();

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
      ('context', old.context is distinct from new.context),
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
drop trigger work_orders_audit_update on work_orders;
create constraint trigger work_orders_audit_update after update on work_orders
  deferrable initially deferred for each row when (
    (old.context, old.title, old.description, old.acceptance_criteria, old.files_in_scope, old.risk_level, old.project_id,
      old.budget_usd, old.status, old.metadata -> 'dependencies', old.metadata ->> 'approved_by_director' = 'true')
    is distinct from
    (new.context, new.title, new.description, new.acceptance_criteria, new.files_in_scope, new.risk_level, new.project_id,
      new.budget_usd, new.status, new.metadata -> 'dependencies', new.metadata ->> 'approved_by_director' = 'true')
  ) execute function moose_audit_order();

-- As in 0007, with the new column.
create or replace function moose_admit_people() returns void language plpgsql as $$
declare
  target text;
begin
  foreach target in array
    array['projects', 'work_orders', 'attempts', 'work_order_events', 'pull_requests', 'github_events', 'outcome_vectors']
  loop
    execute format('grant select on %I to authenticated', target);
    execute format('drop policy if exists moose_people on %I', target);
    execute format('drop policy if exists moose_read on %I', target);
    execute format($sql$create policy moose_people on %I as restrictive to authenticated
      using ((select moose_role()) in ('member', 'director'))$sql$, target);
    execute format('create policy moose_read on %I for select to authenticated using (true)', target);
  end loop;

  -- A member files orders; only a Director files approved ones.
  grant insert (id, title, description, acceptance_criteria, files_in_scope, context, risk_level, project_id, metadata, status)
    on work_orders to authenticated;
  drop policy if exists moose_file on work_orders;
  drop policy if exists moose_filed on work_orders;
  create policy moose_file on work_orders for insert to authenticated with check (true);
  create policy moose_filed on work_orders as restrictive for insert to authenticated with check (
    status = 'pending'
    and (metadata ->> 'approved_by_director' is distinct from 'true' or (select moose_role()) = 'director')
  );

  -- A Director corrects, approves, rejects, cancels and retries: whatever he writes, the order is pending or cancelled
  -- afterwards. So the content of one that is being carried out stays as it is.
  grant update (title, description, acceptance_criteria, files_in_scope, context, risk_level, project_id, metadata, status)
    on work_orders to authenticated;
  drop policy if exists moose_direct on work_orders;
  drop policy if exists moose_directed on work_orders;
  create policy moose_direct on work_orders for update to authenticated using (true) with check (true);
  create policy moose_directed on work_orders as restrictive for update to authenticated
    using ((select moose_role()) = 'director') with check (status in ('pending', 'cancelled'));
end $$;
select moose_secure();
