-- A pull request may be reopened after it was closed, and merged then; its order follows it.

-- Legal changes of status; the same list as TRANSITIONS in src/work-order/status.ts.
create or replace function moose_status_may_move(was text, becomes text) returns boolean
language sql immutable as $$
  select (was, becomes) in (
    ('pending', 'in_progress'), ('pending', 'cancelled'), ('pending', 'blocked'), ('pending', 'failed'),
    ('pending', 'completed'),
    ('in_progress', 'completed'), ('in_progress', 'failed'), ('in_progress', 'cancelled'), ('in_progress', 'blocked'),
    ('blocked', 'pending'), ('blocked', 'cancelled'), ('blocked', 'in_progress'), ('blocked', 'completed'),
    ('failed', 'pending'), ('failed', 'cancelled'), ('failed', 'in_progress'), ('failed', 'completed'),
    ('cancelled', 'pending'), ('cancelled', 'in_progress'), ('cancelled', 'completed')
  )
$$;

-- Those of them that only a pull request of the order makes, whoever writes; the same list as BY_PULL_REQUEST there.
create or replace function moose_guard_pull_request() returns trigger language plpgsql as $$
begin
  if (old.status, new.status) in (
    ('pending', 'completed'), ('blocked', 'in_progress'), ('blocked', 'completed'), ('failed', 'in_progress'),
    ('failed', 'completed'), ('cancelled', 'in_progress'), ('cancelled', 'completed')
  ) and not exists (
    select from pull_requests where work_order_id = new.id and (
      (state = 'merged' and new.status = 'completed') or (state = 'open' and new.phase = 'in_review')
    )
  ) then
    raise exception 'a work order cannot go from % to %', old.status, new.status
      using errcode = 'check_violation', constraint = 'work_orders_transition',
        detail = 'Only an open pull request of the order puts it in review again, only a merged one completes it.';
  end if;
  return new;
end $$;

create or replace trigger work_orders_guard_pull_request before update on work_orders
  for each row when (old.status is distinct from new.status) execute function moose_guard_pull_request();

-- A running attempt stops too when the pull request of an earlier one completes its order.
create or replace trigger work_orders_notify_cancelled after update on work_orders
  for each row when (
    old.status = 'in_progress'
    and (new.status = 'cancelled' or (new.status = 'completed' and old.phase <> 'in_review'))
  ) execute function moose_notify_cancelled();

-- One that is closed, reopened and closed again was closed twice: 1, then 2.
alter table github_events add column if not exists occurrence integer not null default 1;
drop index if exists github_events_once;
create unique index github_events_once on github_events (work_order_id, event_type, action, pr_number, occurrence)
  where action is not null;

-- Those that are still followed.
create index if not exists pull_requests_closed on pull_requests (ended_at) where state = 'closed';
