-- Who may do what through Supabase's REST API (PostgREST), where `public` is open to the roles below. Elsewhere there are
-- no such roles and this changes nothing: the owner of a table is not held to its policies.
--   anon           nothing
--   authenticated  what `moose_role` in the person's `app_metadata` allows; without it, nothing
--   service_role   everything
-- Grants are written out, because Supabase's default ones differ from project to project.
-- https://supabase.com/docs/guides/database/postgres/row-level-security

-- 'member', 'director' or null: what a signed-in person is to Moose. Supabase signs it into the person's token; only the
-- project's owner can write `app_metadata`. Not everybody who signs in: signing up may be open to the world.
create or replace function moose_role() returns text language sql stable as $$
  select nullif(current_setting('request.jwt.claims', true), '')::jsonb -> 'app_metadata' ->> 'moose_role'
$$;

-- The tables of Moose in this database. A migration that adds one replaces this list and calls moose_secure() again.
create or replace function moose_tables() returns setof regclass language sql stable as $$
  select to_regclass(name) from unnest(array[
    'projects', 'work_orders', 'attempts', 'attempt_steps', 'model_calls', 'work_order_events', 'pull_requests',
    'github_events', 'github_deliveries', 'outcome_vectors', 'system_config', 'proposer_configs', 'budget_entries',
    'provider_pauses', 'workers', 'moose_migrations'
  ]) as name
  where to_regclass(name) is not null
$$;

-- Closes a table to everybody but its owner and service_role. Policies of somebody else are left as they are: without a
-- grant they open nothing.
create or replace function moose_secure_table(target regclass) returns void language plpgsql as $$
declare
  who text;
begin
  execute format('alter table %s enable row level security', target);
  execute format('revoke all on %s from public', target);
  for who in select rolname from pg_roles where rolname in ('anon', 'authenticated') loop
    execute format('revoke all on %s from %I', target, who);
  end loop;
  if exists (select from pg_roles where rolname = 'service_role') then
    execute format('grant all on %s to service_role', target);
    -- On Supabase it bypasses row security anyway.
    execute format('drop policy if exists moose_service on %s', target);
    execute format('create policy moose_service on %s to service_role using (true) with check (true)', target);
  end if;
end $$;

-- What `authenticated` may do. Each permissive policy has a restrictive one beside it, so that a generous policy somebody
-- made before, or makes later, lets nobody in whom these keep out.
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
  grant insert (id, title, description, acceptance_criteria, files_in_scope, risk_level, project_id, metadata, status)
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
  grant update (title, description, acceptance_criteria, files_in_scope, risk_level, project_id, metadata, status)
    on work_orders to authenticated;
  drop policy if exists moose_direct on work_orders;
  drop policy if exists moose_directed on work_orders;
  create policy moose_direct on work_orders for update to authenticated using (true) with check (true);
  create policy moose_directed on work_orders as restrictive for update to authenticated
    using ((select moose_role()) = 'director') with check (status in ('pending', 'cancelled'));
end $$;

-- May be called at any time, by the owner; once more when the roles are made after this migration.
create or replace function moose_secure() returns void language plpgsql as $$
declare
  who text;
begin
  perform moose_secure_table(target) from moose_tables() as target;
  -- A view reads with the rights of its owner, whatever its tables allow.
  revoke all on budget_open_reservations from public;
  if current_setting('server_version_num')::integer >= 150000 then
    execute 'alter view budget_open_reservations set (security_invoker = true)';
  end if;
  for who in select rolname from pg_roles where rolname in ('anon', 'authenticated') loop
    execute format('revoke all on budget_open_reservations from %I', who);
  end loop;
  if exists (select from pg_roles where rolname = 'service_role') then
    grant select on budget_open_reservations to service_role;
    grant execute on function moose_now(), moose_status_may_move(text, text) to service_role;
  end if;
  if exists (select from pg_roles where rolname = 'authenticated') then
    grant execute on function moose_role(), moose_status_may_move(text, text) to authenticated;
    perform moose_admit_people();
  end if;
end $$;

select moose_secure();
