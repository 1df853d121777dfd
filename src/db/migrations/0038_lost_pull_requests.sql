-- How many looks in a row have not found an open pull request on its forge, or found it merged into what does not hold its change.
alter table pull_requests add column if not exists lost_looks integer not null default 0 check (lost_looks >= 0);

-- What its forge calls the one comment of Moose on it; null: none was written, or it is not known which one.
alter table pull_requests add column if not exists comment_id text check (char_length(comment_id) <= 500);

-- Until when the process that carries an answer out holds it, unless it says so again; null: none does.
alter table order_escalations add column if not exists held_until timestamptz;

-- As before; one that is lost has to be decided about whoever has pushed to it.
create or replace function moose_escalation_cause(wo work_orders) returns text language sql stable as $$
  select left(case
    when wo.status in ('failed', 'blocked') then (
      select code from (select coalesce(wo.status_reason ->> 'code', 'unknown') as code) as stopped
      where not moose_is_ended_elsewhere(code))
    when wo.phase = 'in_review' then (
      select pull.follow_up ->> 'code' from pull_requests as pull
      where pull.work_order_id = wo.id and pull.state = 'open' and pull.number = coalesce(wo.github_pr_number, pull.number)
        and (pull.hands_off is distinct from pull.head_sha or pull.follow_up ->> 'code' = 'pull_request_lost')
      order by pull.attempt desc limit 1)
  end, 100)
$$;
