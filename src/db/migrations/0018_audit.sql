-- Who did what: approved, edited, started, cancelled, merged; changed budgets, proposers, projects, settings, tokens. One
-- entry per act, written by triggers in the act's own transaction, whoever acts: the API, a command, or plain SQL.
--
-- Each entry has the hash of the one before it in its own. The head of this chain is also kept outside of the database
-- (src/audit/), which an entry that was removed at the end and a chain that was recomputed are found by.
create table audit_entries (
  -- Without gaps. All of seq, at, actor_*, database_role, previous and hash are set by the trigger below.
  seq bigint primary key check (seq > 0),
  at timestamptz not null,
  -- token, os_user, proxy_user, database_role, forge_login or moose (src/contract/actor.ts).
  actor_kind text not null,
  actor_name text not null check (char_length(actor_name) <= 200),
  -- session_user: who is connected, whatever the actor says.
  database_role text not null,
  act text not null check (act ~ '^[a-z_]+\.[a-z_]+$' and char_length(act) <= 60),
  subject_kind text not null check (char_length(subject_kind) <= 60),
  subject_id text not null check (char_length(subject_id) <= 200),
  -- The order that the act is about; null: about none. No foreign key: what was done stays when the order is deleted.
  work_order_id uuid,
  -- Texts and what may hold a secret are hashes here.
  details jsonb not null check (octet_length(details::text) <= 10000),
  -- The hash of the entry before; of the first one, 32 bytes of zero.
  previous bytea not null check (octet_length(previous) = 32),
  hash bytea not null check (octet_length(hash) = 32)
);
create index audit_entries_by_order on audit_entries (work_order_id, seq) where work_order_id is not null;
create index audit_entries_by_actor on audit_entries (actor_name, seq);
create index audit_entries_by_time on audit_entries (at);

create or replace trigger audit_entries_append_only before update or delete or truncate on audit_entries
  for each statement execute function moose_refuse_change();

-- What is hashed, as in src/audit/chain.ts: every field by its length in bytes, a colon and its bytes in UTF-8; null as "-".
create or replace function moose_audit_field(value text) returns bytea language sql stable as $$
  select case when value is null then convert_to('-', 'UTF8')
    else convert_to(octet_length(convert_to(value, 'UTF8')) || ':', 'UTF8') || convert_to(value, 'UTF8')
  end
$$;
create or replace function moose_audit_time(at timestamptz) returns text language sql stable as $$
  select to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;
create or replace function moose_audit_hash(entry audit_entries) returns bytea language sql stable as $$
  select sha256(
    moose_audit_field('moose-audit-1') || moose_audit_field(encode(entry.previous, 'hex'))
    || moose_audit_field(entry.seq::text) || moose_audit_field(moose_audit_time(entry.at))
    || moose_audit_field(entry.actor_kind) || moose_audit_field(entry.actor_name) || moose_audit_field(entry.database_role)
    || moose_audit_field(entry.act) || moose_audit_field(entry.subject_kind) || moose_audit_field(entry.subject_id)
    || moose_audit_field(entry.work_order_id::text) || moose_audit_field(entry.details::text)
  )
$$;
create or replace function moose_sha256(value text) returns text language sql stable as $$
  select encode(sha256(convert_to(value, 'UTF8')), 'hex')
$$;

-- The role that acts: `set role`, which PostgREST uses, or else the one that is connected.
create or replace function moose_acting_role() returns text language sql stable as $$
  select case current_setting('role') when 'none' then session_user::text else current_setting('role') end
$$;

-- Whether the role that acts is the owner's. Called with the rights of the table's owner.
create or replace function moose_is_own_role() returns boolean language sql stable as $$
  select pg_has_role(moose_acting_role(), current_user, 'member')
$$;

-- Who acts, as `kind:name`. Moose says it by `moose.actor` at the beginning of the transaction; what a role says that may
-- not write this table is not believed. Null: no actor is stated. Called with the rights of the table's owner.
create or replace function moose_stated_actor() returns text language sql stable as $$
  select stated from (select current_setting('moose.actor', true)) as said (stated)
  where stated ~ '^(token|os_user|proxy_user|database_role|forge_login|moose):.'
    and moose_is_own_role()
