-- What the last look saw of an open pull request that the rules of merging go by: whether its forge merges it by itself once it may
-- (null: it has no such thing, or it was not looked at), and how many threads of people with write access were not resolved.
alter table pull_requests
  add column if not exists seen_auto_merge boolean,
  add column if not exists seen_open_threads integer not null default 0 check (seen_open_threads >= 0);

-- The last pull requests that were merged into a base, and the latest orders of a project.
create index if not exists pull_requests_merged on pull_requests (project_id, base, ended_at) where state = 'merged';
create index if not exists work_orders_latest on work_orders (project_id, created_at);
