-- What a human has to decide about an order: one row for each occasion, from the moment on at which the order failed or is
-- blocked by what does not end by itself, or from which Moose does no more about its open pull request. Opened and closed by the
-- triggers below, in the transaction that moves the order or notes how the pull request stands.
-- (The first Moose has a table `escalations` with other columns.)
create table order_escalations (
  id uuid primary key default gen_random_uuid(),
  work_order_id uuid not null references work_orders (id) on delete cascade,
  -- The attempt after which it was opened; 0: before the first.
  attempt integer not null check (attempt >= 0),
  -- The code of the fault that stopped the order.
  cause text not null check (char_length(cause) <= 100),
  opened_at timestamptz not null default clock_timestamp(),
  -- Null: it is open.
  closed_at timestamptz,
  -- Whether the order went on by an option that a human chose here, or by other means.
  closed_as text check (closed_as in ('decided', 'went_on')),
  -- The answer: who chose what, when, and what the order had cost until then. Of an open one: it is being carried out.
  option text check (option in ('allow', 'adopt', 'retry', 'model', 'amend', 'verify', 'abort')),
  decided_by text check (char_length(decided_by) <= 300),
  decided_at timestamptz,
  spent_usd numeric,
  check ((closed_at is null) = (closed_as is null)),
  check ((option is null) = (decided_at is null) and (option is null) = (decided_by is null) and (option is null) = (spent_usd is null)),
  check (closed_as is distinct from 'decided' or option is not null)
);
create unique index order_escalations_open on order_escalations (work_order_id) where closed_at is null;
create index order_escalations_by_order on order_escalations (work_order_id, opened_at);
create index order_escalations_by_cause on order_escalations (cause) where closed_as = 'decided';

-- The proposer that a human wants the next attempts to be given to; null: the Manager chooses.
alter table work_orders add column if not exists wanted_proposer text check (char_length(wanted_proposer) <= 1000);

-- The answer that a reaction beyond the bounds is made by; null: it is within them. An answer is good for one reaction.
alter table follow_ups add column if not exists allowed_by uuid unique references order_escalations (id) on delete set null;

-- Whether what blocks an order by a code is ended elsewhere: by another condition, or by what becomes of the order it depends on.
create or replace function moose_is_ended_elsewhere(code text) returns boolean language sql immutable as $$
  select code in ('dependency_unmet', 'disk_full', 'emergency_stop', 'ledger_unsound', 'provider_paused')
$$;

-- The answers of a reaction that stand on the forge.
alter table follow_ups add column if not exists posted integer not null default 0 check (posted >= 0);

-- What a human has to decide about an order; null: nothing. What is ended elsewhere is none, and neither is a pull request whose branch somebody else has changed, once what it holds is verified.
create or replace function moose_escalation_cause(wo work_orders) returns text language sql stable as $$
  select left(case
    when wo.status in ('failed', 'blocked') then (
      select code from (select coalesce(wo.status_reason ->> 'code', 'unknown') as code) as stopped
      where not moose_is_ended_elsewhere(code))
    when wo.phase = 'in_review' then (
      select pull.follow_up ->> 'code' from pull_requests as pull
      where pull.work_order_id = wo.id and pull.state = 'open' and pull.number = coalesce(wo.github_pr_number, pull.number)
        and pull.hands_off is distinct from pull.head_sha
      order by pull.attempt desc limit 1)
  end, 100)
$$;

create or replace function moose_settle_escalation(wo work_orders) returns void language plpgsql as $$
declare
  now_cause constant text := moose_escalation_cause(wo);
begin
  update order_escalations
  set closed_at = clock_timestamp(), closed_as = case when option is null then 'went_on' else 'decided' end
  where work_order_id = wo.id and closed_at is null and not (cause is not distinct from now_cause and attempt = wo.attempts);
  if now_cause is null then return; end if;
  -- The same again of one attempt, without an answer between: it is the same occasion.
  update order_escalations set closed_at = null, closed_as = null
  where id = (
    select id from order_escalations where work_order_id = wo.id order by opened_at desc, id limit 1
  ) and closed_as = 'went_on' and cause = now_cause and attempt = wo.attempts;
  insert into order_escalations (work_order_id, attempt, cause)
  select wo.id, wo.attempts, now_cause
  where not exists (select from order_escalations where work_order_id = wo.id and closed_at is null);
end $$;

-- At the end of the transaction: an order whose attempt has failed may fall back on its pull request in the same one.
create or replace function moose_follow_escalation() returns trigger language plpgsql security definer as $$
begin
  perform moose_settle_escalation(work_orders) from work_orders where id = new.id;
  return null;
end $$;
create constraint trigger work_orders_escalate after insert or update of status, status_reason on work_orders
  deferrable initially deferred for each row execute function moose_follow_escalation();

