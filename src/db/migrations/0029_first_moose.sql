-- What the first Moose's programs name and a database of its own lacks; Moose keeps it and reads none of it.
alter table projects
  add column if not exists description text,
  add column if not exists git_initialized boolean,
  add column if not exists supabase_project_url text,
  add column if not exists supabase_anon_key text,
  add column if not exists vercel_team_id text,
  add column if not exists updated_at timestamptz default now();
alter table work_orders
  add column if not exists decomposition_doc text,
  add column if not exists architect_version text;
alter table proposer_configs
  add column if not exists id uuid not null default gen_random_uuid(),
  add column if not exists created_at timestamptz default now(),
  add column if not exists updated_at timestamptz default now();
alter table system_config
  add column if not exists created_at timestamptz default now();

-- The name of the proposer an order was given to last. In a database of the first Moose `proposer_id` is the id of a row of
-- proposer_configs, elsewhere it is a name; whichever of the two is written, the other says the same.
alter table work_orders add column if not exists proposer_name text;
create or replace function moose_same_proposer() returns trigger language plpgsql as $$
declare
  was work_orders;
  is_id constant boolean := pg_typeof(new.proposer_id) = 'uuid'::regtype;
begin
  if tg_op = 'UPDATE' then was := old; end if;
  if new.proposer_name is distinct from was.proposer_name then
    if is_id then
      new.proposer_id := (select id from proposer_configs where name = new.proposer_name);
    else
      new.proposer_id := new.proposer_name;
    end if;
  elsif new.proposer_id is distinct from was.proposer_id then
    if is_id then
      new.proposer_name := (select name from proposer_configs where id::text = new.proposer_id::text);
    else
      new.proposer_name := new.proposer_id;
    end if;
  end if;
  return new;
end $$;
create or replace trigger work_orders_proposer before insert or update on work_orders
  for each row execute function moose_same_proposer();

-- The first Moose's Director and Architect approve by the status `approved`. It is written as what Moose calls that; rows
-- that have it already stay as they are until somebody moves them.
create or replace function moose_take_approved() returns trigger language plpgsql as $$
begin
  new.status := 'pending';
  new.metadata := case jsonb_typeof(new.metadata) when 'object' then new.metadata else '{}' end
    || '{"approved_by_director": true}';
  return new;
end $$;
create or replace trigger work_orders_approved_filed before insert on work_orders
  for each row when (new.status = 'approved') execute function moose_take_approved();
-- Triggers run in the order of their names: before those that look at the status and the approval.
create or replace trigger work_orders_approved_moved before update on work_orders
  for each row when (new.status = 'approved' and old.status <> 'approved') execute function moose_take_approved();