$$;

-- Whether the act is another's than Moose's: of the actor that is stated, or of a role that is not the owner's.
create or replace function moose_is_persons_act() returns boolean language sql stable as $$
  select case when moose_stated_actor() is null then not moose_is_own_role()
    else moose_stated_actor() not like 'moose:%' end
$$;

-- The user who is signed in through Supabase's REST API; null: none.
create or replace function moose_signed_in() returns text language plpgsql stable as $$
declare
  claims text := nullif(current_setting('request.jwt.claims', true), '');
begin
  if claims is null then return null; end if;
  return left(coalesce(claims::jsonb ->> 'email', claims::jsonb ->> 'sub'), 200);
exception when others then
  return null;
end $$;

-- Chains an entry. The lock is held until the transaction ends, and is the last one it takes: the triggers that record acts
-- are deferred to its end. So two transactions cannot deadlock on it, and a transaction without an act never takes it.
create or replace function moose_chain_audit() returns trigger language plpgsql security definer as $$
declare
  stated constant text := moose_stated_actor();
  person constant text := moose_signed_in();
  last record;
begin
  perform pg_advisory_xact_lock(7301600048);
  -- Planned anew each time: a plan made while the table was empty reads all of it, once for each entry of a transaction.
  execute 'select seq, hash from audit_entries order by seq desc limit 1' into last;
  new.seq := coalesce(last.seq, 0) + 1;
  new.previous := coalesce(last.hash, decode(repeat('00', 32), 'hex'));
  new.at := clock_timestamp();
  new.database_role := session_user;
  new.actor_kind := case when stated is null then 'database_role' else split_part(stated, ':', 1) end;
  new.actor_name := left(case when stated is null then moose_acting_role() else substr(stated, strpos(stated, ':') + 1) end, 200);
  new.subject_id := left(new.subject_id, 200);
  new.details := coalesce(new.details, '{}');
  if stated is null and person is not null then
    new.details := new.details || jsonb_build_object('signed_in', person);
  end if;
  if octet_length(new.details::text) > 8000 then
    new.details := jsonb_build_object('left_out_bytes', octet_length(new.details::text), 'sha256', moose_sha256(new.details::text));
  end if;
  new.hash := moose_audit_hash(new);
  perform pg_notify('moose_audit', new.seq::text);
  return new;
end $$;
create or replace trigger audit_entries_chain before insert on audit_entries
  for each row execute function moose_chain_audit();

create or replace function moose_record_act(did text, kind text, id text, order_id uuid, what jsonb) returns void
language sql as $$
  insert into audit_entries (act, subject_kind, subject_id, work_order_id, details) values (did, kind, id, order_id, what)
$$;

-- A value as an entry may hold it: short and of a column that holds no secret, or its hash.
create or replace function moose_audit_value(value jsonb, may_show boolean) returns jsonb language sql stable as $$
  select case
    when value is null or value = 'null' then 'null'
    when value in ('{}', '[]') or (may_show and char_length(value::text) <= 300) then value
    else jsonb_build_object('sha256', moose_sha256(value::text))
  end
$$;

-- What an act on a row is called.
create or replace function moose_name_act(kind text, op text, changed text[], was jsonb, becomes jsonb) returns text
language sql immutable as $$
  select case
    when kind = 'setting' and 'budget_limits' in (was ->> 'key', becomes ->> 'key') then 'budget.caps'
    when kind = 'setting' and 'emergency_stop' in (was ->> 'key', becomes ->> 'key')
      then case when coalesce(becomes ->> 'value', 'false') = 'false' then 'spending.resume' else 'spending.stop' end
    when kind = 'token' and op = 'INSERT' then 'token.create'
    when kind = 'token' and (was ->> 'revoked_at' is null) and becomes ->> 'revoked_at' is not null then 'token.revoke'
    when kind = 'project' and (was ->> 'removed_at' is null) and becomes ->> 'removed_at' is not null then 'project.remove'
    when kind = 'project' and was ->> 'removed_at' is not null and becomes ->> 'removed_at' is null then 'project.restore'
    when op = 'UPDATE' and changed = array['budget_usd'] then kind || '.budget'
    when op = 'UPDATE' and changed = array['cost_profile'] then kind || '.price'
    else kind || case op when 'INSERT' then '.add' when 'DELETE' then '.delete' else '.edit' end
  end
