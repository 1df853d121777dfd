-- The comment on a pull request is brought up to date when the order comes to its review: also where no event is, as after a
-- verification, and where the pull request was known before the order stood there.
create or replace function moose_refresh_comment() returns trigger language plpgsql security definer as $$
begin
  update notification_outbox as entry set created_at = clock_timestamp(),
    tries = case when entry.delivered_at is null and entry.dead_at is null then entry.tries else 0 end,
    next_try_at = case when entry.delivered_at is null and entry.dead_at is null then entry.next_try_at else clock_timestamp() end,
    delivered_at = null, dead_at = null
  where event_key = 'comment:' || new.id and work_order_id = new.id;
  return null;
end $$;
create constraint trigger work_orders_refresh_comment after update of phase on work_orders
  deferrable initially deferred for each row when (new.phase = 'in_review' and old.phase is distinct from 'in_review')
  execute function moose_refresh_comment();

-- Whether another event tells people the same: a reaction that failed is followed by another one or by an escalation, but to a
-- review by neither, and an order that stops and has to be decided about is one.
create or replace function moose_is_told_otherwise(what text, order_id uuid, facts jsonb) returns boolean language sql stable as $$
  select what = 'follow_up.failed' and facts ->> 'follow_up' is distinct from 'review' or what in ('order.failed', 'order.blocked') and exists (
    select from work_orders where work_orders.id = order_id and moose_escalation_cause(work_orders) is not null)
$$;

-- As before, and people are told one thing once: with the format `slack` and all kinds, what another event tells is left out.
create or replace function moose_announce(what text, key text, order_id uuid, facts jsonb, of_project uuid default null)
returns void language sql as $$
  with wanted as (
    select id, format from notification_endpoints
    where (cardinality(kinds) = 0 or what = any (kinds)) and (
      cardinality(projects) = 0
      or coalesce(of_project, (select project_id from work_orders where work_orders.id = order_id), (
        select (array_agg(sole.id))[1] from projects as sole where repository is not null and order_id is not null having count(*) = 1
      )) = any (projects)
    ) and not (format = 'slack' and cardinality(kinds) = 0 and moose_is_told_otherwise(what, order_id, facts))
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

-- With its number and its branch: on the forge `local` it has no address.
create or replace function moose_announce_pull_request() returns trigger language plpgsql security definer as $$
begin
  perform moose_announce('pull_request.opened', new.work_order_id || ':' || new.attempt, new.work_order_id,
    moose_facts_of_order(work_orders) || jsonb_build_object('attempt', new.attempt, 'pull_request_url', left(new.url, 2000),
      'pull_request_number', new.number, 'branch', left(new.branch, 300)))
  from work_orders where id = new.work_order_id;
  return null;
end $$;

do $$
declare
  name text;
begin
  foreach name in array array['moose_refresh_comment', 'moose_announce_pull_request'] loop
    execute format('alter function %I() set search_path = %I, pg_temp', name, current_schema());
  end loop;
end $$;

-- What a rule or a decision ends within moments waits for so long before it is sent: an order that waits for an approval may be
-- approved by rule, and one that is cancelled may be made anew.
create or replace function moose_hold_announcement() returns trigger language plpgsql as $$
begin
  new.next_try_at = new.next_try_at + interval '10 seconds';
  return new;
end $$;
create or replace trigger notification_outbox_hold before insert on notification_outbox for each row
  when (new.kind in ('approval.waiting', 'order.cancelled') and new.event_key like new.kind || ':%')
  execute function moose_hold_announcement();

-- What has ended before it was sent is not sent.
create or replace function moose_withdraw_announcement() returns trigger language plpgsql security definer as $$
begin
  delete from notification_outbox
  where work_order_id = new.id and delivered_at is null and dead_at is null and event_key like kind || ':%' and (
    kind = 'order.cancelled' and new.status <> 'cancelled' or kind = 'approval.waiting'
      and (new.status <> 'pending' or new.metadata ->> 'approved_by_director' = 'true'));
  return null;
end $$;
create or replace trigger work_orders_withdraw_announcement after update on work_orders for each row when (
  old.status is distinct from new.status
  or (old.metadata ->> 'approved_by_director') is distinct from (new.metadata ->> 'approved_by_director')
) execute function moose_withdraw_announcement();
do $$
begin
  execute format('alter function moose_withdraw_announcement() set search_path = %I, pg_temp', current_schema());
end $$;

-- As before; on the forge `local` a pull request has no address.
create or replace function moose_facts_of_order(wo work_orders) returns jsonb language sql stable as $$
  select jsonb_build_object(
    'work_order_id', wo.id, 'title', left(wo.title, 300), 'status', wo.status, 'phase', wo.phase, 'attempt', wo.attempts,
    'code', left(wo.status_reason ->> 'code', 100),
    'pull_request_url', case when not starts_with(wo.github_pr_url, 'local:') then left(wo.github_pr_url, 2000) end)
$$;