create or replace function moose_follow_pull_request() returns trigger language plpgsql security definer as $$
begin
  perform moose_settle_escalation(work_orders) from work_orders where id = new.work_order_id;
  return null;
end $$;
create constraint trigger pull_requests_escalate after update of follow_up, hands_off on pull_requests
  deferrable initially deferred for each row when (
    old.hands_off is distinct from new.hands_off or old.follow_up ->> 'code' is distinct from new.follow_up ->> 'code'
  ) execute function moose_follow_pull_request();

-- Those that wait already.
insert into order_escalations (work_order_id, attempt, cause, opened_at)
select id, attempts, moose_escalation_cause(work_orders), coalesce(updated_at, clock_timestamp())
from work_orders where moose_escalation_cause(work_orders) is not null;

-- An answer is an act.
create or replace function moose_audit_decision() returns trigger language plpgsql security definer as $$
begin
  perform moose_record_act('escalation.decide', 'order', new.work_order_id::text, new.work_order_id,
    jsonb_build_object('option', new.option, 'cause', new.cause, 'attempt', new.attempt, 'spent_usd', new.spent_usd));
  return null;
end $$;
create constraint trigger order_escalations_audit after update on order_escalations
  deferrable initially deferred for each row when (old.closed_at is null and new.closed_as = 'decided')
  execute function moose_audit_decision();

-- Whether a merged change was reverted on its base, when that was looked for last, and where the base stood then; null: not yet.
alter table outcome_vectors
  add column if not exists reverted_at timestamptz,
  add column if not exists revert_looked_at timestamptz,
  add column if not exists revert_looked_sha text;

-- Those that a revert is looked for of.
create index outcome_vectors_merged on outcome_vectors (created_at)
  where operation_type = 'pull_request_end' and outcome = 'merged' and reverted_at is null;