$$;

-- Arguments: the kind of subject; the column that names it; columns whose values are shown; columns that are not looked at.
-- A later migration that adds a table of acts gives it such a trigger, deferred as those below.
create or replace function moose_audit_row() returns trigger language plpgsql security definer as $$
declare
  kind constant text := tg_argv[0];
  shown text[] := string_to_array(tg_argv[2], ',');
  subject text;
  was jsonb := '{}';
  becomes jsonb := '{}';
  changed text[];
  differences jsonb;
begin
  if tg_op <> 'INSERT' then was := to_jsonb(old) - string_to_array(tg_argv[3], ','); end if;
  if tg_op <> 'DELETE' then becomes := to_jsonb(new) - string_to_array(tg_argv[3], ','); end if;
  subject := coalesce(becomes ->> tg_argv[1], was ->> tg_argv[1]);
  -- What a setting that is not Moose's holds is not known.
  if kind = 'setting'
    and subject !~ '^(budget_limits|emergency_stop|orchestrator_[a-z_]+|keep_[a-z]+_days|routing_policy)$' then
    shown := array['key'];
  end if;
  select array_agg(key order by key),
    jsonb_strip_nulls(jsonb_build_object(
      'was', case when tg_op <> 'INSERT' then jsonb_object_agg(key, moose_audit_value(was -> key, key = any (shown))) end,
      'is', case when tg_op <> 'DELETE' then jsonb_object_agg(key, moose_audit_value(becomes -> key, key = any (shown))) end
    ))
  into changed, differences
  from jsonb_object_keys(was || becomes) as key
  where coalesce(was -> key, 'null') is distinct from coalesce(becomes -> key, 'null');
  if changed is null then return null; end if;
  perform moose_record_act(
    moose_name_act(kind, tg_op, changed, was, becomes), kind, subject, null,
    jsonb_build_object('columns', to_jsonb(changed)) || differences
  );
  return null;
end $$;

-- What an approval covers, as a hash.
create or replace function moose_content_hash(wo work_orders) returns text language sql stable as $$
  select moose_sha256(moose_order_content(wo)::text)
$$;

-- Of the changes of a status only those that are an act: claims, ends of attempts and releases of those that rest are
-- Moose's own, and what a pull request does to its order is told by the entry of the pull request. The rows that show it count
-- for the owner's role alone: another role could write one itself, and have its act taken for Moose's.
create or replace function moose_status_act(was work_orders, becomes work_orders) returns text language sql stable as $$
  select case
    when was.status = becomes.status then null
    when becomes.status = 'cancelled' then case
      when was.phase = 'in_review' and moose_is_own_role() and exists (
        select from pull_requests where work_order_id = becomes.id and state = 'closed' and number = was.github_pr_number
      ) then null
      when becomes.metadata -> 'approved_by_director' = 'false' and (
        was.metadata -> 'approved_by_director' is distinct from 'false'
        or was.metadata -> 'rejection_reason' is distinct from becomes.metadata -> 'rejection_reason'
      ) then 'order.reject'
      else 'order.cancel'
    end
    when becomes.status = 'completed' then
      case when not moose_is_own_role()
        or not exists (select from pull_requests where work_order_id = becomes.id and state = 'merged') then 'order.complete' end
    when becomes.status = 'pending' then case when not moose_is_own_role() or not becomes.metadata ? 'released_for' then 'order.retry' end
    when not moose_is_persons_act() then null
    when becomes.status = 'in_progress' then case when becomes.phase <> 'in_review' then 'order.start' end
    else 'order.' || becomes.status
  end
