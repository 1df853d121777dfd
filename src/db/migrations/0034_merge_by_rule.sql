-- What the last look saw of an open pull request that the rules of merging go by: whether its forge merges it by itself once it may
-- (null: it has no such thing, or it was not looked at), and how many threads of people with write access were not resolved.
alter table pull_requests
  add column if not exists seen_auto_merge boolean,
  add column if not exists seen_open_threads integer not null default 0 check (seen_open_threads >= 0);

-- The last pull requests that were merged into a base, and the latest orders of a project.
create index if not exists pull_requests_merged on pull_requests (project_id, base, ended_at) where state = 'merged';
create index if not exists work_orders_latest on work_orders (project_id, created_at);

-- Its forge merged by itself another commit than the one that was verified, with another tree. Nothing is learnt from that.
create or replace function moose_announce_unverified() returns trigger language plpgsql security definer as $$
begin
  perform moose_announce('pull_request.merged_unverified', new.work_order_id || ':' || new.attempt, new.work_order_id,
    moose_facts_of_order(work_orders) || jsonb_build_object('attempt', new.attempt, 'code', 'merged_unverified'))
  from work_orders where id = new.work_order_id;
  return null;
end $$;
create constraint trigger outcome_vectors_announce_unverified after insert or update of outcome on outcome_vectors
  deferrable initially deferred for each row when (new.outcome = 'merged_unverified') execute function moose_announce_unverified();
do $$
begin
  execute format('alter function moose_announce_unverified() set search_path = %I, pg_temp', current_schema());
end $$;
