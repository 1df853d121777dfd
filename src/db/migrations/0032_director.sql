-- Orders that wait for others, how many pull requests of a project may be open, and what a Director's rules may decide alone.
set constraints all immediate;

-- The orders that one waits for: the ids in `metadata.dependencies`, which an approval covers. What is no id there, in a row from
-- before these rules, is passed over.
create or replace function moose_dependencies(metadata jsonb) returns uuid[] language sql immutable as $$
  select coalesce(array_agg(distinct entry::uuid), '{}')
  from jsonb_array_elements_text(
    case jsonb_typeof(metadata -> 'dependencies') when 'array' then metadata -> 'dependencies' else '[]' end
  ) as entry
  where entry ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
$$;

create index if not exists work_orders_dependencies on work_orders using gin ((metadata -> 'dependencies'))
  where metadata ? 'dependencies';

-- At the end of the transaction, so that orders filed together may name each other in any order.
create or replace function moose_guard_dependencies() returns trigger language plpgsql as $$
declare
  own record;
  other record;
begin
  select id, left(title, 200) as title, metadata into own from work_orders where id = new.id;
  if not found or not own.metadata ? 'dependencies' then return null; end if;
  if jsonb_typeof(own.metadata -> 'dependencies') <> 'array'
    or jsonb_array_length(own.metadata -> 'dependencies') > 50
    or cardinality(moose_dependencies(own.metadata)) <> jsonb_array_length(own.metadata -> 'dependencies')
  then
    raise exception 'dependencies of work order % are not a list of at most 50 different ids of work orders', own.id
      using errcode = 'check_violation', constraint = 'work_orders_dependencies';
  end if;
  -- Two transactions that make two orders wait for each other.
  perform pg_advisory_xact_lock(7301600043);
  select named into other from unnest(moose_dependencies(own.metadata)) as named
    where not exists (select from work_orders where id = named) limit 1;
  if found then
    raise exception 'work order % depends on %, which is not there', own.id, other.named
      using errcode = 'foreign_key_violation', constraint = 'work_orders_dependencies';
  end if;
  with recursive reached (id, by_way_of) as (
    select named, named from unnest(moose_dependencies(own.metadata)) as named
    union
    select named, reached.by_way_of from reached
    join work_orders on work_orders.id = reached.id, unnest(moose_dependencies(work_orders.metadata)) as named
    where reached.id <> own.id
  )
  select work_orders.id, left(work_orders.title, 200) as title into other
    from reached join work_orders on work_orders.id = reached.by_way_of where reached.id = own.id limit 1;
  if found then
    raise exception 'work order % "%" cannot depend on % "%", which waits for it', own.id, own.title, other.id, other.title
      using errcode = 'check_violation', constraint = 'work_orders_dependencies';
  end if;
  return null;
end $$;
create constraint trigger work_orders_guard_dependencies_insert after insert on work_orders
  deferrable initially deferred for each row when (new.metadata ? 'dependencies')
  execute function moose_guard_dependencies();
create constraint trigger work_orders_guard_dependencies_update after update on work_orders
  deferrable initially deferred for each row when (
    new.metadata ? 'dependencies'
    and new.metadata -> 'dependencies' is distinct from old.metadata -> 'dependencies'
  ) execute function moose_guard_dependencies();

-- What ends makes orders that wait for it ready, or blocks them, and makes room for another pull request.
create or replace trigger work_orders_notify_ended after update on work_orders
  for each row when (
    old.status is distinct from new.status and new.status in ('completed', 'failed', 'cancelled')
  ) execute function moose_notify_ready();

alter table projects
  -- Null: as many as there are.
  add column if not exists max_open_pull_requests integer
    constraint projects_max_open_pull_requests check (max_open_pull_requests between 1 and 10000),
  add column if not exists merge_policy text not null default 'manual'
    constraint projects_merge_policy check (merge_policy in ('manual', 'auto')),
  -- The highest risk of orders that the rules approve alone; null: none.
  add column if not exists auto_approve text
    constraint projects_auto_approve check (auto_approve in ('low', 'medium', 'high')),
  -- The highest risk of orders whose pull requests the policy `auto` merges.
  add column if not exists auto_merge text not null default 'low'
    constraint projects_auto_merge check (auto_merge in ('low', 'medium', 'high'));

alter table pull_requests
  -- The commit with which it was last seen on its forge, since when, and when last.
  add column if not exists followed_sha text,
  add column if not exists followed_since timestamptz,
  add column if not exists followed_at timestamptz,
  -- What became of having it merged by rule: a `MergeAsked`; null: it was not tried, or was taken back.
  add column if not exists merge_asked jsonb;

-- As in 0018, with what is decided without a human.
drop trigger if exists projects_audit on projects;
create constraint trigger projects_audit after insert or update or delete on projects
  deferrable initially deferred for each row execute function moose_audit_row('project', 'name',
    'id,name,forge,default_branch,budget_usd,branch_pattern,author,committer,sign_off,signing_key,forge_host,removed_at,'
    'max_open_pull_requests,merge_policy,auto_approve,auto_merge',
    'created_at');