$$;

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
      jsonb_build_object('was', old.status, 'is', new.status, 'attempt', new.attempts));
  end if;
  return null;
end $$;

create or replace function moose_audit_pull_request() returns trigger language plpgsql security definer as $$
begin
  perform moose_record_act(
    'pull_request.' || case new.state when 'merged' then 'merge' when 'closed' then 'close' else 'reopen' end,
    'pull_request', coalesce(new.url, '#' || new.number), new.work_order_id,
    jsonb_build_object('project_id', new.project_id, 'number', new.number, 'attempt', new.attempt,
      'head_sha', new.head_sha, 'merge_sha', new.merge_sha));
  return null;
end $$;

-- What is booked by hand. Moose itself books every call, and says so (src/db/budget-entries/reservations.ts).
create or replace function moose_audit_settlement() returns trigger language plpgsql security definer as $$
begin
  if moose_stated_actor() like 'moose:%' then return null; end if;
  -- Who settles through the API what breaks the rules has it replaced; that is one act.
  if new.kind in ('void', 'disputed') and moose_stated_actor() is not null then return null; end if;
  -- A Moose from before this migration says nothing; it books what is not unresolved.
  if new.kind in ('settled', 'released') and not moose_is_persons_act() and not exists (
    select from budget_entries where reservation_id = new.reservation_id and kind = 'unresolved'
  ) then return null; end if;
  perform moose_record_act('budget.settle', 'reservation', new.reservation_id::text, new.work_order_id,
    jsonb_build_object('kind', new.kind, 'cost_usd', new.cost_usd, 'proposer', new.proposer));
  return null;
end $$;

create or replace function moose_audit_truncate() returns trigger language plpgsql security definer as $$
begin
  perform moose_record_act(tg_argv[0] || '.truncate', tg_argv[0], '*', null, '{}');
  return null;
end $$;

-- Who filed an order and who allowed a change, as the audit has it: a role that may not write the audit is not believed when it
-- states another.
create or replace function moose_name_author() returns trigger language plpgsql security definer as $$
declare
  author constant text := 'database_role:' || moose_acting_role();
begin
  if moose_is_own_role() then return new; end if;
  if tg_table_name = 'allowed_changes' then
    new.allowed_by := author;
  else
    new.filed_by := case tg_op when 'INSERT' then author else old.filed_by end;
  end if;
  return new;
end $$;

create or replace function moose_refuse_new_id() returns trigger language plpgsql as $$
begin
  raise exception 'the id of a row of % stays as it is', tg_table_name
    using errcode = 'check_violation', constraint = 'id_stays';
end $$;

-- Tables and functions are found where they are now, and not where the session of another role would look first.
do $$
declare
  name text;
begin
  foreach name in array array['moose_chain_audit', 'moose_audit_row', 'moose_audit_order', 'moose_audit_pull_request',
    'moose_audit_settlement', 'moose_audit_truncate', 'moose_name_author']
  loop
    execute format('alter function %I() set search_path = %I, pg_temp', name, current_schema());
  end loop;
end $$;

-- Entries name an order by its id: under another one it would lose them, its approval too.
create trigger work_orders_id_stays before update of id on work_orders
  for each row when (old.id is distinct from new.id) execute function moose_refuse_new_id();

create trigger work_orders_filed_by before insert or update of filed_by on work_orders
  for each row execute function moose_name_author();

-- Deferred: they run when the transaction commits, so that the lock of the chain is held as shortly as possible. A later
-- migration that writes to such a table and alters it says "set constraints all immediate" in between.
create constraint trigger work_orders_audit_insert after insert or delete on work_orders
  deferrable initially deferred for each row execute function moose_audit_order();
create constraint trigger work_orders_audit_update after update on work_orders
  deferrable initially deferred for each row when (
    (old.title, old.description, old.acceptance_criteria, old.files_in_scope, old.risk_level, old.project_id,
      old.budget_usd, old.status, old.metadata -> 'dependencies', old.metadata ->> 'approved_by_director' = 'true')
    is distinct from
    (new.title, new.description, new.acceptance_criteria, new.files_in_scope, new.risk_level, new.project_id,
      new.budget_usd, new.status, new.metadata -> 'dependencies', new.metadata ->> 'approved_by_director' = 'true')
  ) execute function moose_audit_order();
