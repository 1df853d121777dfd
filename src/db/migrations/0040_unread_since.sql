-- Since when a look has seen something else than what the facts of a pull request were read of; null: they are of the last look.
alter table pull_requests add column if not exists unread_since timestamptz;

-- As before, and of a review too: an escalation follows, or the thread is answered.
create or replace function moose_is_told_otherwise(what text, order_id uuid, facts jsonb) returns boolean language sql stable as $$
  select what = 'follow_up.failed'
  or what = 'follow_up.started' and facts ->> 'follow_up' = 'base'
  or what in ('order.failed', 'order.blocked') and exists (
    select from work_orders where work_orders.id = order_id and moose_escalation_cause(work_orders) is not null)
$$;
