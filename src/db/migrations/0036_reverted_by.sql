-- The commit that reverted a merged change on its base; null: none was seen, or it was seen before this was kept.
alter table outcome_vectors add column if not exists reverted_by text;

-- As before, with that commit.
create or replace function moose_announce_revert() returns trigger language plpgsql security definer as $$
begin
  perform moose_announce('pull_request.reverted', new.work_order_id || ':' || new.attempt, new.work_order_id,
    moose_facts_of_order(work_orders) || jsonb_build_object('reverted_by', left(new.reverted_by, 100)))
  from work_orders where id = new.work_order_id;
  return null;
end $$;

-- As before, and that the base is merged into a pull request is told when it is done.
create or replace function moose_is_told_otherwise(what text, order_id uuid, facts jsonb) returns boolean language sql stable as $$
  select what = 'follow_up.failed' and facts ->> 'follow_up' is distinct from 'review'
  or what = 'follow_up.started' and facts ->> 'follow_up' = 'base'
  or what in ('order.failed', 'order.blocked') and exists (
    select from work_orders where work_orders.id = order_id and moose_escalation_cause(work_orders) is not null)
$$;

-- Whether rules may merge a pull request before people are told to review it; where that was chosen they are told at once.
create or replace function moose_may_merge_first(to_endpoint uuid, of_order uuid) returns boolean language sql stable as $$
  select exists (select from notification_endpoints where id = to_endpoint and format = 'slack' and cardinality(kinds) = 0)
    and exists (
      select from pull_requests join projects on projects.id = pull_requests.project_id
      where pull_requests.work_order_id = of_order and projects.merge_policy = 'auto')
$$;

-- People are told of a pull request to review where it is still there after a moment.
create or replace function moose_hold_pull_request() returns trigger language plpgsql as $$
begin
  if moose_may_merge_first(new.endpoint_id, new.work_order_id) then
  new.next_try_at = new.next_try_at + interval '10 seconds';
  end if;
  return new;
end $$;
create or replace trigger notification_outbox_hold_pull_request before insert on notification_outbox for each row
  when (new.kind = 'pull_request.opened' and new.event_key like 'pull_request.opened:%') execute function moose_hold_pull_request();

-- As before, and people are not told to review what rules have merged by then. A try that failed stays: doctor tells of it.
create or replace function moose_withdraw_announcement() returns trigger language plpgsql security definer as $$
begin
  delete from notification_outbox
  where work_order_id = new.id and delivered_at is null and dead_at is null and event_key like kind || ':%' and (
    kind = 'order.cancelled' and new.status <> 'cancelled'
    or kind = 'approval.waiting' and (new.status <> 'pending' or new.metadata ->> 'approved_by_director' = 'true')
    or kind = 'pull_request.opened' and new.status = 'completed' and tries = 0
      and moose_may_merge_first(endpoint_id, work_order_id));
  return null;
end $$;

-- When the last try failed; null: none has, or one of before this was kept.
alter table notification_outbox add column if not exists failed_at timestamptz;

-- Of a merged order no rerun of checks is settled any more.
update follow_ups set outcome = 'unfinished'
where kind = 'rerun' and (outcome is null or outcome in ('asked', 'running'))
  and exists (select from work_orders where work_orders.id = follow_ups.work_order_id and status = 'completed');

do $$
declare
  name text;
begin
  foreach name in array array['moose_announce_revert', 'moose_withdraw_announcement'] loop
    execute format('alter function %I() set search_path = %I, pg_temp', name, current_schema());
  end loop;
end $$;