create constraint trigger pull_requests_audit after update on pull_requests
  deferrable initially deferred for each row when (old.state is distinct from new.state)
  execute function moose_audit_pull_request();
create constraint trigger budget_entries_audit after insert on budget_entries
  deferrable initially deferred for each row when (new.kind in ('settled', 'released', 'void', 'disputed'))
  execute function moose_audit_settlement();
create constraint trigger system_config_audit after insert or update or delete on system_config
  deferrable initially deferred for each row
  execute function moose_audit_row('setting', 'key', 'key,value', 'updated_at,description');
create constraint trigger proposer_configs_audit after insert or update or delete on proposer_configs
  deferrable initially deferred for each row execute function moose_audit_row('proposer', 'name',
    'name,provider,model,complexity_threshold,cost_profile,active,key_variable,context_tokens,output_limit_parameter', '');
create constraint trigger projects_audit after insert or update or delete on projects
  deferrable initially deferred for each row execute function moose_audit_row('project', 'name',
    'id,name,forge,default_branch,budget_usd,branch_pattern,author,committer,sign_off,signing_key,forge_host,removed_at',
    'created_at');
do $$ begin
  if to_regclass('api_tokens') is not null then
    create constraint trigger api_tokens_audit after insert or update or delete on api_tokens
      deferrable initially deferred for each row
      execute function moose_audit_row('token', 'name', 'id,name,scopes,expires_at,revoked_at', 'hash,last_used_at,created_at,created_by');
    -- The secret of a token exchanged for another, which the trigger above leaves out.
    create constraint trigger api_tokens_hash_audit after update on api_tokens
      deferrable initially deferred for each row when (old.hash is distinct from new.hash)
      execute function moose_audit_row('token', 'name', 'id,name', 'scopes,expires_at,revoked_at,last_used_at,created_at,created_by');
    create trigger api_tokens_audit_truncate after truncate on api_tokens
      for each statement execute function moose_audit_truncate('token');
  end if;
end $$;
create trigger work_orders_audit_truncate after truncate on work_orders
  for each statement execute function moose_audit_truncate('order');
create trigger system_config_audit_truncate after truncate on system_config
  for each statement execute function moose_audit_truncate('setting');
create trigger proposer_configs_audit_truncate after truncate on proposer_configs
  for each statement execute function moose_audit_truncate('proposer');
create trigger projects_audit_truncate after truncate on projects
  for each statement execute function moose_audit_truncate('project');

create or replace function moose_tables() returns setof regclass language sql stable as $$
  select to_regclass(name) from unnest(array[
    'projects', 'work_orders', 'attempts', 'attempt_steps', 'model_calls', 'work_order_events', 'pull_requests',
    'github_events', 'github_deliveries', 'outcome_vectors', 'system_config', 'proposer_configs', 'budget_entries',
    'provider_pauses', 'workers', 'base_checks', 'audit_entries', 'moose_migrations'
  ]) as name
  where to_regclass(name) is not null
$$;

-- As in 0007, but that the entries of the audit are only read.
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
    if target = to_regclass('audit_entries') then
      execute format('revoke all on %s from service_role', target);
      execute format('grant select on %s to service_role', target);
    else
      execute format('grant all on %s to service_role', target);
    end if;
    -- On Supabase it bypasses row security anyway.
    execute format('drop policy if exists moose_service on %s', target);
    execute format('create policy moose_service on %s to service_role using (true) with check (true)', target);
  end if;
end $$;

select moose_secure();

-- What the chain begins with: of two chains, no first entry is alike.
select set_config('moose.actor', 'moose:migration', true);
select moose_record_act('audit.begin', 'audit', gen_random_uuid()::text, null, jsonb_build_object(
  'orders', (select count(*) from work_orders),
  'approved', (select count(*) from work_orders where metadata ->> 'approved_by_director' = 'true')
));