-- Where events are sent. The secret signs what is sent and is never shown again; with the format `slack` the URL itself is one. The
-- format `github` keeps a comment on each pull request there.
create table notification_endpoints (
  id uuid primary key default gen_random_uuid(),
  name text not null unique check (name ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
  format text not null check (format in ('standard', 'slack', 'github')),
  url text check ((url is null) = (format = 'github') and char_length(url) <= 2000),
  -- Null: nothing is signed.
  secret text check ((secret is null) = (format <> 'standard') and char_length(secret) <= 200),
  -- Which kinds of events are sent; empty: all.
  kinds text[] not null default '{}' check (cardinality(kinds) <= 50),
  -- Of which projects; empty: all, and what is of none.
  projects uuid[] not null default '{}' check (cardinality(projects) <= 100),
  created_at timestamptz not null default clock_timestamp(),
  created_by text not null check (char_length(created_by) <= 300)
);
-- A pull request has one comment.
create unique index notification_endpoints_github on notification_endpoints (format) where format = 'github';

-- What is to be sent, written in the transaction of the event. One row for each event and endpoint, whichever process saw it. With
-- the format `github` one for each order: the last event.
create table notification_outbox (
  id uuid primary key default gen_random_uuid(),
  endpoint_id uuid not null references notification_endpoints (id) on delete cascade,
  kind text not null check (char_length(kind) <= 60),
  -- What the event is, so that it is sent once.
  event_key text not null check (char_length(event_key) <= 200),
  work_order_id uuid references work_orders (id) on delete cascade,
  data jsonb not null,
  created_at timestamptz not null default clock_timestamp(),
  -- Tries that were begun.
  tries integer not null default 0,
  -- When the next try may begin; while one is under way, when that counts as lost.
  next_try_at timestamptz not null default clock_timestamp(),
  delivered_at timestamptz,
  -- No further try is made.
  dead_at timestamptz,
  last_error text check (char_length(last_error) <= 2000),
  unique (endpoint_id, event_key)
);
create index notification_outbox_due on notification_outbox (endpoint_id, next_try_at) where delivered_at is null and dead_at is null;
create index notification_outbox_of_endpoint on notification_outbox (endpoint_id, created_at);
create index notification_outbox_of_order on notification_outbox (work_order_id);

-- No tables of moose_tables(), which service_role may read: they hold secrets.
do $$
declare
  who text;
  target text;
begin
  foreach target in array array['notification_endpoints', 'notification_outbox'] loop
    execute format('alter table %I enable row level security', target);
    execute format('revoke all on %I from public', target);
    for who in select rolname from pg_roles where rolname in ('anon', 'authenticated', 'service_role') loop
      execute format('revoke all on %I from %I', target, who);
    end loop;
  end loop;
end $$;

create constraint trigger notification_endpoints_audit after insert or update or delete on notification_endpoints
  deferrable initially deferred for each row execute function moose_audit_row('notification', 'name',
    'name,format,kinds,projects', 'created_at,created_by');

-- Puts an event into the outbox of every endpoint that wants its kind. Its project is that of its order: the one it names, or the
-- only one there is.
create or replace function moose_announce(what text, key text, order_id uuid, facts jsonb, of_project uuid default null)
returns void language sql as $$
  with wanted as (
    select id, format from notification_endpoints
    where (cardinality(kinds) = 0 or what = any (kinds)) and (
      cardinality(projects) = 0
      or coalesce(of_project, (select project_id from work_orders where work_orders.id = order_id), (
        select (array_agg(sole.id))[1] from projects as sole where repository is not null and order_id is not null having count(*) = 1
      )) = any (projects)
    )
  ), sent as (
    insert into notification_outbox (endpoint_id, kind, event_key, work_order_id, data)
    select id, what, left(what || ':' || key, 200), order_id, facts from wanted where format <> 'github'
    on conflict (endpoint_id, event_key) do nothing
  )
  insert into notification_outbox as entry (endpoint_id, kind, event_key, work_order_id, data)
  select wanted.id, what, 'comment:' || order_id, order_id, facts from wanted
  where format = 'github' and exists (
    select from pull_requests join projects on projects.id = pull_requests.project_id
    where work_order_id = order_id and projects.forge = 'github'
  )
  -- While a try is under way, and while one that failed rests, `next_try_at` stays: no two write the comment of one order.
  on conflict (endpoint_id, event_key) do update set kind = excluded.kind, data = excluded.data, created_at = excluded.created_at,
    tries = case when entry.delivered_at is null and entry.dead_at is null then entry.tries else 0 end,
    next_try_at = case when entry.delivered_at is null and entry.dead_at is null then entry.next_try_at else excluded.next_try_at end,
    delivered_at = null, dead_at = null
$$;

create or replace function moose_facts_of_order(wo work_orders) returns jsonb language sql stable as $$
  select jsonb_build_object(
    'work_order_id', wo.id, 'title', left(wo.title, 300), 'status', wo.status, 'phase', wo.phase, 'attempt', wo.attempts,
    'code', left(wo.status_reason ->> 'code', 100), 'pull_request_url', left(wo.github_pr_url, 2000))
$$;

-- At the end of the transaction: an order whose attempt has failed may fall back on its pull request in the same one. An order in
-- review is announced by its pull request, which is recorded after the move. Once for each move; of what blocks an attempt and is ended
-- elsewhere, which may come and go, once.
create or replace function moose_announce_order() returns trigger language plpgsql security definer as $$
begin
  perform moose_announce('order.' || status, id || ':' || attempts || ':' || case
      when status = 'blocked' and moose_is_ended_elsewhere(status_reason ->> 'code') then status_reason ->> 'code'
      else extract(epoch from transaction_timestamp())::text
    end, id, moose_facts_of_order(work_orders))
  from work_orders where id = new.id and status = new.status;
  return null;
end $$;
create constraint trigger work_orders_announce after update of status on work_orders
  deferrable initially deferred for each row when (
    old.status is distinct from new.status and new.status in ('completed', 'failed', 'blocked', 'cancelled')
  )
  execute function moose_announce_order();

create or replace function moose_announce_pull_request() returns trigger language plpgsql security definer as $$
begin
  perform moose_announce('pull_request.opened', new.work_order_id || ':' || new.attempt, new.work_order_id,
    moose_facts_of_order(work_orders) || jsonb_build_object('attempt', new.attempt, 'pull_request_url', left(new.url, 2000)))
  from work_orders where id = new.work_order_id;
  return null;
end $$;
create or replace trigger pull_requests_announce after insert on pull_requests
  for each row when (new.state = 'open') execute function moose_announce_pull_request();

-- Each time that it is opened or closed: one may be opened again.
create or replace function moose_announce_escalation() returns trigger language plpgsql security definer as $$
begin
  perform moose_announce('escalation.' || case when new.closed_at is null then 'opened' else 'closed' end,
    new.id || ':' || extract(epoch from transaction_timestamp()),
    new.work_order_id, moose_facts_of_order(work_orders) || jsonb_build_object(
      'escalation_id', new.id, 'cause', new.cause, 'option', new.option, 'closed_as', new.closed_as))
  from work_orders where id = new.work_order_id;
  return null;
end $$;
create or replace trigger order_escalations_announce after insert on order_escalations
  for each row execute function moose_announce_escalation();
create or replace trigger order_escalations_announce_end after update of closed_at on order_escalations
  for each row when ((old.closed_at is null) <> (new.closed_at is null)) execute function moose_announce_escalation();

-- An order waits for an approval: at the end of the transaction, which may have given it. Once for what the order says.
create or replace function moose_announce_approval() returns trigger language plpgsql security definer as $$
begin
  perform moose_announce('approval.waiting', id || ':' || md5(moose_order_content(work_orders)::text), id,
    moose_facts_of_order(work_orders))
  from work_orders
  where id = new.id and status = 'pending' and metadata ->> 'approved_by_director' is distinct from 'true';
  return null;
end $$;
create constraint trigger work_orders_announce_new after insert on work_orders
  deferrable initially deferred for each row
  when (new.status = 'pending' and new.metadata ->> 'approved_by_director' is distinct from 'true')
  execute function moose_announce_approval();
create constraint trigger work_orders_announce_unapproved after update on work_orders
  deferrable initially deferred for each row
  when (
    new.status = 'pending' and new.metadata ->> 'approved_by_director' is distinct from 'true'
    and (old.status <> 'pending' or old.metadata ->> 'approved_by_director' = 'true')
  ) execute function moose_announce_approval();

-- What Moose does about an open pull request. A rerun of checks is left out.
create or replace function moose_announce_follow_up() returns trigger language plpgsql security definer as $$
declare
  what constant text := case
    when tg_op = 'INSERT' then 'follow_up.started'
    when new.answered and not old.answered and new.posted > 0 then 'follow_up.answered'
    when new.outcome is not distinct from old.outcome or new.outcome is null then null
    when new.outcome <> 'succeeded' then 'follow_up.failed'
    when new.kind <> 'review' then 'follow_up.repaired'
  end;
begin
  if what is null then return null; end if;
  perform moose_announce(what, new.id::text, new.work_order_id, moose_facts_of_order(work_orders) || jsonb_build_object(
    'follow_up', new.kind, 'because', left(new.because, 500), 'outcome', new.outcome))
  from work_orders where id = new.work_order_id;
  return null;
end $$;
create trigger follow_ups_announce after insert or update of outcome, answered on follow_ups
  for each row when (new.kind <> 'rerun') execute function moose_announce_follow_up();

create or replace function moose_announce_revert() returns trigger language plpgsql security definer as $$
begin
  perform moose_announce('pull_request.reverted', new.work_order_id || ':' || new.attempt, new.work_order_id,
    moose_facts_of_order(work_orders))
  from work_orders where id = new.work_order_id;
  return null;
end $$;
create trigger outcome_vectors_announce_revert after update of reverted_at on outcome_vectors
  for each row when (old.reverted_at is null and new.reverted_at is not null) execute function moose_announce_revert();

-- Once for each pause, and again where what was an outage turns out to be the account, which a person has to mend.
create or replace function moose_announce_pause() returns trigger language plpgsql security definer as $$
begin
  perform moose_announce('provider.paused',
    left(new.provider, 100) || ':' || new.kind || ':' || extract(epoch from new.since), null,
    jsonb_build_object('provider', left(new.provider, 300), 'code', new.kind, 'reason', left(new.reason, 500), 'since', new.since));
  return null;
end $$;
create trigger provider_pauses_announce after insert on provider_pauses
  for each row execute function moose_announce_pause();
create trigger provider_pauses_announce_kind after update of kind on provider_pauses
  for each row when (old.kind is distinct from new.kind) execute function moose_announce_pause();

do $$
declare
  name text;
begin
  foreach name in array array['moose_announce_approval', 'moose_announce_follow_up', 'moose_announce_revert', 'moose_announce_pause']
  loop
    execute format('alter function %I() set search_path = %I, pg_temp', name, current_schema());
  end loop;
end $$;

-- A new entry wakes who sends.
create or replace function moose_notify_outbox() returns trigger language plpgsql as $$
begin
  perform pg_notify('moose_outbox', '');
  return null;
end $$;
create or replace trigger notification_outbox_notify after insert or update of created_at on notification_outbox
  for each row execute function moose_notify_outbox();

do $$
declare
  name text;
begin
  foreach name in array array['moose_follow_escalation', 'moose_follow_pull_request', 'moose_audit_decision', 'moose_announce_order',
    'moose_announce_pull_request', 'moose_announce_escalation']
  loop
    execute format('alter function %I() set search_path = %I, pg_temp', name, current_schema());
  end loop;
end $$;

create or replace function moose_tables() returns setof regclass language sql stable as $$
  select to_regclass(name) from unnest(array[
    'projects', 'work_orders', 'attempts', 'attempt_steps', 'model_calls', 'work_order_events', 'pull_requests',
    'github_events', 'github_deliveries', 'outcome_vectors', 'system_config', 'proposer_configs', 'budget_entries',
    'provider_pauses', 'workers', 'base_checks', 'audit_entries', 'allowed_changes', 'failure_rows', 'follow_ups',
    'order_escalations', 'moose_migrations'
  ]) as name
  where to_regclass(name) is not null
$$;
select moose_secure();
