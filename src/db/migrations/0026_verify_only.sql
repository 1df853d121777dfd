-- Attempts that make no change: they run the checks on a commit that is there, and publish it.

-- The attempt whose commit it verifies; null: it makes a change of its own.
alter table attempts add column if not exists verifies integer;
-- The attempt whose commit the next attempt is to verify, or the one that runs does; null: the next one makes a change.
alter table work_orders add column if not exists verifies integer;
-- The attempt whose checks its `head_sha` has passed, where that is a later one than its own; null: its own.
alter table pull_requests add column if not exists verified_by integer;

-- Legal changes of status; the same list as TRANSITIONS in src/work-order/status.ts.
create or replace function moose_status_may_move(was text, becomes text) returns boolean
language sql immutable as $$
  select (was, becomes) in (
    ('pending', 'in_progress'), ('pending', 'cancelled'), ('pending', 'blocked'), ('pending', 'failed'),
    ('pending', 'completed'),
    ('in_progress', 'completed'), ('in_progress', 'failed'), ('in_progress', 'cancelled'), ('in_progress', 'blocked'),
    ('in_progress', 'pending'),
    ('blocked', 'pending'), ('blocked', 'cancelled'), ('blocked', 'in_progress'), ('blocked', 'completed'),
    ('failed', 'pending'), ('failed', 'cancelled'), ('failed', 'in_progress'), ('failed', 'completed'),
    ('cancelled', 'pending'), ('cancelled', 'in_progress'), ('cancelled', 'completed')
  )
$$;

-- From review an order is made pending only to have its pull request verified: nothing else may run beside that.
create or replace function moose_guard_verify() returns trigger language plpgsql as $$
begin
  if old.phase is distinct from 'in_review' or new.verifies is null then
    raise exception 'a work order cannot go from % to %', old.status, new.status
      using errcode = 'check_violation', constraint = 'work_orders_transition',
        detail = 'Only to verify its pull request is an order in review made pending.';
  end if;
  return new;
end $$;

-- Triggers run in the order of their names: before work_orders_guard_status, which takes the phase away.
create or replace trigger work_orders_a_guard_verify before update on work_orders
  for each row when (old.status = 'in_progress' and new.status = 'pending') execute function moose_guard_verify();

-- As in 0018, with `order.verify`.
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
    when becomes.status = 'pending' then case
      when moose_is_own_role() and becomes.metadata ? 'released_for' then null
      when becomes.verifies is not null and moose_is_own_role() then 'order.verify'
      else 'order.retry'
    end
    when not moose_is_persons_act() then null
    when becomes.status = 'in_progress' then case when becomes.phase <> 'in_review' then 'order.start' end
    else 'order.' || becomes.status
  end
$$;
